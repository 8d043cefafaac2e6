"""FastAPI and the service get the same routes and the same requests, and answer the same.

The service differs where it means to: strict JSON, 415 for another media type, faults without the
input, and its own text for 413 and 500.
"""

import asyncio
import gzip
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import AfterValidator
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.serving import metrics
from app.serving.fast_routes import FastRoute
from tests.serving.contract import HAS_LIMITS, Item, add_routes, limited_to, require_key
from tests.serving.toy import Reply, Toy, call

ITEM = {"name": "a", "price": 2.5}
SECRET = {**ITEM, "password": "p"}
JSON = {"content-type": "application/json"}
DATE = "2024-02-29T12:00:00+01:00"

# What is sent to a route: the body, then headers.
QUESTIONS: list[tuple[Any, ...]] = [
    *[("POST /item", body) for body in (ITEM, {"name": "a"}, {"name": 1}, {}, [], None, "", 5)],
    ("POST /item", {**ITEM, "more": 1}),
    ("POST /item", b"{"),
    ("POST /item", b'{"name": "a"} x'),
    ("POST /item", ITEM, {"content-type": "application/vnd.api+json"}),
    ("POST /item?unknown=1", ITEM),
    *[(f"POST /kind/{kind}", ITEM) for kind in ("early", "late")],
    *[("POST /items", body) for body in ([ITEM, SECRET], [], [ITEM, {"price": "x"}], ITEM)],
    *[(f"POST /{path}", SECRET) for path in ("narrower", "wider", "subclass", "subclasses")],
    *[(f"POST /{path}", ITEM) for path in ("dict", "wrong", "nothing", "unannotated", "number")],
    *[(f"POST /{path}", {"value": 1}) for path in ("grown", "kept", "grown-with-query")],
    *[(f"POST /{path}", {"theValue": 1}) for path in ("aliased", "no-alias")],
    ("POST /aliased", {"value": 1}),
    ("POST /trees", {"value": 1, "branches": [{"value": 2, "branches": [{"value": 3}]}]}),
    *[(f"POST /exclude-{what}", {"name": "a"}) for what in ("unset", "defaults", "none")],
    *[(f"POST /{path}", ITEM) for path in ("include", "include-nothing", "exclude")],
    *[(f"POST /{path}", ITEM) for path in ("created", "accepted", "gone")],
    *[(f"POST /{path}", ITEM) for path in ("def", "def-unannotated")],
    ("POST /def", {"name": 1}),
    *[("POST /optional", body) for body in (ITEM, "", None, {}, b"{")],
    *[("POST /default", body) for body in (ITEM, "", None, {})],
    *[("POST /nullable", body) for body in (ITEM, "", None)],
    ("POST /keyword", ITEM),
    *[(f"POST /{path}", [ITEM] * n) for path in ("few", "few-by-body") for n in (2, 3)],
    *[("POST /two", body) for body in ({"one": ITEM, "other": SECRET}, {"one": ITEM}, [], "")],
    ("POST /two", {"one": {"name": 1}, "other": {}}),
    *[("POST /with-number", {"item": ITEM} | more) for more in ({}, {"count": 2}, {"count": 0})],
    *[("POST /embedded", body) for body in ({"item": ITEM}, ITEM, {"item": {}}, "", None)],
    *[("POST /union", body) for body in (ITEM, {"theValue": 2}, {})],
    *[("POST /point", body) for body in ({"x": 1}, {"x": "1", "y": 3}, {"y": 1})],
    ("POST /once", 1),
    ("POST /once-embedded", {"value": 1}),
    *[("POST /any", body) for body in ({"a": [1, None]}, [1.5], "", None, True)],
    ("POST /any", b"text", {"content-type": "text/plain"}),
    *[("POST /mapping", body) for body in ({"a": 1}, {"a": "1"}, {"a": "x"}, [])],
    *[("POST /list", body) for body in ([1, 2], ["1"], ["x"], {})],
    ("POST /bytes", b"\x00\xff", {"content-type": "text/plain"}),
    *[("POST /raw", body) for body in (b"{not json", "")],
    *[("PUT /items/3?kind=both", ITEM, headers) for headers in ({}, {"x-extra": "1"})],
    *[(f"PUT /items/{path}", ITEM) for path in ("x", "3?kind=b")],
    ("PUT /items/x?kind=b", {}),
    ("PATCH /items/3", ITEM),
    ("DELETE /items/3", ""),
    *[(f"GET /search{query}", "") for query in ("?limit=3&word=a", "", "?limit=11")],
    *[("POST /guarded", body) for body in (ITEM, {}, "")],
    *[("POST /guarded", body, {"key": "right"}) for body in (ITEM, {})],
    *[("POST /guarded-route", body) for body in (ITEM, {})],
    ("POST /guarded-route", ITEM, {"key": "right"}),
    ("POST /bearer", {}),
    ("POST /bearer", ITEM, {"authorization": "Bearer abc"}),
    *[("POST /opened?name=x", body) for body in (ITEM, {"name": "fail"}, {})],
    *[("POST /of-dependency", body) for body in (ITEM, {})],
    *[(f"POST /{path}", ITEM) for path in ("response", "json-response", "headers", "loud")],
    *[(f"POST /{path}", ITEM) for path in ("text", "background", "stream", "lines", "conflict")],
    ("POST /broken", ITEM),
    *[(f"POST /{path}/item", ITEM) for path in ("v1", "v1/inner", "again/v1", "again/v1/inner")],
    ("POST /v1/inner/item", {"name": 1}),
    ("POST /locked/item", {}),
    ("POST /locked/item", ITEM, {"key": "right"}),
    *[(f"POST /{path}", ITEM) for path in ("small-route", "small/item")],
    *[(f"POST /{path}", {"name": "a"}) for path in ("small-route", "small/item")],
    ("POST /nowhere", ITEM),
    ("GET /item", ""),
    ("GET /log", ""),
]


