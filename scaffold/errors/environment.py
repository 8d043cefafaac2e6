"""The value of `--environment` cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from scaffold.errors.branches import EnvironmentSpecError
from scaffold.errors.wording import invocation, option


class NotAnEnvironmentError(EnvironmentSpecError):
    """A path that is no environment, no interpreter and no requirement file.

    Args:
        path: What was named.
        problem: Which of its messages it has.
        near: Files beside a path that leads nowhere, or requirement files in a folder that is no environment.
        cause: The error of a Python that does not run.
    """

    path: str
    problem: Literal["absent", "conda", "folder", "kind", "python", "run"]
    near: Sequence[str] = ()
    cause: str = ""

    def __str__(self) -> str:
        hint = f"; name its {self.near[0]}" if self.near else ""
        problem = {
            "absent": "there is no such file or folder",
            "conda": "it is a conda environment without Python",
            "folder": f"the folder holds neither pyvenv.cfg nor conda-meta with a Python{hint}",
            "kind": "it is a file of another kind",
            "python": "it is no Python",
            "run": f"its Python does not run ({self.cause})",
        }[self.problem]
        is_beside = self.near and self.problem == "absent"
        beside = f"\n  beside the path: {', '.join(self.near)}" if is_beside else ""
        return (
            f"{self.path} is not an environment: {problem}.{beside}\n"
            "Name a virtual or conda environment, its Python, a requirement file, or requirements:\n"
            f"  {_environment('.venv')}\n"
            f"  {with_requirements()}\n"
            f"  {_environment('scikit-learn==1.3.2')}"
        )


class RequirementFileError(EnvironmentSpecError):
    """A requirement, or a file of requirements, that cannot be read.

    Args:
        source: The file, or what was named in quotes.
        problem: Which of its messages it has.
        about: What the sentence is about: a line, a file that is named, ...
        cause: The error of a parser.
    """

    source: str
    problem: Literal[
        "YAML",
        "dependencies",
        "empty",
        "existing",
        "kind",
        "lock",
        "missing",
        "neither",
        "pip",
        "python",
        "line",
    ]
    about: str = ""
    cause: str = ""

    def __str__(self) -> str:
        problem = {
            "YAML": f"it is no YAML ({self.cause})",
            "dependencies": "it has no list 'dependencies'",
            "empty": "nothing is named",
            "existing": "an environment that exists is used as it is, and nothing is added to it",
            "kind": "files of this kind are not read",
            "line": f"'{self.about}' is no requirement ({self.cause})",
            "lock": "a lock settles every version, so no other requirements go with the lock",
            "missing": f"it names {self.about}, and there is no such file beside it",
            "neither": f"'{self.about}' is neither a requirement nor a file that exists",
            "pip": "its pip section is no list",
            "python": "it names no version of Python",
        }[self.problem]
        advice = {
            "kind": "Read are requirements.txt, conda.yaml, pylock.toml, uv.lock and pyproject.toml."
            " A lock of another tool can be exported: poetry export -o requirements.txt",
            "lock": "Name the lock alone, or with the version of Python:"
            f" {option('environment', ['python==3.11'])}",
        }.get(
            self.problem,
            f"Write a requirement as pip takes it: {option('environment', ['scikit-learn==1.3.2'])}",
        )
        return f"The environment cannot be read from {self.source}: {problem}.\n{advice}"


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
    """uv finds no compatible versions, or cannot install them.

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


class LibrariesBrokenError(BrokenEnvironmentError):
    """The libraries of an environment do not import.

    Args:
        environment: What was named.
        cause: The error.
        numpy: Whether they need another numpy than the one that fits them by their metadata.
    """

    environment: str
    cause: str
    numpy: bool = False

    def __str__(self) -> str:
        advice = "\nName the versions of what it needs too, as they were where the model was made."
        return (
            f"The environment {self.environment} cannot be used: its libraries do not import.\n"
            f"  {self.cause}{'' if self.numpy else advice}"
        )


class LibraryTooOldError(BrokenEnvironmentError):
    """An environment has a library in a version that the worker cannot use."""

    environment: str
    library: str
    version: str
    specifier: str

    def __str__(self) -> str:
        return (
            f"The environment {self.environment} cannot be used: it has {self.library} {self.version},"
            f" and scaffold needs {self.library}{self.specifier} in it.\n"
            "Name the model's own requirements instead, without that version:\n"
            f"  {_environment('scikit-learn==VERSION')}"
        )


class LibrariesConflictError(BrokenEnvironmentError):
    """What the worker needs cannot be installed beside an environment.

    Args:
        environment: What was named.
        needed: What the worker needs.
        pins: What of the environment that has to go with.
        cause: uv's explanation.
    """

    environment: str
    needed: Sequence[str]
    pins: Sequence[str]
    cause: str

    def __str__(self) -> str:
        conflict = f", which may not go with {' and '.join(self.pins)} in it" if self.pins else ""
        return (
            f"The environment {self.environment} cannot be used:"
            f" scaffold needs {' and '.join(self.needed)} beside it{conflict}.\n  {self.cause}\n"
            "Update that library in the environment, or name the model's own requirements instead:\n"
            f"  {with_requirements()}"
        )


def with_requirements() -> str:
    """Return a call of `new` that loads the model in an environment of its own requirements."""
    return _environment("requirements.txt")


def _environment(*specs: str) -> str:
    return invocation("new", ..., environment=specs)
