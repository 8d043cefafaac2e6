"""Routes that use what FastAPI offers. The contract test adds them to two apps."""

import inspect
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import (
    APIRouter,
    BackgroundTasks,
    Body,
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Query,
    Request,
    Response,
    Security,
    status,
)
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from fastapi.security import HTTPBearer
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

HAS_LIMITS = "max_body_size" in inspect.signature(APIRouter).parameters  # newer FastAPI


def limited_to(max_body_size: int) -> dict[str, Any]:
    """Return the option of an app, a router or a route that limits its bodies."""
    return {"max_body_size": max_body_size} if HAS_LIMITS else {}


class Item(BaseModel):
    name: str
    price: float = 1.0
    note: str | None = None


class Secret(Item):
    password: str = "hidden"  # noqa: S105


class Aliased(BaseModel):
    value: int = Field(alias="theValue")


class Grows(BaseModel):
    """Its validator adds 1 at each validation."""

    value: int

    @model_validator(mode="after")
    def grow(self) -> "Grows":
        self.value += 1
        return self


class Kept(BaseModel):
    model_config = ConfigDict(revalidate_instances="always")

    value: Annotated[int, Field(le=10)]


class Dated(BaseModel):
    model_config = ConfigDict(strict=True)

    at: datetime


class Tree(BaseModel):
    value: int
    branches: list["Tree"] = []


@dataclass
class Point:
    x: int
    y: int = 2


class Loud(JSONResponse):
    media_type = "application/loud+json"


One = Annotated[int, AfterValidator(lambda value: value + 1)]
Few = Annotated[list[Item], Field(max_length=2)]


def require_key(key: Annotated[str | None, Header()] = None) -> str:
    if key != "right":
        raise HTTPException(401, "Who are you?", {"WWW-Authenticate": "Key"})
    return key


def body_of_a_dependency(item: Item) -> str:
    return item.name


KEY = Depends(require_key)


def add_routes(app: FastAPI) -> None:
    """Add the routes. `/log` tells what happened beside the responses."""
    log: list[str] = []
    add_answers(app)
    add_bodies(app)
    add_dependencies(app, log)
    add_responses(app, log)
    add_routers(app)

    @app.get("/log")
    async def read_log() -> list[str]:
        return log


def add_answers(app: FastAPI) -> None:
    """Add routes that differ in what they return."""
    secret = Secret(name="n", note=None)

    @app.post("/item")
    async def item(item: Item) -> Item:
        return item

    @app.post("/items")
    async def items(items: list[Item]) -> list[Item]:
        return items

    @app.post("/kind/{kind}")
    async def any_kind(kind: str, item: Item) -> Item:
        return Item(name=kind)

    @app.post("/kind/late")  # never asked
    async def late_kind(item: Item) -> Item:
        return item

    @app.post("/narrower", response_model=Item)
    async def narrower(item: Secret) -> Secret:
        return item

    @app.post("/wider", response_model=Item)
    async def wider(item: Item) -> Any:
        return item

    @app.post("/subclass")
    async def subclass(item: Item) -> Item:
        return secret

    @app.post("/subclasses")
    async def subclasses(item: Item) -> list[Item]:
        return [secret, item]

    @app.post("/dict")
    async def as_dict(item: Item) -> Item:
        return {"name": "d", "password": "hidden"}

    @app.post("/wrong")
    async def wrong(item: Item) -> Item:
        return {"nothing": 1}

    @app.post("/nothing")
    async def nothing(item: Item) -> Item | None:
        return None

    @app.post("/unannotated")
    async def unannotated(item: Item):
        return {"item": item, "more": 1}

    @app.post("/number")
    async def number(item: Item) -> float:
        return item.price

    @app.post("/grown")
    async def grown(item: Grows) -> Grows:
        return item

    @app.post("/kept")
    async def kept(item: Kept) -> Kept:
        item.value = 11
        return item

    @app.post("/trees")
    async def trees(tree: Tree) -> list[Tree]:
        return tree.branches

    @app.post("/aliased")
    async def aliased(item: Aliased) -> Aliased:
        return item

    @app.post("/no-alias", response_model_by_alias=False)
    async def no_alias(item: Aliased) -> Aliased:
        return item

    for name in ("unset", "defaults", "none"):
        options: dict[str, Any] = {f"response_model_exclude_{name}": True}
        app.post(f"/exclude-{name}", **options)(item)
    app.post("/include", response_model_include={"name"})(item)
    app.post("/include-nothing", response_model_include=set())(item)
    app.post("/exclude", response_model_exclude={"price"})(item)
    app.post("/created", status_code=status.HTTP_201_CREATED)(item)
    app.post("/accepted", status_code=202)(item)

    @app.post("/gone", status_code=204)
    async def gone(item: Item) -> None:
        return None

    @app.post("/def")
    def plain_function(item: Item) -> Item:
        return secret

    @app.post("/def-unannotated")
    def plain_unannotated(item: Item):
        return item


