"""`Client` and `AsyncClient`."""

import asyncio
import ssl
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import httpx

from .answers import is_too_large, read_batch, read_one
from .attempts import RETRIED, Attempts, Call, Limits, Outcome
from .frames import FrameT, frame_of, records_of
from .records import Batch, batches, encode
from .schemas import ModelInput, ModelOutput
from .service import MAX_BODY_BYTES, MAX_RECORDS, NAME, VERSION

ERRORS = (httpx.HTTPError, httpx.InvalidURL)


class Client:
    """Calls the service. Threads may share it; `with` closes its connections.

    Args:
        base_url: Where the service is, with its path prefix if it has one.
        api_key: Sent with each request.
        headers: Further headers of each request.
        timeout_s: Seconds to connect, to send, and to wait for an answer, each.
        deadline_s: Seconds that a call may take, with all its batches, retries and waits.
        retry_s: Seconds for which a request is sent again while no request of the call succeeds.
        max_records: Records in one request, at most.
        verify: Whether to verify certificates, or an SSL context with the CA to trust.
        transport: A transport of httpx, such as one with a proxy of its own.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 60,
        deadline_s: float | None = None,
        retry_s: float = 60,
        max_records: int = MAX_RECORDS,
        verify: ssl.SSLContext | bool = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._limits = Limits(timeout_s, deadline_s, retry_s)
        self._max_records = _at_least_one("max_records", max_records)
        self._http = httpx.Client(
            base_url=base_url,
            headers=_headers(headers, api_key),
            verify=verify,
            transport=transport,
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def score(self, record: ModelInput) -> ModelOutput:
        """Return the answer to one record.

        Raises:
            ServiceError: There is none.
        """
        response = self._send("/score", encode(record), Call(self._limits))
        answer: ModelOutput = read_one(response)
        return answer

    def score_batch(self, records: Sequence[ModelInput]) -> list[ModelOutput]:
        """Return the answers to many records, in order: one batch after the other.

        Raises:
            ServiceError: There are none. If the service refuses a batch, no further one is sent.
        """
        call = Call(self._limits)
        answers: list[ModelOutput] = []
        for batch in batches(records, self._max_records, MAX_BODY_BYTES):
            answers += self._score(batch, call)
        return answers

    def score_frame(self, frame: FrameT) -> FrameT:
        """Return the answers to the rows of a DataFrame as a DataFrame with the same index.

        Raises:
            ServiceError: There are none.
            ValueError: Two columns have the same name.
        """
        return frame_of(frame, self.score_batch(records_of(frame)))

    def _score(self, batch: Batch, call: Call) -> list[Any]:
        response = self._send("/score/batch", batch.body, call)
        if is_too_large(response) and len(batch.bodies) > 1:
            first, second = batch.halves()
            return self._score(first, call) + self._score(second, call)
        return read_batch(response, batch.start, len(batch.bodies))

    def _send(self, path: str, body: bytes, call: Call) -> httpx.Response:
        attempts = Attempts(call)
        while True:
            outcome = self._attempt(path, body, attempts.timeout_s())
            if isinstance(outcome, httpx.Response) and outcome.status_code not in RETRIED:
                call.advance()
                return outcome
            time.sleep(attempts.wait_s(outcome))

    def _attempt(self, path: str, body: bytes, timeout_s: float) -> Outcome:
        try:
            return self._http.post(path, content=body, timeout=timeout_s)
        except ERRORS as error:
            return error


class AsyncClient:
    """Calls the service from asyncio; `async with` closes its connections.

    Args:
        base_url: Where the service is, with its path prefix if it has one.
        api_key: Sent with each request.
        headers: Further headers of each request.
        timeout_s: Seconds to connect, to send, and to wait for an answer, each.
        deadline_s: Seconds that a call may take, with all its batches, retries and waits.
        retry_s: Seconds for which a request is sent again while no request of the call succeeds.
        max_records: Records in one request, at most.
        concurrency: Requests of one call that are sent at the same time, at most.
        verify: Whether to verify certificates, or an SSL context with the CA to trust.
        transport: A transport of httpx, such as one with a proxy of its own.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 60,
        deadline_s: float | None = None,
        retry_s: float = 60,
        max_records: int = MAX_RECORDS,
        concurrency: int = 4,
        verify: ssl.SSLContext | bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._limits = Limits(timeout_s, deadline_s, retry_s)
        self._max_records = _at_least_one("max_records", max_records)
        self._concurrency = _at_least_one("concurrency", concurrency)
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers=_headers(headers, api_key),
            verify=verify,
            transport=transport,
        )

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def score(self, record: ModelInput) -> ModelOutput:
        """Return the answer to one record.

        Raises:
            ServiceError: There is none.
        """
        response = await self._send("/score", encode(record), Call(self._limits))
        answer: ModelOutput = read_one(response)
        return answer

    async def score_batch(self, records: Sequence[ModelInput]) -> list[ModelOutput]:
        """Return the answers to many records, in order: up to `concurrency` batches at once.

        Raises:
            ServiceError: There are none. If the service refuses a batch, the others are cancelled.
        """
        call = Call(self._limits)
        pending = enumerate(batches(records, self._max_records, MAX_BODY_BYTES))
        answers: dict[int, list[ModelOutput]] = {}

        async def work() -> None:
            for place, batch in pending:
                answers[place] = await self._score(batch, call)

        tasks = [asyncio.create_task(work()) for _ in range(self._concurrency)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return [answer for place in sorted(answers) for answer in answers[place]]

    async def score_frame(self, frame: FrameT) -> FrameT:
        """Return the answers to the rows of a DataFrame as a DataFrame with the same index.

        Raises:
            ServiceError: There are none.
            ValueError: Two columns have the same name.
        """
        return frame_of(frame, await self.score_batch(records_of(frame)))

    async def _score(self, batch: Batch, call: Call) -> list[Any]:
        response = await self._send("/score/batch", batch.body, call)
        if is_too_large(response) and len(batch.bodies) > 1:
            first, second = batch.halves()
            return await self._score(first, call) + await self._score(second, call)
        return read_batch(response, batch.start, len(batch.bodies))

    async def _send(self, path: str, body: bytes, call: Call) -> httpx.Response:
        attempts = Attempts(call)
        while True:
            outcome = await self._attempt(path, body, attempts.timeout_s())
            if isinstance(outcome, httpx.Response) and outcome.status_code not in RETRIED:
                call.advance()
                return outcome
            await asyncio.sleep(attempts.wait_s(outcome))

    async def _attempt(self, path: str, body: bytes, timeout_s: float) -> Outcome:
        try:
            return await self._http.post(path, content=body, timeout=timeout_s)
        except ERRORS as error:
            return error


def _headers(more: Mapping[str, str] | None, api_key: str | None) -> dict[str, str]:
    known = {"Content-Type": "application/json", "User-Agent": f"{NAME}-client/{VERSION}"}
    if api_key is not None:
        known["X-API-Key"] = api_key
    return {**known, **(more or {})}


def _at_least_one(name: str, number: int) -> int:
    if number < 1:
        raise ValueError(f"{name} is {number}, and must be at least 1")
    return number
