"""The process that loads the model failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from scaffold.errors.branches import WorkerError
from scaffold.errors.environment import with_requirements
from scaffold.errors.wording import invocation, option

_INSTEAD = {
    "starts a process": (
        "\nDo the work in the process of the service, or in its threads:\n"
        "  from concurrent.futures import ThreadPoolExecutor"
    ),
    "writes": (
        "\nLog to standard error with `logging`, and write files below the folder of temporary files:\n"
        "  tempfile.gettempdir()"
    ),
    "writes to the database": ("\nHave the model only read the database, and write its log with `logging`."),
}
"""What the model can do in place of an action that nothing allows."""


CALLING = "()"
"""Stands for the name that is being loaded, where all is loaded and the model is called."""


class WorkerEndedError(WorkerError):
    """The process that loads the model ended by itself, before it had reported."""

    status: int
    doing: str
    log: str = ""

    def __str__(self) -> str:
        how = f"{_while(self.doing)} (exit status {self.status})"
        return f"The process that loads the model broke off{how}.\n{_end_of(self.log)}".rstrip()


class WorkerMessageError(WorkerError):
    """The process that loads the model sent an invalid message.

    Args:
        cause: What is wrong with it.
        error: The class of the error that the message is, where it is one.
    """

    cause: str
    error: str = ""

    def __str__(self) -> str:
        what = f"a {self.error} that it reports" if self.error else "its message"
        return f"The process that loads the model broke off ({what} cannot be read: {self.cause})."


class ModelChangedError(WorkerError):
    """The file of the model changed while the process read it."""

    path: str

    def __str__(self) -> str:
        return f"The process that loads the model broke off ({self.path} changed while it was read)."


class WorkerDiedError(WorkerError):
    """A signal ended the process that loads the model."""

    signal: str
    doing: str
    log: str = ""

    def __str__(self) -> str:
        return (
            f"{self.signal} ended the process that loads the model{_while(self.doing)}.\n{_end_of(self.log)}"
            "The file may be damaged, or made by other versions of its libraries than the installed ones.\n"
            "Load it in the environment that made it, named by its folder or its requirements:\n"
            f"  {with_requirements()}"
        )


class WorkerLimitError(WorkerError):
    """The process that loads the model exceeded a limit."""

    limit: Literal["memory", "time", "CPU time", "written bytes"]
    amount: str = ""
    doing: str = ""

    def __str__(self) -> str:
        amount = f" ({self.amount})" if self.amount else ""
        limit = f"{self.limit}{amount}{_while(self.doing)}"
        needed: dict[str, object] = (
            {"memory_limit": "32G"} if self.limit == "memory" else {"time_limit": 3600}
        )
        return (
            f"The process that loads the model reached its limit of {limit}.\n"
            f"A model that needs more:\n  {invocation('new', ..., **needed)}"
        )


class ConfinementError(WorkerError):
    """The model needs an action that the confinement of its process forbids.

    Args:
        action: What it does: `reads`, `connects to`, `starts a process`, `writes to the database`.
        target: What it does that to; empty where that is not known.
        cause: The model's own error, after the call that failed.
    """

    action: str
    target: str
    cause: str

    def __str__(self) -> str:
        allowed: dict[str, object] = {}
        if self.action == "reads":
            allowed = {"allow_read": [self.target]}
        elif self.action == "connects to":
            allowed = {"allow_network": True}
        advice = (
            f"If you expect that:\n  {invocation('new', ..., **allowed)}"
            if allowed
            else "The service could not do that either: its file system is read-only but for the folder of"
            f" temporary files, and it starts no programs.{_INSTEAD.get(self.action, '')}"
        )
        done = f"{self.action} {self.target}".rstrip()
        return f"The model {done}, which it may not do unasked.\n  {self.cause}\n{advice}"


class MissingVariableError(WorkerError):
    """The model reads environment variables that the service would not have."""

    names: Sequence[str]
    cause: str

    def __str__(self) -> str:
        command = invocation("new", ..., env=[f"{name}=VALUE" for name in self.names])
        secret = option("secret", ["NAME"])
        variables = "variable" if len(self.names) == 1 else "variables"
        return (
            f"The model reads the environment {variables} {', '.join(self.names)},"
            " and fails where the service runs: nothing sets it there.\n"
            f"  {self.cause}\n"
            f"Give the value that the service is to have ({secret} for one that stands in no file):\n"
            f"  {command}"
        )


def _while(doing: str) -> str:
    """What the process did: the name that it loaded, or `CALLING`; nothing where that is not known."""
    if doing == CALLING:
        return " while the model was called"
    return f" while it loaded {doing}" if doing else ""


def _end_of(log: str) -> str:
    lines = log.rstrip().splitlines()[-20:]
    return "".join(f"  {line}\n" for line in lines)
