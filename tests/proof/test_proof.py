"""The proof, on a service of one page that doubles a number."""

import gc
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

import scaffold
from scaffold.base.lockfile import Lock
from scaffold.base.uv import uv_command, uv_environment
from scaffold.cli._app import app as cli
from scaffold.errors import (
    AnswerChangedError,
    AnswersDifferError,
    EnvironmentFailedError,
    ExampleRefusedError,
    NoReadinessError,
    RowsDependError,
    ServiceNotStartedError,
    VerificationError,
)
from scaffold.proof import make_environment, verify_project
from scaffold.proof._model_versions import versions_of_model
from scaffold.spec import Check, Outcome, ProjectRecord, Verification
from scaffold.upgrade import write_record
from scaffold.verbs.project import Project
from tests.deploy._specs import project_spec

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
APP = """
import json

FACTOR = 2

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b""
    while scope["method"] == "POST":
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    status, answer = 200, None
    if body:
        record = json.loads(body)
        try:
            many = scope["path"] == "/score/batch"
            answer = [double(one) for one in record] if many else double(record)
        except KeyError:
            status = 422
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

def double(record):
    return {"prediction": record["x"] * FACTOR}
"""


def compiled(*requirements: str) -> str:
    """The lock of some requirements, with hashes, at the versions of this environment."""
    here = "\n".join(f"{name}=={version(name)}" for name in ("uvicorn", "click"))
    command = [uv_command(), "pip", "compile", "--quiet", "--generate-hashes", "--no-header", "-"]
    done = subprocess.run(
        command,
        input="\n".join([*requirements, here]),
        env=uv_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.fixture(scope="module")
def lock() -> str:
    return compiled("uvicorn")


@pytest.fixture
def project(tmp_path: Path, lock: str) -> Callable[..., Path]:
    def make(app: str = APP, requests: object = None, answers: object = None) -> Path:
        (tmp_path / "app").mkdir()
        (tmp_path / "app/main.py").write_text(app)
        (tmp_path / "requirements.txt").write_text(lock)
        (tmp_path / "tests").mkdir()
        recorded = {
            "requests": [{"x": 1}, {"x": 2.5}] if requests is None else requests,
            "answers": [{"prediction": 2}, {"prediction": 5.0}] if answers is None else answers,
        }
        (tmp_path / "tests/recorded.json").write_text(json.dumps(recorded))
        return tmp_path

    return make


def test_a_service_that_answers_as_the_model_does_is_proven_and_measured(
    project: Callable[..., Path],
) -> None:
    proof = verify_project(project(), python=PYTHON)
    assert proof.passed
    assert [check.name for check in proof.checks] == [
        "environment",
        "start",
        "one by one",
        "in batches",
        "in other orders",
        "at once",
        "again",
        "refusal",
    ]
    assert all(check.outcome is Outcome.PASSED for check in proof.checks)
    assert proof.checks[2].detail == "2 of 2 answered as the model does"
    assert proof.measurements is not None
    assert proof.measurements.load_s > 0
    assert proof.measurements.latency_s > 0
    assert proof.measurements.peak_memory_bytes > 5_000_000


def test_the_request_that_the_readme_shows_is_part_of_the_proof(project: Callable[..., Path]) -> None:
    root = project()
    proof = verify_project(root, python=PYTHON, example={"x": 7})
    assert [check.name for check in proof.checks][-2:] == ["example", "refusal"]
    with pytest.raises(ExampleRefusedError) as caught:
        verify_project(root, python=PYTHON, example={"y": 7})
    assert str(caught.value).splitlines()[:2] == [
        "The service answers 422, not 200, to the request that its README shows:",
        '  {"y": 7}',
    ]


def test_the_proof_leaves_no_connection_or_file_open(project: Callable[..., Path]) -> None:
    root = project()
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        verify_project(root, python=PYTHON)
        gc.collect()
    assert not [str(warning.message) for warning in caught if warning.category is ResourceWarning]


def test_verify_records_that_an_edited_project_is_proven(project: Callable[..., Path]) -> None:
    root = project()
    (root / ".python-version").write_text(PYTHON)
    before = Verification(checks=(Check(name="start", outcome=Outcome.PASSED, detail=""),), code_sha256="00")
    write_record(root, ProjectRecord(spec=project_spec(), files={}, verification=before))
    scaffold.verify(root)
    proven = Project.open(root)
    assert proven.verification is not None
    assert proven.verification.passed
    assert proven.verification.code_sha256 == proven.code_sha256
    (root / "app/main.py").write_text(APP + "\n")
    assert Project.open(root).code_sha256 != proven.verification.code_sha256


def test_another_answer_is_named_by_row_field_and_both_values(project: Callable[..., Path]) -> None:
    root = project(APP.replace("FACTOR = 2", "FACTOR = 3"))
    with pytest.raises(AnswersDifferError) as caught:
        verify_project(root, python=PYTHON)
    assert str(caught.value).splitlines()[:2] == [
        "The service answers, but not with the sample's predictions.",
        "  row 0, prediction: 3 from the service, 2 in the sample's output",
    ]


def test_a_batch_that_is_answered_otherwise_than_its_rows_fails(project: Callable[..., Path]) -> None:
    root = project(
        APP.replace("[double(one) for one in record]", "[double(one) for one in reversed(record)]")
    )
    with pytest.raises(AnswersDifferError, match="rows 0 to 1 as a batch"):
        verify_project(root, python=PYTHON)


SEVERAL = {
    "requests": [{"x": x} for x in range(6)],
    "answers": [{"prediction": 2 * x} for x in range(6)],
}


def test_a_service_that_sorts_its_batches_is_not_proven_by_a_sorted_sample(
    project: Callable[..., Path],
) -> None:
    sorting = "[double(one) for one in sorted(record, key=lambda one: one['x'])]"
    root = project(APP.replace("[double(one) for one in record]", sorting), **SEVERAL)
    with pytest.raises(RowsDependError) as caught:
        verify_project(root, python=PYTHON)
    assert str(caught.value) == (
        "The answer to row 5 depends on which rows are asked with it.\n"
        "  in a batch in reverse order, prediction: 0; alone: 10\n"
        "Callers would get each other's answers. In a project of yours, score each record in a call of\n"
        "its own, in app/score.py:\n"
        "  BATCHED = False"
    )


def test_a_service_that_drops_repeated_rows_is_not_proven(project: Callable[..., Path]) -> None:
    dropping = "[double(one) for k, one in enumerate(record) if one not in record[:k]]"
    root = project(APP.replace("[double(one) for one in record]", dropping), **SEVERAL)
    with pytest.raises(VerificationError, match="random order, rows repeated holds 12 rows and gets 6"):
        verify_project(root, python=PYTHON)


def test_a_service_that_mixes_up_its_callers_is_not_proven(project: Callable[..., Path]) -> None:
    mixing = APP.replace("import json\n", "import asyncio, json\nLAST = []\n", 1).replace(
        "        try:\n",
        "        LAST[:] = [record]\n        await asyncio.sleep(0.001)\n        record = LAST[0]\n"
        "        try:\n",
    )
    with pytest.raises(RowsDependError, match=r"while \d+ callers asked at once, prediction: "):
        verify_project(project(mixing, **SEVERAL), python=PYTHON)


def test_a_service_that_changes_its_predictions_is_not_proven(project: Callable[..., Path]) -> None:
    warming = APP.replace("FACTOR = 2", "FACTOR = 2\nASKED = []").replace(
        'return {"prediction": record["x"] * FACTOR}',
        'ASKED.append(0)\n    return {"prediction": record["x"] * FACTOR + (len(ASKED) > 14)}',
    )
    with pytest.raises(AnswerChangedError) as caught:
        verify_project(project(warming, **SEVERAL), python=PYTHON)
    assert str(caught.value).splitlines()[:2] == [
        "The service changed as it answered: row 3 was asked again.",
        "  prediction: 7; before: 6",
    ]


@pytest.mark.parametrize(
    ("key", "answers"),
    [("record['x'] > 2", [0, 0, 0, 6, 6, 6]), ("0", [0, 0, 0, 0, 0, 0])],
    ids=["by a value", "the first one of all"],
)
def test_a_service_whose_first_answer_decides_later_ones_is_not_proven(
    project: Callable[..., Path], key: str, answers: list[int]
) -> None:
    app = APP.replace("FACTOR = 2", "KEPT = {}")
    app = app.replace('record["x"] * FACTOR', f"KEPT.setdefault({key}, record['x'] * 2)")
    # As the model answers the rows in their own order.
    recorded = {**SEVERAL, "answers": [{"prediction": answer} for answer in answers]}
    with pytest.raises(AnswersDifferError, match="Does the model depend on the time, on other requests"):
        verify_project(project(app, **recorded), python=PYTHON)


def test_a_service_whose_answers_depend_on_the_seed_of_hashes_is_not_proven(
    project: Callable[..., Path],
) -> None:
    """The model was asked in a process with seed 0; a deployed service has another seed at each start."""
    code = "print(hash('text') % 1_000_003)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": "0"}, capture_output=True, check=True
    )
    app = APP.replace('record["x"] * FACTOR', "hash('text') % 1_000_003")
    recorded = {**SEVERAL, "answers": [{"prediction": int(done.stdout)}] * len(SEVERAL["answers"])}
    with pytest.raises(AnswersDifferError, match="`hash` of a string"):
        verify_project(project(app, **recorded), python=PYTHON)


