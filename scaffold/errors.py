"""The whole error tree: one branch per stage, a leaf where a caller would act differently.

    ScaffoldError
    ├── UsageError                what was typed cannot be done
    │   ├── MissingExtraError     an extra of this package is not installed
    │   ├── NeverTrustedError     --trust names what can never be trusted
    │   ├── InvalidAnswerError    an answer holds a value that it cannot hold
    │   └── TargetNotEmptyError
    ├── ReadError
    │   ├── ModelNotFetchedError  a model that another tool keeps cannot be had
    │   ├── NoSuchFileError
    │   ├── NotAModelError
    │   ├── TruncatedFileError
    │   ├── UntrustedCodeError    a pickle names what is on no allow list
    │   │   └── CarriedCodeError  a pickle carries code, and nothing confines what loads it
    │   ├── UnseenNameError       a pickle looks up, while it loads, what it did not show when it was read
    │   ├── FileChangedError      a file is another than the one that was read
    │   ├── MissingLibraryError   no installed distribution provides what a pickle names
    │   ├── ForeignCodeError      a pickle carries functions that another Python compiled
    │   ├── VersionMismatchError  the installed library has not, or not so, what a pickle names
    │   ├── LoadFailedError       the file names nothing bad and does not load
    │   ├── NotASampleError       a file holds no sample
    │   └── UnpicklableModelError an object in memory cannot be written to a file
    ├── WorkerError               the process that loads the model broke off
    │   ├── WorkerDiedError       a signal ended it
    │   ├── WorkerLimitError      it exceeded a limit of time or memory
    │   ├── ConfinementError      the model wants what the process may not do
    │   └── MissingVariableError  the model reads an environment variable that the service would not have
    ├── EnvironmentSpecError      what `--environment` names cannot be used
    │   ├── NotAnEnvironmentError     a path that is no environment, interpreter or requirement file
    │   ├── RequirementFileError      a requirement file, or a requirement, that cannot be read
    │   ├── PythonNotFoundError       a Python that is not installed and that uv cannot install
    │   ├── PythonTooOldError         a Python older than this package supports
    │   ├── UnresolvableError         uv finds no versions that go together, or cannot install them
    │   └── BrokenEnvironmentError    an environment whose Python, libraries or pydantic do not work
    ├── IntrospectionError
    │   ├── UnsupportedSampleError
    │   ├── UnknownFieldError     an option names a field that the sample does not have
    │   ├── CallError             the model does not take the sample, or does not give the output
    │   ├── AmbiguousCallError    several methods give the output
    │   └── UnstableModelError    the same input gets different answers
    ├── ResolutionError
    │   ├── SourceNotFoundError   what a pickle looks for in `__main__` is defined nowhere
    │   ├── SourceChangedError    a script is not what it was when the pickle was made
    │   ├── TwoModulesError       two local modules have one name
    │   ├── MissingModuleError    no installed distribution provides a module
    │   ├── BrokenInstallError    an installed distribution cannot be had again
    │   ├── TraceFailedError      the process that traces the model died
    │   └── LockFailedError
    │       ├── NoSuchVersionError
    │       └── ConflictError
    ├── RenderError
    ├── VerificationError
    │   ├── EnvironmentFailedError
    │   ├── ServiceFailedError
    │   ├── SampleRefusedError
    │   ├── AnswersDifferError
    │   ├── RowsDependError       an answer depends on the rows that are asked with it
    │   └── AnswerChangedError    the service gives another answer than it gave before
    ├── ProjectError              a file of a project is not what this package writes there
    │   ├── UnsafePathError       a path leads out of the project
    │   └── UnsafeLockError       a line of the lock is more than a pin
    ├── UpgradeError
    │   ├── ForeignChangeError    a half finished change that was not begun here
    │   ├── NoRecordError         a folder without the record that an update starts from
    │   ├── DirtyTreeError        changes that are not committed
    │   ├── MergeConflictError    files that both sides changed
    │   ├── BreakingChangeError   callers of the service would have to change
    │   └── UndoError             there is nothing to take back, or it was changed since
    ├── ImageError
    │   ├── DockerfileError       the layers builder cannot do what a line of it says
    │   ├── EngineNotRunningError
    │   ├── BuildStepError        a step of the Dockerfile failed
    │   ├── PackagesError         what the lock names cannot be had for the image's platform
    │   ├── RegistryLoginError
    │   ├── RepositoryNotFoundError
    │   ├── UploadError           the connection broke, again and again
    │   ├── DiskFullError         here, or at the registry
    │   ├── RegistryError         the registry answered something else
    │   └── ImageCheckError       the image runs, but not as it should
    ├── DeployError
    │   ├── ClusterUnreachableError
    │   ├── ManifestError         the files under deploy/ cannot be used
    │   ├── ApplyConflictError    someone else set a field that a manifest sets
    │   ├── ClusterRefusedError   the API, a quota or an admission policy said no
    │   ├── DeployBusyError       another deploy to the target is under way
    │   ├── RolloutFailedError
    │   ├── LiveAnswersDifferError
    │   ├── NotDeployedError
    │   └── PromotionRefusedError
    ├── StoreError
    └── CommandError              a command that we ran failed

Facts stand in the constructor's arguments, the message is written in `__str__`: what failed, what was
found, what to type. Every error here pickles. Standard library only.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence


class ScaffoldError(Exception):
    """Anything that a person can act on; `str()` of it is what they read."""


class UsageError(ScaffoldError):
    """What was typed cannot be done."""


class MissingExtraError(UsageError):
    """An optional part of this package is asked for and not installed."""

    def __init__(self, extra: str, module: str) -> None:
        super().__init__(extra, module)
        self.extra, self.module = extra, module

    def __str__(self) -> str:
        return (
            f"This needs the '{self.extra}' extra: the module '{self.module}' is not installed.\n"
            f"  pip install 'model-scaffold[{self.extra}]'"
        )


class InvalidAnswerError(UsageError):
    """An answer, or the option that gives it, has a value that it cannot have."""

    def __init__(self, answer: str, found: object, wanted: str) -> None:
        super().__init__(answer, found, wanted)
        self.answer, self.found, self.wanted = answer, found, wanted

    def __str__(self) -> str:
        return f"The answer '{self.answer}' is {self.found!r}.\nIt takes {self.wanted}."


class TargetNotEmptyError(UsageError):
    """The folder that a project would be written to holds something already."""

    def __init__(self, target: str, found: str) -> None:
        super().__init__(target, found)
        self.target, self.found = target, found

    def __str__(self) -> str:
        return (
            f"{self.target} is not empty: it holds {self.found}.\n"
            "Nothing was written. Name a folder that is empty or absent, or bring the project up to date:\n"
            f"  scaffold update {self.target} --model ..."
        )


class ReadError(ScaffoldError):
    """A file cannot be read as what it is said to be."""


class NoSuchFileError(ReadError):
    """A path leads to no file."""

    def __init__(self, path: str, near: Sequence[str] = ()) -> None:
        super().__init__(path, near)
        self.path, self.near = path, near

    def __str__(self) -> str:
        beside = f"\nBeside it: {', '.join(self.near)}" if self.near else ""
        return f"No such file: {self.path}{beside}"


class ModelNotFetchedError(ReadError):
    """A model that lies elsewhere, or that another tool keeps, cannot be had."""

    def __init__(self, source: str, cause: str, command: str) -> None:
        super().__init__(source, cause, command)
        self.source, self.cause, self.command = source, cause, command

    def __str__(self) -> str:
        hint = f"\n  {self.command}" if self.command else ""
        return f"{self.source} cannot be fetched: {self.cause}.{hint}"


class NotAModelError(ReadError):
    """A file is none of the formats that are read."""

    def __init__(self, path: str, found: str, advice: str = "") -> None:
        super().__init__(path, found, advice)
        self.path, self.found, self.advice = path, found, advice

    def __str__(self) -> str:
        return f"{self.path} is no model file: {self.found}.\n{self.advice or _MODEL_FORMATS}"


_MODEL_FORMATS = (
    "What is read: pickle, joblib, cloudpickle, torch.save, TorchScript, ONNX, "
    "and what XGBoost, LightGBM and CatBoost save."
)


class TruncatedFileError(ReadError):
    """A file ends before what it holds does."""

    def __init__(self, path: str, end: int, unpacked: bool = False) -> None:
        super().__init__(path, end, unpacked)
        self.path, self.end, self.unpacked = path, end, unpacked

    def __str__(self) -> str:
        where = "of what it unpacks to" if self.unpacked else "of the file"
        return f"{self.path} is truncated: it breaks off at byte {self.end} {where}. Copy or save it again."


class UntrustedCodeError(ReadError):
    """A pickle names code that is on no allow list. Nothing of it was run.

    Args:
        path: The file.
        names: (name, place, reason) of each: `at byte 14`, and why where the name alone does not say that.
        trust: What `--trust` takes to open them, with what is trusted already.
        never: Those of the names that no `--trust` opens.
    """

    def __init__(
        self,
        path: str,
        names: Sequence[tuple[str, str, str]],
        trust: Sequence[str] = (),
        never: Sequence[str] = (),
    ) -> None:
        super().__init__(path, names, trust, never)
        self.path, self.names, self.trust, self.never = path, names, trust, never

    def __str__(self) -> str:
        head = f"Refused as unsafe: {self.path} names code that scaffold does not run unasked."
        lines = [
            f"  {name} {place}" + (f": {reason}" if reason else "") for name, place, reason in self.names
        ]
        if self.never or not self.trust:
            names = ", ".join(self.never or [name for name, _, _ in self.names])
            return "\n".join([head, f"No --trust opens {names}.", *lines, _NO_TRUST])
        advice = f"If you made this file and expect that: scaffold new ... {_trust_options(self.trust)}"
        return "\n".join([head, *lines, advice])


class NeverTrustedError(UsageError):
    """`--trust` names what can never be trusted."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return (
            f"--trust {self.name} is not possible: a file that may use this name can run anything.\n"
            "Trust the names that the file reaches with this one, or the distribution that they belong to:\n"
            "  scaffold new ... --trust DISTRIBUTION"
        )


