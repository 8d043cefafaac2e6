"""The service does not give the model's answers, or does not run."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.errors.base import ScaffoldError


class VerificationError(ScaffoldError):
    """The service does not give the model's answers, or does not run."""


class EnvironmentFailedError(VerificationError):
    """The lock cannot be installed."""

    def __init__(self, tail: str) -> None:
        super().__init__(tail)
        self.tail = tail

    def __str__(self) -> str:
        return f"The clean environment for the proof cannot be made:\n{self.tail}"


class ServiceFailedError(VerificationError):
    """The service does not start, or breaks off."""

    def __init__(self, what: str, log: str) -> None:
        super().__init__(what, log)
        self.what, self.log = what, log

    def __str__(self) -> str:
        return f"{self.what} The end of its log:\n{self.log}" if self.log else self.what


class AnswersDifferError(VerificationError):
    """The service gives another answer than the model.

    Args:
        what: Which request: `row 3`.
        path: Where in the answer: `.prediction`.
        values: The value from the service and the one wanted, as JSON.
        versions: (distribution, version in the service, version here) of what the model needs, where these
            differ; `None` where they were not compared.
    """

    def __init__(
        self,
        what: str,
        path: str,
        values: tuple[str, str],
        versions: Sequence[tuple[str, str, str]] | None = None,
    ) -> None:
        super().__init__(what, path, values, versions)
        self.what, self.path, self.values, self.versions = what, path, values, versions

    def __str__(self) -> str:
        got, wanted = self.values
        lines = [
            "The service answers, but not with the sample's predictions.",
            (
                f"  {self.what}, {self.path.lstrip('.') or 'the answer'}: "
                f"{got} from the service, {wanted} in the sample's output"
            ),
        ]
        lines += [
            f"  {name}: {there} in the service, {here} in the environment of the sample"
            for name, there, here in self.versions or ()
        ]
        if self.versions:
            name, _, here = self.versions[0]
            lines.append(f"Pin what the model was made with: scaffold new ... --pin {name}=={here}")
        elif self.versions is not None:
            lines.append(
                "What the model needs has the same versions in both. Does the model depend on the time, on "
                "other requests, on environment variables or on files outside the project?"
            )
        return "\n".join(lines)


class RowsDependError(VerificationError):
    """The service gives a row another answer among others than alone.

    Args:
        row: Its place in the recorded sample, from 0.
        when: What else was asked: `in a batch in reverse order`.
        path: Where in the answer: `.prediction`.
        values: The value from the service and that of the row alone, as JSON.
    """

    def __init__(self, row: int, when: str, path: str, values: tuple[str, str]) -> None:
        super().__init__(row, when, path, values)
        self.row, self.when, self.path, self.values = row, when, path, values

    def __str__(self) -> str:
        got, alone = self.values
        return (
            f"The answer to row {self.row} depends on which rows are asked with it.\n"
            f"  {self.when}, {self.path.lstrip('.') or 'the answer'}: {got}; alone: {alone}\n"
            "Callers would get each other's answers. In a project of yours, score each record in a call of\n"
            "its own, in app/score.py:\n"
            "  BATCHED = False"
        )


class AnswerChangedError(VerificationError):
    """The service gives a row another answer than it gave before.

    Args:
        row: Its place in the recorded sample, from 0.
        path: Where in the answer: `.prediction`.
        values: The value now and the one before, as JSON.
    """

    def __init__(self, row: int, path: str, values: tuple[str, str]) -> None:
        super().__init__(row, path, values)
        self.row, self.path, self.values = row, path, values

    def __str__(self) -> str:
        now, before = self.values
        return (
            f"The service changed as it answered: row {self.row} was asked again.\n"
            f"  {self.path.lstrip('.') or 'the answer'}: {now}; before: {before}\n"
            "An answer may not depend on what was asked before it: keep no state between calls."
        )
