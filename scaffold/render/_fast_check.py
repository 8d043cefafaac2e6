"""Write `tests/fast/`, which compares a compiled model with the model in its file."""

from __future__ import annotations

import itertools
import math
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from scaffold.base.layout import FAST_CHECK, FAST_TEST
from scaffold.base.templates import template_path
from scaffold.render import _code
from scaffold.render._code import Node, call, code, members, sequence, statement, text
from scaffold.render._fast_graph import graph_check
from scaffold.render._fast_signature import fast_columns, fast_signature, plain_signature
from scaffold.render._score import score_values
from scaffold.render._source import render_to_model
from scaffold.spec import (
    Artifact,
    Batching,
    Category,
    Constant,
    FastPlan,
    Field,
    Optional,
    Record,
    Scalar,
    ScalarType,
    Schema,
    Signature,
    Table,
    Tensor,
    TorchCall,
    Value,
)

_KINDS = {
    ScalarType.BOOLEAN: "boolean",
    ScalarType.INTEGER: "integer",
    ScalarType.NUMBER: "number",
    ScalarType.STRING: "text",
}
_Known = TypeVar("_Known")
_MOST_KNOWN = 1000
_IMPUTERS = ("SimpleImputer", "TextImputer")
"""Steps behind which a category is one of the field."""
_SIZES = (1, 7, 64, 256)
_MOST_VALUES = 10_000_000
"""In a batch: 64 images of 3 x 224 x 224."""
_FAST_WORDS = "What app/fast.py takes: app/convert.py as it was generated."
_PLAIN_WORDS = "What the model in its file takes."


def fast_check_files(artifact: Artifact, signature: Signature, plan: FastPlan) -> dict[str, bytes]:
    """Return the files that compare a compiled model with the model, by path."""
    folder = template_path("service") / "fast_check"
    signature = _of_rows(signature)
    plain, fast = plain_signature(signature), fast_signature(signature, plan)
    written = {
        "fields.py": _fields_module(artifact, plain, plan),
        "fast_input.py": render_to_model(fast, fast_columns(plan), words=_FAST_WORDS),
        "plain_input.py": render_to_model(plain, words=_PLAIN_WORDS),
    }
    files = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.py"))} | written
    is_network = isinstance(signature.call, TorchCall)
    if is_network:
        names = ["compare.py", *(["rows.py"] if _has_arrays(signature) else [])]
        files |= {name: (folder.with_name("fast_network") / name).read_text("utf-8") for name in names}
        del files["boundaries.py"]
    test = (template_path("service") / "test_fast.py").read_bytes()
    made = {FAST_TEST: test} | {f"{FAST_CHECK}/{name}": content.encode() for name, content in files.items()}
    return graph_check(made, plan.graph) if plan.graph and not is_network else made


def _of_rows(signature: Signature) -> Signature:
    """Return the signature with many rows in a call, also for a model that gets one row in each."""
    call = replace(signature.call, batching=Batching.TOGETHER)
    return replace(signature, call=call, one_row=False) if signature.call.wrapped else signature


def _has_arrays(signature: Signature) -> bool:
    """Whether a record holds arrays other than one list of numbers."""
    arrays = [field.schema for field in _fields(signature.input) if isinstance(field.schema, Tensor)]
    return len(arrays) > 1 or any(len(array.shape) != 1 for array in arrays)


def _fields_module(artifact: Artifact, signature: Signature, plan: FastPlan) -> str:
    """Return `fields.py`: what rows are made from, and how the model is loaded."""
    score = score_values(artifact, signature)
    of_arrays = _has_arrays(signature)
    known = _known_of_fields([*_fields(signature.input)], plan)
    fields = sequence(
        members(_field(field, known[field.name], of_arrays=of_arrays)) for field in _fields(signature.input)
    )
    methods = _code.parenthesised([text(method) for method in plan.methods])
    return f'''"""What is compared: the fields of a record, the methods, and the files of the model."""

{score["score_imports"]}
{score["score_libraries"]}
{score["score_serving"]}
from app.settings import {score["score_settings"]}

MODEL = Path(__file__).parents[2] / "model" / "{score["score_file"]}"
CONSTANTS = MODEL.with_name("fast.npz")
{statement("METHODS = ", methods)}{_sizes(signature)}
{statement("FIELDS: list[dict[str, Any]] = ", fields)}


{load_function(score, signature)}'''


def load_function(score: Mapping[str, object], signature: Signature) -> str:
    """Return a function that returns the model in its file.

    Args:
        score: The values of `score.py`.
        signature: How the model is called.
    """
    load = str(score["score_load"])
    is_network = isinstance(signature.call, TorchCall)
    if is_network:
        load += "\n        torch.set_grad_enabled(False)"
    if len(re.findall(r"(?m)^ *_model\b", load)) == 1 and not is_network:
        load = load.replace("_model = ", "return ", 1)
    else:  # the file of XGBoost is read by an object that is there already
        load = re.sub(r"(?m)^( *)_model\b", r"\1model", load) + "\n        return model"
    return f'''def load_model() -> Any:
    """Load the model. `open_model` raises if the file is not the one that was tested."""
    with open_model(MODEL, MODEL_SHA256){score["score_opened"]}:
        {load}
'''


