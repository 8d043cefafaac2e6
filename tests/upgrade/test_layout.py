"""A whole project of the old layout, with edits of its owner's, moves to the present one and answers."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scaffold.base.checked import model_files
from scaffold.errors import MergeConflictError, PathTakenError
from scaffold.events import Event, Noted
from scaffold.image.dockerfile._context import copied_entries, read_dockerfile
from scaffold.image.dockerfile._plan import read_plan
from scaffold.upgrade import Prefer
from scaffold.verbs.undo import undo
from scaffold.verbs.update import update
from tests.upgrade._edits import edit

OldProject = Callable[[str], Path]

ASK = """
import json, sys
from fastapi.testclient import TestClient
from app.main import app
with TestClient(app) as client:
    requests = json.load(open("tests/recorded.json"))["requests"][:5]
    answers = [client.post("/score", json=request) for request in requests]
    ready = client.get("/readyz").status_code
    extra = [client.get(path) for path in sys.argv[1:]]
result = {
    "answers": [answer.json() for answer in answers],
    "ready": ready,
    "headers": dict(answers[0].headers),
    "extra": [[each.status_code, each.text] for each in extra],
}
json.dump(result, sys.stdout)
"""

ROUTER = '''"""Who to call."""

from fastapi import APIRouter

from app import metrics
from app.errors import RESPONSES
from app.json_route import JSONRoute

router = APIRouter(route_class=JSONRoute)


@router.get("/owner", responses=RESPONSES)
async def owner() -> dict[str, float]:
    """Who to call, and how many are in flight."""
    return {"in_flight": metrics.in_flight._value.get()}
'''

MIDDLEWARE = '''app.include_router(router)


@app.middleware("http")
async def add_team(request: Request, call_next: Any) -> Response:
    """Say whose service it is."""
    response: Response = await call_next(request)
    response.headers["x-team"] = settings.team
    return response

'''

HANDLER = """    @app.exception_handler(KeyError)
    async def no_features(request: Request, error: KeyError) -> JSONResponse:
        return problem(424, "No features are known.")

