"""A small app around a model that does what its records say, and calls to it without a server."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

from app.serving import Batcher, install, lifespan
from app.serving.settings import ServingSettings


class Record(BaseModel):
    """One record."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    value: float
    act: str = ""


class Answer(BaseModel):
    """The answer to one record."""

    value: float
    together: int


released = threading.Event()  # ends the predictions that hang


def run(records: list[Record]) -> list[Answer]:
    """The model."""
    for record in records:
        if record.act == "fail":
            raise ValueError(f"secret {record.value}")
        if record.act == "sleep":
            time.sleep(record.value)
        if record.act == "hang":
            released.wait(60)
    return [Answer(value=record.value, together=len(records)) for record in records]


@dataclass
class Reply:
    """A response."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        """Its JSON, if it has any."""
        return json.loads(self.body) if self.body else None


class Toy:
    """An app with `/score` and `/score/batch`, like `app.main`."""

    def __init__(
        self,
        example: Record | None = None,
        load: Callable[[], None] = lambda: None,
        options: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.settings = ServingSettings(**settings)
        arguments = self.settings.fastapi_options | (options or {})
        self.app = FastAPI(title="toy", lifespan=lifespan, **arguments)
        self.batcher = Batcher(run, self.settings, name="toy")
        install(self.app, self.batcher, self.settings, load=load, example=example)

        @self.app.post("/score")
        async def score_one(record: Record) -> Answer:
            [answer] = await self.batcher.score([record])
            return answer

        @self.app.post("/score/batch")
        async def score_batch(records: list[Record]) -> list[Answer]:
            return await self.batcher.score(records)

    def ask(self, *calls: Coroutine[Any, Any, Reply]) -> list[Reply]:
        """Make the calls at the same time, on a running app."""

        async def all_of_them() -> list[Reply]:
            async with started(self.app):
                return await asyncio.gather(*calls)

        return asyncio.run(all_of_them())

    async def get(self, path: str, **headers: str) -> Reply:
        """Send a GET request."""
        return await call(self.app, "GET", path, b"", headers)

    async def post(self, path: str, body: Any, **headers: str) -> Reply:
        """Send JSON, or bytes as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await call(
            self.app, "POST", path, raw, {"content-type": "application/json"} | headers
        )


@contextlib.asynccontextmanager
async def started(app: FastAPI) -> AsyncIterator[None]:
    """Run the startup of the app, and at the end its shutdown."""
    released.clear()
    async with app.router.lifespan_context(app):
        yield
        released.set()
        while app.state.serving.batcher.hanging:  # its thread reports to this event loop
            await asyncio.sleep(0.01)


async def call(app: Any, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
    """Send one request to an ASGI app. Names of headers have `_` for `-`."""
    path, _, query = path.partition("?")
    sent = {name.lower().replace("_", "-"): value for name, value in headers.items()}
    if body:
        sent.setdefault("content-length", str(len(body)))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    reply = Reply()

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await asyncio.sleep(60)  # the client waits
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            reply.status = message["status"]
            pairs = message.get("headers", ())
            reply.headers = {name.decode().lower(): value.decode() for name, value in pairs}
        else:
            reply.body += message.get("body", b"")

    # Starlette raises an exception once more after its response 500.
    with contextlib.suppress(Exception):
        await app(scope, receive, send)
    return reply