def with_routes(app: FastAPI) -> FastAPI:
    add_routes(app)
    return app


KEY = [Depends(require_key)]
PAIR = with_routes(FastAPI()), with_routes(Toy().app)
WITHOUT_FAST_ROUTES = with_routes(Toy(fast_routes=False).app)
SMALL: dict[str, Any] = {"max_body_bytes": 30} if HAS_LIMITS else {}
STRICTER = (
    with_routes(FastAPI(dependencies=KEY, **limited_to(30))),
    with_routes(Toy(options={"dependencies": KEY}, **SMALL).app),
)


def ask(app: FastAPI, question: tuple[Any, ...]) -> Reply:
    where, body, *more = question
    method, path = where.split()
    raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body != "" else b""
    return asyncio.run(call(app, method, path, raw, JSON | (more[0] if more else {})))


def described(reply: Reply) -> Any:
    """What must be the same of a response."""
    names = ("content-type", "x-extra", "www-authenticate")
    headers = {name: reply.headers.get(name) for name in names}
    if reply.status in {413, 500}:
        return reply.status
    if reply.status == 422:
        faults = reply.json["detail"]
        if [fault["type"] for fault in faults] == ["json_invalid"]:
            return reply.status, "json_invalid"
        # FastAPI would take the attributes of an object too, which JSON does not have.
        types = [fault["type"].replace("model_attributes_type", "model_type") for fault in faults]
        return reply.status, [fault["loc"] for fault in faults], types
    is_json = (headers["content-type"] or "").endswith("json")
    return reply.status, headers, reply.json if is_json else reply.body


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: f"{question[0]} {question[1]}")
def test_the_service_answers_as_fastapi_does(question: tuple[Any, ...]) -> None:
    plain, service = (described(ask(app, question)) for app in PAIR)
    assert service == plain
    assert described(ask(WITHOUT_FAST_ROUTES, question)) == plain