class CarriedCodeError(UntrustedCodeError):
    """A pickle carries functions or classes by value, and nothing confines the process that would load it."""

    def __str__(self) -> str:
        lines = [f"  {name} {place}" for name, place, _ in self.names]
        return "\n".join(
            [
                f"Refused as unsafe: {self.path} carries code, which would run here without confinement.",
                *lines,
                f"If you made this file: scaffold new ... {_trust_options((*self.trust, 'by-value'))}",
            ]
        )


class UnseenNameError(ReadError):
    """A file looks up a name while it loads that was not seen in it before."""

    def __init__(self, path: str, name: str, reason: str = "") -> None:
        super().__init__(path, name, reason)
        self.path, self.name, self.reason = path, name, reason

    def __str__(self) -> str:
        reason = self.reason or "the name was not found when the file was read"
        return (
            f"Refused as unsafe: {self.path} looks up {self.name} while it loads.\n"
            f"  {reason}\n"
            "Nothing was called. Do not load this file unless you know who made it."
        )


class FileChangedError(ReadError):
    """A file holds something else than when its names were read."""

    def __init__(self, path: str, expected: str, found: str) -> None:
        super().__init__(path, expected, found)
        self.path, self.expected, self.found = path, expected, found

    def __str__(self) -> str:
        return (
            f"{self.path} changed while scaffold was at work.\n"
            f"  sha256 {self.expected[:16]}... when it was read, {self.found[:16]}... now\n"
            "Run the command again when nothing writes to the file."
        )


def _trust_options(tokens: Sequence[str]) -> str:
    return shlex.join(word for token in tokens for word in ("--trust", token))


_NO_TRUST = "If you made this file: give the model itself, scaffold.new(model, ...), or save it without that."


