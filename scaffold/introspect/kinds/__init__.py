"""One file for each library whose objects are samples or answers.

It says how these are recognised, described and encoded. `KINDS` lists them.
"""

from __future__ import annotations

from collections.abc import Mapping

from scaffold.introspect.kinds._kind import Kind
from scaffold.introspect.kinds.arrow import ArrowKind
from scaffold.introspect.kinds.masked import MaskedKind
from scaffold.introspect.kinds.numpy import NumpyKind
from scaffold.introspect.kinds.pandas import PandasKind
from scaffold.introspect.kinds.pillow import PillowKind
from scaffold.introspect.kinds.polars import PolarsKind
from scaffold.introspect.kinds.python import PythonKind
from scaffold.introspect.kinds.sparse import SparseKind
from scaffold.introspect.kinds.structured import StructuredKind
from scaffold.introspect.kinds.torch import TorchKind
from scaffold.spec import (
    Arrow,
    Container,
    Masked,
    Numpy,
    Pandas,
    Pillow,
    Polars,
    Python,
    Sparse,
    Structured,
    Torch,
)

__all__ = ["KINDS", "Kind", "kind_of"]

KINDS: Mapping[type[Container], Kind] = {
    Pandas: PandasKind(Pandas()),
    Polars: PolarsKind(Polars()),
    Arrow: ArrowKind(Arrow()),
    Structured: StructuredKind(Structured()),
    Masked: MaskedKind(Masked()),
    Numpy: NumpyKind(Numpy()),
    Sparse: SparseKind(Sparse("")),
    Torch: TorchKind(Torch()),
    Pillow: PillowKind(Pillow()),
    Python: PythonKind(Python()),
}
"""In order: the first kind that claims a value handles it; `PythonKind` comes last."""

# A shortcut: no other kind claims these.
_PLAIN = (str, int, float, bool, list, dict, type(None))


def kind_of(value: object) -> Kind:
    """Return the kind of a value."""
    if type(value) in _PLAIN:
        return KINDS[Python]
    return next(kind for kind in KINDS.values() if kind.claims(value))