def test_a_library_of_another_version_is_named_with_what_to_type(project: Callable[..., Path]) -> None:
    root = project(APP.replace("FACTOR = 2", "FACTOR = 3"))
    (root / "requirements.txt").write_text(compiled("uvicorn", "h11==0.14.0"))
    with pytest.raises(AnswersDifferError) as caught:
        verify_project(root, python=PYTHON)
    assert str(caught.value) == (
        "The service answers, but not with the sample's predictions.\n"
        "  row 0, prediction: 3 from the service, 2 in the sample's output\n"
        f"  h11: 0.14.0 in the service, {version('h11')} in the environment of the sample\n"
        f"Pin what the model was made with: scaffold new ... --pin h11=={version('h11')}"
    )


def test_a_library_that_only_the_service_needs_is_not_blamed(project: Callable[..., Path]) -> None:
    root = project(APP.replace("FACTOR = 2", "FACTOR = 3"))
    lock = compiled("uvicorn", "h11==0.14.0")
    (root / "requirements.txt").write_text(lock)
    (root / "requirements.in").write_text("# The model.\nclick\n\n# The service around it.\nuvicorn\n")
    with pytest.raises(AnswersDifferError) as caught:
        verify_project(root, python=PYTHON)
    [advice] = str(caught.value).splitlines()[2:]
    assert advice == (
        "What the model needs has the same versions in both. Does the model depend on the time, on other "
        "requests, on environment variables, on files outside the project, or on the order of a set or "
        "`hash` of a string, which differ from process to process?"
    )
    # Dependencies of the model's libraries count as requirements of the model.
    (root / "requirements.in").write_text("# The model.\nuvicorn\n\n# The service around it.\nclick\n")
    assert "h11" in versions_of_model(root, Lock.parse(lock))


