"""Safe access to attributes of a model: an attribute that raises counts as absent."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def hint(*, otherwise: Any) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator for a function that reads a hint; it returns `otherwise` if the function raises.

    Libraries raise various errors for an attribute without a value: `NotImplementedError` from a property,
    `ImportError` for a library that only the hint needs. The service works without the hint.
    """

    def guarded(read: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(read)
        def safe(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return read(*args, **kwargs)
            except BaseException:  # nobody interrupts this process: the model raises it
                return otherwise  # type: ignore[no-any-return]

        return safe

    return guarded


@hint(otherwise=None)
def attribute(model: object, name: str) -> Any:
    """Return an attribute; `None` if it is absent or raises."""
    return getattr(model, name, None)
