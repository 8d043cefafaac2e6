"""What was typed cannot be done."""

from __future__ import annotations

from scaffold.errors.base import ScaffoldError


class UsageError(ScaffoldError):
    """What was typed cannot be done."""


class MissingExtraError(UsageError):
    """An optional part of this package is asked for and not installed."""

    def __init__(self, extra: str, module: str) -> None:
        super().__init__(extra, module)
        self.extra, self.module = extra, module

    def __str__(self) -> str:
        return (
            f"This needs the '{self.extra}' extra: the module '{self.module}' is not installed.\n"
            f"  pip install 'model-scaffold[{self.extra}]'"
        )


class InvalidAnswerError(UsageError):
    """An answer, or the option that gives it, has a value that it cannot have."""

    def __init__(self, answer: str, found: object, wanted: str) -> None:
        super().__init__(answer, found, wanted)
        self.answer, self.found, self.wanted = answer, found, wanted

    def __str__(self) -> str:
        return f"The answer '{self.answer}' is {self.found!r}.\nIt takes {self.wanted}."


class TargetNotEmptyError(UsageError):
    """The folder that a project would be written to holds something already."""

    def __init__(self, target: str, found: str) -> None:
        super().__init__(target, found)
        self.target, self.found = target, found

    def __str__(self) -> str:
        return (
            f"{self.target} is not empty: it holds {self.found}.\n"
            "Nothing was written. Name a folder that is empty or absent, or bring the project up to date:\n"
            f"  scaffold update {self.target} --model ..."
        )


class NeverTrustedError(UsageError):
    """`--trust` names what can never be trusted."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return (
            f"--trust {self.name} is not possible: a file that may use this name can run anything.\n"
            "Trust the names that the file reaches with this one, or the distribution that they belong to:\n"
            "  scaffold new ... --trust DISTRIBUTION"
        )