def test_a_service_that_does_not_start_shows_the_end_of_its_log(project: Callable[..., Path]) -> None:
    root = project("raise RuntimeError('the model file is gone')")
    with pytest.raises(ServiceNotStartedError) as caught:
        verify_project(root, python=PYTHON)
    assert str(caught.value).startswith("The service does not start (exit status 1).")
    assert "RuntimeError: the model file is gone" in caught.value.log


BELOW_A_PREFIX = """
PREFIX = "/api/v2"
inner = app

async def app(scope, receive, send):
    if scope["type"] == "http" and not scope["path"].startswith(PREFIX):
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    await inner({**scope, "path": scope.get("path", "").removeprefix(PREFIX)}, receive, send)
"""
WITH_A_TOKEN = """
inner = app

async def app(scope, receive, send):
    if scope["type"] == "http" and scope["method"] == "POST":
        if (b"authorization", b"Bearer s3cret") not in scope["headers"]:
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})
            return
    await inner(scope, receive, send)
"""


def test_a_service_below_a_prefix_of_its_code_is_proven(project: Callable[..., Path]) -> None:
    assert verify_project(project(APP + BELOW_A_PREFIX), python=PYTHON).passed


def test_a_service_without_readyz_is_refused_at_once(project: Callable[..., Path]) -> None:
    hidden = BELOW_A_PREFIX.replace('"/api/v2"', '"/" + "v2"')
    began = time.monotonic()
    with pytest.raises(NoReadinessError, match="answers 404 to GET /readyz"):
        verify_project(project(APP + hidden), python=PYTHON)
    assert time.monotonic() - began < 120


