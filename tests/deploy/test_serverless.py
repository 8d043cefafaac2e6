"""Deploys to KServe and Knative, against a model of their controllers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scaffold.base.client import Client
from scaffold.cli._app import app
from scaffold.cluster import deploy_project, reach_target, stream_logs, verify_target
from scaffold.cluster._serverless import RevisionAttempt
from scaffold.errors import (
    ApplyConflictError,
    DeployError,
    LiveAnswersDifferError,
    ManifestError,
    NotDeployedError,
    RolloutFailedError,
)
from scaffold.events import Event, Finished, Noted
from scaffold.render._deploy import deploy_files
from scaffold.spec import RevisionShare
from tests.deploy._deploys import MEASURED, QUICK, RELEASE, Deploys, edit_manifest, image
from tests.deploy._fake_api import Manifest
from tests.deploy._fake_platforms import FakePlatforms
from tests.deploy._fake_pods import waiting
from tests.deploy._specs import project_spec
from tests.deploy.test_platforms import schema_problems
from tests.deploy.test_rbac import documented

DOCUMENT = Path(__file__).parents[2] / "docs" / "kserve.md"
PLATFORMS = ("knative", "kserve")
KINDS = {"knative": "Service", "kserve": "InferenceService"}
RELEASE_WITH_REASON = replace(RELEASE, approved_by="ada", reason="ready")
FILES = {"knative": "knative.yaml", "kserve": "inferenceservice.yaml"}


@pytest.fixture
def platforms(deploys: Deploys) -> Iterator[FakePlatforms]:
    with FakePlatforms(deploys.cluster).running() as fake:
        yield fake


@pytest.fixture(params=PLATFORMS)
def platform(request: pytest.FixtureRequest, deploys: Deploys, platforms: FakePlatforms) -> str:
    """The platform of the project's targets."""
    write_targets(deploys.project, {"platform": request.param})
    return str(request.param)


def write_targets(project: Path, answers: dict[str, Any]) -> None:
    shutil.rmtree(project / "deploy")
    for path, text in deploy_files(project_spec(answers), MEASURED).items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_bytes(text)


def stages(deploys: Deploys) -> list[str]:
    return [each.stage for each in deploys.events if isinstance(each, Finished)]


def test_a_first_deploy_is_replayed_at_the_url_of_the_callers(
    platform: str, deploys: Deploys, platforms: FakePlatforms
) -> None:
    deployed = deploys.deploy()
    assert (deployed.live, deployed.revision, deployed.image) == ("passed", 1, image(1))
    assert deployed.url == f"http://127.0.0.1:{platforms.port}"
    assert deployed.traffic == (RevisionShare(revision=1, percent=100),)
    assert (deployed.replicas, deployed.unready) == (1, ())
    assert deployed.release == RELEASE
    assert stages(deploys)[-2:] == ["address", "replay"]
    assert set(deploys.cluster.called) == {image(1)}
    assert deploys.status() == deployed


def test_a_new_revision_is_proven_before_it_gets_callers(
    platform: str, deploys: Deploys, platforms: FakePlatforms
) -> None:
    deploys.deploy()
    deployed = deploys.deploy(2)
    assert (deployed.live, deployed.revision, deployed.image) == ("passed", 2, image(2))
    assert "candidate" in stages(deploys)
    assert platforms.shares == [{image(1): 100}, {image(2): 100}]
    # The record makes no revision, although KServe copies annotations to revisions.
    assert len(platforms.revisions()) == 2
    assert [each.revision for each in deploys.history()] == [2, 1]


def test_each_applied_manifest_is_valid_against_the_schema_of_its_resource(
    platform: str, deploys: Deploys, platforms: FakePlatforms
) -> None:
    applied: list[Manifest] = []
    deploys.cluster.api.refusals.append(lambda _, manifest: applied.append(manifest))
    deploys.deploy()
    deploys.deploy(2)
    deploys.roll_back()
    services = [one for one in applied if "serving." in one["apiVersion"]]
    assert len(services) == 10  # a dry run and an apply each; with the revision held, both of that too
    assert [line for one in services for line in schema_problems(one)] == []


