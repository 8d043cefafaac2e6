"""Wait for a call of a library that has no time limit, or a limit of many minutes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")
_LOOK_S = 0.5


class StalledError(Exception):
    """A call did not return within its limit."""


def returned_in_time(
    call: Callable[[], _Result], patience_s: float, progress: Callable[[], int] = int
) -> _Result:
    """Return what `call` returns, or raise what it raises.

    Args:
        call: It runs in a thread of its own, which is left behind where it does not return.
        patience_s: Seconds within which it must return, or `progress` must change.
        progress: Such as the bytes that have come.

    Raises:
        StalledError: Neither happened.
    """
    results: list[_Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    came, waited_s = progress(), 0.0
    while thread.is_alive():
        thread.join(_LOOK_S)
        now = progress()
        came, waited_s = now, waited_s + _LOOK_S if now == came else 0.0
        if waited_s >= patience_s and thread.is_alive():
            raise StalledError(f"no answer in {patience_s:g} s")
    if errors:
        raise errors[0]
    return results[0]
