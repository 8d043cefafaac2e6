"""What a service needs besides its own code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One line of `requirements.in`."""

    distribution: str
    """The normalised name, e.g. `scikit-learn`."""
    specifier: str
    """What follows the name: `==1.9.1`, ` @ git+https://...@<commit>`, or empty."""
    reason: str
    """Why it is needed, in one line."""
    serves: str = "model"
    """`model`, or `service` for what the generated code itself imports."""
    mentioned: bool = False
    """Whether the model's file mentions a name of it."""

    def __str__(self) -> str:
        return f"{self.distribution}{self.specifier}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSource:
    """A file that goes with the service because the model needs it."""

    path: str
    """Where it goes, relative to the project: `features.py`, `churn/features.py`, `data/brands.csv`."""
    content: bytes
    reason: str
    lifted: bool = False
    """Whether its text was put together from definitions of a script or notebook."""

    @property
    def module(self) -> str:
        """The top-level module that it belongs to: `features`, `churn`."""
        return self.path.partition("/")[0].removesuffix(".py")


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPackage:
    """A Debian package that a library loads at run time."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """All that the service needs besides its own code, each with its reason."""

    python: str
    """The Python that the lock is for: `3.11`."""
    requirements: tuple[Requirement, ...]
    lock: str
    """The text of `requirements.txt`: every distribution pinned, with hashes."""
    sources: tuple[LocalSource, ...] = ()
    system: tuple[SystemPackage, ...] = ()
    notes: tuple[str, ...] = ()
    takes_example: bool = False
    """Whether the model answered the made-up record of the generated code."""