def test_no_caller_reaches_a_revision_with_other_answers(
    platform: str, deploys: Deploys, platforms: FakePlatforms
) -> None:
    deploys.deploy()
    deploys.cluster.factors[image(2)] = 3.0
    with pytest.raises(LiveAnswersDifferError) as caught:
        deploys.deploy(2)
    assert "The new revision answers, but not as the model does." in str(caught.value)
    assert f"Rolled back to revision 1, which is revision 3 now: {image(1)}" in str(caught.value)
    assert set(deploys.cluster.called) == {image(1)}
    assert {image(2): 100} not in platforms.shares
    found = deploys.status()
    assert (found.live, found.image, found.revision) == ("passed", image(1), 3)
    failed = "The new revision answers, but not as the model does."
    assert [(each.revision, each.live) for each in deploys.history()] == [
        (3, "passed"),
        (2, failed),
        (1, "passed"),
    ]


def test_a_revision_that_does_not_start_names_the_cause_of_its_pods(
    platform: str, deploys: Deploys, platforms: FakePlatforms
) -> None:
    deploys.deploy()
    deploys.cluster.behaviours[image(2)] = waiting("ImagePullBackOff", "manifest unknown")
    with pytest.raises(RolloutFailedError) as caught:
        deploys.deploy(2)
    assert "The image is not in the registry." in str(caught.value)
    assert "Rolled back to revision 1" in str(caught.value)
    assert deploys.status().image == image(1)


def test_a_condition_names_the_cause_where_no_pod_does(
    platform: str, deploys: Deploys, platforms: FakePlatforms
) -> None:
    platforms.reasons[image(1)] = ("ContainerMissing", "Unable to fetch image: denied")
    with pytest.raises(RolloutFailedError) as caught:
        deploys.deploy()
    name = "titanic-00001" if platform == "knative" else "titanic-predictor-00001"
    assert f"Revision/{name} is not ready: ContainerMissing." in str(caught.value)
    assert "Unable to fetch image: denied" in str(caught.value)
    assert "It is left for inspection." in str(caught.value)
    assert deploys.status().live.startswith("not ready: RevisionFailed: ")


def test_a_service_without_a_route_names_its_condition(
    platform: str, deploys: Deploys, platforms: FakePlatforms
) -> None:
    platforms.unready = ("IngressNotConfigured", "Ingress has not yet been reconciled.")
    with pytest.raises(RolloutFailedError) as caught:
        deploys.deploy(remove_failed=True)
    assert f"{KINDS[platform]}/titanic is not ready: IngressNotConfigured." in str(caught.value)
    assert "kubectl -n titanic-staging describe" in str(caught.value)
    with pytest.raises(NotDeployedError):
        deploys.status()


def test_an_address_that_only_the_cluster_resolves_is_replaced_by_the_pods(
    platform: str, deploys: Deploys, platforms: FakePlatforms
) -> None:
    platforms.is_local = True
    deployed = deploys.deploy()
    assert deployed.live == "passed"
    assert deployed.url == "http://titanic.titanic-staging.svc.cluster.local"
    assert deploys.cluster.called == []
    assert {path for path, _ in deploys.cluster.asked} == {"/score", "/score/batch"}


def test_a_revision_without_a_pod_is_proven_once_it_has_callers(
    platform: str, deploys: Deploys, platforms: FakePlatforms
) -> None:
    deploys.deploy()
    platforms.asleep = True
    assert deploys.deploy(2).live == "passed"
    notes = [each.text for each in deploys.events if isinstance(each, Noted)]
    assert notes == ["the new revision starts without a pod: the sample is replayed once it has the callers"]


def test_a_rollback_restores_the_deploy_that_was_recorded_before(
    platform: str, deploys: Deploys, platforms: FakePlatforms
) -> None:
    deploys.deploy()
    first = "- name: SCORE_TIMEOUT_S"
    indent = " " * (12 if platform == "knative" else 10)
    edit_manifest(deploys.project, FILES[platform], first, f"- {{name: NEW, value: x}}\n{indent}{first}")
    deploys.deploy(2)
    restored = deploys.roll_back()
    assert (restored.image, restored.live, restored.revision) == (image(1), "passed", 3)
    assert restored.release is not None
    assert restored.release.reason == "rollback from revision 2 to 1"
    assert "NEW" not in json.dumps(platforms.revisions()[-1]["spec"])
    assert deploys.roll_back().image == image(2)
    with pytest.raises(NotDeployedError, match="there is no revision 9"):
        deploys.roll_back(to=9)


