"""Calls of an ONNX session: the arrays for its named inputs, and the outputs to compute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.introspect import _checks
from scaffold.introspect.hints._hints import Port, ports
from scaffold.spec import Feed, SessionCall


def session_calls(session: Any, value: object) -> Iterator[SessionCall]:
    """Yield the calls of `session` for `value`: one for all outputs, and one for each of several."""
    inputs, outputs = ports(session.get_inputs()), ports(session.get_outputs())
    names = tuple(port.name for port in outputs)
    feed = Feed.ONE if len(inputs) == 1 else Feed.BY_NAME
    columns = _checks.is_mapping(value) and all(_is_column(array) for array in value.values())
    if feed is Feed.BY_NAME and columns and all(len(port.shape) == 2 for port in inputs):
        feed = Feed.COLUMNS
    for output_names in [names, *([(name,) for name in names] if len(names) > 1 else [])]:
        yield SessionCall(inputs=tuple(port.name for port in inputs), outputs=output_names, feed=feed)


def session_takes(session: Any) -> dict[str, str]:
    """Return the dtype and shape of each input, for messages: `float32 (n, 3, 8, 8)`."""
    return {
        port.name: f"{port.dtype} ({', '.join(str(length or 'n') for length in port.shape)})"
        for port in ports(session.get_inputs())
    }


def session_inputs(session: Any, sample: object) -> Iterator[tuple[str, object]]:
    """Convert `sample` to the inputs of `session`: one array, or a dict of arrays by input name."""
    inputs = ports(session.get_inputs())
    try:
        if len(inputs) == 1:
            yield from _single(inputs[0], sample)
        else:
            yield from _several(inputs, sample)
    except (KeyError, TypeError, ValueError):
        # The sample cannot be converted to arrays; the error message lists the attempts.
        return


def _single(port: Port, sample: object) -> Iterator[tuple[str, Any]]:
    if _checks.is_mapping(sample) and set(sample) == {port.name}:
        sample = sample[port.name]
    records = [sample] if _checks.is_mapping(sample) else sample
    if isinstance(records, list) and records and all(map(_checks.is_mapping, records)):
        # JSON objects of numbers: their keys are the columns.
        sample = [[record[name] for name in records[0]] for record in records]
    array = _array(port, sample)
    label = "" if array is sample else f" as {port.dtype}"
    yield label, array
    if array.ndim == len(port.shape) - 1:
        yield f"{label} with one row", array[None]


def _several(inputs: tuple[Port, ...], sample: object) -> Iterator[tuple[str, Any]]:
    """Yield a dict of arrays by input name, from arrays by name or position, or from columns of a table."""
    names = [port.name for port in inputs]
    if isinstance(sample, (list, tuple)) and len(sample) == len(names) and all(map(_checks.is_array, sample)):
        sample = dict(zip(names, sample, strict=True))
    columns = _columns(sample)
    if columns is None or not set(names) <= set(columns):
        return
    arrays = {port.name: _array(port, columns[port.name]) for port in inputs}
    yield " by input", arrays
    if any(array.ndim == len(port.shape) - 1 for port, array in zip(inputs, arrays.values(), strict=True)):
        yield " by input, with one row", {name: array[None] for name, array in arrays.items()}


def _columns(sample: object) -> Mapping[str, Any] | None:
    """Return the values of each column, or argument, by name."""
    if _checks.is_mapping(sample):
        scalars = not any(_checks.is_array(value) or isinstance(value, list) for value in sample.values())
        return {name: [value] for name, value in sample.items()} if scalars else sample
    if _checks.is_frame(sample):
        return {str(name): sample[name] for name in sample.columns}
    if isinstance(sample, list) and sample and all(_checks.is_mapping(record) for record in sample):
        return {name: [record[name] for record in sample] for name in sample[0]}
    return None


def _array(port: Port, value: Any) -> Any:
    import numpy as np

    if _checks.is_a(value, "torch.Tensor"):
        value = value.detach().cpu().numpy()
    elif _checks.is_frame(value) or _checks.is_series(value):
        value = value.to_numpy()
    return np.asarray(value, dtype=port.dtype)


def _is_column(array: Any) -> bool:
    return bool(array.ndim == 1)
