"""A file cannot be read as a model or a sample."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.errors.branches import ReadError
from scaffold.errors.wording import either, invocation, option, shell_line

_MODEL_FORMATS = (
    "What is read: pickle, joblib, cloudpickle, torch.save, TorchScript, ONNX, "
    "and what XGBoost, LightGBM, CatBoost and Keras 3 save."
)

_NO_TRUST = "If you made this file: give the model itself, scaffold.new(model, ...), or save it without that."


class NoSuchFileError(ReadError):
    """A path leads to no file."""

    path: str
    near: Sequence[str] = ()

    def __str__(self) -> str:
        beside = f"\nBeside it: {', '.join(self.near)}" if self.near else ""
        return f"No such file: {self.path}{beside}"


class UnreadableFileError(ReadError):
    """The system does not let a file be opened."""

    path: str
    cause: str

    def __str__(self) -> str:
        return f"{self.path} cannot be read: {self.cause}.\nName a file that you may read."


class ModelNotFetchedError(ReadError):
    """A model cannot be downloaded from its source."""

    source: str
    cause: str
    command: str

    def __str__(self) -> str:
        hint = f"\n  {self.command}" if self.command else ""
        return f"{self.source} cannot be fetched: {self.cause}.{hint}"


class SourceNotFollowedError(ReadError):
    """The source of a project's model does not say what is new."""

    project: str
    cause: str
    server: str = ""

    def __str__(self) -> str:
        server = f"\nThe model came from {self.server}." if self.server else ""
        other = invocation("update", self.project, follow=False)
        return f"{self.cause}{server}\nTo update the rest, and keep the model:\n  {other}"


class NotAModelError(ReadError):
    """A file is none of the formats that are read."""

    path: str
    found: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.path} is no model file: {self.found}.\n{self.advice or _MODEL_FORMATS}"


class TruncatedFileError(ReadError):
    """A file is truncated."""

    path: str
    end: int
    unpacked: bool = False

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

    path: str
    names: Sequence[tuple[str, str, str]]
    trust: Sequence[str] = ()
    never: Sequence[str] = ()

    def __str__(self) -> str:
        head = f"Refused as unsafe: {self.path} names code that scaffold does not run unasked."
        lines = [
            f"  {name} {place}" + (f": {reason}" if reason else "") for name, place, reason in self.names
        ]
        if self.never or not self.trust:
            names = ", ".join(self.never or [name for name, _, _ in self.names])
            return "\n".join([head, f"No {option('trust')} opens {names}.", *lines, _NO_TRUST])
        command = invocation("new", ..., trust=self.trust)
        return "\n".join([head, *lines, f"If you made this file and expect that: {command}"])


class CarriedCodeError(UntrustedCodeError):
    """A pickle carries functions or classes by value, and nothing confines the process that would load it."""

    def __str__(self) -> str:
        lines = [f"  {name} {place}" for name, place, _ in self.names]
        return "\n".join(
            [
                f"Refused as unsafe: {self.path} carries code, which would run here without confinement.",
                *lines,
                f"If you made this file: {invocation('new', ..., trust=[*self.trust, 'by-value'])}",
            ]
        )


class UnseenNameError(ReadError):
    """A file looks up a name, while it loads, that the gate did not see."""

    path: str
    name: str
    reason: str = ""

    def __str__(self) -> str:
        reason = self.reason or "the name was not found when the file was read"
        return (
            f"Refused as unsafe: {self.path} looks up {self.name} while it loads.\n"
            f"  {reason}\n"
            "Nothing was called. Do not load this file unless you know who made it."
        )


class FileChangedError(ReadError):
    """A file changed after the gate read it."""

    path: str
    expected: str
    found: str

    def __str__(self) -> str:
        return (
            f"{self.path} changed while scaffold was at work.\n"
            f"  sha256 {self.expected[:16]}... when it was read, {self.found[:16]}... now\n"
            "Run the command again when nothing writes to the file."
        )