def test_status_tells_a_revision_of_another_tool(
    platform: str, deploys: Deploys, platforms: FakePlatforms
) -> None:
    deploys.deploy()
    live = deploys.cluster.api.find(KINDS[platform], "titanic")
    change = json.loads(json.dumps(live["spec"]).replace(image(1), image(7)))
    deploys.cluster.api.edit(deploys.cluster.api.path_of(live), "kubectl", {"spec": change})
    found = deploys.status()
    assert (found.image, found.live) == (image(7), "not done: another tool made the revision")
    assert found.release is None
    with pytest.raises(DeployError, match="is not proven"):
        deploys.promoted(RELEASE_WITH_REASON)


def test_undeploy_removes_the_service_and_the_record(
    platform: str, deploys: Deploys, platforms: FakePlatforms
) -> None:
    deploys.deploy()
    removal = deploys.undeploy()
    assert removal.left == ()
    assert removal.removed[0] == f"{KINDS[platform]}/titanic"
    assert "ConfigMap/titanic-deploys" in removal.removed
    assert "Namespace/titanic-staging" in removal.removed
    assert removal.last.image == image(1)


def test_what_runs_is_promoted(platform: str, deploys: Deploys, platforms: FakePlatforms) -> None:
    deploys.deploy()
    promoted, release = deploys.promoted(RELEASE_WITH_REASON)
    assert (promoted, release.reason) == (image(1), "ready")


def test_a_share_of_kserve_is_proven_at_the_pods(deploys: Deploys, platforms: FakePlatforms) -> None:
    write_targets(deploys.project, {"platform": "kserve", "canary": 10})
    deploys.deploy()
    deployed = deploys.deploy(2)
    assert deployed.traffic == (
        RevisionShare(revision=1, percent=90),
        RevisionShare(revision=2, percent=10),
    )
    assert (deployed.image, deployed.live) == (image(1), "passed")
    assert platforms.shares[-1] == {image(1): 90, image(2): 10}
    assert len(platforms.revisions()) == 2


def test_a_share_that_another_tool_set_is_kept_until_the_proof(
    deploys: Deploys, platforms: FakePlatforms
) -> None:
    write_targets(deploys.project, {"platform": "knative"})
    deploys.deploy()
    deploys.deploy(2)
    service = deploys.cluster.api.find("Service", "titanic")
    halves = [{"revisionName": f"titanic-0000{number}", "percent": 50} for number in (1, 2)]
    path = deploys.cluster.api.path_of(service)
    deploys.cluster.api.edit(path, "kn", {"spec": {"traffic": halves}})
    assert [each.percent for each in deploys.status().traffic] == [50, 50]
    with pytest.raises(ApplyConflictError, match='conflict with "kn"'):
        deploys.deploy(3)
    assert deploys.history()[0].image == image(2)
    deploys.cluster.factors[image(3)] = 3.0
    with pytest.raises(LiveAnswersDifferError):
        deploys.deploy(3, force_conflicts=True)
    assert all(image(3) not in shares for shares in platforms.shares)
    assert [each.percent for each in deploys.status().traffic] == [50, 50]


