"""The requirements of the model cannot be found or locked."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.errors.branches import ResolutionError
from scaffold.errors.wording import invocation, with_variable


class SourceNotFoundError(ResolutionError):
    """No script or notebook defines what a pickle looks up in `__main__`."""

    name: str
    needed_by: str
    found: Sequence[str] = ()

    def __str__(self) -> str:
        command = invocation("new", ..., source="train.py")
        if not self.name:
            return f"{'; '.join(self.found)}.\nName the script or notebook: {command}"
        among = f" Found: {', '.join(self.found)}." if self.found else ""
        return (
            f"{self.needed_by} needs '{self.name}' of the script or notebook that saved it, "
            f"and that is not known.{among}\nName it: {command}"
        )


class SourceChangedError(ResolutionError):
    """A script changed after the pickle was made."""

    script: str
    name: str
    needed_by: str

    def __str__(self) -> str:
        command = invocation("new", ..., source="OLD.py")
        return (
            f"{self.script} changed since {self.needed_by} was made: its '{self.name}' is another now.\n"
            "Train and save the model again, or name the script as it was then:\n"
            f"  {command}"
        )


class TwoModulesError(ResolutionError):
    """Two local modules have one name, or one has the name of a part of the service."""

    module: str
    places: Sequence[str]
    needed_by: str

    def __str__(self) -> str:
        places = "\n".join(f"  {place}" for place in self.places)
        command = invocation("new", ..., include=[self.places[0]])
        return (
            f"Two modules are named '{self.module}', and they are not the same.\n{places}\n"
            f"  needed by: {self.needed_by}\n"
            f"Say which one goes with the service: {command}"
        )


class MissingModuleError(ResolutionError):
    """No installed distribution and no folder of the user provides an imported module."""

    module: str
    needed_by: str
    distribution: str = ""

    def __str__(self) -> str:
        path = self.module.replace(".", "/") + ".py"
        guess = f" (perhaps {self.distribution})" if self.distribution else ""
        command = invocation("new", ..., include=[path])
        return (
            f"The model imports '{self.module}', which no installed distribution provides.\n"
            f"  needed by: {self.needed_by}\n"
            f"Install the distribution that provides it{guess}, or ship the file with the service:\n"
            f"  {command}"
        )


class BrokenInstallError(ResolutionError):
    """A distribution was installed from a place that is gone, or cannot be shipped."""

    distribution: str
    version: str
    what: str

    def __str__(self) -> str:
        command = invocation("new", ..., pin=[f"{self.distribution}=={self.version}"])
        return (
            f"{self.distribution} {self.version} is installed here, but cannot go with the service: "
            f"{self.what}.\n"
            "Install it again, or take it from an index that has it:\n"
            f"  {command}"
        )


class TraceFailedError(ResolutionError):
    """The process that traces loading and predicting died."""

    what: str
    log: str

    def __str__(self) -> str:
        end = "\n".join(self.log.rstrip().splitlines()[-20:])
        return (
            "The model was loaded in a process of its own, to find out what it needs, and that process "
            f"broke off ({self.what}).\n{end}"
        ).rstrip()


class LockFailedError(ResolutionError):
    """The requirements cannot be locked; `cause` is uv's own explanation."""

    cause: str

    def __str__(self) -> str:
        return f"The requirements cannot be locked.\n  {self.cause}"


class NoSuchVersionError(LockFailedError):
    """No index has a distribution in the version that is installed here."""

    distribution: str
    specifier: str
    reason: str

    def __str__(self) -> str:
        who = f"\n  needed: {self.reason}" if self.reason else ""
        command = invocation("new", ..., pin=[f"{self.distribution}==VERSION"])
        return (
            f"No index that uv asks has {self.distribution}{self.specifier}.{who}\n"
            "Name the index or the folder of wheels that it came from, or pin another version:\n"
            f"  {with_variable('UV_INDEX', 'https://...', 'new')}\n"
            f"  {with_variable('UV_FIND_LINKS', 'wheels/', 'new')}\n"
            f"  {command}"
        )


class ConflictError(LockFailedError):
    """Two distributions that cannot be installed together."""

    one: str
    other: str
    wanted: str

    def __str__(self) -> str:
        command = invocation("new", ..., pin=[f"{self.other}==VERSION"])
        return (
            f"{self.one} and {self.other} cannot be installed together: "
            f"{self.one} needs {self.other}{self.wanted}.\n"
            f"  {self.cause}\n"
            "Pin a version that both take, and see in the proof whether the model still answers as it did:\n"
            f"  {command}"
        )
