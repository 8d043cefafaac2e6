"""Models of an MLflow server: what is fetched, what is said of it, and what is refused."""

from __future__ import annotations

import json
import pickle
import re
import socket
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression

import scaffold
from scaffold.base.process import Runner
from scaffold.errors import MissingInputError, ModelNotFetchedError
from scaffold.events import Event, Noted
from scaffold.find import DeclaredField, find_model
from scaffold.read import read_sample
from scaffold.spec import AskedFor, Evidence, Field, Optional, Record, Scalar, ScalarType
from scaffold.verbs._declared import compare_fields
from scaffold.verbs.workers import split_requirements
from tests.find._stand_in import FILES, StandIn, stand_in

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def model() -> bytes:
    import pandas as pd

    frame = pd.DataFrame({"age": [20.0, 35.0, 50.0, 65.0], "calls": [1, 5, 2, 8]})
    return pickle.dumps(LogisticRegression().fit(frame, [0, 1, 0, 1]))


@pytest.fixture
def server(model: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with stand_in(model) as started:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", started.url)
        yield started


def refused(written: str) -> str:
    with pytest.raises(ModelNotFetchedError) as caught:
        find_model(written)
    return str(caught.value)


def test_a_version_an_alias_a_run_and_a_logged_model_lead_to_the_files(server: StandIn, model: bytes) -> None:
    model_id, run = server.models[1]
    for written in ("models:/churn/2", "models:/churn@champion", f"models:/{model_id}", f"runs:/{run}/model"):
        found = find_model(written)
        assert found.path.read_bytes() == model
        assert found.origin is not None
        assert found.origin.uri == written
        assert (found.origin.run, found.origin.revision) == (run, COMMIT)
        assert found.origin.metrics == (("auc", "0.8200000000000001"),)
        assert found.origin.tags == (("team", "risk"),)
    assert find_model("models:/churn/latest").origin.version == "3"


def test_what_a_server_says_of_a_model_comes_along_without_credentials(server: StandIn) -> None:
    found = find_model("models:/churn@champion")
    assert found.provenance == "models:/churn@champion, version 2"
    assert found.origin.version == "2"
    assert found.origin.params == (("C", "2.0"), ("data", "s3://bucket/train.csv"))
    assert found.declared.python == "3.11"
    assert "scikit-learn==1.9.1" in found.declared.requirements
    assert not any(line.startswith("mlflow") for line in found.declared.requirements)
    assert [field.name for field in found.declared.fields] == ["age", "calls"]
    assert json.loads(found.declared.input.read_text())[1] == {"age": 35.0, "calls": 5}


@pytest.mark.parametrize(
    ("written", "cause"),
    [
        ("models:/churn/9", "has no version 9 of churn; nearest: 1, 2, 3."),
        ("models:/churn@campion", "has no alias 'campion' of churn; nearest: champion."),
        ("models:/chrun/1", "has no model 'chrun'; nearest: churn."),
        ("runs:/nope/model", "does not give run nope (Run with id=nope not found)."),
    ],
)
def test_what_a_server_does_not_have_is_named_with_the_nearest(
    server: StandIn, written: str, cause: str
) -> None:
    assert refused(written) == f"{written} cannot be fetched: {server.url} {cause}"


@pytest.mark.parametrize(
    ("written", "cause"),
    [
        ("models:/churn", "it names no version"),
        ("models:/churn/", "it names no version"),
        ("models:/churn/Production", "'Production' is no version; a stage of MLflow is not read"),
    ],
)
def test_a_uri_without_a_version_is_completed(server: StandIn, written: str, cause: str) -> None:
    hint = "scaffold new models:/churn/3 ..."
    assert refused(written) == f"{written} cannot be fetched: {cause}.\n  {hint}"
    assert refused("models:/") == (
        "models:/ cannot be fetched: it names no version.\n  scaffold new models:/NAME/1 ..."
    )


def test_a_server_that_wants_a_login_gets_it_and_nobody_else_sees_it(
    server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.login = "Basic bWU6c2VjcmV0"
    assert refused("models:/churn/2") == (
        f"models:/churn/2 cannot be fetched: {server.url} wants a login (401).\n"
        "  export MLFLOW_TRACKING_USERNAME=... MLFLOW_TRACKING_PASSWORD=...  # or MLFLOW_TRACKING_TOKEN"
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url.replace("://", "://me:secret@"))
    found = find_model("models:/churn/2")
    assert "secret" not in repr(found)
    assert found.origin.server == server.url
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "token")
    server.login = "Bearer token"
    find_model("models:/churn/2")


def test_a_server_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scaffold.base.http.TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
        assert f"{url} does not answer within" in refused("models:/churn/2")
    assert f"{url} cannot be reached: [Errno 111] Connection refused" in refused("models:/churn/2")


def test_a_redirect_to_another_server_is_not_followed(server: StandIn, model: bytes) -> None:
    with stand_in(model) as other:
        server.answers["api/2.0/mlflow/model-versions/get?name=churn&version=2"] = (302, {})
        assert "does not give" in refused("models:/churn/2") or other.asked == []
        assert other.asked == []


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "/etc/passwd", "C:/model.pkl", "a/../../b", ".git/config", "a\\b"]
)
def test_a_path_that_leads_out_of_the_folder_is_refused(server: StandIn, path: str) -> None:
    server.replace("pickled_model: model.pkl", f"pickled_model: '{path}'", version=2)
    assert "which is not below its folder" in refused("models:/churn/2")


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", ".", "", 3, None])
def test_a_file_that_a_server_lists_elsewhere_is_refused(server: StandIn, name: object) -> None:
    root = server.root(2)
    key = next(key for key in server.answers if key.endswith(root.replace("/", "%2F")))
    server.answers[key] = (200, {"files": [{"path": name, "is_dir": False}]})
    assert "it has a file" in refused("models:/churn/2")
    assert not any(asked.startswith(FILES) for asked in server.asked)


