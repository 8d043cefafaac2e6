from __future__ import annotations

import json
from pathlib import Path

import pytest

from scaffold.base.process import Finished
from scaffold.errors import CommandError, UsageError
from scaffold.resolve import audit_project

LOCK = (
    "# Locked from requirements.in for Python 3.11 on linux/amd64.\n"
    "--extra-index-url https://pypi.corp/simple\n\n"
    "h11==0.16.0 \\\n    --hash=sha256:aa\n    # via uvicorn\n"
    "odd @ git+https://github.com/o/odd@abc123\n    # via requirements.in\n"
    "uvicorn[standard]==0.1 ; os_name == 'posix' \\\n    --hash=sha256:bb\n    # via requirements.in\n"
    "./wheels/alpha_local-1.2-py3-none-any.whl \\\n    --hash=sha256:cc\n    # via requirements.in\n"
)


NOT_RELEASES = (
    "odd was not looked up: it is no release of an index",
    "alpha-local was not looked up: it is no release of an index",
)


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "churn"
    (root / "app" / "model").mkdir(parents=True)
    (root / "app" / "model" / "model.pkl").write_bytes(b"model")
    (root / "requirements.txt").write_text(LOCK)
    return root


class FakeAudit:
    def __init__(self, report: object = None, error: str = "") -> None:
        self.report, self.error, self.asked = report, error, ""

    def __call__(self, command, **_):
        self.asked = Path(command[command.index("--requirement") + 1]).read_text()
        if self.report is not None:
            Path(command[command.index("--output") + 1]).write_text(json.dumps(self.report))
        if self.error:
            raise CommandError(tuple(command), 1, self.error)
        return Finished(stdout="", stderr="")


def test_the_bill_of_materials_holds_the_lock_and_the_model(project):
    models = [project / "app/model/model.pkl"]
    audit = audit_project(project, models, run=FakeAudit({"dependencies": []}))
    sbom = json.loads(audit.sbom)
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")
    assert sbom["metadata"]["component"]["name"] == "churn"
    assert [component.get("purl", component["name"]) for component in sbom["components"]] == [
        "model.pkl",
        "pkg:pypi/h11@0.16.0",
        "pkg:pypi/odd@abc123",
        "pkg:pypi/uvicorn@0.1",
        "pkg:pypi/alpha-local@1.2",
    ]
    graph = {one["ref"]: one["dependsOn"] for one in sbom["dependencies"]}
    assert graph["pkg:pypi/uvicorn@0.1"] == ["pkg:pypi/h11@0.16.0"]
    assert graph["service"] == ["pkg:pypi/alpha-local@1.2", "pkg:pypi/odd@abc123", "pkg:pypi/uvicorn@0.1"]


def test_the_same_lock_gives_the_same_bytes(project):
    run = FakeAudit({"dependencies": []})
    assert audit_project(project, run=run).sbom == audit_project(project, run=run).sbom


def test_a_licence_is_reported_only_for_the_installed_version(project):
    licences = {one.name: one.licence for one in audit_project(project, run=FakeAudit()).components}
    assert licences == {"h11": "MIT", "odd": "unknown", "uvicorn": "unknown", "alpha-local": "unknown"}


def test_vulnerabilities_are_reported_although_the_command_fails(project):
    known = {"id": "PYSEC-1", "fix_versions": ["0.17"], "description": "Lets anyone in.\n"}
    report = {"dependencies": [{"name": "h11", "version": "0.16.0", "vulns": [known]}, {"name": "odd"}]}
    run = FakeAudit(report, error="Found 1 known vulnerability")
    audit = audit_project(project, run=run)
    assert audit.vulnerabilities is not None
    (one,) = audit.vulnerabilities
    assert (one.name, one.id, one.fixed_in) == ("h11", "PYSEC-1", ("0.17",))
    assert audit.notes == NOT_RELEASES
    assert "wheels" not in run.asked
    assert "github" not in run.asked


def test_without_a_network_everything_else_is_reported(project):
    audit = audit_project(project, run=FakeAudit(error="trace\nConnection refused"))
    assert audit.vulnerabilities is None
    assert audit.notes == ("vulnerabilities could not be looked up: Connection refused",)
    assert json.loads(audit.sbom)["components"]


def test_a_folder_without_a_lock_is_no_project(tmp_path):
    with pytest.raises(UsageError, match=r"has no requirements\.txt"):
        audit_project(tmp_path)


def test_a_full_licence_text_is_replaced_by_its_classifier(project, install):
    (project / "requirements.txt").write_text("odd==1.0 \\\n    --hash=sha256:aa\n")
    info = install("odd", {"odd.py": ""})
    text = "License: =====\n        The whole text\nClassifier: License :: OSI Approved :: BSD License\n"
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n" + text)
    [component] = audit_project(project, run=FakeAudit({"dependencies": []})).components
    assert component.licence == "BSD License"


def test_what_pip_audit_skips_is_said(project):
    skipped = {"name": "uvicorn", "skip_reason": "Dependency not found on PyPI: uvicorn (0.1)"}
    report = {"dependencies": [{"name": "h11", "version": "0.16.0", "vulns": []}, skipped]}
    audit = audit_project(project, run=FakeAudit(report))
    assert audit.vulnerabilities == ()
    assert audit.notes == (f"uvicorn was not looked up: {skipped['skip_reason']}", *NOT_RELEASES)


@pytest.mark.parametrize("skipped", [["h11", "uvicorn"], []])
def test_nothing_is_known_only_if_something_was_looked_up(project, skipped):
    report = {"dependencies": [{"name": name, "skip_reason": "no network"} for name in skipped]}
    audit = audit_project(project, run=FakeAudit(report))
    assert audit.vulnerabilities is None
    cause = "no network" if skipped else "pip-audit reports none of them"
    assert audit.notes == (f"vulnerabilities could not be looked up: {cause}",)


def test_uv_offline_is_named(project, monkeypatch):
    monkeypatch.setenv("UV_OFFLINE", "1")
    audit = audit_project(project, run=FakeAudit(error="hint: the network was disabled"))
    assert audit.vulnerabilities is None
    assert "UV_OFFLINE is set, and pip-audit is fetched from the package index." in audit.notes[0]
