"""The cluster verbs on the command line."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from scaffold.cli._deploy import register
from scaffold.errors import DeployError, UsageError
from scaffold.store import open_store
from scaffold.verbs._release import docker_config, read_release
from scaffold.verbs.project import Project
from tests.deploy._deploys import Deploys, image
from tests.deploy._fake_pods import waiting
from tests.deploy.test_verbs import set_image

app = Typer()
register(app)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path}/store.db"
    monkeypatch.setenv("SCAFFOLD_STORE", url)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-docker"))
    monkeypatch.delenv("SCAFFOLD_REGISTRY_USERNAME", raising=False)
    return url


def run(deploys: Deploys, *words: str) -> str:
    verb, *options = words
    line = [verb, str(deploys.project), *options]
    if verb != "promote":
        line += ["--target", "staging"]
    result = CliRunner().invoke(app, [*line, "--kubeconfig", deploys.kubeconfig])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_deploy_status_promote_rollback_and_undeploy_on_the_command_line(
    deploys: Deploys, store: str
) -> None:
    out = run(deploys, "deploy", "--image", image(1))
    assert (
        "http://titanic.titanic-staging.svc   (revision 1, 2 pods ready, answers equal to the model's)" in out
    )
    assert "port-forward service/titanic 8000:80" in out
    diff = run(deploys, "deploy", "--image", image(2), "--dry-run")
    assert image(2) in diff
    run(deploys, "deploy", "--image", image(2))
    assert f"image        {image(2)}" in run(deploys, "status")
    assert "pods ready   2 of 2\n" in run(deploys, "status")
    assert "(revision 3, 2 pods ready, answers equal to the model's)" in run(deploys, "rollback")
    promoted = json.loads(run(deploys, "promote", "--reason", "tested", "--force", "--json"))
    assert promoted["namespace"] == "titanic-production"
    assert promoted["image"] == image(1)
    assert "2" in run(deploys, "deployments")
    assert "removed  Namespace/titanic-staging" in run(deploys, "undeploy", "--yes")
    done = [entry.action for entry in open_store(store).history("titanic")]
    assert done == ["undeploy", "promote", "rollback", "deploy", "deploy"]


def test_status_names_the_pod_that_fails_beside_those_that_are_ready(deploys: Deploys, store: str) -> None:
    run(deploys, "deploy", "--image", image(1))
    deploys.cluster.behaviours[image(2)] = waiting("ErrImagePull", "not found")
    set_image(deploys, 2)
    printed = " ".join(run(deploys, "status").split())
    assert re.search(r"pods ready 2 of 2, 1 not ready: titanic-\S+: ErrImagePull image ", printed)


def test_an_unreachable_store_is_reported_and_does_not_fail_a_deploy(
    deploys: Deploys, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCAFFOLD_STORE", "sqlite:////proc/nowhere/store.db")
    out = run(deploys, "deploy", "--image", image(1))
    assert "not recorded in the store" in out
    assert "revision 1" in out


def test_a_promotion_without_a_reason_is_refused(deploys: Deploys, store: str) -> None:
    run(deploys, "deploy", "--image", image(1))
    with pytest.raises(DeployError, match="who approves it, and why"):
        run(deploys, "promote")


def test_without_a_registry_nothing_is_built(deploys: Deploys, store: str) -> None:
    with pytest.raises(UsageError, match=r"name no registry for the image, only 'titanic:1\.0\.0'"):
        run(deploys, "deploy")


def test_the_logins_of_registries_are_written_as_docker_writes_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SCAFFOLD_REGISTRY_USERNAME", "ada")
    monkeypatch.setenv("SCAFFOLD_REGISTRY_PASSWORD", "hunter2")
    config = json.loads(docker_config("registry.example.org:5000/models/titanic:1.0.0") or "")
    assert config["auths"]["registry.example.org:5000"]["username"] == "ada"
    assert "https://index.docker.io/v1/" in json.loads(docker_config("someone/titanic:1") or "")["auths"]
    monkeypatch.delenv("SCAFFOLD_REGISTRY_USERNAME")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert docker_config("registry.example.org/titanic:1") is None


def test_the_release_names_the_model_that_the_service_checks(deploys: Deploys) -> None:
    (deploys.project / "model").mkdir(parents=True)
    (deploys.project / "model/model.pkl").write_bytes(b"a model")
    release = read_release(Project.open(deploys.project))
    assert release.model_sha256 == hashlib.sha256(b"a model").hexdigest()
    assert release.proof == "not recorded"