def test_files_that_lie_elsewhere_are_not_fetched(server: StandIn) -> None:
    key = "api/2.0/mlflow/model-versions/get-download-uri?name=churn&version=2"
    server.answers[key] = (200, {"artifact_uri": "file:///etc"})
    assert "does not serve its files, which are in file:///etc" in refused("models:/churn/2")


def test_a_link_in_a_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "secret.pkl").touch()
    (tmp_path / "model/model.pkl").symlink_to(tmp_path / "secret.pkl")
    (tmp_path / "model/MLmodel").write_text("flavors:\n  sklearn:\n    pickled_model: model.pkl\n")
    assert "leads through a symbolic link" in refused(str(tmp_path / "model"))


def test_options_and_urls_among_the_requirements_are_left_out_and_told(server: StandIn) -> None:
    lines = [
        "--index-url https://me:secret@evil.example/simple",
        "-e git+https://evil.example/x",
        "thing @ https://evil.example/thing.whl",
        "numpy==2.4.6  # pinned",
        "joblib",
        "not a requirement at all",
    ]
    server.files[f"{server.root(2)}/requirements.txt"] = "\n".join(lines).encode()
    declared = find_model("models:/churn/2").declared
    assert declared.requirements == ("numpy==2.4.6", "joblib>=0")
    assert declared.notes == (
        "MLflow's requirements have the option --index-url, which is left out",
        "MLflow's requirements have the option -e, which is left out",
        "MLflow's requirements have a URL for thing, which is left out",
        "MLflow's requirements have a line that is no requirement, which is left out",
    )


def test_modules_of_the_model_lie_beside_it(server: StandIn, model: bytes) -> None:
    server.replace("code: null", "code: code", version=2)
    root = server.root(2)
    key = next(key for key in server.answers if key.endswith(root.replace("/", "%2F")))
    server.answers[key][1]["files"].append({"path": "code", "is_dir": True})
    server.answers[f"{key}%2Fcode"] = (
        200,
        {"files": [{"path": "features.py", "is_dir": False}, {"path": "model.pkl", "is_dir": False}]},
    )
    server.files[f"{root}/code/features.py"] = b"RATIO = 2\n"
    server.files[f"{root}/code/model.pkl"] = b"another"
    found = find_model("models:/churn/2").path
    assert found.read_bytes() == model
    assert (found.parent / "features.py").read_text() == "RATIO = 2\n"


