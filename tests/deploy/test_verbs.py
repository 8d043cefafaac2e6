"""The verbs after the first deploy of a target."""

from __future__ import annotations

import dataclasses

import pytest

from scaffold.cluster import stream_logs
from scaffold.errors import (
    LiveAnswersDifferError,
    NotDeployedError,
    PromotionRefusedError,
    RolloutFailedError,
)
from tests.deploy._deploys import RELEASE, Deploys, image
from tests.deploy._fake_api import Manifest, Refused
from tests.deploy._fake_pods import waiting

APPROVED = dataclasses.replace(RELEASE, approved_by="grace", reason="tested in TICKET-7")


def test_status_says_what_runs_since_when_and_by_whom(deploys: Deploys) -> None:
    deployed = deploys.deploy()
    assert deploys.status() == deployed
    assert deployed.at.endswith("Z")
    assert deployed.release is not None
    assert deployed.release.by == "ada@lab"


def set_image(deploys: Deploys, number: int) -> None:
    """Change the image as `kubectl set image` does."""
    api = deploys.cluster.api
    path = api.path_of(api.find("Deployment"))
    for leaves in api.owners[path].values():
        leaves.discard(("spec", "template", "spec", "containers", ("name", "service"), "image"))
    containers = [{"name": "service", "image": image(number)}]
    api.edit(path, "kubectl", {"spec": {"template": {"spec": {"containers": containers}}}})


def test_a_proof_is_not_shown_for_an_image_that_another_tool_set(deploys: Deploys) -> None:
    deploys.deploy(1)
    set_image(deploys, 7)
    found = deploys.status()
    assert (found.image, found.live, found.release) == (
        image(7),
        "not done: another tool changed the image",
        None,
    )
    assert [one.live for one in deploys.history()] == ["not done: another tool changed the image", "passed"]
    with pytest.raises(PromotionRefusedError, match="live replay: not done: another tool changed the image"):
        deploys.promoted(APPROVED)


CHANGES: list[Manifest] = [
    {"spec": {"containers": [{"name": "service", "env": [{"name": "SCALE", "value": "3"}]}]}},
    {"spec": {"containers": [{"name": "service", "args": ["--debug"]}]}},
    {"spec": {"containers": [{"name": "service", "command": ["sh"]}]}},
    {"spec": {"volumes": [{"name": "model", "emptyDir": {}}]}},
]
OTHERS = "not done: another tool changed the pod template"


def change_template(deploys: Deploys, change: Manifest) -> None:
    """Change the pod template as `kubectl edit` does."""
    api = deploys.cluster.api
    api.edit(api.path_of(api.find("Deployment")), "kubectl", {"spec": {"template": change}})


@pytest.mark.parametrize("change", CHANGES)
def test_a_proof_is_not_shown_for_a_pod_template_that_another_tool_changed(
    deploys: Deploys, change: Manifest
) -> None:
    deploys.deploy(1)
    change_template(deploys, change)
    found = deploys.status()
    assert (found.image, found.live, found.release) == (image(1), OTHERS, None)
    assert [one.live for one in deploys.history()] == [OTHERS, "passed"]
    with pytest.raises(PromotionRefusedError, match=f"live replay: {OTHERS}"):
        deploys.promoted(APPROVED)


def test_a_restart_by_kubectl_keeps_the_proof(deploys: Deploys) -> None:
    deploys.deploy(1)
    restarted = {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}}
    change_template(deploys, {"metadata": restarted})
    assert deploys.status().revision == 2
    assert (deploys.status().live, deploys.status().release) == ("passed", RELEASE)


def test_a_rollback_passes_over_a_template_of_another_tool_unless_it_is_named(deploys: Deploys) -> None:
    deploys.deploy(1)
    change_template(deploys, CHANGES[1])
    deploys.edit_manifest("deployment.yaml", "cpu: 250m", "cpu: 333m")
    deploys.deploy(2)
    assert [one.live for one in deploys.history()] == ["passed", OTHERS, "passed"]
    assert deploys.roll_back(to=2).live == "passed"
    pod = deploys.cluster.api.find("Deployment")["spec"]["template"]["spec"]
    assert pod["containers"][0]["args"] == ["--debug"]
    assert pod["containers"][0]["resources"]["requests"]["cpu"] == "250m"
    assert deploys.roll_back(to=3).revision == 5
    assert deploys.roll_back().image == image(1)


