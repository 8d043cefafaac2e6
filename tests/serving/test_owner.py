"""Typical first changes of an owner follow the same rules as the generated routes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.serving._toy import Service, write_project

WITH_DEPENDENCY = '''async def score_one(
    record: ModelInput, response: Response, twice: bool = False, who: str = Depends(lambda: "me")
) -> ModelOutput:
    """Score one record."""
    response.headers["x-who"] = who
'''


TWO_VALUES = '''@app.post("/compare")
async def compare(one: ModelInput, two: ModelInput) -> bool:
    """Whether they are the same."""
    return one == two
'''


UPLOADS = '''router = APIRouter(prefix="/in")


@app.post("/upload", max_body_size=1 << 27)
@router.post("/upload", max_body_size=1 << 27)
async def upload(request: Request) -> int:
    """The size of the body."""
    return sum([len(part) async for part in request.stream()])


app.include_router(router)


@app.post("/echo")
async def echo(request: Request) -> Response:
    """The body."""
    if not await request.body():
        raise HTTPException(409, "nothing")
    return Response(await request.body(), 202, media_type="text/plain")
'''


FORMS = '''class Longer(ModelOutput):
    """An answer with one more field."""

    more: int = 1


FORMS: list[Any] = [
    ModelOutput(prediction=1.5, together=1),
    ModelOutput(prediction=math.nan, together=1),
    ModelOutput.model_construct(prediction=True, together=1),
    ModelOutput.model_construct(prediction=1, together=1),
    ModelOutput.model_construct(prediction="text", together=None),
    Longer(prediction=1.5, together=1),
    {"prediction": 1.5, "together": 1},
    {"prediction": "text"},
    None,
]


@app.post("/form")
async def form(record: ModelInput) -> ModelOutput:
    """An answer in one of many forms."""
    answer: ModelOutput = FORMS[int(record.value)]
    return answer
'''
N_FORMS = 9


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("owned")
    write_project(root)
    main = root / "app" / "main.py"
    before = 'async def score_one(record: ModelInput) -> ModelOutput:\n    """Score one record."""\n'
    text = main.read_text()
    assert before in text
    text = text.replace(before, WITH_DEPENDENCY).replace(
        "import FastAPI", "import APIRouter, Depends, FastAPI, HTTPException, Request, Response"
    )
    text = text.replace(
        "    return answer\n", "    answer.prediction *= 2 if twice else 1\n    return answer\n", 1
    )
    text = text.replace("from typing import", "import math\nfrom typing import Any,", 1)
    text += "\n\n" + TWO_VALUES + "\n\n" + UPLOADS + "\n\n" + FORMS
    text += '\n\n@app.get("/fails")\nasync def fails() -> None:\n    raise ValueError("secret 4711")\n'
    main.write_text(text)
    return root


@pytest.fixture(scope="module")
def owned(project: Path, serve: Callable[..., Service]) -> Service:
    return serve()


def test_an_endpoint_may_have_other_parameters(owned: Service) -> None:
    answer = owned.post("/score?twice=true", {"value": 2})
    assert (answer.status, answer.json["prediction"], answer.headers["x-who"]) == (200, 4.0, "me")


@pytest.mark.parametrize("body", [b"{", b'{"value": 1, "value": 2}', b'{"value": NaN}', b'{"value": "1"}'])
def test_the_body_of_an_added_endpoint_follows_the_same_rules(owned: Service, body: bytes) -> None:
    answer = owned.post("/score", body)
    assert answer.status == 422
    assert set(answer.json["detail"][0]) == {"type", "loc", "msg"}
    assert owned.request("POST", "/score", body, {"Content-Type": "text/plain"}).status == 415


def test_an_error_in_added_code_is_a_500_without_details(owned: Service) -> None:
    answer = owned.get("/fails", **{"X-Request-ID": "why"})
    assert (answer.status, answer.json) == (500, {"detail": "The service failed.", "id": "why"})
    assert any(
        line.get("request_id") == "why" and line["error.type"] == "builtins.ValueError" for line in owned.log
    )
    assert "secret 4711" not in str(owned.log)


def test_a_body_of_several_values_is_read_by_fastapi(owned: Service) -> None:
    assert owned.post("/compare", {"one": {"value": 1.0}, "two": {"value": 1.0}}).json is True
    assert owned.post("/compare", {"one": {"value": 1.0}}).status == 422
    assert owned.post("/compare", b" " * (1 << 24)).status == 413


def test_a_route_that_takes_the_request_answers_as_with_fastapi(
    owned: Service, serve: Callable[..., Service]
) -> None:
    whole = serve(FAST_ROUTES="false")
    for body in (b"hello", b"{", b"", b" " * (1 << 24)):
        fast, slow = (each.post("/echo", body, **{"X-Request-ID": "1"}) for each in (owned, whole))
        assert (fast.status, fast.body) == (slow.status, slow.body)
        assert {**fast.headers, "date": ""} == {**slow.headers, "date": ""}
    assert [owned.post("/echo", body).status for body in (b"hello", b"", b" " * (1 << 24))] == [202, 409, 413]


def test_one_answer_of_any_form_is_written_as_with_fastapi(
    owned: Service, serve: Callable[..., Service]
) -> None:
    whole = serve(FAST_ROUTES="false")
    bodies = [b'{"value": %d}' % number for number in range(N_FORMS)]
    assert owned.post("/form", b'{"value": 0}').json == {"prediction": 1.5, "together": 1}
    for body in (*bodies, b'{"value": 0, "value": 0}', b'{"v\\u0061lue": 0}', b'{"value": 0, "a": 1}'):
        fast, slow = (each.post("/form", body, **{"X-Request-ID": "1"}) for each in (owned, whole))
        assert (fast.status, fast.body) == (slow.status, slow.body)


@pytest.mark.parametrize("path", ["/upload", "/in/upload"])
def test_an_upload_that_a_route_streams_is_not_kept_in_memory(
    serve: Callable[..., Service], path: str
) -> None:
    service = serve()  # of its own, for the peak of a process stays
    before = service.peak_mib()
    assert service.post(path, b" " * (1 << 26)).json == 1 << 26
    assert service.peak_mib() - before < 16
    assert service.post(path, b" " * ((1 << 27) + 1)).status == 413