class MissingLibraryError(ReadError):
    """No installed distribution provides a module that a pickle names."""

    def __init__(
        self, path: str, module: str, needed_by: str, distribution: str = "", guess: str = ""
    ) -> None:
        super().__init__(path, module, needed_by, distribution, guess)
        self.path, self.module, self.needed_by = path, module, needed_by
        self.distribution, self.guess = distribution, guess

    def __str__(self) -> str:
        head = f"{self.path} needs '{self.module}', which no installed distribution provides."
        if "==" in self.distribution:
            return (
                f"{head}\n  needed by: {self.needed_by}\n"
                "Install it, in the version that the file was made with, or name an environment:\n"
                f"  pip install '{self.distribution}'\n"
                f"  scaffold new ... --environment '{self.distribution}'"
            )
        if self.distribution:
            return f"{head}\n  needed by: {self.needed_by}\nInstall it: pip install {self.distribution}"
        guess = f" (perhaps {self.guess})" if self.guess else ""
        return (
            f"{head}\n  needed by: {self.needed_by}\n"
            f"Install the distribution that provides it{guess} or, if it is a file of yours, "
            "name its folder:\n  PYTHONPATH=FOLDER scaffold new ..."
        )


class ForeignCodeError(ReadError):
    """A pickle carries functions that another minor version of Python compiled.

    Args:
        path: The file.
        pythons: The versions that can have compiled them; none if no known version can have.
        here: The version that would load them.
        environment: The options of an environment that can: `--environment python==3.12`.
    """

    def __init__(self, path: str, pythons: Sequence[str], here: str, environment: str = "") -> None:
        super().__init__(path, pythons, here, environment)
        self.path, self.pythons, self.here, self.environment = path, pythons, here, environment

    def __str__(self) -> str:
        by = f"Python {' or '.join(self.pythons)}" if self.pythons else "no Python that scaffold knows"
        head = (
            f"{self.path} holds functions compiled by {by}; this is {self.here}.\n"
            "  Bytecode runs only in the minor version of Python that compiled it."
        )
        if "python==" not in self.environment:
            return f"{head}\nMake the model again with Python {self.here}."
        command = f"scaffold new ... {self.environment}"
        return f"{head}\nMake the service in an environment of that Python:\n  {command}"


class VersionMismatchError(ReadError):
    """A library is installed in a version that does not know what a pickle names.

    Args:
        path: The file.
        names: What the installed version does not have.
        distribution: The library.
        version: The version that is installed.
        detail: The error of the library, in a line.
        written: The version that the file was made with, where the file names it, or a specifier.
        python: The Python that the file was made with, where the file tells it.
        environment: The options of an environment with those versions.
    """

    def __init__(
        self,
        path: str,
        names: Sequence[str],
        distribution: str,
        version: str,
        detail: str = "",
        written: str = "",
        python: str = "",
        environment: str = "",
    ) -> None:
        super().__init__(path, names, distribution, version, detail, written, python, environment)
        self.path, self.names, self.detail = path, names, detail
        self.distribution, self.version = distribution, version
        self.written, self.python, self.environment = written, python, environment

    def __str__(self) -> str:
        found = "\n".join(f"  {line}" for line in (*self.names, *([self.detail] if self.detail else [])))
        if self.written:
            on = f" on Python {self.python}" if self.python else ""
            return (
                f"{self.path} was made with {self.distribution} {self.written}{on}; "
                f"here is {self.version}.\n{found}\n"
                "Make the service in an environment of that version:\n"
                f"  scaffold new ... {self.environment}"
            )
        return (
            f"{self.path} does not fit the {self.distribution} {self.version} that is installed here.\n"
            f"{found}\n"
            "If another version made the file, run scaffold in the environment that the model was "
            "trained in, or train it again in this one."
        )


class LoadFailedError(ReadError):
    """A model file names nothing bad, and does not load."""

    def __init__(self, path: str, cause: str, advice: str = "") -> None:
        super().__init__(path, cause, advice)
        self.path, self.cause, self.advice = path, cause, advice

    def __str__(self) -> str:
        return f"{self.path} does not load.\n  {self.cause}" + (f"\n{self.advice}" if self.advice else "")


class NotASampleError(ReadError):
    """A file holds no sample that can be read."""

    def __init__(self, path: str, found: str) -> None:
        super().__init__(path, found)
        self.path, self.found = path, found

    def __str__(self) -> str:
        return (
            f"{self.path} cannot be read as a sample: {self.found}.\n"
            "What is read: pickle, joblib, JSON, CSV, Parquet, Feather, .npy, .npz, images, .txt (one text)."
        )


class UnpicklableModelError(ReadError):
    """An object in memory cannot be written to a file."""

    def __init__(self, kind: str, cause: str, advice: str) -> None:
        super().__init__(kind, cause, advice)
        self.kind, self.cause, self.advice = kind, cause, advice

    def __str__(self) -> str:
        return f"This {self.kind} cannot be written to a file: {self.cause}.\n{self.advice}"


class WorkerError(ScaffoldError):
    """The process that loads the model broke off."""

    def __init__(self, what: str, log: str = "") -> None:
        super().__init__(what, log)
        self.what, self.log = what, log

    def __str__(self) -> str:
        return f"The process that loads the model broke off ({self.what}).\n{_end_of(self.log)}".rstrip()


class WorkerDiedError(WorkerError):
    """A signal ended the process that loads the model."""

    def __init__(self, signal: str, doing: str, log: str = "") -> None:
        super().__init__(signal, log)
        self.args = (signal, doing, log)
        self.signal, self.doing = signal, doing

    def __str__(self) -> str:
        while_ = f" while it loaded {self.doing}" if self.doing else ""
        return (
            f"{self.signal} ended the process that loads the model{while_}.\n{_end_of(self.log)}"
            "The file may be damaged, or made by other versions of its libraries than the installed ones.\n"
            "Load it in the environment that made it, named by its folder or its requirements:\n"
            "  scaffold new ... --environment requirements.txt"
        )


class WorkerLimitError(WorkerError):
    """The process that loads the model exceeded a limit."""

    def __init__(self, limit: str, amount: str, doing: str = "") -> None:
        super().__init__(limit, "")
        self.args = (limit, amount, doing)
        self.limit, self.amount, self.doing = limit, amount, doing

    def __str__(self) -> str:
        while_ = f" while it loaded {self.doing}" if self.doing else ""
        amount = f" ({self.amount})" if self.amount else ""
        option = "--memory-limit 32G" if self.limit == "memory" else "--time-limit 3600"
        return (
            f"The process that loads the model reached its limit of {self.limit}{amount}{while_}.\n"
            f"A model that needs more:\n  scaffold new ... {option}"
        )


