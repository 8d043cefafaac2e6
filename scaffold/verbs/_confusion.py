"""The confusion matrix of a classifier, from true and predicted classes."""

from __future__ import annotations

from collections import Counter
from typing import Any

from scaffold.errors import InvalidConfusionMatrixError
from scaffold.spec import JSONValue

MOST_CLASSES = 100


def count_confusions(classes: Any) -> dict[str, JSONValue]:
    """Return the `classes`, and for each true class a row of `counts`, one for each predicted class.

    Args:
        classes: The true classes of some rows, and those that the model predicts for them: two lists, arrays
            or Series of texts, whole numbers or booleans.

    Raises:
        InvalidConfusionMatrixError: They are not.
    """
    if not isinstance(classes, tuple | list) or len(classes) != 2:
        raise InvalidConfusionMatrixError(f"a {type(classes).__name__}")
    true, predicted = map(_values, classes)
    if len(true) != len(predicted) or not true:
        raise InvalidConfusionMatrixError(f"{len(true)} true and {len(predicted)} predicted ones")
    values = {*true, *predicted}
    if len(values) > MOST_CLASSES:
        raise InvalidConfusionMatrixError(f"{len(values)} different values")
    ordered = sorted(values, key=lambda each: (isinstance(each, str), each))
    counted = Counter(zip(true, predicted, strict=True))
    counts: list[JSONValue] = [[counted[row, column] for column in ordered] for row in ordered]
    return {"classes": list[JSONValue](ordered), "counts": counts}


def _values(column: Any) -> list[Any]:
    values = column.tolist() if hasattr(column, "tolist") else list(column)
    whole = [int(value) if isinstance(value, float) and value.is_integer() else value for value in values]
    for value in whole:
        if not isinstance(value, str | int):
            raise InvalidConfusionMatrixError(f"a {type(value).__name__} among them")
    return whole
