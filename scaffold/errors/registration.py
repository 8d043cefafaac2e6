"""A model, its alias or what is known of its training cannot be registered."""

from __future__ import annotations

from typing import Literal

from scaffold.errors.branches import UsageError
from scaffold.errors.wording import invocation


class InvalidRegistrationError(UsageError):
    """A model cannot be registered under that name and version; no version for the next whole number."""

    model: str
    name: str
    version: str = ""

    def __str__(self) -> str:
        return (
            "A model is registered under a name without '/' and '@', of at most 63 characters, and a version"
            f" of at most 128, not {self.name!r} and {self.version!r}.\n"
            f"  {invocation('register', self.model, name='churn', version='1.0.0')}"
        )


class InvalidAliasError(UsageError):
    """An alias of a model has a name that no alias can have."""

    alias: str

    def __str__(self) -> str:
        return (
            f"{self.alias!r} is no alias.\n"
            "An alias is a letter and up to 62 letters, digits, '.', '-' and '_', but not 'latest':\n"
            f"  {invocation('alias', 'churn/1.0.0', 'staging')}"
        )


class InvalidFactError(UsageError):
    """A metric or a parameter has a value that the store does not keep.

    Args:
        kind: Which of the two.
        name: Its name.
        found: What it is.
    """

    kind: Literal["metrics", "params"]
    name: str
    found: str

    def __str__(self) -> str:
        expected = "finite number" if self.kind == "metrics" else "value of JSON"
        return f"{self.kind}[{self.name!r}] is no {expected}: {self.found}."


class InvalidConfusionMatrixError(UsageError):
    """A confusion matrix cannot be counted: it takes the true classes of some rows and the predicted ones."""

    found: str

    def __str__(self) -> str:
        call = "scaffold.register(..., confusion_matrix=(y_test, model.predict(X_test)))"
        return f"A confusion matrix takes true and predicted classes, not {self.found}.\n  {call}"


class InvalidTrainingDataError(UsageError):
    """The training data is neither a file nor a frame."""

    found: str

    def __str__(self) -> str:
        call = invocation("register", "model.pkl", name="churn", data="train.parquet")
        return (
            f"The training data is {self.found}; it is described from the path of a file, a frame of pandas,"
            f" polars or pyarrow, or an array.\n  {call}"
        )
