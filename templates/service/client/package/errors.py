"""What can go wrong in a call: `ServiceError` and the errors below it."""

from collections.abc import Sequence
from dataclasses import dataclass


class ServiceError(Exception):
    """A call failed. `status` and `request_id` are those of the response, if there was one."""

    def __init__(
        self, message: str, *, status: int | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.request_id = status, request_id


class UnreachableError(ServiceError):
    """There is no connection to the service, after all retries."""


class OverloadedError(ServiceError):
    """The service has too much to do, or restarts, after all retries."""


class TimedOutError(ServiceError):
    """The service took too long, or the deadline of the call has passed."""


class RefusedError(ServiceError):
    """The service refuses the request."""


class UnauthorizedError(RefusedError):
    """The service needs a valid API key."""


class UnexpectedAnswerError(ServiceError):
    """The answer is not one of this service: another version, a proxy, another host."""


class ModelFailedError(ServiceError):
    """The model failed. `index` is the record's place in the whole list, if the service says it."""

    def __init__(
        self,
        message: str,
        *,
        index: int | None = None,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, status=status, request_id=request_id)
        self.index = index


@dataclass(frozen=True)
class Fault:
    """What is wrong with one field of a record."""

    index: int  # of the record in the whole list
    field: str  # `Age`, `items.0.price`; empty for the record itself
    message: str

    def __str__(self) -> str:
        place = f"record {self.index}" + (f", {self.field}" if self.field else "")
        return f"{place}: {self.message}"


class InvalidRecordError(ServiceError):
    """Records do not fit the schema: `faults` has each fault of the batch that was refused."""

    def __init__(
        self,
        message: str,
        *,
        faults: Sequence[Fault] = (),
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, status=status, request_id=request_id)
        self.faults = tuple(faults)