"""


def ask(root: Path, *paths: str, source: str = ".") -> dict[str, Any]:
    """Start the service in a process of its own, and return what it answers."""
    environ = {**os.environ, "PYTHONPATH": str(root / source)}
    command = [sys.executable, "-c", ASK, *paths]
    ran = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def recorded(root: Path) -> list[Any]:
    answers: list[Any] = json.loads((root / "tests/recorded.json").read_text())["answers"][:5]
    return answers


def snapshot(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not {".scaffold", "__pycache__"}.intersection(path.parts)
    }


def read(root: Path, path: str) -> str:
    return (root / path).read_text()


@pytest.mark.parametrize("name", [pytest.param("titanic", marks=pytest.mark.slow), "iris"])
def test_an_untouched_project_becomes_a_new_one_answers_and_goes_back(
    name: str, old_project: OldProject
) -> None:
    root = old_project(name)
    before = snapshot(root)
    done = update(root, verify=False)
    assert done.files["app/gate.py"] == "moved to app/serving/middleware.py"
    assert done.files["app/model/model.pkl"] == "moved to model/model.pkl"
    assert done.files["tests/live/conftest.py"] == done.files["tests/load/locustfile.py"] == "added"
    assert done.notes == ()
    own = {"__init__", "__main__", "convert", "main", "schemas", "score", "settings"}
    assert {path.stem for path in (root / "app").glob("*.py")} == own
    assert not (root / "app/model").exists()
    assert ask(root)["answers"] == recorded(root)
    assert update(root, verify=False).is_empty
    undo(root)
    assert snapshot(root) == before


def edit_everywhere(root: Path) -> None:
    """A router, middleware, steps of the lifespan, a setting, a default, an alias, log lines, the card."""
    edit(
        root,
        "app/main.py",
        ("from app.settings import", "from app.routers.owner import router\nfrom app.settings import"),
        (
            "    app.state.ready = True\n    yield\n",
            '    log.info("open")\n    app.state.ready = True\n    yield\n    log.info("closed")\n',
        ),
        ("add_handlers(app)\n\n", f"add_handlers(app)\n{MIDDLEWARE}"),
        ("import FastAPI, Response", "import FastAPI, Request, Response"),
        ("from typing import Annotated\n", "from typing import Annotated, Any\n"),
    )
    (root / "app/routers").mkdir()
    (root / "app/routers/__init__.py").write_text("")
    (root / "app/routers/owner.py").write_text(ROUTER)
    edit(
        root,
        "app/settings.py",
        (
            "    max_waiting: int = Field(1024, ge=1)\n",
            '    max_waiting: int = Field(4096, ge=1)\n    team: str = "passengers"\n',
        ),
    )
    edit(root, "app/schemas.py", ("Pclass: Int64 = Field(", 'travel_class: Int64 = Field(alias="Pclass", '))
    edit(root, "app/convert.py", ("record.Pclass ", "record.travel_class "))
    edit(
        root,
        "app/score.py",
        ("import hashlib\n", "import hashlib\nimport logging\n"),
        ("_model: Any = None\n", '_model: Any = None\nlog = logging.getLogger("app.score")\n'),
        ("        shorten(_model)\n", '        shorten(_model)\n    log.info("loaded")\n'),
        ("    return from_model", '    log.info("scored")\n    return from_model'),
    )
    edit(root, "app/model/README.md", ("## Libraries\n", "Ask the passengers' team.\n\n## Libraries\n"))


@pytest.mark.slow
def test_the_edits_of_an_owner_are_in_the_new_project_and_work(old_project: OldProject) -> None:
    root = old_project("titanic")
    edit_everywhere(root)
    done = update(root, verify=False)
    assert (done.conflicts, done.notes) == ({}, ())
    answered = ask(root, "/owner", "/metrics")
    assert answered["answers"] == recorded(root)
    assert answered["ready"] == 200
    assert answered["headers"]["x-team"] == "passengers"
    assert answered["extra"][0] == [200, '{"in_flight":1.0}']
    settings, score, main = (read(root, f"app/{name}.py") for name in ("settings", "score", "main"))
    assert "class Settings(ServingSettings):" in settings
    assert "    max_waiting: int = Field(4096, ge=1)\n" in settings
    assert "max_batch" not in settings
    assert '    log.info("loaded")\n' in score
    assert '    log.info("scored")\n' in score
    assert '    async with serving_lifespan(app):\n        log.info("open")\n        yield\n' in main
    assert '        log.info("closed")\n' in main
    assert "Ask the passengers' team." in read(root, "model/README.md")
    assert update(root, verify=False).is_empty


@pytest.mark.slow
def test_an_edit_of_a_file_that_moved_is_merged_into_its_new_place(old_project: OldProject) -> None:
    root = old_project("titanic")
    edit(root, "app/batching.py", ("MAX_HANGING = 4 ", "MAX_HANGING = 2 "))
    edit(
        root,
        "app/errors.py",
        (
            "    @app.exception_handler(TooSlow)\n",
            f"{HANDLER}    @app.exception_handler(TooSlow)\n",
        ),
    )
    edit(
        root,
        "app/gate.py",
        ("SECURITY_HEADERS = [\n", 'SECURITY_HEADERS = [\n    (b"x-frame-options", b"DENY"),\n'),
        (
            '            log.error("not handled", exc_info=error)\n',
            '            log.error("not handled", exc_info=error)\n            count_fault()\n',
        ),
        ("def _in_one_line(", 'def count_fault() -> None:\n    """Tell the team."""\n\n\ndef _in_one_line('),
    )
    edit(root, "app/server.py", ('        ws="none",\n', '        ws="none",\n        backlog=64,\n'))
    edit(
        root,
        "app/metrics.py",
        ("def as_text()", 'def count_owner() -> None:\n    """Count."""\n\n\ndef as_text()'),
    )
    done = update(root, verify=False)
    assert done.conflicts == {}
    serving = root / "app/serving"
    assert "MAX_HANGING = 2  # predictions that may hang before the process must" in read(
        serving, "batching.py"
    )
    assert "No features are known." in read(serving, "errors.py")
    middleware = read(serving, "middleware.py")
    assert '    (b"x-frame-options", b"DENY"),\n' in middleware
    assert "            count_fault()\n" in middleware
    assert "        backlog=64,\n" in read(serving, "runner.py")
    assert "def count_owner() -> None:" in read(serving, "metrics.py")
    answered = ask(root)
    assert answered["answers"] == recorded(root)
    assert answered["headers"]["x-frame-options"] == "DENY"


def test_an_edit_of_what_is_gone_is_a_conflict(old_project: OldProject) -> None:
    root = old_project("titanic")
    edit(root, "app/gate.py", ("raise HTTPException(413, TOO_LARGE)", 'raise HTTPException(413, "No.")'))
    with pytest.raises(MergeConflictError) as stopped:
        update(root, verify=False)
    [(path, detail)] = stopped.value.conflicts
    assert path == "app/serving/middleware.py"
    assert detail.startswith("line")
    assert 'raise HTTPException(413, "No.")' in read(root, path)
    undo(root)
    assert 'raise HTTPException(413, "No.")' in read(root, "app/gate.py")


@pytest.mark.slow
def test_names_that_are_gone_are_told_with_their_lines(old_project: OldProject) -> None:
    root = old_project("titanic")
    (root / "app/second.py").write_text(
        "from app.batching import Batcher\nfrom app.example import make_record\n"
    )
    with pytest.raises(MergeConflictError) as stopped:
        update(root, verify=False)
    assert stopped.value.conflicts == (("app/second.py", "line 2: app.example is gone"),)
    assert read(root, "app/second.py").startswith("from app.serving.batching import Batcher\n")
    undo(root)
    events: list[Event] = []
    done = update(root, verify=False, prefer=Prefer.OURS, on_event=events.append)
    told = "app/second.py: line 2: app.example is gone"
    assert done.notes == (told,)
    assert told in [event.text for event in events if isinstance(event, Noted)]


@pytest.mark.slow
def test_a_file_of_the_serving_code_that_was_deleted_is_there_again_and_told(old_project: OldProject) -> None:
    root = old_project("titanic")
    (root / "app/docs.py").unlink()
    edit(
        root,
        "app/main.py",
        ("from app.docs import add_docs\n", ""),
        ("\n\nif settings.docs:\n    add_docs(app)\n", "\n"),
    )
    with pytest.raises(MergeConflictError) as stopped:
        update(root, verify=False)
    [(path, detail)] = stopped.value.conflicts
    assert path == "app/main.py"
    assert detail == (
        "you changed or removed `if settings.docs:`, which `install` of app/serving/startup.py does now"
    )
    assert (root / "app/serving/docs.py").is_file()
    undo(root)
    done = update(root, verify=False, prefer=Prefer.OURS)
    assert done.notes[0] == (
        "you deleted app/docs.py; app/serving/ needs it, so app/serving/docs.py is there again"
    )


@pytest.mark.parametrize(
    ("own", "arrives"),
    [("model/model.pkl", "app/model/model.pkl"), ("app/serving.py", "the package app/serving/")],
)
def test_a_file_of_the_owner_in_the_way_is_named_and_nothing_is_written(
    own: str, arrives: str, old_project: OldProject
) -> None:
    root = old_project("iris")
    (root / own).parent.mkdir(exist_ok=True)
    (root / own).write_text("MINE = 1\n")
    before = snapshot(root)
    with pytest.raises(PathTakenError) as caught:
        update(root, verify=False)
    assert f"  {own}: {arrives} comes there" in str(caught.value)
    assert snapshot(root) == before
    subprocess.run(str(caught.value).splitlines()[-1], shell=True, cwd=root, check=True)
    update(root, verify=False)
    assert ask(root)["answers"] == recorded(root)


def test_a_merge_tool_gets_the_old_file_under_its_new_name(old_project: OldProject) -> None:
    root = old_project("titanic")
    edit(root, "app/gate.py", ("raise HTTPException(413, TOO_LARGE)", 'raise HTTPException(413, "No.")'))
    update(root, verify=False, tool="cp {ours} {merged}")
    assert 'raise HTTPException(413, "No.")' in read(root, "app/serving/middleware.py")


@pytest.mark.slow
def test_an_app_below_src_moves_there(old_project: OldProject) -> None:
    root = old_project("titanic")
    (root / "src").mkdir()
    shutil.move(root / "app", root / "src/app")
    edit(root, "src/app/settings.py", ("max_batch: int = Field(256", "max_batch: int = Field(64"))
    edit(
        root,
        "src/app/metrics.py",
        ("def as_text()", 'def count_owner() -> None:\n    """Count."""\n\n\ndef as_text()'),
    )
    edit(
        root,
        "Dockerfile",
        ("COPY app/*.py app/\n", "COPY src/app/*.py app/\n"),
        ("COPY app/model app/model\n", "COPY src/app/model app/model\n"),
    )
    with pytest.raises(MergeConflictError) as stopped:
        update(root, verify=False)
    assert [path for path, _ in stopped.value.conflicts] == ["Dockerfile"]
    assert not (root / "app").exists()
    assert not (root / "src/app/gate.py").exists()
    assert "def count_owner() -> None:" in read(root, "src/app/serving/metrics.py")
    assert "    max_batch: int = Field(64, ge=1)\n" in read(root, "src/app/settings.py")
    assert (root / "src/model/model.pkl").is_file()
    assert ask(root, source="src")["answers"] == recorded(root)


def test_a_project_that_was_not_moved_is_read_and_put_into_an_image_as_before(
    old_project: OldProject,
) -> None:
    root = old_project("titanic")
    assert model_files(root) == [root / "app/model/model.pkl"]
    plan = read_plan(read_dockerfile(root), {}, {})
    parts = {part: [entry.name for entry in entries] for part, entries in copied_entries(root, plan).items()}
    assert sorted(parts["model"]) == ["service/app/model/README.md", "service/app/model/model.pkl"]
    assert "service/app/gate.py" in parts["code"]
    assert ask(root)["answers"] == recorded(root)
