"""The guard: an answer says in a header which fields have values that the baseline never saw."""

from collections.abc import Sequence
from contextvars import ContextVar
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.baseline import INPUT
from app.schemas import ModelInput

HEADER = b"x-out-of-range"
MOST = 2000  # characters: proxies refuse responses with larger headers

_found: ContextVar[dict[str, None]] = ContextVar("out_of_range")


def check(record: ModelInput) -> None:
    """Note the fields of a record that are outside of `model/baseline.json`."""
    check_all([record])


def check_all(records: Sequence[ModelInput]) -> None:
    """Note such fields of all records of a batch."""
    if outside := INPUT.outside(records):
        _found.get().update(dict.fromkeys(field.name for _, field in outside))


class GuardMiddleware:
    """ASGI middleware that adds the header, with the names in percent-encoding."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        names: dict[str, None] = {}
        _found.set(names)

        async def respond(message: Message) -> None:
            if names and message["type"] == "http.response.start":
                value = ", ".join(quote(name, safe=" ()") for name in names)
                if len(value) > MOST:
                    value = value[:MOST].rpartition(", ")[0] + ", ..."
                message["headers"] = [*message.get("headers", ()), (HEADER, value.encode())]
            await send(message)

        await self.app(scope, receive, respond)
