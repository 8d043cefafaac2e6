"""The result of a call that was tried on the sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scaffold.introspect._layouts import Layout
from scaffold.introspect._rows import WithOptions
from scaffold.introspect.call._batch_findings import Unstable
from scaffold.introspect.call._invoke import Refused
from scaffold.spec import Batching


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """How records are passed to a call, and its output, which equals the output sample if there is one."""

    output: Any
    rows: int | None = None
    first: Any = None
    """The argument of the first call, if each record is a call of its own."""
    layout: Layout = Layout.WHOLE
    batching: Batching = Batching.ALONE
    evidence: str = ""
    notes: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    """Options whose value changes the shape of the answer."""
    reading: WithOptions | None = None
    """The sample with its options marked; `None` if the sample has none."""
    unstable: Unstable | None = None
    """The model changed while its rows were examined: it cannot be served."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a call does not fit the records."""

    reason: str
    """One line; empty if the sample cannot be the arguments of the call."""
    refusals: tuple[Refused, ...] = ()