class ConfinementError(WorkerError):
    """The model wants what the process that loads it may not do."""

    def __init__(self, action: str, option: str, cause: str, instead: str = "") -> None:
        """`action` says what was refused, `option` allows it, `cause` is the model's own error.

        `instead` says what the model can do where nothing allows it.
        """
        super().__init__(action, "")
        self.args = (action, option, cause, instead)
        self.action, self.option, self.cause, self.instead = action, option, cause, instead

    def __str__(self) -> str:
        advice = (
            f"If you expect that:\n  scaffold new ... {self.option}"
            if self.option
            else "The service could not do that either: its file system is read-only but for the folder of"
            " temporary files, and it starts no programs." + f"\n{self.instead}" * bool(self.instead)
        )
        return f"The model {self.action}, which it may not do unasked.\n  {self.cause}\n{advice}"


class MissingVariableError(WorkerError):
    """The model reads environment variables that the service would not have."""

    def __init__(self, names: Sequence[str], cause: str) -> None:
        super().__init__(", ".join(names), "")
        self.args = (tuple(names), cause)
        self.names, self.cause = tuple(names), cause

    def __str__(self) -> str:
        options = " ".join(f"--env {name}=VALUE" for name in self.names)
        variables = "variable" if len(self.names) == 1 else "variables"
        return (
            f"The model reads the environment {variables} {', '.join(self.names)},"
            " and fails where the service runs: nothing sets it there.\n"
            f"  {self.cause}\n"
            "Give the value that the service is to have (--secret NAME for one that stands in no file):\n"
            f"  scaffold new ... {options}"
        )


def _end_of(log: str) -> str:
    lines = log.rstrip().splitlines()[-20:]
    return "".join(f"  {line}\n" for line in lines)


class EnvironmentSpecError(ScaffoldError):
    """What `--environment` names cannot be used."""


class NotAnEnvironmentError(EnvironmentSpecError):
    """A path that is no environment, no interpreter and no requirement file."""

    def __init__(self, path: str, found: str, near: Sequence[str] = ()) -> None:
        super().__init__(path, found, near)
        self.path, self.found, self.near = path, found, near

    def __str__(self) -> str:
        beside = f"\n  beside the path: {', '.join(self.near)}" if self.near else ""
        return (
            f"{self.path} is not an environment: {self.found}.{beside}\n"
            "Name a virtual or conda environment, its Python, a requirement file, or requirements:\n"
            "  scaffold new ... --environment .venv\n"
            "  scaffold new ... --environment requirements.txt\n"
            "  scaffold new ... --environment 'scikit-learn==1.3.2'"
        )


class RequirementFileError(EnvironmentSpecError):
    """A requirement, or a file of requirements, that cannot be read."""

    def __init__(self, source: str, problem: str, advice: str = "") -> None:
        super().__init__(source, problem, advice)
        self.source, self.problem, self.advice = source, problem, advice

    def __str__(self) -> str:
        advice = self.advice or "Write a requirement as pip takes it: --environment 'scikit-learn==1.3.2'"
        return f"The environment cannot be read from {self.source}: {self.problem}.\n{advice}"


class PythonNotFoundError(EnvironmentSpecError):
    """A Python that is not installed, and that uv cannot install.

    Args:
        wanted: Its version: `3.9`, or a specifier.
        installed: (version, path) of every Python that was found.
        cause: Why uv cannot install the wanted version.
    """

    def __init__(self, wanted: str, installed: Sequence[tuple[str, str]], cause: str = "") -> None:
        super().__init__(wanted, installed, cause)
        self.wanted, self.installed, self.cause = wanted, installed, cause

    def __str__(self) -> str:
        lines = [f"Python {self.wanted} is not installed, and uv cannot install it."]
        lines += [f"  {line}" for line in self.cause.splitlines()[-3:]]
        if self.installed:
            lines.append("Installed are:")
            lines += [f"  {version}  {path}" for version, path in self.installed]
        lines.append(
            f"Install Python {self.wanted} with your system's packages, pyenv or conda, "
            "or give the path of an environment that has it:\n"
            "  scaffold new ... --environment PATH"
        )
        return "\n".join(lines)


class PythonTooOldError(EnvironmentSpecError):
    """A Python that is older than the oldest that this package supports."""

    def __init__(self, version: str, oldest: str, path: str = "") -> None:
        super().__init__(version, oldest, path)
        self.version, self.oldest, self.path = version, oldest, path

    def __str__(self) -> str:
        where = f"{self.path} is Python {self.version}" if self.path else f"Python {self.version} is named"
        return (
            f"{where}; scaffold supports Python {self.oldest} and later.\n"
            f"Make the model again on Python {self.oldest} or later. If the file holds no functions of its "
            "own, the same libraries on a later Python may load it:\n"
            f"  scaffold new ... --environment 'python=={self.oldest}' --environment 'scikit-learn==VERSION'"
        )


class UnresolvableError(EnvironmentSpecError):
    """uv finds no versions that go together, or cannot install what it found.

    Args:
        wanted: What was asked for.
        pythons: The versions of Python for which it was tried.
        tail: The end of uv's output.
    """

    def __init__(self, wanted: str, pythons: Sequence[str], tail: str) -> None:
        super().__init__(wanted, pythons, tail)
        self.wanted, self.pythons, self.tail = wanted, pythons, tail

    def __str__(self) -> str:
        end = "\n".join(f"  {line.strip()}" for line in self.tail.strip().splitlines()[-12:])
        return (
            f"No environment can be made of {self.wanted} with Python {', '.join(self.pythons)}.\n{end}\n"
            "Name other versions, another Python, or an environment that you have:\n"
            "  scaffold new ... --environment 'python==3.11' --environment 'scikit-learn==1.3.2'\n"
            "  scaffold new ... --environment PATH"
        )


class BrokenEnvironmentError(EnvironmentSpecError):
    """An environment that does not work, or that lacks what the worker needs."""

    def __init__(self, path: str, problem: str, advice: str = "") -> None:
        super().__init__(path, problem, advice)
        self.path, self.problem, self.advice = path, problem, advice

    def __str__(self) -> str:
        return f"The environment {self.path} cannot be used: {self.problem}" + (
            f"\n{self.advice}" if self.advice else ""
        )