def test_a_source_has_only_known_libraries_installed() -> None:
    lines = ["Scikit_Learn==1.9.1", "evil-package==1", "numpy==2.4.6"]
    known, others = split_requirements(lines, ["scikit-learn", "numpy"])
    assert (known, others) == (["Scikit_Learn==1.9.1", "numpy==2.4.6"], ["evil-package==1"])


def test_the_versions_of_the_source_make_the_environment(
    server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Sequence[str]] = []

    class OpenedError(Exception):
        """The environment was asked for."""

    def open_environment(spec: list[str], *_: object, python: tuple[str, ...], **__: object) -> None:
        opened.extend([spec, python])
        raise OpenedError

    monkeypatch.setattr("scaffold.environments.open_environment", open_environment)
    scaffold.inspect("models:/churn/2")
    assert opened == []
    monkeypatch.setattr("scaffold.verbs.workers.importlib.util.find_spec", lambda _: None)
    with pytest.raises(OpenedError):
        scaffold.inspect("models:/churn/2")
    assert "scikit-learn==1.9.1" in opened[0]
    assert opened[1] == ("3.11",)


def test_variables_of_the_model_are_set_when_its_libraries_are_imported(
    server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keras imports the backend that one names."""
    printed: list[str] = []

    class OpenedError(Exception):
        """The environment was asked for."""

    def open_environment(*_: object, run: Runner, **__: object) -> None:
        program = "import os; print(os.environ.get('KERAS_BACKEND'))"
        printed.extend(run([sys.executable, *flag, "-c", program]).stdout.strip() for flag in (["-I"], []))
        raise OpenedError

    monkeypatch.setattr("scaffold.environments.open_environment", open_environment)
    with pytest.raises(OpenedError):
        scaffold.inspect("models:/churn/2", environment=["keras"], env=["KERAS_BACKEND=torch"])
    assert printed == ["torch", "None"]


def test_an_unknown_flavour_gives_its_python_function(server: StandIn) -> None:
    server.replace("  sklearn:\n", "  prophet:\n", version=2)
    found = find_model("models:/churn/2")
    assert found.path.name == "model.pkl"
    assert found.declared.notes == ("MLflow's flavour prophet is not known: its python_function is taken",)


EXAMPLE = """
signature:
  inputs: '[{"type": "datetime", "name": "when"}, {"type": "long", "name": "n"}]'
saved_input_example_info: {artifact_path: example.json, type: dataframe}
"""


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("2024-01-01T00:00:00", datetime(2024, 1, 1)),
        ("2024-01-01T00:00:00.250000000", datetime(2024, 1, 1, 0, 0, 0, 250_000)),
        ("2024-01-01T00:00:00Z", datetime(2024, 1, 1, tzinfo=timezone.utc)),
        (None, None),
    ],
)
def test_dates_of_an_example_are_dates(tmp_path: Path, written: str | None, date: datetime | None) -> None:
    """MLflow writes them as texts; its signature says what they are."""
    (tmp_path / "MLmodel").write_text(EXAMPLE)
    rows = {"columns": ["when", "n"], "data": [[written, 3], ["2024-01-02T00:00:00", 4]]}
    (tmp_path / "example.json").write_text(json.dumps(rows))
    found = find_model(str(tmp_path))
    assert found.declared.input is not None
    sample = read_sample(found.declared.input)
    assert sample == [{"when": date, "n": 3}, {"when": datetime(2024, 1, 2), "n": 4}]


def test_a_date_that_is_none_makes_no_sample(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text(EXAMPLE)
    for text in ("soon", "2024-01-01T00:00:00.000000001"):
        (tmp_path / "example.json").write_text(json.dumps({"columns": ["when"], "data": [[text]]}))
        declared = find_model(str(tmp_path)).declared
        assert declared.input is None
        assert "give a sample with --input" in declared.notes[0]


@pytest.mark.parametrize(
    "text", ["- 1", "flavors: &a [*a]", "!!python/object/apply:os.system [true]", "a: " + "[" * 9999]
)
def test_a_description_that_is_none_is_passed_over(server: StandIn, text: str) -> None:
    server.files[f"{server.root(2)}/MLmodel"] = text.encode()
    assert find_model("models:/churn/2").path.name == "model.pkl"


def test_a_service_is_made_without_a_sample_of_ones_own(server: StandIn, tmp_path: Path) -> None:
    notes: list[Event] = []
    project = scaffold.new(
        "models:/churn@champion", target=tmp_path / "service", verify=False, on_event=notes.append
    )
    assert project.spec.origin.version == "2"
    assert len(project.spec.origin.sha256) == 64
    record = (tmp_path / "service/.scaffold/record.json").read_text()
    card = (tmp_path / "service/model/README.md").read_text()
    dockerfile = (tmp_path / "service/Dockerfile").read_text()
    assert '"uri": "models:/churn@champion"' in record
    assert "| made from | models:/churn@champion, version 2, of" in card
    assert f"| git revision | `{COMMIT}` |" in card
    assert 'model.source="models:/churn@champion"' in dockerfile
    assert f'model.source-revision="{COMMIT}"' in dockerfile
    assert not any(text in record + card + dockerfile for text in ("key:secret", "me:secret"))
    assert not [note for note in notes if isinstance(note, Noted) and "signature" in note.text]


def test_a_signature_that_contradicts_the_sample_is_told(server: StandIn) -> None:
    text = server.files[f"{server.root(2)}/MLmodel"].decode()
    changed = re.sub(r'"name": "calls"', '"name": "plan"', text)
    server.files[f"{server.root(2)}/MLmodel"] = changed.encode()
    events: list[Event] = []
    scaffold.inspect("models:/churn/2", on_event=events.append)
    notes = [event.text for event in events if isinstance(event, Noted)]
    assert "the source's signature requires plan; the sample does not have it" in notes
    assert "the sample has calls, which the source's signature does not have" in notes


@pytest.mark.parametrize(
    ("evidence", "note"),
    [
        (Evidence(rows=100, missing=22), "it is missing in 22 of 100 rows of the sample"),
        (Evidence(rows=100, missing=20, absent=2), "it is missing in 22 of 100 rows of the sample"),
        (Evidence(rows=100, absent=3), "it is missing in 3 of 100 rows of the sample"),
        (Evidence(), "it is missing in some rows of the sample"),
        (Evidence(rows=100), ""),
        (Evidence(rows=100, annotated=True), ""),
        (Evidence(asked_for=AskedFor(nullable=True)), ""),
    ],
)
def test_a_field_that_a_signature_requires_and_the_sample_misses_is_counted(
    evidence: Evidence, note: str
) -> None:
    """A field that only `--nullable` or an annotation makes optional is missing in no row."""
    schema = Optional(of=Scalar(type=ScalarType.NUMBER))
    age = Field(name="age", attribute="age", schema=schema, evidence=evidence)
    told = compare_fields([DeclaredField(name="age")], Record(fields=(age,)))
    assert told == ((f"the source's signature requires age; {note}",) if note else ())


@pytest.mark.parametrize(
    ("type", "seen", "fits"),
    [
        ("long", ScalarType.INTEGER, True),
        ("double", ScalarType.INTEGER, True),
        ("datetime", ScalarType.STRING, True),
        ("", ScalarType.STRING, True),
        ("object", ScalarType.STRING, True),
        ("long", ScalarType.NUMBER, False),
        ("double", ScalarType.STRING, False),
        ("string", ScalarType.INTEGER, False),
        ("boolean", ScalarType.INTEGER, False),
        ("double", ScalarType.NULL, True),
        ("string", ScalarType.NULL, True),
        ("long", ScalarType.ANY, True),
    ],
)
def test_a_type_of_a_signature_that_contradicts_the_sample_is_told(
    type: str, seen: ScalarType, fits: bool
) -> None:
    age = Field(name="age", attribute="age", schema=Optional(of=Scalar(type=seen)))
    told = compare_fields([DeclaredField(name="age", type=type, required=False)], Record(fields=(age,)))
    text = f"the source's signature declares age as {type}; in the sample it is {seen.value}"
    assert told == (() if fits else (text,))


def test_a_model_without_an_example_needs_a_sample(server: StandIn) -> None:
    server.replace("artifact_path: input_example.json", "artifact_path: null", version=2)
    with pytest.raises(MissingInputError, match="models:/churn/2 brings none"):
        scaffold.inspect("models:/churn/2")
