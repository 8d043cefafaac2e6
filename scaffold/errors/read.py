"""A file cannot be read as a model or a sample."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from scaffold.errors.base import ScaffoldError

_MODEL_FORMATS = (
    "What is read: pickle, joblib, cloudpickle, torch.save, TorchScript, ONNX, "
    "and what XGBoost, LightGBM and CatBoost save."
)

_NO_TRUST = "If you made this file: give the model itself, scaffold.new(model, ...), or save it without that."


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


def _trust_options(tokens: Sequence[str]) -> str:
    return shlex.join(word for token in tokens for word in ("--trust", token))