def add_bodies(app: FastAPI) -> None:
    """Add routes that differ in what they take."""

    @app.post("/optional")
    async def optional(item: Item | None = None) -> Item:
        return item or Item(name="none")

    @app.post("/default")
    async def default(item: Item = Item(name="default")) -> Item:  # noqa: B008
        return item

    @app.post("/nullable")
    async def nullable(item: Item | None) -> Item:
        return item or Item(name="null")

    @app.post("/keyword")
    async def keyword(*, item: Item) -> Item:
        return item

    @app.post("/few")
    async def few(items: Few) -> list[Item]:
        return items

    @app.post("/few-by-body")
    async def few_by_body(items: list[Item] = Body(max_length=2)) -> list[Item]:  # noqa: B008
        return items

    @app.post("/two")
    async def two(one: Item, other: Item) -> list[Item]:
        return [one, other]

    @app.post("/with-number")
    async def with_number(item: Item, count: Annotated[int, Body(ge=1)] = 3) -> dict[str, Any]:
        return {"item": item, "count": count}

    @app.post("/embedded")
    async def embedded(item: Annotated[Item, Body(embed=True)]) -> Item:
        return item

    @app.post("/union")
    async def union(item: Item | Aliased) -> Item | Aliased:
        return item

    @app.post("/point")
    async def point(point: Point) -> Point:
        return point

    @app.post("/once")
    async def once(value: Annotated[One, Body()]) -> int:
        return value

    @app.post("/once-embedded")
    async def once_embedded(value: Annotated[One, Body(embed=True)]) -> int:
        return value

    @app.post("/grown-with-query")
    async def grown_with_query(item: Grows, twice: bool = False) -> int:
        return item.value * (2 if twice else 1)

    @app.post("/any")
    async def anything(value: Annotated[Any, Body()]) -> Any:
        return value.decode() if isinstance(value, bytes) else value

    @app.post("/mapping")
    async def mapping(value: dict[str, int]) -> dict[str, int]:
        return value

    @app.post("/list")
    async def numbers(value: list[int]) -> list[int]:
        return value

    @app.post("/bytes")
    async def raw_bytes(value: Annotated[bytes, Body(media_type="text/plain")]) -> int:
        return len(value)

    @app.post("/raw")
    async def raw_request(request: Request) -> dict[str, str]:
        return {"body": (await request.body()).decode()}

    @app.post("/dated")
    async def dated(item: Dated) -> Dated:
        return item

    @app.post("/dated-with-query")
    async def dated_with_query(item: Dated, twice: bool = False) -> Dated:
        return item

    @app.post("/dated-embedded")
    async def dated_embedded(item: Annotated[Dated, Body(embed=True)]) -> Dated:
        return item

    @app.put("/items/{number}")
    async def place(
        number: int,
        item: Item,
        kind: Annotated[str, Query(min_length=2)] = "any",
        x_extra: Annotated[list[str] | None, Header()] = None,
    ) -> dict[str, Any]:
        return {"number": number, "kind": kind, "extra": x_extra, "item": item}

    app.patch("/items/{number}")(place)

    @app.get("/search")
    async def search(limit: Annotated[int, Query(le=10)], word: str | None = None) -> list[Any]:
        return [limit, word]

    @app.delete("/items/{number}", status_code=204)
    async def remove(number: int) -> None:
        return None


def add_dependencies(app: FastAPI, log: list[str]) -> None:
    """Add routes with dependencies."""

    async def opened(name: str = "file") -> AsyncIterator[str]:
        log.append(f"open {name}")
        try:
            yield name
        finally:
            log.append(f"close {name}")

    @app.post("/guarded")
    async def guarded(item: Item, key: Annotated[str, KEY]) -> str:
        return key

    @app.post("/guarded-route", dependencies=[KEY])
    async def guarded_route(item: Item) -> Item:
        return item

    @app.post("/bearer")
    async def bearer(item: Item, token: Annotated[Any, Security(HTTPBearer())]) -> str:
        return str(token.credentials)

    @app.post("/opened")
    async def with_yield(item: Item, name: Annotated[str, Depends(opened)]) -> str:
        log.append("use")
        if item.name == "fail":
            raise HTTPException(409, "failed")
        return name

    @app.post("/of-dependency")
    async def of_dependency(name: Annotated[str, Depends(body_of_a_dependency)]) -> str:
        return name


def add_responses(app: FastAPI, log: list[str]) -> None:
    """Add routes that make responses themselves."""

    @app.post("/response")
    async def response(item: Item) -> Response:
        return Response("text", 203, {"x-extra": "1"}, "text/plain")

    @app.post("/json-response")
    async def json_response(item: Item) -> Item:
        return JSONResponse({"own": 1}, 418)

    @app.post("/headers")
    async def headers(item: Item, response: Response) -> Item:
        response.headers["x-extra"] = "2"
        response.status_code = 203
        return item

    @app.post("/loud", response_class=Loud)
    async def loud(item: Item) -> Item:
        return item

    @app.post("/text", response_class=PlainTextResponse)
    async def text(item: Item) -> str:
        return item.name

    @app.post("/background")
    async def background(item: Item, tasks: BackgroundTasks) -> Item:
        tasks.add_task(log.append, "background")
        return item

    @app.post("/stream")
    async def stream(item: Item) -> StreamingResponse:
        return StreamingResponse(iter(["a", "b"]), media_type="text/plain")

    @app.post("/lines")
    def lines(item: Item) -> Iterator[Item]:
        yield item
        yield Secret(name="second")

    @app.post("/conflict")
    async def conflict(item: Item) -> Item:
        raise HTTPException(409, {"taken": item.name}, {"x-extra": "3"})

    @app.post("/broken")
    async def broken(item: Item) -> Item:
        raise RuntimeError("secret")


def add_routers(app: FastAPI) -> None:
    """Add routes of included routers."""
    inner, outer = APIRouter(), APIRouter(prefix="/v1", tags=["v1"])
    locked = APIRouter(dependencies=[KEY])
    small = APIRouter(**limited_to(20))
    for router in (inner, outer, locked, small):

        @router.post("/item")
        async def item(item: Item) -> Item:
            return Secret(name=item.name)

        @router.post("/dated")
        async def dated(item: Dated) -> Dated:
            return item

    outer.include_router(inner, prefix="/inner")
    app.include_router(outer)
    app.include_router(outer, prefix="/again")
    app.include_router(locked, prefix="/locked")
    app.include_router(small, prefix="/small")

    @app.post("/small-route", **limited_to(20))
    async def small_route(item: Item) -> Item:
        return item
