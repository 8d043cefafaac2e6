"""How each library's objects are written in the code of a service: a file for each, found in `KINDS`."""

from __future__ import annotations

from collections.abc import Mapping

from scaffold.render.kinds._kind import MISSING, Kind, Line
from scaffold.render.kinds.arrow import ArrowKind
from scaffold.render.kinds.masked import MaskedKind
from scaffold.render.kinds.numpy import NumpyKind
from scaffold.render.kinds.pandas import PandasKind
from scaffold.render.kinds.pillow import PillowKind
from scaffold.render.kinds.polars import PolarsKind
from scaffold.render.kinds.python import PythonKind
from scaffold.render.kinds.sparse import SparseKind
from scaffold.render.kinds.structured import StructuredKind
from scaffold.render.kinds.torch import TorchKind
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

__all__ = ["KINDS", "MISSING", "Kind", "Line", "kind_of"]

KINDS: Mapping[type[Container], Kind] = {
    Python: PythonKind(),
    Pandas: PandasKind(),
    Polars: PolarsKind(),
    Arrow: ArrowKind(),
    Numpy: NumpyKind(),
    Masked: MaskedKind(),
    Structured: StructuredKind(),
    Sparse: SparseKind(),
    Torch: TorchKind(),
    Pillow: PillowKind(),
}


def kind_of(container: Container) -> Kind:
    """Return the kind of a container."""
    return KINDS[type(container)]