@pytest.mark.parametrize("question", [*QUESTIONS[:6], ("POST /v1/item", {}), ("POST /any", ITEM)])
@pytest.mark.parametrize("headers", [{}, {"key": "right"}])
def test_what_an_app_has_for_all_routes_holds(
    question: tuple[Any, ...], headers: dict[str, str]
) -> None:
    plain, service = (described(ask(app, (*question[:2], headers))) for app in STRICTER)
    assert service == plain
    assert service if headers else service[0] == 401


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/readyz", 503)])
def test_a_dependency_of_the_app_does_not_close_the_probes(path: str, status: int) -> None:
    assert ask(STRICTER[1], (f"GET {path}", "")).status == status


def test_an_app_without_our_handlers_answers_500() -> None:
    app = with_routes(Toy().app)
    app.exception_handlers.clear()
    assert ask(app, ("POST /broken", ITEM)).status == 500


def test_the_shorter_way_is_taken_only_by_plain_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(QUESTIONS) >= 60
    ask(PAIR[1], ("POST /item", ITEM))  # the first request looks at the routes
    routes = {route.path: route.app for route in PAIR[1].routes if isinstance(route, APIRoute)}
    plain = {path: app for path, app in routes.items() if isinstance(app, FastRoute)}
    assert plain.keys() >= {"/item", "/items", "/subclass", "/grown", "/created", "/wrong"}
    others = {"/optional", "/include-nothing", "/gone", "/def", "/guarded-route", "/loud", "/any"}
    assert plain.keys().isdisjoint(others)
    monkeypatch.setattr(plain["/item"], "_whole_app", None)
    monkeypatch.setattr(PAIR[1].router, "middleware_stack", None)
    assert ask(PAIR[1], ("POST /item", ITEM)).status == 200


@pytest.mark.parametrize("body", [ITEM, {"name": 1}, b"{"])
def test_exception_handlers_of_the_owner_get_the_body(body: Any) -> None:
    class Sold(Exception):
        pass

    def with_handlers(app: FastAPI) -> FastAPI:
        @app.exception_handler(Sold)
        async def sold(request: Request, error: Sold) -> JSONResponse:
            return JSONResponse(await request.json(), 409)

        @app.exception_handler(RequestValidationError)
        async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
            return JSONResponse([error.body, (await request.body()).decode()], 400)

        @app.post("/sell")
        async def sell(item: Item) -> Item:
            raise Sold

        return app

    plain, service = (
        ask(with_handlers(app), ("POST /sell", body)) for app in (FastAPI(), Toy().app)
    )
    assert plain.status in {400, 409}
    assert (service.status, service.json) == (plain.status, plain.json)


def test_a_handler_of_the_owner_is_asked_for_another_media_type() -> None:
    def with_handler(app: FastAPI) -> FastAPI:
        @app.exception_handler(RequestValidationError)
        async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
            return JSONResponse(error.errors()[0]["loc"], 400)

        return with_routes(app)

    question = ("POST /item", ITEM, {"content-type": "text/plain"})
    plain, service = (ask(with_handler(app), question) for app in (FastAPI(), Toy().app))
    assert (service.status, service.json) == (plain.status, plain.json) == (400, ["body"])


@pytest.mark.parametrize("first", ["application/json", "text/plain"])
def test_the_first_of_two_media_types_counts(first: str) -> None:
    def ask_with_two(app: FastAPI) -> int:
        async def doubled(scope: Scope, receive: Receive, send: Send) -> None:
            types = [(b"content-type", each.encode()) for each in (first, "text/xml")]
            others = [each for each in scope["headers"] if each[0] != b"content-type"]
            await app({**scope, "headers": [*others, *types]}, receive, send)

        return asyncio.run(call(doubled, "POST", "/item", json.dumps(ITEM).encode(), JSON)).status

    assert ask_with_two(Toy().app) == 404
    plain = ask_with_two(PAIR[0])
    assert (plain == 200) is (ask_with_two(PAIR[1]) == 200) is (first == "application/json")


