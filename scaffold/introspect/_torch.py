"""A torch module: the tensors that a sample stands for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from scaffold.introspect import _kinds


def tensors_of(model: Any, sample: object) -> Iterator[tuple[str, Any]]:
    """Yield the sample as tensors of the dtype that the module's weights have."""
    import torch

    weights = next((p for p in model.parameters() if p.is_floating_point()), None)
    dtype = torch.float32 if weights is None else weights.dtype
    if isinstance(sample, list) and sample and all(map(_kinds.is_mapping, sample)):
        yield from _stacked(sample, dtype)
        return
    if _kinds.is_frame(sample):
        # As an array its columns keep their names on the wire.
        for kind in (None, str(dtype).removeprefix("torch.")):
            with contextlib.suppress(TypeError, ValueError):
                yield " as an array", sample.to_numpy().astype(kind or sample.to_numpy().dtype)
        return

    yield from _changed(sample, dtype)
    if _kinds.is_mapping(sample) and not any(map(_kinds.is_array, sample.values())):
        yield from _stacked([sample], dtype)


def _changed(sample: object, dtype: object) -> Iterator[tuple[str, Any]]:
    """Yield the sample's own structure with tensors in it, integers as they are and as floats."""
    import torch

    def tensor(value: object) -> Any:
        return _tensor(value, dtype)

    made: list[Any] = []
    for change in (tensor, lambda value: tensor(value).to(dtype)):
        try:
            if _kinds.is_mapping(sample):
                made.append({name: change(value) for name, value in sample.items()})
            elif isinstance(sample, tuple) and not _kinds.is_named_tuple(sample):
                made.append(tuple(change(value) for value in sample))
            else:
                made.append(change(sample))
        except (TypeError, ValueError, RuntimeError):
            return
    yield " as a tensor", made[0]
    yield f" as a {dtype} tensor".replace("torch.", ""), made[1]
    if isinstance(made[0], torch.Tensor):
        yield " as a tensor of one row", made[0][None]


def _stacked(records: list[Any], dtype: object) -> Iterator[tuple[str, Any]]:
    """Yield objects of one form as a tensor for each name, and their numbers as the rows of one array."""
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
    """Return the value as a tensor: fractions in `dtype`, integers as they are."""
    import torch

    made = value if isinstance(value, torch.Tensor) else torch.tensor(value)
    return made.to(dtype) if made.is_floating_point() else made