def _sizes(signature: Signature) -> str:
    """Return the statement that says how many rows of a network are compared in one call."""
    if not isinstance(signature.call, TorchCall):
        return ""
    shapes = [field.schema.shape for field in _fields(signature.input) if isinstance(field.schema, Tensor)]
    values = sum(map(math.prod, shapes)) if shapes else 1
    sizes = [str(size) for size in _SIZES if size * values <= _MOST_VALUES] or ["1"]
    return f"\n{statement('SIZES = ', _code.parenthesised([code(size) for size in sizes]))}"


def _fields(schema: Schema) -> Iterator[Field]:
    """Yield the fields of a record; of a row of an array its one field."""
    match schema:
        case Table(columns=fields) | Record(fields=fields):
            yield from fields
        case Value(field=field):
            yield field
        case _:
            raise AssertionError(f"no plan is made for {type(schema).__name__}")


def _field(field: Field, categories: list[Node], *, of_arrays: bool = False) -> dict[str, Node]:
    """Return what is known of a field, as Python.

    Args:
        field: The field.
        categories: Those that an encoder knows; of a row of numbers, those of each place.
        of_arrays: Whether a record holds arrays.
    """
    shape: tuple[int, ...] = ()
    schema, dtype = field.schema, field.dtype
    if isinstance(schema, Tensor):
        dtype, shape, schema = schema.dtype, schema.shape, schema.items
    is_nullable = isinstance(schema, Optional)
    inner = schema.of if isinstance(schema, Optional) else schema
    known, is_closed = categories, False
    if isinstance(inner, Category):
        known, inner, is_closed = [_code.value(level) for level in _some(inner.levels)], inner.of, True
    assert isinstance(inner, Scalar)
    least, most = _bounds(inner, dtype)
    if of_arrays:
        return {
            "name": text(field.name),
            "attribute": text(field.attribute),
            "kind": text(_KINDS[inner.type]),
            "shape": _code.parenthesised([code(str(size)) for size in shape]),
            "minimum": _bound(least),
            "maximum": _bound(most),
        }
    return {
        "name": text(field.name),
        "attribute": text(field.attribute),
        "kind": text(_KINDS[inner.type]),
        "nullable": code(str(is_nullable)),
        "length": code(str(shape[0]) if shape else "None"),
        "known": sequence(known),
        "closed": code(str(is_closed)),
        "minimum": _bound(least),
        "maximum": _bound(most),
    }


def _bound(value: float) -> Node:
    if isinstance(value, float) and math.isinf(value):
        return call("float", text("inf" if value > 0 else "-inf"))
    return code(_code.number(value))


def _bounds(scalar: Scalar, dtype: str) -> tuple[float, float]:
    """Return the least and the greatest value that a request may have."""
    match = re.fullmatch(r"(u?)int(\d+)", dtype)
    bits = int(match[2]) - (not match[1]) if match else 63
    is_whole = scalar.type is ScalarType.INTEGER
    least: float = (0 if match and match[1] else -(2**bits)) if is_whole else -math.inf
    most: float = 2**bits - 1 if is_whole else math.inf
    if scalar.minimum is not None:
        least = max(least, scalar.minimum)
    if scalar.maximum is not None:
        most = min(most, scalar.maximum)
    for key, limit in scalar.constraints:
        if key in ("ge", "gt") and isinstance(limit, int | float):
            least = max(least, limit)
        if key in ("le", "lt") and isinstance(limit, int | float):
            most = min(most, limit)
    return least, most


def _known_of_fields(fields: Sequence[Field], plan: FastPlan) -> dict[str, list[Node]]:
    """Return the categories of each field that an encoder of the plan knows.

    Those of a field that holds a row of numbers are lists, one for each place.
    """
    parts = [(branch.columns, branch.steps) for branch in plan.branches]
    names = tuple(field.name for field in fields)
    known: dict[str, list[Node]] = {name: [] for name in names}
    for columns, steps in parts or [(names, plan.steps)]:
        own = itertools.dropwhile(lambda step: step.step in _IMPUTERS, steps)
        listed = [each for step in itertools.islice(own, 1) for each in step.constants if each.listed]
        values = [[*map(_code.value, _some(_values_of(each)))] for each in listed]
        shapes = [field.schema.shape for field in fields if isinstance(field.schema, Tensor)]
        if shapes == [(len(values),)]:
            known[names[0]] = [*map(sequence, values)]
        elif len(values) == len(columns):
            known |= zip(columns, values, strict=True)
    return known


def _some(values: Sequence[_Known]) -> list[_Known]:
    """Return values; of very many some, from the first to the last."""
    if len(values) <= _MOST_KNOWN:
        return [*values]
    places = [round(i * (len(values) - 1) / (_MOST_KNOWN - 1)) for i in range(_MOST_KNOWN)]
    return [values[place] for place in places]


def _values_of(constant: Constant) -> list[str | int | float | bool]:
    kind, size = constant.dtype[1], int(constant.dtype[2:])
    if kind == "U":
        return [
            constant.content[start : start + 4 * size].decode("utf-32-le").rstrip("\0")
            for start in range(0, len(constant.content), 4 * size or 1)
        ]
    letter = {"i": {1: "b", 2: "h", 4: "i", 8: "q"}, "u": {1: "B", 2: "H", 4: "I", 8: "Q"}}
    letters = {**letter, "f": {4: "f", 8: "d", 2: "e"}, "b": {1: "?"}}
    count = len(constant.content) // size
    return list(struct.unpack(f"<{count}{letters[kind][size]}", constant.content))
