"""`--profile`: recorded, kept by an update, and switched with the owner's edits."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

import scaffold
from scaffold.base.templates import template_path
from scaffold.errors import ExclusiveOptionsError, InvalidOptionError, MergeConflictError
from scaffold.spec import Profile
from tests.upgrade._edits import edit

SAMPLE = np.array([[1.0, 2.0], [3.0, 5.0], [4.0, 1.0]])
MODEL = LinearRegression().fit(SAMPLE, [1.0, 2.0, 4.0])
ROUTE = '''@app.get("/owner")
async def owner() -> dict[str, str]:
    """Who to call."""
    return {"team": "passengers"}


'''


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service of the plain profile."""
    root = tmp_path_factory.mktemp("plain") / "service"
    scaffold.new(MODEL, SAMPLE, target=root, verify=False, profile="plain")
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(written, tmp_path / "service"))


def profile_of(root: Path) -> str:
    document = json.loads((root / ".scaffold/record.json").read_text())
    return str(document["spec"].get("profile", "fast"))


def files_of(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*.py")}


def test_the_profile_decides_the_files_and_the_requirements(root: Path, tmp_path: Path) -> None:
    scaffold.new(MODEL, SAMPLE, target=tmp_path / "fast", name="service", verify=False)
    plain, fast = files_of(root), files_of(tmp_path / "fast")
    assert plain - fast == {"tests/test_serving.py"}
    assert {path for path in plain if "/serving/" in path} == {
        f"app/serving/{name}.py" for name in ("__init__", "auth", "batching", "model_file")
    }
    for same in ("schemas", "convert", "score"):
        assert (root / f"app/{same}.py").read_text() == (tmp_path / f"fast/app/{same}.py").read_text()
    manifests = [path.relative_to(root).as_posix() for path in root.glob("deploy/**/*.yaml")]
    assert manifests
    log_values = "# On a terminal (docker run --tty) the log would show input values.\nENV LOG_VALUES=0\n"
    tls = "          # With TLS_CERT in `env`, add `scheme: HTTPS` to `httpGet` of all three probes.\n"
    for path in ("Dockerfile", "tests/test_service.py", *manifests):
        text = (tmp_path / "fast" / path).read_text().replace(log_values, "").replace(tls, "")
        assert (root / path).read_text() == text.replace("app/serving/settings.py", "app/settings.py")
    lines = (root / "requirements.in").read_text()
    assert "prometheus-fastapi-instrumentator==" in lines
    assert "fastapi-offline" not in lines


def test_an_update_keeps_the_profile(root: Path) -> None:
    model = LinearRegression().fit(SAMPLE, [1.0, 2.0, 5.0])
    found = scaffold.update(root, model, SAMPLE, verify=False)
    assert found.applied
    assert found.report.new_version == "1.0.1"
    assert profile_of(root) == "plain"
    assert "class Batcher:" in (root / "app/serving/batching.py").read_text()
    assert scaffold.update(root, verify=False).is_empty


def test_a_switch_keeps_the_owners_edits_and_can_be_undone(root: Path) -> None:
    scaffold.update(root, verify=False, profile="fast")
    assert profile_of(root) == "fast"
    edit(
        root,
        "app/score.py",
        (
            "    return from_model(predictions)\n",
            "    predictions *= 2\n    return from_model(predictions)\n",
        ),
    )
    edit(root, "app/main.py", ('@app.post("/score/batch"', f'{ROUTE}@app.post("/score/batch"'))
    edit(root, "app/settings.py", ("settings = ", "TEAM = 'passengers'\n\nsettings = "))
    before = files_of(root)
    scaffold.update(root, verify=False, profile="plain")
    assert profile_of(root) == "plain"
    assert "predictions *= 2" in (root / "app/score.py").read_text()
    assert "TEAM" in (root / "app/settings.py").read_text()
    main = (root / "app/main.py").read_text()
    assert ROUTE in main
    assert "Instrumentator" in main
    assert "install" not in main
    assert "app/serving/strict_json.py" not in files_of(root)
    assert "prometheus-fastapi-instrumentator==" in (root / "requirements.txt").read_text()
    scaffold.undo(root)
    assert files_of(root) == before


def test_an_edit_of_code_that_the_other_profile_does_not_have_is_a_conflict(root: Path) -> None:
    scaffold.update(root, verify=False, profile="fast")
    edit(root, "app/serving/logs.py", ('"app.warnings"', '"app.notes"'))
    with pytest.raises(MergeConflictError, match=r"app/serving/logs\.py"):
        scaffold.update(root, verify=False, profile="plain")
    assert '"app.notes"' in (root / "app/serving/logs.py").read_text()


def test_an_import_of_what_the_other_profile_does_not_have_is_a_conflict(root: Path) -> None:
    scaffold.update(root, verify=False, profile="fast")
    (root / "app/own.py").write_text("from app.serving import ERROR_RESPONSES\n\nprint(ERROR_RESPONSES)\n")
    with pytest.raises(MergeConflictError, match=r"app/own\.py: line 1: .*ERROR_RESPONSES"):
        scaffold.update(root, verify=False, profile="plain")


def test_inspect_shows_the_requirements_of_the_profile() -> None:
    for profile, name in (("fast", "fastapi-offline"), ("plain", "prometheus-fastapi-instrumentator")):
        found = scaffold.inspect(MODEL, SAMPLE, profile=profile)
        assert found.profile is Profile(profile)
        assert name in {line.distribution for line in found.dependencies.requirements}


def test_another_profile_and_a_template_of_ones_own_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="There is no profile 'small': it is fast or plain"):
        scaffold.new(MODEL, SAMPLE, target=tmp_path / "a", profile="small")
    with pytest.raises(ExclusiveOptionsError, match=r"profile and (--)?template exclude each other"):
        scaffold.new(
            MODEL,
            SAMPLE,
            target=tmp_path / "b",
            profile="plain",
            template=str(template_path("service")),
            verify=False,
        )
    assert not (tmp_path / "b").exists()
