"""Unexpected responses of the API, as errors that say what to do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from scaffold.cluster._objects import refusal_fix
from scaffold.cluster._refusal import ApiError
from scaffold.errors import ClusterRefusedError


@contextlib.contextmanager
def api_errors() -> Iterator[None]:
    """Turn an unexpected response of the API into an error that says what to do."""
    try:
        yield
    except ApiError as error:
        problem = f"The cluster refuses a request ({error.status} {error.reason})."
        raise ClusterRefusedError(problem, (error.message,), refusal_fix(error)) from error