class IntrospectionError(ScaffoldError):
    """The sample or the model cannot be described."""


class UnsupportedSampleError(IntrospectionError):
    """A value of the sample cannot go over HTTP as JSON."""

    def __init__(self, path: str, found: str, advice: str = "") -> None:
        super().__init__(path, found, advice)
        self.path, self.found, self.advice = path, found, advice

    def __str__(self) -> str:
        return f"The sample cannot be sent as JSON.\n  {self.path}: {self.found}\n{self.advice or _WRAP_IT}"


class UnknownFieldError(IntrospectionError):
    """An option names a field that the sample does not have."""

    def __init__(self, option: str, name: str, fields: tuple[str, ...]) -> None:
        super().__init__(option, name, fields)
        self.option, self.name, self.fields = option, name, fields

    def __str__(self) -> str:
        shown = ", ".join(map(repr, self.fields[:12])) + (", ..." if len(self.fields) > 12 else "")
        return f"{self.option} names '{self.name}', which is no field of the sample.\nIts fields: {shown}"


_WRAP_IT = """Wrap the model in a class that takes plain values, and give a sample of those:
  class Service:
      def __init__(self, model): self.model = model
      def predict(self, record): return self.model.predict(...)  # build what the model takes from `record`"""


class CallError(IntrospectionError):
    """The model does not take the sample, or does not give the output."""

    def __init__(
        self,
        summary: str,
        attempts: tuple[tuple[str, str], ...] = (),
        wanted: tuple[str, ...] = (),
        found: tuple[str, ...] = (),
        advice: str = "",
    ) -> None:
        super().__init__(summary, attempts, wanted, found, advice)
        self.summary, self.attempts, self.advice = summary, attempts, advice
        self.wanted, self.found = wanted, found

    def __str__(self) -> str:
        lines = [self.summary, *(f"  {call}: {outcome}" for call, outcome in self.attempts)]
        if self.wanted and self.wanted != self.found:
            lines += [f"The model wants: {_names(self.wanted)}", f"The sample has:  {_names(self.found)}"]
            lines += self._differences()
        return "\n".join([*lines, *([self.advice] if self.advice else [])])

    def _differences(self) -> list[str]:
        missing = tuple(name for name in self.wanted if name not in self.found)
        unknown = tuple(name for name in self.found if name not in self.wanted)
        lines = [f"  missing: {_names(missing)}"] if missing else []
        lines += [f"  not wanted: {_names(unknown)}"] if unknown else []
        return lines or ["  the order of the columns differs"]


class AmbiguousCallError(IntrospectionError):
    """Several methods give the output sample, and nothing says which one is meant."""

    def __init__(self, methods: tuple[str, ...]) -> None:
        super().__init__(methods)
        self.methods = methods

    def __str__(self) -> str:
        options = "\n".join(f"  scaffold new ... --method {method}" for method in self.methods)
        return (
            f"{' and '.join(repr(method) for method in self.methods)} both give the output sample.\n"
            f"Say which one is to be served:\n{options}"
        )


class UnstableModelError(IntrospectionError):
    """The model answers the same input differently from one call to the next.

    Args:
        call: The call as a person would write it: `model.predict(X)`.
        difference: Where the answers differ.
        when: What lay between the calls: `twice`, `before and after other rows`.
    """

    def __init__(self, call: str, difference: str, when: str = "twice") -> None:
        super().__init__(call, difference, when)
        self.call, self.difference, self.when = call, difference, when

    def __str__(self) -> str:
        return (
            f"The model gives different answers to the same input: {self.call}, {self.when}.\n"
            f"  {self.difference}\n"
            "No service of it can be proven. Fix the seed inside the method, or keep no state between calls."
        )


class ResolutionError(ScaffoldError):
    """What the model needs cannot be had, or not together."""


class SourceNotFoundError(ResolutionError):
    """What a pickle looks for in `__main__` is not to be found in one script or notebook."""

    def __init__(self, name: str, needed_by: str, found: Sequence[str] = ()) -> None:
        super().__init__(name, needed_by, found)
        self.name, self.needed_by, self.found = name, needed_by, found

    def __str__(self) -> str:
        if not self.name:
            return (
                f"{'; '.join(self.found)}.\nName the script or notebook: scaffold new ... --source train.py"
            )
        among = f" Found: {', '.join(self.found)}." if self.found else ""
        return (
            f"{self.needed_by} needs '{self.name}' of the script or notebook that saved it, "
            f"and that is not known.{among}\nName it: scaffold new ... --source train.py"
        )


class SourceChangedError(ResolutionError):
    """A script says something else than when the pickle was made."""

    def __init__(self, script: str, name: str, needed_by: str) -> None:
        super().__init__(script, name, needed_by)
        self.script, self.name, self.needed_by = script, name, needed_by

    def __str__(self) -> str:
        return (
            f"{self.script} changed since {self.needed_by} was made: its '{self.name}' is another now.\n"
            "Train and save the model again, or name the script as it was then:\n"
            "  scaffold new ... --source OLD.py"
        )


class TwoModulesError(ResolutionError):
    """Two local modules have one name, or one has the name of a part of the service."""

    def __init__(self, module: str, places: Sequence[str], needed_by: str) -> None:
        super().__init__(module, places, needed_by)
        self.module, self.places, self.needed_by = module, places, needed_by

    def __str__(self) -> str:
        found = "\n".join(f"  {place}" for place in self.places)
        return (
            f"Two modules are named '{self.module}', and they are not the same.\n{found}\n"
            f"  needed by: {self.needed_by}\n"
            f"Say which one goes with the service: scaffold new ... --include {self.places[0]}"
        )


class MissingModuleError(ResolutionError):
    """A module is imported that no installed distribution provides and no folder of the user's holds."""

    def __init__(self, module: str, needed_by: str, distribution: str = "") -> None:
        super().__init__(module, needed_by, distribution)
        self.module, self.needed_by, self.distribution = module, needed_by, distribution

    def __str__(self) -> str:
        path = self.module.replace(".", "/") + ".py"
        guess = f" (perhaps {self.distribution})" if self.distribution else ""
        return (
            f"The model imports '{self.module}', which no installed distribution provides.\n"
            f"  needed by: {self.needed_by}\n"
            f"Install the distribution that provides it{guess}, or ship the file with the service:\n"
            f"  scaffold new ... --include {path}"
        )


