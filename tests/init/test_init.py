"""`scaffold init` writes a training project that runs without changes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scaffold.base.templates import template_path
from scaffold.cli._app import app
from scaffold.errors import RenderError, TargetNotEmptyError, UsageError
from scaffold.render._bootstrap import VARIANTS
from scaffold.verbs.init import init


def run_python(project: Path, *arguments: str) -> str:
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=project, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def make(project: Path, *targets: str) -> str:
    """Run `make` in a project, in the environment of this test."""
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    command = ["make", "--no-print-directory", f"PYTHON={sys.executable}", *targets]
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_each_variant_trains_passes_its_tests_and_ends_in_a_proven_service(
    tmp_path: Path, variant: str
) -> None:
    project = tmp_path / f"{variant}-demo"
    init(project, {"variant": variant})
    said = make(project, "train", "test", "check", "service")
    run_python(project, "ruff", "format", "--no-cache", "--check", ".")
    assert "answered as the model does" in said
    record = json.loads((project / "service/.scaffold/record.json").read_text())
    assert record["spec"]["name"] == f"{variant}-demo"
    assert {check["outcome"] for check in record["proof"]["checks"]} == {"passed"}


@pytest.mark.slow
def test_a_second_make_updates_the_service_and_keeps_its_edits(tmp_path: Path) -> None:
    project = tmp_path / "desk"
    init(project, {"variant": "text"})
    make(project, "train", "service")
    assert "Up to date" in make(project, "service")
    main = project / "service/app/main.py"
    main.write_text(main.read_text() + "\n\n# A note of the owner's.\n")
    make(project, "train", "EXPERIMENT=quick")
    assert "1.0.1" in make(project, "service")
    assert main.read_text().endswith("# A note of the owner's.\n")


def test_a_model_below_its_limits_is_not_saved(tmp_path: Path) -> None:
    project = tmp_path / "demo"
    init(project, {"variant": "classification"})
    (project / "experiments" / "strict.toml").write_text("[limits]\naccuracy = 1.1\n")
    command = [sys.executable, "-m", "demo.train", "--experiment", "strict"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("The model is not good enough, and was not saved:\n  accuracy is ")
    assert not (project / "artifacts").exists()


def test_the_same_answers_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        init(tmp_path / name / "demo", {"variant": "text"})
    one, two = (
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two
    assert not any(str(tmp_path).encode() in content for content in one.values())


def test_answers_come_from_a_file_and_an_option_wins_over_it(tmp_path: Path) -> None:
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps({"variant": "text", "description": 'Finds the "right" desk.'}))
    result = CliRunner().invoke(
        app, ["init", str(tmp_path / "demo"), "--answers", str(answers), "--variant", "image"]
    )
    assert result.exit_code == 0, result.output
    assert 'Finds the \\"right\\" desk.' in (tmp_path / "demo" / "pyproject.toml").read_text()
    assert "PIL" in (tmp_path / "demo" / "demo" / "data.py").read_text()


def test_a_project_has_the_pipeline_of_its_ci_provider(tmp_path: Path) -> None:
    assert ".github/workflows/ci.yml" in init(tmp_path / "github")
    assert not any(path.startswith(".github") for path in init(tmp_path / "none", {"ci": "none"}))


def test_a_ci_provider_is_one_file_and_one_choice(tmp_path: Path) -> None:
    template = tmp_path / "template"
    shutil.copytree(template_path("project"), template)
    questions = template / "copier.yml"
    questions.write_text(questions.read_text().replace("Nowhere: none", "Nowhere: none\n    GitLab: gitlab"))
    pipeline = template / "project" / "{% if ci == 'gitlab' %}.gitlab-ci.yml{% endif %}.jinja"
    pipeline.write_text("{{ name }}: make service\n")
    files = init(tmp_path / "demo", {"ci": "gitlab"}, template=str(template))
    assert (tmp_path / "demo/.gitlab-ci.yml").read_text() == "demo: make service\n"
    assert not any(path.startswith(".github") for path in files)
    assert ".gitlab-ci.yml" not in init(tmp_path / "other", template=str(template))


def test_a_folder_that_is_not_empty_is_unchanged(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "mine.txt").write_text("mine")
    with pytest.raises(TargetNotEmptyError):
        init(tmp_path / "demo")
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    "answers",
    [{"variant": "weather"}, {"ci": "by hand"}, {"name": "Not A Name"}],
    ids=["an unknown choice", "an unknown CI provider", "no DNS label"],
)
def test_an_invalid_answer_is_reported_and_nothing_is_written(
    tmp_path: Path, answers: dict[str, object]
) -> None:
    with pytest.raises(UsageError, match="An answer is not allowed"):
        init(tmp_path / "demo", answers)
    assert list(tmp_path.iterdir()) == []


def test_an_invalid_template_is_reported_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "copier.yml").write_text("_min_copier_version: 'no version'\n")
    with pytest.raises((RenderError, UsageError)):
        init(tmp_path / "demo", template=str(tmp_path / "empty"))
    assert not (tmp_path / "demo").exists()


def test_a_template_of_someone_else_is_rendered_with_its_own_questions(tmp_path: Path) -> None:
    template = tmp_path / "template"
    template.mkdir()
    (template / "copier.yml").write_text("greeting:\n  type: str\n  default: hello\n")
    (template / "{{ name }}.txt.jinja").write_text("{{ greeting }}\n")
    assert init(tmp_path / "demo", template=str(template)) == ["demo.txt"]


def test_copier_takes_the_template_folder_as_it_is(tmp_path: Path) -> None:
    run_python(tmp_path, "copier", "copy", "--quiet", "--defaults", str(template_path("project")), "by-hand")
    assert (tmp_path / "by-hand" / "by_hand" / "train.py").is_file()
