"""What `--environment` names cannot be used."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.errors.base import ScaffoldError
from scaffold.errors.wording import invocation, option


class EnvironmentSpecError(ScaffoldError):
    """What `--environment` names cannot be used."""


class NotAnEnvironmentError(EnvironmentSpecError):
    """A path that is no environment, no interpreter and no requirement file."""

    path: str
    found: str
    near: Sequence[str] = ()

    def __str__(self) -> str:
        beside = f"\n  beside the path: {', '.join(self.near)}" if self.near else ""
        return (
            f"{self.path} is not an environment: {self.found}.{beside}\n"
            "Name a virtual or conda environment, its Python, a requirement file, or requirements:\n"
            f"  {_environment('.venv')}\n"
            f"  {_environment('requirements.txt')}\n"
            f"  {_environment('scikit-learn==1.3.2')}"
        )


class RequirementFileError(EnvironmentSpecError):
    """A requirement, or a file of requirements, that cannot be read."""

    source: str
    problem: str
    advice: str = ""

    def __str__(self) -> str:
        example = option("environment", ["scikit-learn==1.3.2"])
        advice = self.advice or f"Write a requirement as pip takes it: {example}"
        return f"The environment cannot be read from {self.source}: {self.problem}.\n{advice}"


class PythonNotFoundError(EnvironmentSpecError):
    """A Python that is not installed, and that uv cannot install.

    Args:
        wanted: Its version: `3.9`, or a specifier.
        installed: (version, path) of every Python that was found.
        cause: Why uv cannot install the wanted version.
    """

    wanted: str
    installed: Sequence[tuple[str, str]]
    cause: str = ""

    def __str__(self) -> str:
        lines = [f"Python {self.wanted} is not installed, and uv cannot install it."]
        lines += [f"  {line}" for line in self.cause.splitlines()[-3:]]
        if self.installed:
            lines.append("Installed are:")
            lines += [f"  {version}  {path}" for version, path in self.installed]
        lines.append(
            f"Install Python {self.wanted} with your system's packages, pyenv or conda, "
            "or give the path of an environment that has it:\n"
            f"  {_environment('PATH')}"
        )
        return "\n".join(lines)


class PythonTooOldError(EnvironmentSpecError):
    """A Python that is older than the oldest that this package supports."""

    version: str
    oldest: str
    path: str = ""

    def __str__(self) -> str:
        where = f"{self.path} is Python {self.version}" if self.path else f"Python {self.version} is named"
        return (
            f"{where}; scaffold supports Python {self.oldest} and later.\n"
            f"Make the model again on Python {self.oldest} or later. If the file holds no functions of its "
            "own, the same libraries on a later Python may load it:\n"
            f"  {_environment(f'python=={self.oldest}', 'scikit-learn==VERSION')}"
        )


class UnresolvableError(EnvironmentSpecError):
    """uv finds no versions that go together, or cannot install what it found.

    Args:
        wanted: What was asked for.
        pythons: The versions of Python for which it was tried.
        tail: The end of uv's output.
    """

    wanted: str
    pythons: Sequence[str]
    tail: str

    def __str__(self) -> str:
        end = "\n".join(f"  {line.strip()}" for line in self.tail.strip().splitlines()[-12:])
        return (
            f"No environment can be made of {self.wanted} with Python {', '.join(self.pythons)}.\n{end}\n"
            "Name other versions, another Python, or an environment that you have:\n"
            f"  {_environment('python==3.11', 'scikit-learn==1.3.2')}\n"
            f"  {_environment('PATH')}"
        )


class BrokenEnvironmentError(EnvironmentSpecError):
    """An environment that does not work, or that lacks what the worker needs."""

    path: str
    problem: str
    advice: str = ""

    def __str__(self) -> str:
        return f"The environment {self.path} cannot be used: {self.problem}" + (
            f"\n{self.advice}" if self.advice else ""
        )


def _environment(*specs: str) -> str:
    return invocation("new", ..., environment=specs)
