"""checkov, as platform teams run it, finds nothing in what is rendered besides the skips in the manifests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scaffold.base.uv import uv_command, uv_environment
from scaffold.cluster._manifests import read_target
from scaffold.render._deploy import deploy_files
from scaffold.spec import JSONValue
from tests.deploy._helm import rendered
from tests.deploy._specs import project_spec
from tests.deploy.test_manifests import WITH_EVERYTHING, write

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PROJECTS: dict[str, dict[str, JSONValue]] = {
    "plain": {"chart": True},
    "everything": {**WITH_EVERYTHING, "per_target": {"production": {"host": "b.example.org"}}, "chart": True},
}


@pytest.fixture(scope="module")
def checkov(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """checkov in an environment of its own: its pinned dependencies would change those of the tests."""
    folder = tmp_path_factory.mktemp("checkov")
    environment = {"env": uv_environment(), "check": True}
    make = [uv_command(), "venv", "--quiet", "--no-project", "--python", sys.executable, str(folder)]
    subprocess.run(make, **environment)  # type: ignore[call-overload]
    install = [uv_command(), "pip", "install", "--quiet", "--python", str(folder / "bin/python"), "checkov"]
    subprocess.run(install, **environment)  # type: ignore[call-overload]
    return folder / "bin/checkov"


def test_checkov_finds_nothing_in_the_targets_and_the_chart(checkov: Path, tmp_path: Path) -> None:
    """As `kubectl kustomize` renders the targets: test_manifests compares our reading with it."""
    folder = tmp_path / "manifests"
    folder.mkdir()
    for name, answers in PROJECTS.items():
        root = write(deploy_files(project_spec(answers)), tmp_path / name)
        for target in ("staging", "production"):
            found = read_target(root, target).manifests
            (folder / f"{name}-{target}.yaml").write_text(yaml.safe_dump_all(found))
        (folder / f"{name}-chart.yaml").write_text(yaml.safe_dump_all(rendered(root / "deploy/chart")))
    # Without the site of its vendor, which has guidelines and severities only.
    command = [str(checkov), "--directory", str(folder), "--framework", "kubernetes", "--output", "json"]
    done = subprocess.run(
        [*command, "--compact", "--skip-download", "--skip-results-upload"],
        env={**os.environ, "LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
    )
    results = json.loads(done.stdout)
    failed = [
        f"{one['check_id']} {one['resource']} in {one['file_path']}: {one['check_name']}"
        for one in results["results"]["failed_checks"]
    ]
    assert failed == []
    assert results["summary"]["parsing_errors"] == 0
    assert results["summary"]["passed"] > 200
    assert done.returncode == 0