@pytest.mark.parametrize("package", ["src/app", "doubling", "src/app/v2", "src/acme/doubling"])
def test_a_package_that_was_moved_or_renamed_is_proven(project: Callable[..., Path], package: str) -> None:
    root = project()
    (root / "app").rename(root / "moved")
    (root / package).parent.mkdir(parents=True, exist_ok=True)
    (root / "moved").rename(root / package)
    name = package.removeprefix("src/").replace("/", ".")
    run = f"import os\nimport uvicorn\nimport {name}.main\n\n"
    run += f"uvicorn.run('{name}.main:app', port=int(os.environ['PORT']))\n"
    (root / package / "__main__.py").write_text(run)
    assert scaffold.verify(root).passed


def test_a_service_that_wants_a_token_is_proven_with_its_header(project: Callable[..., Path]) -> None:
    root = project(APP + WITH_A_TOKEN)
    write_record(root, ProjectRecord(spec=project_spec(), files={}))
    with pytest.raises(VerificationError, match=r"--header 'Authorization: Bearer \.\.\.'"):
        scaffold.verify(root)
    command = ["verify", str(root), "--header", "Authorization: Bearer s3cret"]
    shown = CliRunner().invoke(cli, command)
    assert shown.exit_code == 0, shown.output
    assert Project.open(root).verification.passed
    assert not any(
        b"s3cret" in path.read_bytes() for path in (root / ".scaffold").rglob("*") if path.is_file()
    )
    shown = CliRunner().invoke(cli, [*command[:-1], "Authorization s3cret"])
    assert shown.exit_code == 1
    assert "The header number 1 is none" in str(shown.exception)
    assert "s3cret" not in str(shown.exception)


def test_a_service_that_refuses_the_sample_is_named_by_row_and_status(project: Callable[..., Path]) -> None:
    with pytest.raises(VerificationError, match="row 0 is answered with 422"):
        verify_project(project(requests=[{"y": 1}, {"x": 1}]), python=PYTHON)


def test_a_service_that_takes_any_body_is_not_proven(project: Callable[..., Path]) -> None:
    with pytest.raises(VerificationError, match="The service answers 200, not 422"):
        verify_project(project(APP.replace("status = 422", "pass")), python=PYTHON)


def test_a_lock_that_cannot_be_installed_says_why(project: Callable[..., Path]) -> None:
    root = project()
    (root / "requirements.txt").write_text("uvicorn==0.0.0 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(EnvironmentFailedError, match=r"uvicorn==0\.0\.0"):
        verify_project(root, python=PYTHON)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not"),
        ('{"requests": [], "answers": []}', "0 requests and 0 answers"),
        ('{"requests": [1], "answers": []}', "1 requests and 0 answers"),
    ],
)
def test_an_invalid_recording_is_a_clear_error(project: Callable[..., Path], text: str, message: str) -> None:
    root = project()
    (root / "tests/recorded.json").write_text(text)
    with pytest.raises(VerificationError, match=message):
        verify_project(root, python=PYTHON)


def test_a_relative_path_of_an_environment_is_accepted(
    project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project()
    monkeypatch.chdir(root.parent)
    relative = Path(root.name)
    assert make_environment(relative, relative / ".venv", python=PYTHON) == root / ".venv/bin/python"


def test_an_environment_is_recreated_only_when_the_lock_has_changed(
    project: Callable[..., Path], tmp_path: Path
) -> None:
    root = project()
    interpreter = make_environment(root, tmp_path / "env", python=PYTHON)
    mark = tmp_path / "env/mark"
    mark.write_text("")
    assert make_environment(root, tmp_path / "env", python=PYTHON) == interpreter
    assert mark.exists()
    (root / "requirements.txt").write_text((root / "requirements.txt").read_text() + "\n")
    make_environment(root, tmp_path / "env", python=PYTHON)
    assert not mark.exists()