def test_records_that_a_validator_adds_do_not_hide_a_key_that_is_given_twice() -> None:
    app = Toy().app
    doubled = AfterValidator(lambda items: items * 2)

    @app.post("/doubled")
    async def both(items: Annotated[list[Item], doubled]) -> int:
        return len(items)

    assert ask(app, ("POST /doubled", [ITEM])).json == 2
    assert ask(app, ("POST /doubled", b'[{"name": "a", "name": "b"}]')).status == 422


def test_what_is_put_around_a_route_is_passed() -> None:
    app = with_routes(Toy().app)
    [route] = [each for each in app.routes if getattr(each, "path", "") == "/item"]
    assert isinstance(route, APIRoute)
    inner, seen = route.app, []

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["path"])
        await inner(scope, receive, send)

    route.app = outer
    assert ask(app, ("POST /item", ITEM)).status == 200
    assert seen == ["/item"]


def test_an_endpoint_that_does_not_read_a_body_takes_one_of_any_size() -> None:
    app = Toy(max_body_bytes=100).app

    @app.post("/unread")
    async def unread(request: Request) -> Response:
        return Response(await request.body() if "read" in request.headers else b"unread")

    async def chunked(scope: Scope, receive: Receive, send: Send) -> None:
        others = [each for each in scope["headers"] if each[0] != b"content-length"]
        await app({**scope, "headers": others}, receive, send)

    for headers, status in (({}, 200), ({"read": "yes"}, 413)):
        reply = asyncio.run(call(chunked, "POST", "/unread", b" " * 200, JSON | headers))
        assert reply.status == status


def test_middleware_outside_sees_the_route_and_may_make_a_body_longer() -> None:
    seen: list[dict[str, Any]] = []

    class Outer:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            async def receive_more() -> Message:
                message = await receive()
                return {**message, "body": message["body"] + b" " * 100 * len(seen)}

            await self.app(scope, receive_more, send)
            seen.append(dict(scope))

    toy = Toy(max_body_bytes=100)
    toy.app.add_middleware(Outer)
    answers = [ask(toy.app, ("POST /score", {"value": 1.5})) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 413]
    assert seen[0]["route"].path == "/score"
    assert seen[0]["router"] is toy.app.router
    assert seen[0]["path_params"] == {}


def test_a_path_that_is_only_the_root_path_is_no_route() -> None:
    async def ask_below(app: FastAPI) -> Reply:
        async def below(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "root_path": "/item"}, receive, send)

        return await call(below, "POST", "/item", json.dumps(ITEM).encode(), JSON)

    plain, service = (asyncio.run(ask_below(app)).status for app in PAIR)
    assert service == plain == 404


def test_a_middleware_of_the_owner_inside_of_ours_is_passed() -> None:
    seen: list[str] = []

    class Inner:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(scope["type"])
            await self.app(scope, receive, send)

    toy = Toy()
    toy.app.user_middleware.append(Middleware(Inner))
    [reply] = toy.ask(toy.post("/score", {"value": 1.5}))
    assert reply.status == 200
    assert seen == ["http"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *[(f"/{path}", {"at": DATE}) for path in ("dated", "dated-with-query", "v1/inner/dated")],
        ("/dated-embedded", {"item": {"at": DATE}}),
    ],
)
def test_a_strict_model_takes_an_iso_date_on_every_route(path: str, body: Any) -> None:
    plain, service = (ask(app, (f"POST {path}", body)) for app in PAIR)
    assert (plain.status, service.status, service.json) == (422, 200, {"at": DATE})


@pytest.mark.parametrize("body", [b'{"name": "a", "name": "b"}', b'{"name": "a", "price": NaN}'])
@pytest.mark.parametrize("path", ["item", "optional", "headers", "any", "v1/item", "v1/inner/item"])
def test_json_is_strict_on_every_route(path: str, body: bytes) -> None:
    reply = ask(PAIR[1], (f"POST /{path}", body))
    assert reply.status == 422
    assert [fault["type"] for fault in reply.json["detail"]] == ["json_invalid"]


