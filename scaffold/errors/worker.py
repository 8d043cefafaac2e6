"""The process that loads the model broke off."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.errors.base import ScaffoldError


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

    def __init__(self, action: str, option: str, cause: str) -> None:
        """`action` says what was refused, `option` allows it, `cause` is the model's own error."""
        super().__init__(action, "")
        self.args = (action, option, cause)
        self.action, self.option, self.cause = action, option, cause

    def __str__(self) -> str:
        advice = (
            f"If you expect that:\n  scaffold new ... {self.option}"
            if self.option
            else "The service could not do that either: its file system is read-only but for the folder of"
            " temporary files, and it starts no programs."
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