class MissingLibraryError(ReadError):
    """No installed distribution provides a module that a pickle names."""

    path: str
    module: str
    needed_by: str
    distribution: str = ""
    guess: str = ""

    def __str__(self) -> str:
        head = f"{self.path} needs '{self.module}', which no installed distribution provides."
        if "==" in self.distribution:
            return (
                f"{head}\n  needed by: {self.needed_by}\n"
                "Install it, in the version that the file was made with, or name an environment:\n"
                f"  {shell_line('pip', 'install', self.distribution)}\n"
                f"  {invocation('new', ..., environment=[self.distribution])}"
            )
        if self.distribution:
            install = shell_line("pip", "install", self.distribution)
            return f"{head}\n  needed by: {self.needed_by}\nInstall it: {install}"
        guess = f" (perhaps {self.guess})" if self.guess else ""
        return (
            f"{head}\n  needed by: {self.needed_by}\n"
            f"Install the distribution that provides it{guess} or, if it is a file of yours, "
            f"name its folder:\n  {either('sys.path.append(FOLDER)', 'PYTHONPATH=FOLDER scaffold new ...')}"
        )


class ForeignCodeError(ReadError):
    """A pickle carries functions that another minor version of Python compiled.

    Args:
        path: The file.
        pythons: The versions that can have compiled them; none if no known version can have.
        here: The version that would load them.
        environment: What an environment needs that can: `python==3.12`.
    """

    path: str
    pythons: Sequence[str]
    here: str
    environment: Sequence[str] = ()

    def __str__(self) -> str:
        by = f"Python {' or '.join(self.pythons)}" if self.pythons else "no Python that scaffold knows"
        head = (
            f"{self.path} holds functions compiled by {by}; this is {self.here}.\n"
            "  Bytecode runs only in the minor version of Python that compiled it."
        )
        if not any(spec.startswith("python==") for spec in self.environment):
            return f"{head}\nMake the model again with Python {self.here}."
        command = invocation("new", ..., environment=self.environment)
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
        environment: What an environment with those versions needs: `scikit-learn==1.3.2`.
    """

    path: str
    names: Sequence[str]
    distribution: str
    version: str
    detail: str = ""
    written: str = ""
    python: str = ""
    environment: Sequence[str] = ()

    def __str__(self) -> str:
        details = "\n".join(f"  {line}" for line in (*self.names, *([self.detail] if self.detail else [])))
        if self.written:
            on = f" on Python {self.python}" if self.python else ""
            return (
                f"{self.path} was made with {self.distribution} {self.written}{on}; "
                f"here is {self.version}.\n{details}\n"
                "Make the service in an environment of that version:\n"
                f"  {invocation('new', ..., environment=self.environment)}"
            )
        return (
            f"{self.path} does not fit the {self.distribution} {self.version} that is installed here.\n"
            f"{details}\n"
            "If another version made the file, run scaffold in the environment that the model was "
            "trained in, or train it again in this one."
        )


class LoadFailedError(ReadError):
    """A model file passed the gate and does not load."""

    path: str
    cause: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.path} does not load.\n  {self.cause}" + (f"\n{self.advice}" if self.advice else "")


class NotASampleError(ReadError):
    """A file holds no sample that can be read."""

    path: str
    found: str

    def __str__(self) -> str:
        return (
            f"{self.path} cannot be read as a sample: {self.found}.\n"
            "What is read: pickle, joblib, JSON, CSV, Parquet, Feather, .npy, .npz, images, .txt (one text)."
        )


class DamagedSampleError(NotASampleError):
    """A sample is inconsistent: another version of a library does not help."""


class UnpicklableModelError(ReadError):
    """An object in memory cannot be written to a file."""

    kind: str
    cause: str
    advice: str

    def __str__(self) -> str:
        return f"This {self.kind} cannot be written to a file: {self.cause}.\n{self.advice}"