class GzipRequest(Request):
    """As FastAPI's documentation has it: the body, unpacked if it is compressed."""

    async def body(self) -> bytes:
        body = await super().body()
        return gzip.decompress(body) if "content-encoding" in self.headers else body


class GzipRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Any]:
        handle = super().get_route_handler()

        async def unpacked(request: Request) -> Any:
            return await handle(GzipRequest(request.scope, request.receive))

        return unpacked


@pytest.mark.parametrize(("name", "other"), [("a", "b"), ("a", "a")])
def test_a_route_class_may_change_the_body_and_is_strict_if_it_does_not(
    name: str, other: str
) -> None:
    app = Toy().app
    router = APIRouter(route_class=GzipRoute)

    @router.post("/names")
    async def names(item: Item) -> str:
        return item.name

    app.include_router(router)
    packed = gzip.compress(json.dumps(ITEM).encode())
    reply = ask(app, ("POST /names", packed, JSON | {"content-encoding": "gzip"}))
    assert (reply.status, reply.json) == (200, "a")
    assert ask(app, ("POST /names", ITEM)).json == "a"
    twice = f'{{"name": "{name}", "name": "{other}"}}'.encode()
    assert ask(app, ("POST /names", twice)).status == 422


def test_routes_that_come_after_the_start_are_strict_and_counted() -> None:
    toy = Toy()
    app, start = toy.app, toy.app.router.lifespan_context
    inner, outer = APIRouter(prefix="/v1"), APIRouter(prefix="/late")

    @inner.post("/{number}")
    async def item(number: int, item: Item) -> str:
        return item.name

    @asynccontextmanager
    async def starting(app: FastAPI) -> AsyncIterator[None]:
        async with start(app):
            app.post("/lifespan/{number}")(item)
            yield

    app.router.lifespan_context = starting
    outer.include_router(inner)

    async def replies() -> list[Reply]:
        async with app.router.lifespan_context(app):
            found = [await toy.post("/lifespan/1", ITEM)]
            app.include_router(outer)
            twice = b'{"name": "a", "name": "b"}'
            paths = ("/lifespan/1", "/late/v1/1")
            return found + [await toy.post(path, body) for path in paths for body in (ITEM, twice)]

    assert [reply.status for reply in asyncio.run(replies())] == [200, 200, 422, 200, 422]
    assert b'route="/late/v1/{number}"' in metrics.as_text()


@pytest.mark.parametrize("path", ["item", "optional", "headers", "embedded", "v1/inner/item"])
def test_another_media_type_is_a_415_on_every_route(path: str) -> None:
    question = (f"POST /{path}", ITEM, {"content-type": "text/plain"})
    assert ask(PAIR[1], question).status == 415
    assert ask(PAIR[1], (f"POST /{path}", ITEM, {"content-encoding": "gzip"})).status == 415


@pytest.mark.parametrize("kind", [Exception, 500])
@pytest.mark.parametrize("is_async", [True, False])
def test_a_handler_of_the_owner_answers_what_is_not_handled(
    kind: int | type[Exception], is_async: bool
) -> None:
    def answer(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"own": str(error)}, 503)

    async def answer_async(request: Request, error: Exception) -> JSONResponse:
        return answer(request, error)

    app = with_routes(Toy().app)
    app.add_exception_handler(kind, answer_async if is_async else answer)
    reply = ask(app, ("POST /broken", ITEM, {"x-request-id": "abc"}))
    assert (reply.status, reply.json) == (503, {"own": "secret"})
    assert reply.headers["x-request-id"] == "abc"


def test_a_header_that_an_endpoint_sets_stays() -> None:
    app = Toy().app

    @app.get("/kept-for-a-minute")
    async def kept(response: Response) -> None:
        response.headers["Cache-Control"] = "max-age=60"

    for path, value in {"/kept-for-a-minute": "max-age=60", "/healthz": "no-store"}.items():
        assert ask(app, (f"GET {path}", "")).headers["cache-control"] == value


