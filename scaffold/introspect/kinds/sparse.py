"""Sparse matrices and arrays of scipy."""

from __future__ import annotations

from typing import Any

from scaffold.introspect.kinds.numpy import NumpyKind
from scaffold.spec import Container, Schema, Sparse


class SparseKind(NumpyKind):
    """scipy, whose numbers are of the dtypes of numpy."""

    arrays = ("scipy.spmatrix", "scipy.sparray")
    is_sparse = True

    def container_of(self, value: object) -> Container:
        """Return the class of a matrix."""
        return Sparse(type(value).__name__)

    def has_missing(self, value: Any) -> bool:
        """Whether one of the numbers that are stored is NaN."""
        return super().has_missing(value.tocoo().data)

    def take(self, value: Any, indices: list[int]) -> object:
        """Return rows in a matrix of the same format."""
        return value.tocsr()[indices].asformat(value.format)

    def record(self, value: Any, i: int) -> Any:
        """Return a row with its zeros."""
        return value.tocsr()[i].toarray().reshape(value.shape[1:])

    def rows(self, value: Any, schema: Schema) -> list[object]:
        """Return the rows with their zeros."""
        return list(value.toarray())

    def to_lists(self, value: Any) -> Any:
        """Return nested lists with all zeros."""
        return value.toarray().reshape(value.shape).tolist()
