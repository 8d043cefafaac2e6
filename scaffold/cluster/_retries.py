"""Which requests to the API of a cluster are sent again, and how often."""

from __future__ import annotations

from typing import Any

_BUSY = (429,)
"""The API has not looked at the request."""
_UNAVAILABLE = (*_BUSY, 502, 503, 504)
"""It restarts, or a proxy before it does not reach it."""
_FAILED = (*_UNAVAILABLE, 500)
"""It failed on the way, as with `etcdserver: leader changed`. A change may have been made nevertheless."""
_STATUSES = {"GET": _FAILED, "PATCH": _UNAVAILABLE, "DELETE": _UNAVAILABLE, "PUT": _BUSY, "POST": _BUSY}
"""The statuses by method. A PATCH applies an object: it may be sent twice, as may a DELETE."""


def retries_of(method: str, *, is_known: bool) -> Any:
    """Return the retry policy of a request: for broken connections where that is safe, and for a busy API.

    Args:
        method: The method of the request.
        is_known: Whether the API has answered before. If it accepts no connection then, it may restart: that
            is waited for, half a minute.
    """
    import urllib3

    return urllib3.Retry(
        total=8,
        connect=6 if is_known else 2,
        read=0 if method == "POST" else 2,
        other=0,  # a certificate that is not trusted
        status=3,
        redirect=0,
        backoff_factor=0.5 if is_known else 0.2,
        status_forcelist=_STATUSES[method],
        allowed_methods=tuple(_STATUSES),
        raise_on_status=False,
    )