@pytest.mark.parametrize("status", [400, 404, 405, 413, 418])
def test_a_handler_of_the_owner_answers_each_http_exception(status: int) -> None:
    app = Toy().app

    @app.exception_handler(StarletteHTTPException)
    async def own(request: Request, error: StarletteHTTPException) -> JSONResponse:
        return JSONResponse({"own": error.status_code}, error.status_code)

    @app.get("/raises")
    async def raises() -> None:
        raise HTTPException(status)

    reply = ask(app, ("GET /raises", ""))
    assert (reply.status, reply.json) == (status, {"own": status})


def test_the_detail_and_the_headers_of_an_owners_exception_stay() -> None:
    app = Toy().app

    @app.get("/large")
    async def large() -> None:
        raise HTTPException(413, {"code": "big"})

    @app.get("/no")
    async def no() -> None:
        raise HTTPException(405, "no", {"X-Own": "b"})

    assert ask(app, ("GET /large", "")).json == {"detail": {"code": "big"}}
    reply = ask(app, ("GET /no", ""))
    assert (reply.json, reply.headers["x-own"]) == ({"detail": "no"}, "b")


@pytest.mark.parametrize("fault", [{"loc": ()}, {"loc": ["body"]}, {}])
def test_a_fault_of_the_owner_needs_no_place(fault: dict[str, Any]) -> None:
    app = Toy().app

    @app.post("/checked")
    async def checked(item: dict[str, Any]) -> None:
        raise RequestValidationError([{"type": "value_error", "msg": "low > high", **fault}])

    reply = ask(app, ("POST /checked", {}))
    [found] = reply.json["detail"]
    assert (reply.status, found["msg"]) == (422, "low > high")


def test_a_head_route_of_the_owner_answers_and_options_names_all_methods() -> None:
    app = Toy().app

    @app.get("/thing/{number}")
    @app.post("/thing/{number}")
    async def thing(number: int) -> int:
        return number

    @app.head("/thing/{number}")
    async def head(number: int) -> Response:
        return Response(headers={"X-Own": str(number)})

    assert ask(app, ("HEAD /thing/3", "")).headers["x-own"] == "3"
    reply = ask(app, ("OPTIONS /thing/3", ""))
    assert (reply.status, reply.headers["allow"]) == (204, "GET, HEAD, POST, OPTIONS")


@pytest.mark.parametrize(("key", "sent"), [("right", "websocket.accept"), ("", "websocket.close")])
def test_a_websocket_needs_the_api_key(key: str, sent: str) -> None:
    app = Toy(api_key_hashes=hashlib.sha256(b"right").hexdigest()).app

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()

    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        messages.append(message)

    headers = [(b"x-api-key", key.encode())] if key else []
    scope = {"type": "websocket", "path": "/live", "headers": headers, "query_string": b""}
    asyncio.run(app({**scope, "subprotocols": [], "root_path": ""}, receive, send))
    assert messages[0]["type"] == sent


@pytest.mark.parametrize(
    ("given", "allow"), [(None, "GET, OPTIONS"), ({"Allow": "GET, HEAD"}, "GET, HEAD, OPTIONS")]
)
def test_a_405_lists_each_method_once(given: dict[str, str] | None, allow: str) -> None:
    app = Toy().app

    @app.get("/other")
    async def other() -> None:
        raise HTTPException(405, headers=given)

    reply = ask(app, ("GET /other", ""))
    assert (reply.status, reply.headers["allow"]) == (405, allow)


@pytest.mark.skipif(not HAS_LIMITS, reason="this FastAPI has no limits of its own")
@pytest.mark.parametrize("path", ["small-route", "small/item"])
def test_a_413_names_the_limit_of_the_route(path: str) -> None:
    assert "at most 20 bytes" in ask(PAIR[1], (f"POST /{path}", ITEM)).json["detail"]
