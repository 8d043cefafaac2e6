"""Other columns from columns."""

from __future__ import annotations

from typing import Any

from scaffold.introspect._guard import attribute
from scaffold.introspect.fast._values import constant, fast_step, finite, refuse, require
from scaffold.spec import FastStep

MOST_PRODUCTS = 2_000
_FUNCTIONS = ("abs", "cbrt", "exp", "expm1", "log", "log10", "log1p", "log2", "sqrt", "square")


def read_polynomial(step: Any, numeric: bool) -> FastStep:
    """Return PolynomialFeatures: each column is an earlier one times a column of the input."""
    require(step, numeric and step.order == "C", "this input")
    require(step, step.n_output_features_ <= MOST_PRODUCTS, f"{step.n_output_features_} columns")
    places: dict[tuple[int, ...], int] = {}
    parents: list[int] = []
    factors: list[int] = []
    for row in step.powers_.tolist():
        factor = next((i for i, power in enumerate(row) if power), -1)
        rest = [power - (i == factor) for i, power in enumerate(row)]
        parent = places.get(tuple(rest), -1) if any(rest) else -1
        require(step, parent >= 0 or not any(rest), "a degree without the lower ones")
        places[tuple(row)] = len(factors)
        parents.append(parent)
        factors.append(factor)
    return fast_step("PolynomialFeatures", constant("parents", parents), constant("factors", factors))


def read_selection(step: Any, numeric: bool) -> FastStep:
    """Return the columns that a step keeps."""
    import numpy as np

    require(step, numeric, "text")
    chosen = np.asarray(step.get_support(indices=True), dtype=np.int64)
    require(step, len(chosen) > 0, "no column left")
    return fast_step("Selection", constant("chosen", chosen), nan=_takes_nan(step))


def _takes_nan(step: Any) -> bool:
    tags = attribute(step, "__sklearn_tags__")
    if tags is not None:
        return bool(tags().input_tags.allow_nan)
    return bool(step._get_tags()["allow_nan"])


def read_pca(step: Any, numeric: bool) -> FastStep:
    """Return a PCA."""
    import numpy as np

    require(step, numeric, "text")
    constants = [constant("components", finite(step, "components_")), constant("mean", finite(step, "mean_"))]
    if step.whiten:
        scale = np.sqrt(finite(step, "explained_variance_"))
        constants.append(constant("scale", np.maximum(scale, np.finfo(scale.dtype).eps)))
    return fast_step("PCA", *constants)


def read_function(step: Any, numeric: bool) -> FastStep | None:
    """Return a function of numpy; None for a step that changes nothing."""
    import numpy as np

    require(step, not step.kw_args, "kw_args")
    if step.func is None:
        require(step, not step.validate, "validate")
        return None
    name = next((name for name in _FUNCTIONS if step.func is getattr(np, name)), None)
    if name is None or not numeric or step.validate:
        raise refuse(step, f"func={getattr(step.func, '__name__', 'an object')}")
    return fast_step("ElementFunction", ufunc=name)
