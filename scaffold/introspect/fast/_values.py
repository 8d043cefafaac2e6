"""Constants and options of a step, and the refusal of a step without a compiled form."""

from __future__ import annotations

from typing import Any

from scaffold.introspect._guard import attribute
from scaffold.spec import Constant, FastOption, FastStep, JSONValue


class NotCompiledError(Exception):
    """A step, or a parameter of one, has no compiled form; the message says which."""


class ConverterMissingError(NotCompiledError):
    """What would convert the model is not installed here."""


def refuse(step: object, detail: str = "") -> NotCompiledError:
    """Return the error for a step; `detail` names what of it has no compiled form."""
    name = type(step).__name__
    return NotCompiledError(
        f"{name} with {detail} has no compiled form" if detail else f"{name} has no compiled form"
    )


def fast_step(name: str, *constants: Constant, **options: JSONValue) -> FastStep:
    """Return the step that the class `name` of `templates/service/fast/` computes."""
    return FastStep(
        step=name,
        constants=constants,
        options=tuple(FastOption(parameter=key, value=value) for key, value in options.items()),
    )


def constant(parameter: str, values: Any, *, listed: bool = False) -> Constant:
    """Return an array of numbers, truth values or text.

    Raises:
        NotCompiledError: It holds other values.
    """
    import numpy as np

    array = np.asarray(values)
    if array.dtype == object:
        array = _of_objects(array)
    if array.dtype.kind not in "iufbU" or array.dtype == np.longdouble:
        raise NotCompiledError(f"values of dtype {array.dtype} have no compiled form")
    if array.dtype.kind == "U" and any(text.endswith("\0") for text in np.asarray(values).ravel().tolist()):
        raise NotCompiledError("text that ends with a null character has no compiled form")
    fortran = bool(array.flags.f_contiguous and not array.flags.c_contiguous)
    array = array.astype(array.dtype.newbyteorder("<"))
    return Constant(
        parameter=parameter,
        dtype=array.dtype.str,
        shape=array.shape,
        content=array.tobytes("F" if fortran else "C"),
        fortran=fortran,
        listed=listed,
        as_object=np.asarray(values).dtype == object,
    )


def _of_objects(array: Any) -> Any:
    """Return an array of objects of one type of Python as an array of that type."""
    import numpy as np

    types = {type(value) for value in array.ravel().tolist()}
    if len(types) > 1:
        raise NotCompiledError("values of several types have no compiled form")
    if not types <= {str, int, float, bool}:
        raise NotCompiledError(f"values of type {types.pop().__name__} have no compiled form")
    return np.array(array.tolist(), dtype=None if types else "U1").reshape(array.shape)


def finite(step: object, name: str) -> Any:
    """Return an array of numbers that is an attribute of a fitted step.

    Raises:
        NotCompiledError: There is none, or a value of it is not finite.
    """
    import numpy as np

    values = attribute(step, name)
    array = np.asarray(values)
    if values is None or array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise refuse(step, f"this `{name}`")
    return array


def require(step: object, condition: bool, detail: str) -> None:
    """Raise NotCompiledError unless the condition holds."""
    if not condition:
        raise refuse(step, detail)


def require_plain_output(step: object) -> None:
    """Raise NotCompiledError if `set_output` changes what a step returns."""
    chosen = (attribute(step, "_sklearn_output_config") or {}).get("transform", "default")
    require(step, chosen in ("default", None), f"set_output({chosen!r})")
