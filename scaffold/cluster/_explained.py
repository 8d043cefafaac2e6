"""An answer of the API that nobody expected, as an error that a person can act on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from scaffold.cluster._objects import refusal_fix
from scaffold.cluster._refusal import ApiError
from scaffold.errors import ClusterRefusedError


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn a refusal of the API in the block into a `ClusterRefusedError`."""
    try:
        yield
    except ApiError as error:
        problem = f"The cluster refuses a request ({error.status} {error.reason})."
        raise ClusterRefusedError(problem, (error.message,), refusal_fix(error)) from error
