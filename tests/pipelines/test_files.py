"""The pipeline of each system: what it says, and that the system's schema or grammar takes it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import scaffold
from scaffold.errors import InvalidAnswerError
from scaffold.render import read_answers
from scaffold.render._choices import read_ci
from tests.pipelines._rendered import ALL, FILES, INSTALL, pipelines_of, render, scripts_of
from tests.pipelines._structure import GOCD, blocks_of, faults_of

ROOT = Path(__file__).parents[2]
SCHEMAS = {"github": "github-workflows", "azure": "azure-pipelines", "gitlab": "gitlab-ci"}
ANSWERS: dict[str, dict[str, Any]] = {
    "default": {},
    "one target": {"targets": ["production"]},
    "three targets": {"targets": ["dev", "uat-eu", "prod-eu"], "registry": "registry.example.org/models"},
}


@pytest.fixture(scope="module", params=ANSWERS)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(tmp_path_factory.mktemp("rendered"), ci=ALL, **ANSWERS[request.param])


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return pipelines_of(render(tmp_path_factory.mktemp("usual"), ci=ALL))


def test_a_project_has_no_pipeline_unless_asked(tmp_path: Path) -> None:
    assert pipelines_of(render(tmp_path)) == {}


# Each system is in other ones of these.
@pytest.mark.parametrize("answer", ["github,azure,gocd", "github, gitlab, jenkins", ["gitlab", "azure"]])
def test_an_answer_writes_one_file_for_each_system(
    answer: Any, tmp_path: Path, usual: dict[str, str]
) -> None:
    wanted = answer if isinstance(answer, list) else answer.replace(" ", "").split(",")
    assert pipelines_of(render(tmp_path, ci=answer)) == {name: usual[name] for name in wanted}


@pytest.mark.parametrize("answer", ["none", "", [], None])
def test_no_system_is_an_answer(answer: Any) -> None:
    assert read_ci({"ci": answer}) == ()


@pytest.mark.parametrize("answer", ["travis", "github,travis", ["travis"], {"github": True}, True, [[]]])
def test_an_unknown_system_is_refused(answer: Any) -> None:
    with pytest.raises(InvalidAnswerError) as caught:
        read_answers({"ci": answer})
    assert "It takes none, or some of github, azure, gitlab, gocd, jenkins, with commas." in str(caught.value)


def faults_in(system: str, path: Path) -> str:
    """Return what the schema of a system has against a pipeline; nothing if it is valid."""
    if system == "jenkins":
        return "\n".join(faults_of(blocks_of(path.read_text())))
    if system == "gocd":
        errors = jsonschema.Draft7Validator(GOCD).iter_errors(yaml.safe_load(path.read_text()))
        return "\n".join(error.message for error in errors)
    command = [sys.executable, "-m", "check_jsonschema", "--regex-variant", "python"]
    command += ["--builtin-schema", f"vendor.{SCHEMAS[system]}", str(path)]
    checked = subprocess.run(command, capture_output=True, text=True)
    return "" if checked.returncode == 0 else checked.stdout + checked.stderr


@pytest.mark.parametrize("system", FILES)
def test_the_schema_of_the_system_takes_it(project: Path, system: str) -> None:
    assert faults_in(system, project / FILES[system]) == ""


@pytest.mark.slow
def test_the_jenkinsfile_is_groovy(usual: dict[str, str]) -> None:
    from groovy_parser.parser import parse_groovy_content

    assert parse_groovy_content(usual["jenkins"]).data == "compilation_unit"


PAGE = (ROOT / "docs/titanic-pipelines.md").read_text()


def test_the_page_of_the_titanic_has_the_files_as_they_are(usual: dict[str, str]) -> None:
    shown = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert shown == [usual["azure"].rstrip() + "\n", usual["gocd"].rstrip() + "\n"]


def test_the_page_of_the_titanic_has_what_the_checks_print(usual: dict[str, str], tmp_path: Path) -> None:
    for system in ("azure", "gocd"):
        (tmp_path / FILES[system]).write_text(usual[system])
    environ = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    typed = re.findall(r"^    \$ (.*)\n((?:    [^$].*\n)*)", PAGE, re.MULTILINE)
    assert len(typed) == 3
    for command, printed in typed:
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, textwrap.dedent(printed)), done.stderr


REFUSED = [
    ("github", "runs-on:", "runs_on:"),
    ("github", "cron:", "corn:"),
    ("azure", "  - stage: production", "  - phase: production"),
    ("azure", "strategy:", "strateg:"),
    ("gitlab", "when: manual", "when: approved"),
    ("gitlab", "resource_group: staging", "resource_group: [staging]"),
    ("gocd", "type: manual", "type: approved"),
    ("gocd", "tasks:", "task:"),
    ("gocd", "## Builds", "# Builds"),
    ("jenkins", "stages {", "steps {"),
    ("jenkins", "message 'Promote", "massage 'Promote"),
]


@pytest.mark.parametrize(("system", "old", "new"), REFUSED)
def test_the_checks_refuse_what_is_wrong(
    system: str, old: str, new: str, usual: dict[str, str], tmp_path: Path
) -> None:
    assert old in usual[system]
    path = tmp_path / Path(FILES[system]).name
    path.write_text(usual[system].replace(old, new))
    assert faults_in(system, path) != ""


def commands_of(system: str, text: str) -> list[str]:
    """The lines of `scaffold` in the scripts, without who approved, and why."""
    script = "\n".join(scripts_of(system, text)).replace("\\\n", "")
    found = re.findall(r"scaffold [a-z]+ \..*", script)
    return [re.sub(r"\s+--(reason|approved-by) \"[^\"]+\"", "", line) for line in found]


@pytest.mark.parametrize("system", FILES)
def test_the_tests_of_a_project_get_no_login(system: str, usual: dict[str, str]) -> None:
    script = scripts_of(system, usual[system])[0].replace("\\\n", "")
    [line] = [line for line in script.splitlines() if "pytest --junitxml" in line]
    assert line.startswith("env -u SCAFFOLD_REGISTRY_USERNAME -u SCAFFOLD_REGISTRY_PASSWORD -u KUBECONFIG ")


def test_only_the_main_branch_is_deployed_where_a_person_chooses_one(usual: dict[str, str]) -> None:
    github, azure = (yaml.safe_load(usual[system]) for system in ("github", "azure"))
    assert github["jobs"]["staging"]["if"] == "github.ref == 'refs/heads/main'"
    assert azure["stages"][0]["condition"] == "eq(variables['Build.SourceBranch'], 'refs/heads/main')"


@pytest.mark.parametrize("system", FILES)
def test_the_commands_are_the_same_everywhere(system: str, usual: dict[str, str]) -> None:
    assert commands_of(system, usual[system]) == [
        "scaffold update . --exit-code || status=$?",
        "scaffold verify .",
        'scaffold deploy . --target staging --builder layers --registry "$REGISTRY"',
        "scaffold verify . --target staging",
        (
            "scaffold test . --target staging --stress --users 64 --for 60s"
            "   --junit .venv/live.xml --html .venv/load.html"
        ),
        "scaffold status . --target staging --json |",
        "scaffold promote . --from staging --to production",
        "scaffold verify . --target production",
    ]


def test_each_promotion_is_from_the_target_before(tmp_path: Path) -> None:
    for system, text in pipelines_of(render(tmp_path, ci=ALL, **ANSWERS["three targets"])).items():
        lines = commands_of(system, text)
        assert [line for line in lines if "promote" in line] == [
            "scaffold promote . --from dev --to uat-eu",
            "scaffold promote . --from uat-eu --to prod-eu",
        ]
        assert "scaffold deploy . --target dev --builder layers" in lines
        assert "REGISTRY:" not in text
        assert "registry.example.org" not in text


def test_bash_parses_every_script(usual: dict[str, str]) -> None:
    found = [script for system, text in usual.items() for script in scripts_of(system, text)]
    assert len(found) == 2 * len(FILES)
    for script in found:
        checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
        assert checked.returncode == 0, f"{checked.stderr}\n{script}"
        assert INSTALL in script
    # In a string of Groovy a backslash means the same as in bash at the end of a line, and nowhere else.
    assert not re.search(r"\\(?!\n)", usual["jenkins"])


def test_the_readme_of_the_project_says_what_the_pipeline_does(project: Path, tmp_path: Path) -> None:
    assert "The pipeline does the same" in (project / "README.md").read_text()
    assert "pipeline" not in (render(tmp_path) / "README.md").read_text()


def test_approval_is_by_the_means_of_each_system(usual: dict[str, str]) -> None:
    loaded = {name: yaml.safe_load(text) for name, text in usual.items() if name != "jenkins"}
    assert loaded["github"]["jobs"]["production"]["environment"] == "production"
    [job] = loaded["azure"]["stages"][1]["jobs"]
    assert job["environment"] == "titanic-service-production"
    assert loaded["gitlab"]["production"]["when"] == "manual"
    stages = loaded["gocd"]["pipelines"]["titanic-service"]["stages"]
    assert stages[1]["production"]["approval"]["type"] == "manual"
    assert re.search(r"input \{\s+message 'Promote staging to production\?'", usual["jenkins"])


@pytest.mark.parametrize("system", FILES)
def test_no_file_holds_a_secret(system: str, usual: dict[str, str]) -> None:
    """Each name of a secret has a reference of the system for a value, or no value at all."""
    for line in usual[system].splitlines():
        if found := re.search(r"(PASSWORD|USERNAME|KUBECONFIG|REGISTRY)\s*[:=]\s*(.*)", line):
            assert re.fullmatch(r"\$\{\{ .* \}\}|\$\(\w+\)|credentials\('[a-z-]+'\)", found[2]), line


@pytest.mark.parametrize("system", FILES)
def test_the_reports_of_the_tests_are_kept(system: str, usual: dict[str, str]) -> None:
    text = usual[system]
    kept = text.replace(scripts_of(system, text)[0], "") if system == "jenkins" else text
    assert ".venv/*.xml" in kept or ".venv/live.xml" in kept
    assert kept.count(".venv/load.html") > 1


@pytest.mark.slow
def test_an_update_keeps_the_edits_of_a_pipeline(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "examples/titanic/service"
    root = Path(shutil.copytree(example, tmp_path / "service"))
    scaffold.update(root, answers={"ci": "github,jenkins"}, verify=False)
    path = root / FILES["github"]
    edited = path.read_text().replace("17 3 * * *", "45 5 * * 1")
    path.write_text(edited)
    scaffold.update(root, answers={"ci": ["github"], "targets": ["staging", "uat"]}, verify=False)
    assert list(pipelines_of(root)) == ["github"]
    assert path.read_text() == edited.replace("production", "uat")
