"""What a compiled model takes and returns, where the model itself takes a frame, a tensor or a DMatrix."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

from scaffold.spec import (
    BoosterCall,
    FastPlan,
    Numpy,
    Pandas,
    PythonCall,
    Signature,
    Table,
    Torch,
    TorchCall,
)


def plain_signature(signature: Signature) -> Signature:
    """Return the signature for a service whose model needs no shortened first step."""
    if not isinstance(signature.call, PythonCall):
        return signature
    return replace(signature, call=replace(signature.call, shortened=False))


def fast_signature(signature: Signature, plan: FastPlan) -> Signature:
    """Return the signature of `FastModel`, which takes an array where the model takes a frame that is one.

    A network takes and returns arrays of numpy in place of tensors. A Booster of XGBoost takes a DMatrix; its
    compiled form takes the rows.
    """
    if isinstance(signature.call, TorchCall):
        call = signature.call
        called = PythonCall(method=call.method, arguments=call.arguments, batching=call.batching)
        return replace(
            signature, input=_in_numpy(signature.input), output=_in_numpy(signature.output), call=called
        )
    signature, table = plain_signature(signature), signature.input
    if isinstance(signature.call, BoosterCall):
        of_rows = PythonCall(method=signature.call.method, batching=signature.call.batching)
        signature = replace(signature, call=of_rows)
    if plan.branches or not isinstance(table, Table) or table.container != Pandas():
        return signature
    return replace(signature, input=replace(table, container=Numpy(), dtype=plan.dtype))


def fast_columns(plan: FastPlan) -> list[str]:
    """Return the columns that `FastModel` takes; none where it takes one array."""
    return [column for branch in plan.branches for column in branch.columns]


def _in_numpy(part: Any) -> Any:
    """Return a schema, or a part of one, with arrays of numpy in place of tensors."""
    if part == Torch():
        return Numpy()
    if isinstance(part, tuple):
        return tuple(map(_in_numpy, part))
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        fields = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
        changed = {name: _in_numpy(value) for name, value in fields.items()}
        return part if changed == fields else replace(part, **changed)
    return part