def test_a_revision_that_a_killed_deploy_left_is_proven_by_the_next_one(
    platform: str, deploys: Deploys, platforms: FakePlatforms, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploys.deploy()
    deploys.cluster.factors[image(2)] = 3.0
    with monkeypatch.context() as patched:  # ends as by SIGKILL: nothing is taken back
        patched.setattr(RevisionAttempt, "_end", lambda *_, **__: "")
        with pytest.raises(LiveAnswersDifferError):
            deploys.deploy(2)
    assert deploys.status().traffic == (RevisionShare(revision=1, percent=100),)
    assert deploys.status().live == "passed"
    with pytest.raises(LiveAnswersDifferError):
        deploys.deploy(2)
    assert all(image(2) not in shares for shares in platforms.shares)


def test_a_mode_of_kserve_without_revisions_is_refused(deploys: Deploys, platforms: FakePlatforms) -> None:
    write_targets(deploys.project, {"platform": "kserve"})
    old, new = "deploymentMode: Knative", "deploymentMode: RawDeployment"
    edit_manifest(deploys.project, FILES["kserve"], old, new)
    with pytest.raises(ManifestError, match="makes no revisions in this mode"):
        deploys.deploy()
    assert deploys.cluster.api.calls == []


@pytest.mark.parametrize("verb", ["status", "deployments", "deploy", "rollback", "undeploy"])
def test_the_command_line_shows_the_shares(
    verb: str, platform: str, deploys: Deploys, platforms: FakePlatforms
) -> None:
    deploys.deploy()
    deploys.deploy(2)
    options = {"undeploy": ["--yes"], "deploy": ["--image", image(3)]}.get(verb, [])
    line = [verb, str(deploys.project), "--kubeconfig", deploys.kubeconfig, *options]
    ended = CliRunner().invoke(app, line)
    assert ended.exit_code == 0, ended.output
    if verb == "status":
        assert "callers      100 % to revision 2\n" in ended.output
        assert f"image        {image(2)}\n" in ended.output


def test_a_dry_run_shows_the_new_image(platform: str, deploys: Deploys, platforms: FakePlatforms) -> None:
    deploys.deploy()
    before = len(deploys.cluster.api.objects)
    assert image(2) in deploys.plan(2).diff
    assert len(deploys.cluster.api.objects) == before


def test_a_verify_proves_and_records_the_revision_of_another_tool(
    platform: str, deploys: Deploys, platforms: FakePlatforms
) -> None:
    deploys.deploy()
    live = deploys.cluster.api.find(KINDS[platform], "titanic")
    change = json.loads(json.dumps(live["spec"]).replace(image(1), image(7)))
    deploys.cluster.api.edit(deploys.cluster.api.path_of(live), "kubectl", {"spec": change})
    arguments: dict[str, Any] = {"access": deploys.access, "pace": QUICK, "release_of": lambda _: RELEASE}
    verify_target(deploys.project, target="staging", **arguments)
    found = deploys.status()
    assert (found.image, found.live, found.release) == (image(7), "passed", RELEASE)
    assert deploys.roll_back().image == image(1)
    deploys.cluster.factors[image(1)] = 3.0
    with pytest.raises(LiveAnswersDifferError):
        verify_target(deploys.project, target="staging", **arguments)
    assert deploys.status().live == "The live service answers, but not as the model does."


def test_logs_and_a_tunnel_reach_the_pods(platform: str, deploys: Deploys, platforms: FakePlatforms) -> None:
    platforms.is_local = True
    deploys.deploy()
    deploys.cluster.api.pod_log = lambda name, _: f"line of {name}"
    [line] = stream_logs(deploys.project, target="staging", access=deploys.access)
    assert "-00001-deployment-x  line of" in line
    with reach_target(deploys.project, target="staging", access=deploys.access, pace=QUICK) as url:
        assert Client(url).get("/readyz").status == 200


def test_the_calls_are_those_of_the_documented_role(
    platform: str, deploys: Deploys, platforms: FakePlatforms
) -> None:
    api = deploys.cluster.api
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "titanic-staging"}})
    api.role = documented(f"scaffold-deploy-{platform}", DOCUMENT)
    deploys.deploy(docker_config='{"auths": {}}')
    deploys.cluster.behaviours[image(2)] = waiting("CrashLoopBackOff", restartCount=2)
    with pytest.raises(RolloutFailedError):
        deploys.deploy(2)
    deploys.deploy(3)
    deploys.status()
    deploys.history()
    deploys.roll_back()
    platforms.is_local = True
    deploys.deploy(4)
    assert not list(stream_logs(deploys.project, target="staging", access=deploys.access))
    removal = deploys.undeploy()
    assert removal.left == ("Namespace/titanic-staging: it was there before the first deploy",)
    used = {(verb, group, resource) for verb, group, resource, _ in api.calls}
    assert sorted(used - api.role) == []
    assert sorted(api.role - used) == []


def test_a_fault_of_the_program_is_gone_back_from_too(
    platform: str, deploys: Deploys, platforms: FakePlatforms
) -> None:
    deploys.deploy()

    def fail(event: Event) -> None:
        if isinstance(event, Finished) and event.stage == "candidate":
            raise OSError("the terminal is gone")

    with pytest.raises(OSError, match="the terminal is gone"):
        deploy_project(
            deploys.project,
            target="staging",
            image=image(2),
            release=RELEASE,
            access=deploys.access,
            pace=QUICK,
            on_event=fail,
        )
    assert deploys.status().image == image(1)
    assert [each.live for each in deploys.history()] == ["passed", "failed: OSError", "passed"]
    assert {image(2): 100} not in platforms.shares
