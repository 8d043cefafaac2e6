"""The answers to what a template asks, or the training data for one of them, cannot be used."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.errors.branches import UsageError
from scaffold.errors.wording import either, invocation, listed, option


class InvalidAnswerError(UsageError):
    """An answer, or the option that gives it, has a value that it cannot have."""

    answer: str
    found: object
    wanted: str

    def __str__(self) -> str:
        return f"The answer '{self.answer}' is {self.found!r}.\nIt takes {self.wanted}."


class UnknownAnswerError(UsageError):
    """The template asks no such question.

    Args:
        answer: The name that was given: `replica`, or `per_target.production.replica`.
        known: The names of the questions.
    """

    answer: str
    known: Sequence[str]

    def __str__(self) -> str:
        from difflib import get_close_matches

        place, dot, name = self.answer.rpartition(".")
        near = get_close_matches(name, self.known, n=1)
        meant = f" Did you mean '{place}{dot}{near[0]}'?" if near else ""
        return f"The template has no question '{self.answer}'.{meant}\nIt asks: {', '.join(self.known)}."


class UnreadableAnswerError(UsageError):
    """An answer of the command line is no YAML."""

    answer: str
    found: str
    cause: str

    def __str__(self) -> str:
        return (
            f"--answer {self.answer}={self.found} cannot be read as YAML: {self.cause}\n"
            f"Put text in quotes of its own:\n  --answer '{self.answer}=\"...\"'"
        )


class AnswersFileError(UsageError):
    """A file of answers cannot be read, or has no answers.

    Args:
        path: The file.
        cause: Why it cannot be read; empty where it holds something else than answers.
    """

    path: str
    cause: str = ""

    def __str__(self) -> str:
        if self.cause:
            return f"{self.path} cannot be read as answers: {self.cause}"
        return f"{self.path} holds no answers.\nOne `question: answer` a line is wanted, e.g.  variant: text"


class RefusedAnswerError(UsageError):
    """A template refuses an answer, by a rule of its own."""

    cause: str

    def __str__(self) -> str:
        return f"An answer is not allowed. {self.cause}\nNothing was written."


class NoTerminalError(UsageError):
    """A template asks questions, and there is no terminal."""

    target: str

    def __str__(self) -> str:
        return (
            "There is no terminal to ask questions in. Take the defaults, or give the answers:\n"
            f"  {invocation('init', self.target, **either({}, {'defaults': True}))}\n"
            f"  {invocation('init', self.target, answers_file='answers.yaml')}"
        )


class BaselineNotFoundError(UsageError):
    """No file is at the path of `--baseline`.

    Args:
        path: The path.
    """

    path: str

    def __str__(self) -> str:
        return (
            f"There is no file {self.path} to make the baseline from.\n"
            "Name a file of training data, with a column for each field:\n"
            f"  {option('baseline', 'training.parquet')}"
        )


class SlimImageError(UsageError):
    """An image without the libraries of the model (`slim=true`) needs a compiled model, and there is none.

    Args:
        reason: Why there is none.
        remedy: The option that compiles it; empty where none does.
    """

    reason: str
    remedy: str = ""

    def __str__(self) -> str:
        with_libraries = either("answers={'slim': False}", "--answer slim=false")
        choice = f"Compile the model: {self.remedy}\nOr take" if self.remedy else "Take"
        return (
            f"Without a compiled model, the image needs the model's libraries (slim=true): {self.reason}.\n"
            f"{choice} the libraries along: {with_libraries}"
        )


class BaselineFormatError(UsageError):
    """The file of `--baseline` is no table.

    Args:
        path: The name of the file.
    """

    path: str

    def __str__(self) -> str:
        return (
            f"{self.path} is no table that a baseline can be made from.\n"
            "It takes a file with a column for each field: Parquet, Feather, CSV or JSON lines."
        )


class BaselineFieldsError(UsageError):
    """The training data of `--baseline` have no column for any field of the model.

    Args:
        path: The name of the file.
        fields: The names of the fields.
        columns: The names of the columns.
    """

    path: str
    fields: tuple[str, ...]
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.path} has no column for any field of the model.\n"
            f"  fields: {listed(self.fields, 10)}\n"
            f"  columns: {listed(self.columns, 10)}\n"
            "Name the columns as the fields."
        )


class BaselineWithoutModelError(UsageError):
    """`update` is called with other training data and without the model, which makes the predictions of it.

    Args:
        project: The folder of the project.
        path: The file of `--baseline`.
    """

    project: str
    path: str

    def __str__(self) -> str:
        return "A new baseline needs the model and a sample, and no model is given.\n  " + invocation(
            "update", self.project, model="model.pkl", input="sample.pkl", baseline=self.path
        )