def test_a_record_without_the_pod_template_is_no_proof_of_it(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.deploy(2)
    for one in deploys.cluster.api.objects.values():
        one["metadata"].get("annotations", {}).pop("model-scaffold/template-sha256", None)
    unnamed = "not known: the record is of an earlier version, without the pod template"
    assert deploys.status().live == unnamed
    assert deploys.roll_back().live == "passed"


def test_status_names_the_pods_that_are_not_ready(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.cluster.behaviours[image(2)] = waiting("ErrImagePull", "not found")
    set_image(deploys, 2)
    found = deploys.status()
    assert (found.replicas, found.wanted) == (2, 2)
    assert [pod.state for pod in found.unready] == ["ErrImagePull"]


CRASHING: Manifest = {"waiting": {"reason": "CrashLoopBackOff"}}


@pytest.mark.parametrize(
    ("field", "state", "gate", "shown"),
    [
        ("containerStatuses", CRASHING, "", "proxy: CrashLoopBackOff"),
        ("containerStatuses", {"running": {}}, "", "proxy: not ready"),
        ("containerStatuses", {"terminated": {"reason": "Error", "exitCode": 1}}, "", "proxy: Error"),
        ("initContainerStatuses", CRASHING, "", "proxy: CrashLoopBackOff"),
        ("initContainerStatuses", {"terminated": {"exitCode": 0}}, "example.org/lb", "example.org/lb"),
    ],
)
def test_status_names_the_container_for_which_a_pod_is_not_ready(
    deploys: Deploys, field: str, state: Manifest, gate: str, shown: str
) -> None:
    deploys.deploy(1)
    pod = deploys.cluster.api.all("Pod")[0]
    pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    pod["spec"]["readinessGates"] = [{"conditionType": gate}] if gate else []
    proxy = {"name": "proxy", "ready": False, "restartCount": 7, "state": state}
    pod["status"][field] = [*pod["status"].get(field, []), proxy]
    [unready] = deploys.status().unready
    assert unready.state.endswith(shown)
    assert unready.restarts == (0 if gate else 7)


def test_a_source_without_a_ready_pod_is_not_promoted(deploys: Deploys) -> None:
    deploys.deploy(1)
    api = deploys.cluster.api
    api.find("Deployment")["status"]["readyReplicas"] = 0
    for pod in api.all("Pod"):
        waiting("CrashLoopBackOff")(pod)
    with pytest.raises(PromotionRefusedError) as caught:
        deploys.promoted(APPROVED)
    message = str(caught.value)
    assert message.startswith("No pod of 'staging' is ready.\n  titanic-")
    assert ": CrashLoopBackOff\n" in message
    assert "scaffold status --target staging" in message
    assert deploys.promoted(APPROVED, force=True)[0] == image(1)


def test_a_rollback_passes_over_a_revision_that_did_not_go_live(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.cluster.factors[image(2)] = 3.0
    with pytest.raises(LiveAnswersDifferError):
        deploys.deploy(2, candidate=False, roll_back=False)
    deploys.deploy(3)
    assert deploys.roll_back().image == image(1)
    with pytest.raises(LiveAnswersDifferError):
        deploys.roll_back(to=2)
    assert deploys.status().image == image(2)


def test_a_rollback_whose_replay_fails_is_not_shown_as_passed(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.deploy(2)
    deploys.cluster.factors[image(1)] = 3.0
    with pytest.raises(LiveAnswersDifferError):
        deploys.roll_back()
    found = deploys.status()
    assert (found.image, found.live) == (image(1), "The live service answers, but not as the model does.")


def test_status_of_a_target_that_runs_nothing_says_what_to_type(deploys: Deploys) -> None:
    with pytest.raises(NotDeployedError, match=r"The target 'production' runs nothing\.") as caught:
        deploys.status("production")
    assert str(caught.value).endswith("scaffold deploy --target production")


def test_a_rollback_goes_to_the_revision_before(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.deploy(2)
    back = deploys.roll_back()
    assert (back.image, back.revision, back.live) == (image(1), 3, "passed")
    assert back.release is not None
    assert back.release.reason == "rollback from revision 2 to 1"
    assert deploys.roll_back().image == image(2)


def test_a_rollback_to_a_revision_goes_to_that_one(deploys: Deploys) -> None:
    for number in (1, 2, 3):
        deploys.deploy(number)
    assert deploys.roll_back(to=1).image == image(1)


def test_a_rollback_brings_the_whole_deployment_back_and_not_only_the_image(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.edit_manifest("deployment.yaml", "cpu: 250m", "cpu: 333m")
    deploys.deploy(2)
    deploys.roll_back()
    pod = deploys.cluster.api.find("Deployment")["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["requests"]["cpu"] == "250m"


def test_a_rollback_brings_back_what_was_applied_with_the_revision(deploys: Deploys) -> None:
    api, folder = deploys.cluster.api, deploys.project / "deploy/staging"
    deploys.deploy(1)
    deploys.edit_manifest("autoscaler.yaml", "minReplicas: 2", "minReplicas: 4")
    deploys.edit_manifest("kustomization.yaml", "resources:\n", "resources:\n  - later.yaml\n")
    folder.joinpath("later.yaml").write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: later}}")
    deploys.deploy(2)
    assert api.find("HorizontalPodAutoscaler")["spec"]["minReplicas"] == 4
    deploys.roll_back()
    assert api.find("HorizontalPodAutoscaler")["spec"]["minReplicas"] == 2
    assert api.all("ConfigMap") == []
    deploys.roll_back()
    assert api.find("HorizontalPodAutoscaler")["spec"]["minReplicas"] == 4
    assert api.find("ConfigMap", "later")


def test_a_secret_among_the_manifests_is_not_recorded(deploys: Deploys) -> None:
    deploys.edit_manifest("kustomization.yaml", "resources:\n", "resources:\n  - key.yaml\n")
    secret = "{apiVersion: v1, kind: Secret, metadata: {name: key}, stringData: {hashes: hush}}"
    deploys.project.joinpath("deploy/staging/key.yaml").write_text(secret)
    deploys.deploy(1)
    others = [one for one in deploys.cluster.api.objects.values() if one["kind"] != "Secret"]
    assert others
    assert "hush" not in str(others)
    assert "hush" not in str(deploys.cluster.api.find("Secret")["metadata"])
    assert "hush" not in str(deploys.events)


def test_a_rollback_to_an_unknown_revision_names_the_kept_revisions(deploys: Deploys) -> None:
    deploys.deploy(1)
    with pytest.raises(NotDeployedError, match="runs revision 1, and there is no other one that went live"):
        deploys.roll_back()
    deploys.deploy(2)
    with pytest.raises(NotDeployedError, match=r"(?s)there is no revision 9.*kept: 1"):
        deploys.roll_back(to=9)


def test_a_rolled_back_target_can_be_deployed_again(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.deploy(2)
    deploys.roll_back()
    assert deploys.deploy(3).image == image(3)


def test_a_rollback_passes_over_a_revision_of_another_tool_unless_it_is_named(deploys: Deploys) -> None:
    deploys.deploy(1)
    set_image(deploys, 7)
    deploys.deploy(2, force_conflicts=True)
    assert deploys.roll_back().image == image(1)
    assert deploys.roll_back(to=2).image == image(7)


@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_rollback_to_a_revision_of_another_tool_records_what_the_replay_says(
    deploys: Deploys, is_recorded: bool
) -> None:
    deploys.deploy(1)
    set_image(deploys, 7)
    if not is_recorded:
        deploys.forget()
    deploys.deploy(3, force_conflicts=True)
    back = deploys.roll_back(to=2)
    assert (back.image, back.live) == (image(7), "passed")
    assert back.release is not None
    assert (back.release.proof, back.release.git_revision) == ("not recorded", "")
    assert back.release.reason == "rollback from revision 3 to 2"
    deploys.deploy(4)
    deploys.cluster.factors[image(7)] = 9.0
    with pytest.raises(LiveAnswersDifferError):
        deploys.roll_back(to=4)
    found = deploys.status()
    assert (found.image, found.live) == (image(7), "The live service answers, but not as the model does.")


def test_the_history_shows_each_revision_as_recorded(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.deploy(2, release=dataclasses.replace(RELEASE, by="bob@desk"))
    history = deploys.history()
    assert [(one.revision, one.image) for one in history] == [(2, image(2)), (1, image(1))]
    assert [one.release.by if one.release else "" for one in history] == ["bob@desk", "ada@lab"]


def test_a_promotion_takes_the_same_digest_and_records_who_approved_it_and_why(deploys: Deploys) -> None:
    deploys.deploy(1)
    reference, release = deploys.promoted(APPROVED)
    promoted = deploys.deploy(0, target="production", image=reference, release=release)
    assert promoted.image == image(1)
    assert promoted.release is not None
    assert (promoted.release.approved_by, promoted.release.reason) == ("grace", "tested in TICKET-7")
    assert deploys.status("production").release == promoted.release


@pytest.mark.parametrize("proof", ["failed", "skipped", "not recorded"])
def test_what_is_not_proven_is_promoted_only_by_force(deploys: Deploys, proof: str) -> None:
    deploys.deploy(1, release=dataclasses.replace(RELEASE, proof=proof))
    with pytest.raises(PromotionRefusedError, match=f"clean-environment proof: {proof}"):
        deploys.promoted(APPROVED)
    assert deploys.promoted(APPROVED, force=True)[0] == image(1)


def test_a_target_whose_live_replay_failed_is_not_promoted(deploys: Deploys) -> None:
    deploys.cluster.behaviours[image(1)] = waiting("RunContainerError", "no such file")
    with pytest.raises(RolloutFailedError):
        deploys.deploy(1)
    with pytest.raises(PromotionRefusedError, match="live replay: The container cannot be started"):
        deploys.promoted(APPROVED)


def test_a_promotion_without_approval_or_of_another_model_is_refused(deploys: Deploys) -> None:
    deploys.deploy(1)
    with pytest.raises(PromotionRefusedError, match="who approves it, and why"):
        deploys.promoted(RELEASE)
    other = dataclasses.replace(APPROVED, model_sha256="cd" * 32)
    with pytest.raises(PromotionRefusedError, match="serves another model than this project holds"):
        deploys.promoted(other)


def test_undeploy_removes_what_was_made_and_the_empty_namespace(deploys: Deploys) -> None:
    deploys.deploy(1, docker_config='{"auths": {}}')
    removal = deploys.undeploy()
    assert "Namespace/titanic-staging" in removal.removed
    assert removal.left == ()
    assert deploys.cluster.api.objects == {}


def test_undeploy_keeps_objects_of_others_in_the_namespace(deploys: Deploys) -> None:
    deploys.deploy(1)
    theirs = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "theirs", "namespace": "titanic-staging"},
    }
    deploys.cluster.api.create(theirs)
    removal = deploys.undeploy()
    assert removal.left == ("Namespace/titanic-staging: it holds ConfigMap/theirs",)
    assert {one["kind"] for one in deploys.cluster.api.objects.values()} == {"Namespace", "ConfigMap"}


def test_undeploy_keeps_a_namespace_and_an_object_that_existed_before(deploys: Deploys) -> None:
    api = deploys.cluster.api
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "titanic-staging"}})
    account: Manifest = {"name": "titanic", "namespace": "titanic-staging"}
    api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    deploys.deploy(1)
    removal = deploys.undeploy()
    assert set(removal.left) == {
        "ServiceAccount/titanic: it was there before the first deploy",
        "Namespace/titanic-staging: it was there before the first deploy",
    }
    assert {one["kind"] for one in api.objects.values()} == {"Namespace", "ServiceAccount"}


def test_undeploy_of_a_target_that_runs_nothing_removes_nothing(deploys: Deploys) -> None:
    removal = deploys.undeploy()
    assert (removal.removed, removal.left, removal.last) == ((), (), None)


def test_undeploy_keeps_a_namespace_whose_contents_it_may_not_list(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.cluster.api.forbidden.add(("list", "configmaps"))
    removal = deploys.undeploy()
    assert removal.left[0].startswith("Namespace/titanic-staging: whether it is empty cannot be seen")


def test_every_log_line_has_the_name_of_its_pod(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.cluster.api.pod_log = lambda name, _previous: f"hello from {name}\nbye"
    lines = list(stream_logs(deploys.project, target="staging", access=deploys.access))
    pods = sorted(pod["metadata"]["name"] for pod in deploys.cluster.api.all("Pod"))
    assert lines == [line for pod in pods for line in (f"{pod}  hello from {pod}", f"{pod}  bye")]


def test_a_pod_that_has_not_started_does_not_hide_the_logs_of_the_others(deploys: Deploys) -> None:
    deploys.deploy(1)
    first, second = sorted(pod["metadata"]["name"] for pod in deploys.cluster.api.all("Pod"))
    waits = f'container "service" in pod "{first}" is waiting to start: trying and failing to pull image'

    def log(name: str, _previous: bool) -> str:
        if name == first:
            raise Refused(400, "BadRequest", waits)
        return "hello"

    deploys.cluster.api.pod_log = log
    lines = list(stream_logs(deploys.project, target="staging", access=deploys.access))
    assert lines == [f"{first}  (no log: {waits})", f"{second}  hello"]


@pytest.mark.parametrize("is_stopping", [True, False], ids=["stopping", "not ready"])
def test_the_log_of_a_ready_pod_is_followed(deploys: Deploys, is_stopping: bool) -> None:
    deploys.deploy(1)
    first, second = sorted(deploys.cluster.api.all("Pod"), key=lambda pod: pod["metadata"]["name"])
    if is_stopping:
        first["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    else:
        first["status"]["containerStatuses"][0]["ready"] = False
        first["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    deploys.cluster.api.pod_log = lambda name, _previous: f"hello from {name}"
    lines = list(stream_logs(deploys.project, target="staging", follow=True, access=deploys.access))
    name = second["metadata"]["name"]
    assert lines == [f"{name}  hello from {name}"]
