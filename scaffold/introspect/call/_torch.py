"""Convert a sample to tensors for a torch module."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from scaffold.introspect import _checks


def tensors_of(model: Any, sample: object) -> Iterator[tuple[str, Any]]:
    """Yield the sample as tensors of the dtype that the module's weights have."""
    import torch

    weights = next((p for p in model.parameters() if p.is_floating_point()), None)
    dtype = torch.float32 if weights is None else weights.dtype
    if isinstance(sample, list) and sample and all(map(_checks.is_mapping, sample)):
        yield from _stacked(sample, dtype)
        return
    if _checks.is_frame(sample):
        # An array keeps the names of the columns on the wire.
        for kind in (None, str(dtype).removeprefix("torch.")):
            with contextlib.suppress(TypeError, ValueError):
                yield " as an array", sample.to_numpy().astype(kind or sample.to_numpy().dtype)
        return

    yield from _as_tensors(sample, dtype)
    if _checks.is_mapping(sample) and not any(map(_checks.is_array, sample.values())):
        yield from _stacked([sample], dtype)


def _as_tensors(sample: object, dtype: object) -> Iterator[tuple[str, Any]]:
    """Yield the sample with its values as tensors, once with integers unchanged and once as floats."""
    import torch

    def tensor(value: object) -> Any:
        return _tensor(value, dtype)

    results: list[Any] = []
    for change in (tensor, lambda value: tensor(value).to(dtype)):
        try:
            if _checks.is_mapping(sample):
                results.append({name: change(value) for name, value in sample.items()})
            elif isinstance(sample, tuple) and not _checks.is_named_tuple(sample):
                results.append(tuple(change(value) for value in sample))
            else:
                results.append(change(sample))
        except (TypeError, ValueError, RuntimeError):
            return
    yield " as a tensor", results[0]
    yield f" as a {dtype} tensor".replace("torch.", ""), results[1]
    if isinstance(results[0], torch.Tensor):
        yield " as a tensor of one row", results[0][None]


def _stacked(records: list[Any], dtype: object) -> Iterator[tuple[str, Any]]:
    """Yield records with the same keys as a tensor for each key, and as one array of rows."""
    import torch

    names = list(records[0])
    if any(list(record) != names for record in records):
        return
    rows = [[record[name] for name in names] for record in records]
    with contextlib.suppress(TypeError, ValueError):
        columns = [_tensor(values, dtype) for values in zip(*rows, strict=True)]
        yield " as a tensor for each name", dict(zip(names, columns, strict=True))
        if all(column.ndim == 1 for column in columns):
            yield " as an array", torch.stack([column.to(dtype) for column in columns], 1).numpy()


def _tensor(value: object, dtype: Any) -> Any:
    """Return the value as a tensor: floats in `dtype`, integers unchanged."""
    import torch

    tensor = value if isinstance(value, torch.Tensor) else torch.tensor(value)
    return tensor.to(dtype) if tensor.is_floating_point() else tensor
