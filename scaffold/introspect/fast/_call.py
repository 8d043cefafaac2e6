"""How a model is called."""

from __future__ import annotations

from typing import Any

from scaffold.introspect.fast._values import NotCompiledError, require
from scaffold.spec import Arguments, BoosterCall, Call, PythonCall


def require_plain_call(model: Any, call: Call) -> PythonCall | BoosterCall:
    """Return the call of a method with one argument for many records.

    Raises:
        NotCompiledError: It is another call.
    """
    if not isinstance(call, PythonCall | BoosterCall):
        kind = type(model)
        raise NotCompiledError(f"{kind.__module__.partition('.')[0]}.{kind.__name__} has no compiled form")
    if not call.batched:
        raise NotCompiledError("a model that is called for each record alone has no compiled form")
    if call.arguments is not Arguments.ONE:
        raise NotCompiledError("a call with several arguments has no compiled form")
    keywords = call.keywords if isinstance(call, PythonCall) else ()
    require(model, not keywords, f"{call.method}({', '.join(f'{k}={v}' for k, v in keywords)})")
    return call