class BrokenInstallError(ResolutionError):
    """A distribution is installed from a place that cannot be read any more, or cannot be shipped."""

    def __init__(self, distribution: str, version: str, what: str) -> None:
        super().__init__(distribution, version, what)
        self.distribution, self.version, self.what = distribution, version, what

    def __str__(self) -> str:
        return (
            f"{self.distribution} {self.version} is installed here, but cannot go with the service: "
            f"{self.what}.\n"
            "Install it again, or take it from an index that has it:\n"
            f"  scaffold new ... --pin {self.distribution}=={self.version}"
        )


class TraceFailedError(ResolutionError):
    """The process that loads the model and predicts, to find out what that takes, died."""

    def __init__(self, what: str, log: str) -> None:
        super().__init__(what, log)
        self.what, self.log = what, log

    def __str__(self) -> str:
        end = "\n".join(self.log.rstrip().splitlines()[-20:])
        return (
            "The model was loaded in a process of its own, to find out what it needs, and that process "
            f"broke off ({self.what}).\n{end}"
        ).rstrip()


class LockFailedError(ResolutionError):
    """The requirements cannot be locked; `cause` is uv's own explanation."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause

    def __str__(self) -> str:
        return f"The requirements cannot be locked.\n  {self.cause}"


class NoSuchVersionError(LockFailedError):
    """No index has a distribution in the version that is installed here."""

    def __init__(self, distribution: str, specifier: str, reason: str, cause: str) -> None:
        Exception.__init__(self, distribution, specifier, reason, cause)
        self.distribution, self.specifier, self.reason, self.cause = distribution, specifier, reason, cause

    def __str__(self) -> str:
        who = f"\n  needed: {self.reason}" if self.reason else ""
        return (
            f"No index that uv asks has {self.distribution}{self.specifier}.{who}\n"
            "Name the index or the folder of wheels that it came from, or pin another version:\n"
            "  UV_INDEX=https://... scaffold new ...\n"
            "  UV_FIND_LINKS=wheels/ scaffold new ...\n"
            f"  scaffold new ... --pin {self.distribution}==VERSION"
        )


class ConflictError(LockFailedError):
    """Two distributions that cannot be had together."""

    def __init__(self, one: str, other: str, wanted: str, cause: str) -> None:
        Exception.__init__(self, one, other, wanted, cause)
        self.one, self.other, self.wanted, self.cause = one, other, wanted, cause

    def __str__(self) -> str:
        return (
            f"{self.one} and {self.other} cannot be had together: "
            f"{self.one} needs {self.other}{self.wanted}.\n"
            f"  {self.cause}\n"
            "Pin a version that both take, and see in the proof whether the model still answers as it did:\n"
            f"  scaffold new ... --pin {self.other}==VERSION"
        )


class RenderError(ScaffoldError):
    """The project cannot be written."""


class VerificationError(ScaffoldError):
    """The service does not give the model's answers, or does not run."""


class EnvironmentFailedError(VerificationError):
    """The lock cannot be installed."""

    def __init__(self, tail: str) -> None:
        super().__init__(tail)
        self.tail = tail

    def __str__(self) -> str:
        return f"The clean environment for the proof cannot be made:\n{self.tail}"


class ServiceFailedError(VerificationError):
    """The service does not start, or breaks off."""

    def __init__(self, what: str, log: str) -> None:
        super().__init__(what, log)
        self.what, self.log = what, log

    def __str__(self) -> str:
        return f"{self.what} The end of its log:\n{self.log}" if self.log else self.what


class SampleRefusedError(VerificationError):
    """The service refuses a request of the sample, or does not answer it with JSON.

    Args:
        what: Which request: `row 3`.
        status: The status of the answer.
        body: What it was answered with; text where that is no JSON.
        endpoint: What was asked: `/score` or `/score/batch`.
    """

    def __init__(self, what: str, status: int, body: object, endpoint: str = "/score") -> None:
        super().__init__(what, status, body, endpoint)
        self.what, self.status, self.body, self.endpoint = what, status, body, endpoint

    def __str__(self) -> str:
        how = "with something other than JSON" if self.status == 200 else f"with {self.status}"
        return (
            f"The service refuses the sample: {self.what} is answered {how}.\n  {json.dumps(self.body)[:500]}"
        )


class AnswersDifferError(VerificationError):
    """The service gives another answer than the model.

    Args:
        what: Which request: `row 3`.
        path: Where in the answer: `.prediction`.
        values: The value from the service and the one wanted, as JSON.
        versions: (distribution, version in the service, version here) of what the model needs, where these
            differ; `None` where they were not compared.
        endpoint: What was asked: `/score` or `/score/batch`.
    """

    def __init__(
        self,
        what: str,
        path: str,
        values: tuple[str, str],
        versions: Sequence[tuple[str, str, str]] | None = None,
        endpoint: str = "/score",
    ) -> None:
        super().__init__(what, path, values, versions, endpoint)
        self.what, self.path, self.values, self.versions = what, path, values, versions
        self.endpoint = endpoint

    def __str__(self) -> str:
        got, wanted = self.values
        lines = [
            "The service answers, but not with the sample's predictions.",
            (
                f"  {self.what}, {self.path.lstrip('.') or 'the answer'}: "
                f"{got} from the service, {wanted} in the sample's output"
            ),
        ]
        lines += [
            f"  {name}: {there} in the service, {here} in the environment of the sample"
            for name, there, here in self.versions or ()
        ]
        if self.versions:
            name, _, here = self.versions[0]
            lines.append(f"Pin what the model was made with: scaffold new ... --pin {name}=={here}")
        elif self.versions is not None:
            lines.append(
                "What the model needs has the same versions in both. Does the model depend on the time, on "
                "other requests, on environment variables or on files outside the project?"
            )
        return "\n".join(lines)


