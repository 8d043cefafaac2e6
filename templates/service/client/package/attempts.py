"""When a request is sent again, and after how many seconds."""

import random
import socket
import ssl
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from time import monotonic

import httpx

from .errors import (
    OverloadedError,
    ServiceError,
    TimedOutError,
    UnexpectedAnswerError,
    UnreachableError,
)

RETRIED = {429, 502, 503}
LOST = (httpx.NetworkError, httpx.ConnectTimeout, httpx.ProxyError, httpx.RemoteProtocolError)
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 2.0

Outcome = httpx.Response | Exception


@dataclass(frozen=True)
class Limits:
    """How long a call may take."""

    timeout_s: float
    deadline_s: float | None
    retry_s: float


class Call:
    """A call in progress: one request, or one for each batch."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.progress = limits, 0.0  # when a request succeeded
        deadline_s = limits.deadline_s
        self.until = float("inf") if deadline_s is None else monotonic() + deadline_s

    def advance(self) -> None:
        """Note that a request succeeded: the service may be overloaded, but it works."""
        self.progress = monotonic()


class Attempts:
    """The attempts to send one request.

    Scoring is idempotent: a request whose answer was lost may be sent again.
    """

    def __init__(self, call: Call) -> None:
        self._call, self._limits, self._until = call, call.limits, call.until
        self._failed, self._since = 0, monotonic()

    def timeout_s(self) -> float:
        """Return the seconds that the next attempt may take.

        Raises:
            TimedOutError: The deadline has passed.
        """
        left = self._until - monotonic()
        if left <= 0:
            raise TimedOutError(f"The call took longer than {self._limits.deadline_s} seconds.")
        return min(self._limits.timeout_s, left)

    def wait_s(self, outcome: Outcome) -> float:
        """Return the seconds until the next attempt.

        Raises:
            ServiceError: There is no next one: it would not help, or come too late.
        """
        self._failed += 1
        wait_s = min(FIRST_WAIT_S * 2.0 ** min(self._failed - 1, 16), LONGEST_WAIT_S)
        if isinstance(outcome, httpx.Response):
            wait_s = max(wait_s, _retry_after_s(outcome))
        wait_s *= random.uniform(1, 1.5)  # noqa: S311  # callers refused together come apart
        since = max(self._since, self._call.progress)
        end = min(since + self._limits.retry_s, self._until)
        if monotonic() + wait_s >= end or not may_retry(outcome):
            raise self._error(outcome)
        return wait_s

    def _error(self, outcome: Outcome) -> ServiceError:
        times = "once" if self._failed == 1 else f"{self._failed} times"
        if isinstance(outcome, httpx.Response):
            return OverloadedError(
                f"{outcome.request.url} answered {outcome.status_code} {times}.",
                status=outcome.status_code,
                request_id=outcome.headers.get("x-request-id"),
            )
        words = str(outcome).rstrip(".") or type(outcome).__name__
        if isinstance(outcome, httpx.DecodingError):
            return UnexpectedAnswerError(f"The answer cannot be read: {words}.")
        if isinstance(outcome, httpx.TimeoutException) and not isinstance(outcome, LOST):
            return TimedOutError(f"The service did not answer in time: {words}.")
        return UnreachableError(f"The service cannot be reached, tried {times}: {words}.")


def may_retry(outcome: Outcome) -> bool:
    """Whether another attempt may have another outcome."""
    if isinstance(outcome, httpx.Response):
        return outcome.status_code in RETRIED
    return isinstance(outcome, LOST) and not _is_lasting(outcome)


def _is_lasting(error: BaseException | None) -> bool:
    """Whether a certificate is not trusted, or no host has the name."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        if isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME:
            return True
        error = error.__cause__ or error.__context__
    return False


def _retry_after_s(response: httpx.Response) -> float:
    """The seconds of `Retry-After`, which is a number or a date."""
    text = response.headers.get("retry-after", "")
    if text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return 0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())
