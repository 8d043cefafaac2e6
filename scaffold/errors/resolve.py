"""The requirements of the model cannot be found or locked."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.errors.base import ScaffoldError


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