class RowsDependError(VerificationError):
    """The service gives a row another answer among others than alone.

    Args:
        row: Its place in the recorded sample, from 0.
        when: What else was asked: `in a batch in reverse order`.
        path: Where in the answer: `.prediction`.
        values: The value from the service and that of the row alone, as JSON.
    """

    def __init__(self, row: int, when: str, path: str, values: tuple[str, str]) -> None:
        super().__init__(row, when, path, values)
        self.row, self.when, self.path, self.values = row, when, path, values

    def __str__(self) -> str:
        got, alone = self.values
        return (
            f"The answer to row {self.row} depends on which rows are asked with it.\n"
            f"  {self.when}, {self.path.lstrip('.') or 'the answer'}: {got}; alone: {alone}\n"
            "Callers would get each other's answers. In a project of yours, score each record in a call of\n"
            "its own, in app/score.py:\n"
            "  BATCHED = False"
        )


class AnswerChangedError(VerificationError):
    """The service gives a row another answer than it gave before.

    Args:
        row: Its place in the recorded sample, from 0.
        path: Where in the answer: `.prediction`.
        values: The value now and the one before, as JSON.
    """

    def __init__(self, row: int, path: str, values: tuple[str, str]) -> None:
        super().__init__(row, path, values)
        self.row, self.path, self.values = row, path, values

    def __str__(self) -> str:
        now, before = self.values
        return (
            f"The service changed as it answered: row {self.row} was asked again.\n"
            f"  {self.path.lstrip('.') or 'the answer'}: {now}; before: {before}\n"
            "An answer may not depend on what was asked before it: keep no state between calls."
        )


class ProjectError(ScaffoldError):
    """A file of a project is not what this package writes there, so it is not used."""


class UnsafePathError(ProjectError):
    """A path that a project names leads out of the project, or may."""

    def __init__(self, root: str, path: str, reason: str) -> None:
        super().__init__(root, path, reason)
        self.root, self.path, self.reason = root, path, reason

    def __str__(self) -> str:
        return (
            f"{self.root} names the path {self.path!r}, which {self.reason}.\n"
            "The files of a project are used inside its folder only, and no symbolic link is followed.\n"
            "Put a real file or folder in the place of a link, or restore what names the path:\n"
            f"  git -C {self.root} checkout -- .scaffold"
        )


class UnsafeLockError(ProjectError):
    """A line of a lock is more than a pinned distribution."""

    def __init__(self, lock: str, number: int, line: str) -> None:
        super().__init__(lock, number, line)
        self.lock, self.number, self.line = lock, number, line

    def __str__(self) -> str:
        return (
            f"{self.lock}, line {self.number}, is no pinned distribution with hashes:\n"
            f"  {self.line[:200]!r}\n"
            "Name what the service needs in requirements.in, and let the lock be made from that:\n"
            f"  scaffold update {self.lock.rpartition('/')[0] or '.'}"
        )


class UpgradeError(ScaffoldError):
    """A project cannot be brought up to date."""


class ForeignChangeError(UpgradeError):
    """A project holds a half finished change that this user did not begin on this machine."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.root = root

    def __str__(self) -> str:
        folder = f"{self.root}/.scaffold/update"
        return (
            f"{folder} holds an update that was not begun here: it came with the project, or was cut off on\n"
            "another machine or in another folder. It was not carried out, and nothing was changed.\n"
            f"What the files held before it is in {folder}/old. Remove it to go on:\n"
            f"  rm -r {folder}"
        )


class NoRecordError(UpgradeError):
    """A folder has no record of what it was made from."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.root = root

    def __str__(self) -> str:
        return (
            f"{self.root} has no .scaffold/record.json, and an update starts from what that says.\n"
            "Name the folder of a generated project, or restore the file from version control:\n"
            "  git checkout -- .scaffold"
        )


class DirtyTreeError(UpgradeError):
    """A project in git holds changes that are not committed."""

    def __init__(self, root: str, changed: tuple[str, ...]) -> None:
        super().__init__(root, changed)
        self.root, self.changed = root, changed

    def __str__(self) -> str:
        return (
            f"{self.root} holds changes that are not committed: {_names(self.changed, 5)}\n"
            "Commit them first, so that the update is a diff of its own; or go ahead:\n"
            f"  scaffold update {self.root} --dirty ..."
        )


class MergeConflictError(UpgradeError):
    """Both the owner and the new state changed the same thing; the files show where."""

    def __init__(self, root: str, conflicts: tuple[tuple[str, str], ...]) -> None:
        super().__init__(root, conflicts)
        self.root, self.conflicts = root, conflicts

    def __str__(self) -> str:
        files = "\n".join(f"  {path}: {detail}" for path, detail in self.conflicts)
        return (
            f"{len(self.conflicts)} files of {self.root} are in conflict:\n{files}\n"
            "Settle each one, and then prove the project; or take the update back:\n"
            f"  scaffold verify {self.root}\n  scaffold undo {self.root}"
        )


class BreakingChangeError(UpgradeError):
    """Those who call the service would have to change."""

    def __init__(self, root: str, changes: tuple[str, ...]) -> None:
        super().__init__(root, changes)
        self.root, self.changes = root, changes

    def __str__(self) -> str:
        lines = "\n".join(f"  {change}" for change in self.changes)
        return (
            f"The new state of {self.root} breaks those who call it:\n{lines}\n"
            "Nothing was written. To go ahead:\n"
            f"  scaffold update {self.root} --allow-breaking ..."
        )


class UndoError(UpgradeError):
    """An update cannot be taken back."""


class ImageError(ScaffoldError):
    """An image cannot be built or pushed."""


class DockerfileError(ImageError):
    """A line of the Dockerfile says what cannot be done without a container."""

    def __init__(self, line: int, instruction: str, reason: str) -> None:
        super().__init__(line, instruction, reason)
        self.line, self.instruction, self.reason = line, instruction, reason

    def __str__(self) -> str:
        return (
            f"The layers builder cannot follow the Dockerfile, line {self.line}: {self.reason}.\n"
            f"  {self.instruction}\n"
            "Build it with an engine, or move that into a base image of your own:\n"
            "  scaffold build ... --builder docker\n"
            "  scaffold build ... --base REFERENCE"
        )


