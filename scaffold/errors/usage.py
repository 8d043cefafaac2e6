"""A call or a command that cannot be carried out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from scaffold.errors.branches import UsageError
from scaffold.errors.wording import invocation, option, shell_line


class MissingExtraError(UsageError):
    """An optional part of this package is asked for and not installed."""

    extra: str
    module: str

    def __str__(self) -> str:
        return (
            f"This needs the '{self.extra}' extra: the module '{self.module}' is not installed.\n"
            f"  {shell_line('pip', 'install', f'model-scaffold[{self.extra}]')}"
        )


class InvalidOptionError(UsageError):
    """An option has a value that it cannot have.

    Args:
        option: By the name of its keyword: `memory_limit`.
        found: The value.
    """

    option: Literal[
        "accelerate",
        "builder",
        "duration",
        "env",
        "header",
        "memory_limit",
        "name",
        "on",
        "pin",
        "platforms",
        "profile",
        "python",
        "tag",
        "url",
        "users",
    ]
    found: str

    def __str__(self) -> str:
        problem, example = _EXPECTED[self.option]
        return f"{problem.format(self.found)}\n  {option(self.option, example)}"


_EXPECTED: dict[str, tuple[str, object]] = {
    "accelerate": ("There is no way {!r} to accelerate: it is off, numpy, onnx or auto.", "numpy"),
    "builder": ("There is no builder {!r}: it is docker or layers.", "layers"),
    "duration": ("{!r} is no duration of 5 s or more, in hours, minutes and seconds.", "1m30s"),
    "env": ("{!r} is no name of an environment variable.", ["RATE=1.5"]),
    "header": (
        "The header {} is none: a name, a colon and a value are wanted.",
        ["Authorization: Bearer ..."],
    ),
    "memory_limit": ("{!r} is no size of memory.", "32G"),
    "name": (
        (
            "{!r} cannot be the service's name: an image and Kubernetes objects are named so.\n"
            "Lower-case letters, digits and '-', a letter first, 50 characters at most:"
        ),
        "titanic-service",
    ),
    "pin": ("{!r} pins nothing: a name and a version are wanted.", ["numpy==2.4.6"]),
    "platforms": ("{!r} is no platform that is known here: linux/amd64 or linux/arm64.", ["linux/amd64"]),
    "profile": ("There is no profile {!r}: it is fast or plain.", "plain"),
    "python": ("{!r} is no version of Python that a service can run on.", "3.11"),
    "tag": ("{!r} is no image reference. One is in lower case:", "registry.example.com/churn:1.0.0"),
    "url": ("{!r} is no address of a service.", "https://titanic.example.org"),
    "on": ("{} is nothing that batches are scored on: local, ray, spark or dask, or the URL of one.", "ray"),
    "users": ("{} is no number of users: at least 1 is wanted.", 64),
}
"""By option: what is wrong with a value, and a value that it can have."""


class NotAnAssignmentError(UsageError):
    """An option of the command line wants `NAME=VALUE` and holds no such text."""

    option: Literal["types", "answers", "metrics", "params"]
    found: str

    def __str__(self) -> str:
        what, example = {
            "types": ("names no field and type", {"zip": "str"}),
            "answers": ("names no answer and value", {"replicas": "3"}),
            "metrics": ("names no metric and number", {"auc": "0.87"}),
            "params": ("names no parameter and value", {"C": "1.0"}),
        }[self.option]
        return f"{option(self.option)} {self.found} {what}.\n  {option(self.option, example)}"


class TargetNotEmptyError(UsageError):
    """The folder that a project would be written to holds something already.

    Args:
        target: The folder.
        found: What is in it; nothing where a file has its name.
    """

    target: str
    found: Sequence[str] = ()

    def __str__(self) -> str:
        more = f" and {len(self.found) - 3} more" if len(self.found) > 3 else ""
        head = (
            f"{self.target} is not empty: it holds {', '.join(self.found[:3])}{more}."
            if self.found
            else f"{self.target} is no folder: there is a file of that name."
        )
        return (
            f"{head}\n"
            "Nothing was written. Name a folder that is empty or absent, or bring the project up to date:\n"
            f"  {invocation('update', self.target, model=...)}"
        )


class FolderNotMadeError(UsageError):
    """A folder cannot be made."""

    folder: str
    cause: str

    def __str__(self) -> str:
        return f"{self.folder} cannot be made: {self.cause}. Nothing was written."


class NoTemporaryFolderError(UsageError):
    """No temporary folder can be made."""

    cause: str

    def __str__(self) -> str:
        return f"No temporary folder can be made: {self.cause}.\nSet TMPDIR to a folder that can be written."


class MissingTargetError(UsageError):
    """`new` is called without the folder to write."""

    def __str__(self) -> str:
        return 'The folder to write is missing:\n  scaffold.new(model, sample, output, "service")'


class MissingSampleError(UsageError):
    """A new model is given without a sample of its input."""

    project: str
    model: str = "model.pkl"

    def __str__(self) -> str:
        command = invocation("update", self.project, model=self.model, input="sample.pkl")
        return f"A new model comes with a sample of its input:\n  {command}"


class UnusedSampleError(UsageError):
    """`update` is called with a sample, and without the model that the sample is for."""

    project: str
    model: str = "model.pkl"

    def __str__(self) -> str:
        command = invocation("update", self.project, model=self.model, input="sample.pkl")
        return f"A sample is for a model, and no model is given. Name it, also if it stays:\n  {command}"


class MissingInputError(UsageError):
    """A model is given without a sample of its input, and its source has none."""

    model: str

    def __str__(self) -> str:
        command = invocation("new", self.model, "service", input="sample.pkl")
        return f"A model comes with a sample of its input, and {self.model} brings none:\n  {command}"


class NotAProjectError(UsageError):
    """A folder is no generated project.

    Args:
        folder: The folder.
        missing: The files that it lacks.
        verb: What it was named for.
    """

    folder: str
    missing: Sequence[str]
    verb: str = "verify"

    def __str__(self) -> str:
        return (
            f"{self.folder} is no generated project: it has no {' with a '.join(self.missing)}.\n"
            f"Name the folder that `scaffold new` wrote:\n  {invocation(self.verb, 'titanic-service')}"
        )


class OtherLockError(UsageError):
    """A project keeps the lock of another tool in place of `requirements.txt`.

    Args:
        folder: The project's folder.
        lock: The lock: `uv.lock`.
        command: What writes `requirements.txt` from it.
    """

    folder: str
    lock: str
    command: str

    def __str__(self) -> str:
        return (
            f"{self.folder} has {self.lock} in place of requirements.txt, which the proof installs.\n"
            f"Write it, with its hashes:\n  {shell_line('cd', self.folder)}\n  {self.command}"
        )


class NestedCallError(UsageError):
    """The code of the model calls this package while the model is loaded."""

    def __str__(self) -> str:
        return (
            "The model's code calls scaffold itself while it is loaded, and that would never end.\n"
            'Put the call below `if __name__ == "__main__":` in the script that defines the model.'
        )


class NeverTrustedError(UsageError):
    """`--trust` names what can never be trusted."""

    name: str

    def __str__(self) -> str:
        return (
            f"{option('trust', [self.name])} is not possible:"
            " a file that may use this name can run anything.\n"
            "Trust the names that the file reaches with this one, or the distribution that they belong to:\n"
            f"  {invocation('new', ..., trust=['DISTRIBUTION'])}"
        )


class UnsetVariableError(UsageError):
    """An environment variable that the model needs has no value here."""

    name: str
    secret: bool = False

    def __str__(self) -> str:
        if self.secret:
            return (
                f"The secret {self.name} has no value here, and the model is tried with it.\n"
                f"  export {self.name}=...  # then the same command again"
            )
        return f"The variable {self.name} has no value here.\n  {option('env', [f'{self.name}=VALUE'])}"


class VariableTakenError(UsageError):
    """The model reads an environment variable that is a setting of the service."""

    name: str

    def __str__(self) -> str:
        return (
            f"The model reads the variable {self.name}, which is a setting of the service as well.\n"
            f"Give the model's another name in its code: MODEL_{self.name}"
        )


class MultilineVariableError(UsageError):
    """The value of an environment variable has several lines."""

    name: str

    def __str__(self) -> str:
        return f"The value of {self.name} has several lines, which a Dockerfile cannot hold."


class ExclusiveOptionsError(UsageError):
    """Two options of the command line exclude each other."""

    one: str
    other: str

    def __str__(self) -> str:
        return f"{option(self.one)} and {option(self.other)} exclude each other."
