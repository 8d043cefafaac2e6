"""Convert the record of an older version to the present format.

Format 1 had texts for the types of values and for containers: `pandas.Timestamp[Europe/Oslo]`, `pyarrow`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scaffold.base.codec import TYPE, encode
from scaffold.spec import (
    Arrays,
    Arrow,
    Batching,
    ClassKind,
    Collection,
    CollectionType,
    Container,
    Dict,
    Element,
    Evidence,
    Feed,
    Interval,
    ListForm,
    Moment,
    Native,
    Numpy,
    NumpyScalar,
    NumpyTime,
    OpenedFrame,
    OpenedSeries,
    OverTime,
    Pandas,
    Period,
    Polars,
    Python,
    PythonScalar,
    PythonType,
    RecordForm,
    Series,
    SeriesRow,
    Sparse,
    Structured,
    TextOf,
    Timedelta,
    Timestamp,
    Torch,
    Void,
)

_CONTAINERS: Mapping[str, Container] = {
    "pandas": Pandas(),
    "polars": Polars(),
    "pyarrow": Arrow(),
    "structured": Structured(),
    "array": Numpy(),
    "list": Python(),
    "numpy": Numpy(),
    "torch": Torch(),
}
_OF_PANDAS: Mapping[str, Native] = {
    "pandas.Timestamp": Timestamp(),
    "pandas.Timedelta": Timedelta(),
    "pandas.Interval": Interval(),
}
_PYTHON = {of.value: of for of in PythonType}
_COLLECTIONS = {of.value: of for of in CollectionType}


def from_format_1(spec: Any) -> Any:
    """Return the JSON of the spec of a record of format 1 in the present format."""
    dotted = {f"{name['module']}.{name['qualname']}" for name in spec["artifact"].get("globals", ())}
    needs = spec["dependencies"]
    requirements = [
        {**line, "mentioned": line["reason"].partition(" in ")[0] in dotted} for line in needs["requirements"]
    ]
    return {
        **spec,
        "signature": signature_from_format_1(spec["signature"]),
        "dependencies": {**needs, "requirements": requirements},
    }


def signature_from_format_1(signature: Any) -> Any:
    """Return the JSON of a signature of format 1 in the present format."""
    return _node(signature, None)


def _node(value: Any, within: Container | None) -> Any:
    """Return a node of the tree; `within` is the array or column whose dtype its scalars have."""
    if isinstance(value, list):
        return [_node(item, within) for item in value]
    if not isinstance(value, dict) or TYPE not in value:
        return value
    node = dict(value)
    kind, native = node[TYPE], node.pop("native", "")
    match kind:
        case "Scalar":
            return _with(node, native=_native(native, within))
        case "Category":
            return {**node, "of": _with(node["of"], native=_level(node["of"].get("native", ""), within))}
        case "Record":
            return _with(_inside(node), form=_record_form(native or "dict", node.pop("options", ())))
        case "List":
            return _with(_inside(node), form=_list_form(native or "list"))
        case "Table" | "Tensor" | "Column":
            container = _CONTAINERS.get(native) or Sparse(native)
            of = None if container == Python() else container
            return _with(_inside(node, of, dtype=node.get("dtype", "")), container=container)
        case "UserType":
            return _with(_inside(node), kind=ClassKind(native))
        case "Call":
            return _call(node)
        case "Field":
            evidence = Evidence(recorded=node.pop("evidence", ""))
            inner = _inside(node, within, dtype=node.get("dtype", ""))
            return _with(inner, evidence=evidence if evidence.recorded else None)
        case "Optional":
            return _inside(node, within)
        case _:
            return _inside(node)


def _inside(node: dict[str, Any], within: Container | None = None, *, dtype: str = "") -> dict[str, Any]:
    """Return a node with what is in it; the values of an object array are those of Python."""
    if dtype == "object":
        within = None
    elif dtype.endswith("[pyarrow]"):
        within = Arrow()
    # Values that are plain JSON contain no schema.
    json_fields = ("example", "default", "levels", "choices", "constraints")
    return {name: item if name in json_fields else _node(item, within) for name, item in node.items()}


def _with(node: dict[str, Any], **values: Any) -> dict[str, Any]:
    """Return a node with values of `spec`; what is `None`, or the default, is left out."""
    node = {name: item for name, item in node.items() if name not in values}
    left_out = (None, Dict(), Collection())
    return node | {name: encode(value) for name, value in values.items() if value not in left_out}


def _call(node: dict[str, Any]) -> dict[str, Any]:
    """Return a call in the class of its convention, with the parts that the convention has."""
    batching = Batching.ALONE
    if node.pop("batched"):
        batching = Batching.TOGETHER
    elif node.get("wrapped"):
        batching = Batching.ONE_ROW
    feed = Feed.COLUMNS if node.get("columns") else Feed.BY_NAME
    common = {"batching": batching.value, "evidence": node.get("evidence", "")}
    match node.get("runtime", "python"):
        case "onnx":
            feed = feed if node.get("arguments") == "keywords" else Feed.ONE
            parts = {name: node.get(name, []) for name in ("inputs", "outputs")}
            return {TYPE: "SessionCall", **common, **parts, "feed": feed.value}
        case "xgboost booster":
            return {TYPE: "BoosterCall", **common}
        case "torch":
            names: tuple[str, ...] = ("method", "arguments", "tensor")
            return {TYPE: "TorchCall", **common, **{name: node[name] for name in names if name in node}}
        case _:
            names = ("method", "arguments", "keywords", "estimator", "shortened")
            return {TYPE: "PythonCall", **common, **{name: node[name] for name in names if name in node}}


def _native(text: str, within: Container | None) -> Native | None:
    if not text:
        return None
    zone = re.fullmatch(r"(datetime|pandas\.Timestamp)\[(.+)\]", text)
    if zone:
        return Moment(zone[2]) if zone[1] == "datetime" else Timestamp(zone[2])
    if period := re.fullmatch(r"(?:pandas\.Period|period)\[(.+)\]", text):
        return Period(period[1])
    if time := re.fullmatch(r"numpy\.(?:datetime64|timedelta64)\[(.+)\]", text):
        return NumpyTime(time[1])
    if text in _OF_PANDAS:
        return _OF_PANDAS[text]
    if text.startswith("numpy."):
        return NumpyScalar(text.removeprefix("numpy."))
    if text in _PYTHON and (within is None or text == "bytes"):
        return PythonScalar(_PYTHON[text])
    if within == Structured() and not text.startswith("<U"):
        within = Numpy()
    return Element(text.removeprefix("torch."), within or Numpy())


def _level(text: str, within: Container | None) -> Native | None:
    """Return what the text of a level stands for, or the dtype of the levels."""
    container = within or Pandas()
    if text == "interval":
        return TextOf(Interval())
    if text == "date":
        return TextOf(PythonScalar(PythonType.DATE))
    if text.startswith(("datetime64", "timedelta64", "date")):
        return TextOf(Element(text, container))
    return Element(text, container) if text else None


def _record_form(text: str, options: Any) -> RecordForm:
    if row := re.fullmatch(r"pandas\.Series\[(.+)\]", text):
        return SeriesRow(row[1])
    if text in ("pandas", "polars", "pyarrow"):
        return OpenedFrame(_CONTAINERS[text])
    forms: dict[str, RecordForm] = {"arrays": Arrays(tuple(options)), "numpy.void": Void(), "dict": Dict()}
    return OpenedSeries(Pandas()) if text == "pandas.Series" else forms[text]


def _list_form(text: str) -> ListForm:
    if series := re.fullmatch(r"(pandas|polars)\.Series\[(.+)\]", text):
        return Series(_CONTAINERS[series[1]], series[2])
    if text in ("pandas curve", "pandas over time"):
        return OverTime(curve=text == "pandas curve")
    if text.endswith(" values"):
        return OpenedSeries(_CONTAINERS[text.removesuffix(" values")])
    if text in ("pandas", "polars", "pyarrow"):
        return OpenedFrame(_CONTAINERS[text])
    return Collection(_COLLECTIONS.get(text, CollectionType.LIST))