class EngineNotRunningError(ImageError):
    """No Docker Engine answers."""

    def __init__(self, host: str, detail: str) -> None:
        super().__init__(host, detail)
        self.host, self.detail = host, detail

    def __str__(self) -> str:
        return (
            f"No Docker Engine answers at {self.host}: {self.detail}\n"
            "Start it, name another in DOCKER_HOST, or build without one:\n"
            "  scaffold build ... --builder layers"
        )


class BuildStepError(ImageError):
    """A step of the Dockerfile failed in the engine."""

    def __init__(self, step: str, tail: str) -> None:
        super().__init__(step, tail)
        self.step, self.tail = step, tail

    def __str__(self) -> str:
        return f"The image was not built: this step failed.\n  {self.step}\n{self.tail}".rstrip()


class PackagesError(ImageError):
    """What the lock names cannot be had for the image's platform and Python."""

    def __init__(self, platform: str, python: str, detail: str) -> None:
        super().__init__(platform, python, detail)
        self.platform, self.python, self.detail = platform, python, detail

    def __str__(self) -> str:
        return (
            f"The dependencies cannot be installed for {self.platform} and Python {self.python}.\n"
            f"{self.detail}"
        ).rstrip()


class RegistryLoginError(ImageError):
    """The registry does not let this user do that, or nobody unnamed."""

    def __init__(self, registry: str, username: str | None, repository: str, detail: str) -> None:
        super().__init__(registry, username, repository, detail)
        self.registry, self.username = registry, username
        self.repository, self.detail = repository, detail

    def __str__(self) -> str:
        who = f"the login of '{self.username}'" if self.username else "a request without a login"
        lines = [f"{self.registry} refused {who} for the repository '{self.repository}'."]
        lines += [f"  {self.detail}"] if self.detail else []
        lines.append(
            "Log in as docker does (docker login), or set SCAFFOLD_REGISTRY_USERNAME and"
            " SCAFFOLD_REGISTRY_PASSWORD."
        )
        return "\n".join(lines)


class RepositoryNotFoundError(ImageError):
    """The registry has no such repository, tag or digest."""

    def __init__(self, reference: str, detail: str = "") -> None:
        super().__init__(reference, detail)
        self.reference, self.detail = reference, detail

    def __str__(self) -> str:
        lines = [f"The registry does not know {self.reference}."]
        lines += [f"  {self.detail}"] if self.detail else []
        lines.append("Look at the name and the tag; some registries want a repository made before a push.")
        return "\n".join(lines)


class UploadError(ImageError):
    """The connection to the registry broke, again and again."""

    def __init__(self, registry: str, what: str, attempts: int, detail: str) -> None:
        super().__init__(registry, what, attempts, detail)
        self.registry, self.what, self.attempts, self.detail = registry, what, attempts, detail

    def __str__(self) -> str:
        return (
            f"The connection to {self.registry} broke {self.attempts} times over {self.what}: {self.detail}\n"
            "What arrived stays there. Run the same command again: it goes on from the next layer."
        )


class DiskFullError(ImageError):
    """No space is left, here or at the registry."""

    def __init__(self, where: str, detail: str) -> None:
        super().__init__(where, detail)
        self.where, self.detail = where, detail

    def __str__(self) -> str:
        return (
            f"No space is left at {self.where}: {self.detail}\n"
            "Make room there and run the same command again."
        )


class RegistryError(ImageError):
    """The registry answered something that is none of the cases above."""

    def __init__(self, request: str, status: int, detail: str) -> None:
        super().__init__(request, status, detail)
        self.request, self.status, self.detail = request, status, detail

    def __str__(self) -> str:
        return f"The registry refused {self.request} (status {self.status}): {self.detail}".rstrip(": ")


class ImageCheckError(ImageError):
    """The image was built, but does not run as it should."""

    def __init__(self, reference: str, detail: str) -> None:
        super().__init__(reference, detail)
        self.reference, self.detail = reference, detail

    def __str__(self) -> str:
        return f"The image {self.reference} was built, but does not run as it should.\n{self.detail}".rstrip()


class DeployError(ScaffoldError):
    """A service cannot be deployed.

    Args:
        problem: What failed, in one sentence.
        found: The facts, a line each.
        fix: What to do or to type.
        after: What was done about it: `Rolled back to revision 3.`
    """

    def __init__(self, problem: str, found: Sequence[str] = (), fix: str = "", after: str = "") -> None:
        super().__init__(problem, tuple(found), fix, after)
        self.problem, self.found, self.fix, self.after = problem, tuple(found), fix, after

    def __str__(self) -> str:
        facts = ["  " + line for text in self.found for line in text.splitlines()]
        return "\n".join([self.problem, *facts, *filter(None, (self.fix, self.after))])


class ClusterUnreachableError(DeployError):
    """There is no way to the cluster: no kubeconfig, no such context, no answer, no valid login."""


class ManifestError(DeployError):
    """The files under `deploy/` cannot be used."""


class ApplyConflictError(DeployError):
    """Someone else set a field that a manifest sets, to another value."""


class ClusterRefusedError(DeployError):
    """The API, a quota or an admission policy said no."""


class DeployBusyError(DeployError):
    """Another deploy to the same target is under way."""


class RolloutFailedError(DeployError):
    """The new pods do not come to life, or cannot be reached."""


class LiveAnswersDifferError(DeployError):
    """The live service does not give the model's answers."""


class NotDeployedError(DeployError):
    """The target runs nothing, or not the revision that was asked for."""


class PromotionRefusedError(DeployError):
    """What would be promoted is not proven, or is another model than the project holds."""


class StoreError(ScaffoldError):
    """The record of models and deployments cannot be read or written."""


class CommandError(ScaffoldError):
    """A command that we ran ended with an error."""

    def __init__(self, command: tuple[str, ...], status: int, tail: str) -> None:
        super().__init__(command, status, tail)
        self.command, self.status, self.tail = command, status, tail

    def __str__(self) -> str:
        line = " ".join(self.command)
        return f"This command failed (exit status {self.status}):\n  {line}\n{self.tail}".rstrip()


def _names(names: tuple[str, ...], most: int = 12) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
