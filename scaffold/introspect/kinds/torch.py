"""Tensors of torch."""

from __future__ import annotations

from typing import Any

from scaffold.introspect.kinds.numpy import NumpyKind
from scaffold.spec import Schema


class TorchKind(NumpyKind):
    """torch, whose dtypes have names of their own."""

    arrays = ("torch.Tensor",)

    def dtype_name(self, dtype: object) -> str:
        """Return the dtype without the name of the library."""
        return str(dtype).removeprefix("torch.")

    def has_missing(self, value: Any) -> bool:
        """Whether a tensor holds NaN."""
        return bool(value.is_floating_point() and value.isnan().any())

    def rows(self, value: Any, schema: Schema) -> list[object]:
        """Return the rows."""
        return list(value)

    def to_lists(self, value: Any) -> Any:
        """Return nested lists with all zeros."""
        return (value.to_dense() if value.is_sparse else value).detach().cpu().tolist()
