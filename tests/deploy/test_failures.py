"""A failed rollout gives the reason and a remedy, and is rolled back."""

from __future__ import annotations

import dataclasses
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import scaffold
from scaffold.cluster import deploy_project
from scaffold.errors import ClusterRefusedError, DeployError, LiveAnswersDifferError, RolloutFailedError
from scaffold.events import Event, Finished
from scaffold.spec import ProjectRecord, Verification
from scaffold.upgrade import write_record
from tests.deploy._deploys import MEASURED, QUICK, RELEASE, Deploys, image
from tests.deploy._fake_api import Manifest, Refused
from tests.deploy._fake_pods import Behaviour, unschedulable, waiting
from tests.deploy._specs import project_spec

CRASHED: dict[str, Any] = {
    "restartCount": 2,
    "lastState": {"terminated": {"reason": "Error", "exitCode": 3}},
}
OUT_OF_MEMORY: dict[str, Any] = {
    "restartCount": 1,
    "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
}


def fail(deploys: Deploys, behaviour: Behaviour, **options: Any) -> str:
    """Deploy an image whose pods have this behaviour, after one that works; return the message."""
    deploys.cluster.behaviours[image(2)] = behaviour
    if not deploys.cluster.api.all("Deployment"):
        deploys.deploy(1)
    with pytest.raises(RolloutFailedError) as caught:
        deploys.deploy(2, **options)
    return str(caught.value)


def with_event(deploys: Deploys, behaviour: Behaviour, reason: str, message: str) -> Behaviour:
    """Return a behaviour that also reports an event."""

    def behave(pod: Manifest) -> None:
        behaviour(pod)
        deploys.cluster.event(pod["metadata"]["name"], reason, message, pod["metadata"]["namespace"])

    return behave


def test_an_image_that_the_registry_does_not_have(deploys: Deploys) -> None:
    said = f'Failed to pull image "{image(2)}": rpc error: code = NotFound desc = {image(2)}: not found'
    message = fail(deploys, with_event(deploys, waiting("ImagePullBackOff", "Back-off"), "Failed", said))
    assert message == (
        "The image is not in the registry.\n"
        f"  image: {image(2)}\n"
        f"  {said}\n"
        "Push it: scaffold build --push --target staging, then deploy again.\n"
        "No caller reached the new pods: they were a candidate outside of the Service, and are removed."
    )
    assert deploys.status().image == image(1)


def test_a_registry_that_refuses_the_cluster_names_the_pull_secret(deploys: Deploys) -> None:
    said = "failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized"
    message = fail(deploys, waiting("ErrImagePull", said))
    assert message.startswith("The registry does not let the cluster pull the image.")
    assert "pull secret of the pods: titanic-registry" in message
    assert "Log in to the registry with an account that may read it" in message


def test_a_registry_that_the_nodes_cannot_reach(deploys: Deploys) -> None:
    message = fail(deploys, waiting("ErrImagePull", "dial tcp 127.0.0.1:5000: connect: connection refused"))
    assert message.startswith("The nodes cannot pull the image.")
    assert "They have another localhost." in message


def test_a_crash_loop_shows_the_last_lines_of_the_log(deploys: Deploys) -> None:
    deploys.cluster.logs = '{"level": "info"}\n' + "ValueError: the file's sha256 is not the one recorded\n"
    message = fail(deploys, waiting("CrashLoopBackOff", "back-off 10s", **CRASHED))
    assert message.startswith("The service ends right after its start (exit status 3).")
    assert "  log: ValueError: the file's sha256 is not the one recorded\n" in message
    assert "scaffold serve" in message


def test_out_of_memory_shows_the_limit_beside_what_was_measured(deploys: Deploys) -> None:
    message = fail(deploys, waiting("CrashLoopBackOff", "back-off 10s", **OUT_OF_MEMORY))
    assert message.startswith(
        "The service needs more memory than it may take.\n"
        "  limit: 384Mi\n"
        "  measured by the proof: 187 MiB\n"
        "Raise `resources.limits.memory` in deployment.yaml"
    )


def test_what_was_measured_comes_from_the_record_and_not_from_a_comment_of_the_manifest(
    deploys: Deploys, tmp_path: Path
) -> None:
    measured = dataclasses.replace(MEASURED, peak_memory_bytes=(301 << 20) - 1)
    proof = Verification(checks=(), measurements=measured)
    write_record(deploys.project, ProjectRecord(spec=project_spec(), files={}, verification=proof))
    deploys.cluster.behaviours[image(2)] = waiting("CrashLoopBackOff", "back-off 10s", **OUT_OF_MEMORY)
    with pytest.raises(RolloutFailedError) as caught:
        scaffold.deploy(
            deploys.project,
            image=image(2),
            access=deploys.access,
            pace=QUICK,
            store=f"sqlite:///{tmp_path}/s.db",
        )
    assert "  measured by the proof: 301 MiB\n" in str(caught.value)


def test_a_limit_so_low_that_the_container_cannot_even_start_is_out_of_memory_too(deploys: Deploys) -> None:
    said = (
        "failed to create shim task: OCI runtime create failed: container init was OOM-killed (memory limit?)"
    )
    message = fail(deploys, waiting("RunContainerError", said))
    assert message.startswith("The service needs more memory than it may take.")


def test_no_room_on_any_node_shows_request_and_capacity(deploys: Deploys) -> None:
    node = {
        "metadata": {"name": "node-1", "uid": "n"},
        "status": {"allocatable": {"cpu": "2", "memory": "4Gi"}},
    }
    deploys.cluster.api.write({"apiVersion": "v1", "kind": "Node"} | node)
    message = fail(deploys, unschedulable("0/1 nodes are available: 1 Insufficient memory."))
    assert message.startswith("No node has room for the pods.")
    assert "asked for by each pod: cpu 250m, memory 256Mi" in message
    assert "the scheduler says: 0/1 nodes are available: 1 Insufficient memory." in message
    assert "node node-1 has: cpu 2, memory 4Gi" in message


def test_no_room_is_explained_without_permission_to_list_nodes(deploys: Deploys) -> None:
    deploys.cluster.api.forbidden.add(("list", "nodes"))
    message = fail(deploys, unschedulable("0/1 nodes are available: 1 Insufficient cpu."))
    assert "1 Insufficient cpu." in message
    assert "node-1" not in message


@pytest.mark.parametrize("which", ["Startup", "Readiness", "Liveness"])
def test_a_probe_that_fails_is_named_when_the_time_is_over(deploys: Deploys, which: str) -> None:
    said = f"{which} probe failed: HTTP probe failed with statuscode: 503"
    message = fail(deploys, with_event(deploys, waiting("", ""), "Unhealthy", said))
    assert message.startswith(f"The {which.lower()} probe of the pods fails.\n  {said}")


def test_a_startup_probe_that_kills_the_container_is_not_a_crash(deploys: Deploys) -> None:
    behaviour = waiting("CrashLoopBackOff", **CRASHED)
    said = "Container service failed startup probe, will be restarted"

    def behave(pod: Manifest) -> None:
        with_event(deploys, behaviour, "Unhealthy", "Startup probe failed: connection refused")(pod)
        with_event(deploys, behaviour, "Killing", said)(pod)

    assert "raise `startupProbe.failureThreshold`" in fail(deploys, behave)


def test_a_quota_that_does_not_allow_the_pods(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.cluster.create_failure = (
        'pods "titanic-x" is forbidden: exceeded quota: small, requested: limits.cpu=1, used: limits.cpu=2'
    )
    with pytest.raises(RolloutFailedError) as caught:
        deploys.deploy(2, roll_back=False)
    assert str(caught.value).startswith("The namespace's quota does not allow the pods.\n")
    assert "exceeded quota: small" in str(caught.value)
    assert "No caller reached the new pods" in str(caught.value)
    with pytest.raises(RolloutFailedError) as caught:
        deploys.deploy(2, roll_back=False, candidate=False)
    assert str(caught.value).endswith("It was not rolled back, as requested; the former pods go on serving.")


def test_a_policy_that_does_not_admit_the_pods(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.cluster.create_failure = (
        'admission webhook "policy.example.org" denied the request: no team label'
    )
    with pytest.raises(RolloutFailedError, match="A policy of the cluster does not admit the pods"):
        deploys.deploy(2, roll_back=False)


def test_a_webhook_that_refuses_an_object_is_quoted_and_nothing_is_applied(deploys: Deploys) -> None:
    deploys.deploy(1)
    said = 'admission webhook "policy.example.org" denied the request: images come from registry.corp only'

    def refuse(_verb: str, manifest: Manifest) -> Refused | None:
        return Refused(400, "BadRequest", said) if manifest["kind"] == "Deployment" else None

    deploys.cluster.api.refusals.append(refuse)
    with pytest.raises(ClusterRefusedError) as caught:
        deploys.deploy(2)
    assert str(caught.value) == (
        "The cluster does not take Deployment/titanic.\n"
        f"  {said}\n"
        "A policy of the cluster forbids it: change what the message names in the manifest."
    )


def test_a_selector_that_was_changed_says_that_kubernetes_never_changes_it(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.edit_manifest(
        "deployment.yaml",
        "a change.\n    matchLabels:\n",
        "a change.\n    matchLabels:\n      app.kubernetes.io/version: '1.0.0'\n",
    )
    with pytest.raises(ClusterRefusedError, match="Kubernetes never changes this field"):
        deploys.deploy(2)


def test_a_missing_secret_is_named_with_the_command_that_creates_it(deploys: Deploys) -> None:
    message = fail(deploys, waiting("CreateContainerConfigError", 'secret "titanic-api-keys" not found'))
    assert "kubectl -n titanic-staging create secret generic titanic-api-keys" in message


def test_the_command_for_a_missing_secret_is_the_one_of_the_docs(deploys: Deploys) -> None:
    """It makes the key that the service reads, so that it works as it is printed."""
    env = "          env:\n"
    entry = (
        "            - name: API_KEY_HASHES\n"
        "              valueFrom: {secretKeyRef: {name: titanic-api-keys, key: hashes}}\n"
    )
    deploys.edit_manifest("deployment.yaml", env, env + entry)
    message = fail(deploys, waiting("CreateContainerConfigError", 'secret "titanic-api-keys" not found'))
    command = next(line for line in message.splitlines() if line.startswith("Create it: "))
    documented = re.sub(r"\s*\\\n\s*", " ", (Path(__file__).parents[2] / "docs/deploy.md").read_text())
    assert command.removeprefix("Create it: ") in documented
    said = "couldn't find key hashes in Secret titanic-staging/titanic-api-keys"
    message = fail(deploys, waiting("CreateContainerConfigError", said))
    assert message.startswith("The secret that the pods need has no key 'hashes'.\n")
    assert "--dry-run=client -o yaml | kubectl -n titanic-staging apply -f -" in message


def test_a_port_at_which_nothing_listens_is_told_from_a_service_that_is_not_ready(deploys: Deploys) -> None:
    refused = "dial tcp 10.1.0.7:9000: connect: connection refused"
    said = f'Startup probe failed: Get "http://10.1.0.7:9000/readyz": {refused}'
    deploys.cluster.logs = (
        '{"level": "info", "message": "Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C)"}'
    )

    def behave(pod: Manifest) -> None:
        with_event(deploys, waiting("CrashLoopBackOff", **CRASHED), "Unhealthy", said)(pod)
        killed = "Container service failed startup probe, will be restarted"
        with_event(deploys, waiting("CrashLoopBackOff", **CRASHED), "Killing", killed)(pod)

    message = fail(deploys, behave)
    assert message.startswith("The service listens on port 8000, and the pods are probed at port 9000.\n")
    assert "  log: {" in message  # of the run before: the present one has not written anything
    assert "Set `containerPort` in deployment.yaml to 8000, or `PORT` in its `env` to 9000." in message


def test_an_image_that_runs_as_root_is_told_to_have_a_numeric_user(deploys: Deploys) -> None:
    said = "container has runAsNonRoot and image will run as root"
    assert "numeric `USER`" in fail(deploys, waiting("CreateContainerConfigError", said))


def test_a_load_balancer_that_never_gets_an_address_is_an_error(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.edit_manifest("service.yaml", "type: ClusterIP", "type: LoadBalancer")
    with pytest.raises(RolloutFailedError) as caught:
        deploys.deploy(2)
    assert str(caught.value).startswith(
        "The load balancer never got an address.\n  Service/titanic: none after"
    )
    assert "Does this cluster have load balancers?" in str(caught.value)
    assert deploys.cluster.api.find("Service")["spec"]["type"] == "ClusterIP"
    assert deploys.status().image == image(1)


def test_a_load_balancer_with_an_address_is_the_url(deploys: Deploys) -> None:
    api = deploys.cluster.api
    deploys.edit_manifest("service.yaml", "type: ClusterIP", "type: LoadBalancer")
    deploys.edit_manifest("service.yaml", "port: 80", f"port: {api.forward_port}")
    reconcile = api.after_write

    def balance(written: Manifest) -> None:
        reconcile(written)
        if written["kind"] == "Service":
            written["status"] = {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}

    api.after_write = balance
    assert deploys.deploy().url == f"http://127.0.0.1:{api.forward_port}"


def test_a_node_port_is_reached_under_the_node_that_answers(
    deploys: Deploys, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = [{"type": "ExternalIP", "address": "127.0.0.1"}]
    node = {"metadata": {"name": "node-1", "uid": "n"}, "status": {"addresses": addresses}}
    deploys.cluster.api.write({"apiVersion": "v1", "kind": "Node"} | node)
    deploys.edit_manifest("service.yaml", "type: ClusterIP", "type: NodePort")
    errors = [ConnectionRefusedError(), ConnectionRefusedError(), None]  # kube-proxy opens it a little later
    monkeypatch.setattr("scaffold.cluster._route._connection_error", lambda place: errors.pop(0))
    deployed = deploys.deploy(pace=dataclasses.replace(QUICK, patience=1))
    assert deployed.url == f"http://127.0.0.1:{deploys.cluster.api.forward_port}"


def test_a_first_deploy_that_fails_is_left_for_inspection(deploys: Deploys) -> None:
    deploys.cluster.behaviours[image(1)] = waiting("CrashLoopBackOff", **CRASHED)
    with pytest.raises(RolloutFailedError) as caught:
        deploys.deploy(1)
    assert str(caught.value).endswith(
        "It is left for inspection. Remove it: scaffold undeploy --target staging"
    )
    assert deploys.status().live.startswith("The service ends right after its start")


def test_a_revision_that_never_went_live_is_no_rollback_target(deploys: Deploys) -> None:
    deploys.cluster.behaviours[image(1)] = waiting("CrashLoopBackOff", **CRASHED)
    with pytest.raises(RolloutFailedError):
        deploys.deploy(1)
    message = fail(deploys, waiting("CrashLoopBackOff", **OUT_OF_MEMORY), candidate=False)
    assert message.endswith("It was not rolled back: what ran before had not gone live either.")
    del deploys.cluster.behaviours[image(2)]
    assert deploys.deploy(2).live == "passed"


def test_requests_to_a_busy_or_restarting_api_are_repeated(deploys: Deploys) -> None:
    deploys.cluster.api.hiccups = [429, 429, 503, 503]
    assert deploys.deploy(1, pace=dataclasses.replace(QUICK, patience=1)).live == "passed"
    assert deploys.cluster.api.hiccups == []


def test_a_first_deploy_that_fails_is_removed_if_asked(deploys: Deploys) -> None:
    deploys.cluster.behaviours[image(1)] = waiting("CrashLoopBackOff", **CRASHED)
    with pytest.raises(RolloutFailedError) as caught:
        deploys.deploy(1, remove_failed=True)
    assert str(caught.value).endswith("It was the first deploy, and was removed; its namespace stays.")
    assert {one["kind"] for one in deploys.cluster.api.objects.values()} <= {"Namespace", "Event"}


def test_a_failed_deploy_removes_what_it_added_and_restores_what_it_changed(deploys: Deploys) -> None:
    deploys.deploy(1)
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: labels}\ndata: {a: b}\n"
    (deploys.project / "deploy/staging/labels.yaml").write_text(text)
    deploys.edit_manifest("kustomization.yaml", "resources:\n", "resources:\n  - labels.yaml\n")
    deploys.edit_manifest("autoscaler.yaml", "maxReplicas: 6", "maxReplicas: 9")
    fail(deploys, waiting("CrashLoopBackOff", **CRASHED))
    assert deploys.cluster.api.all("ConfigMap") == []
    assert deploys.cluster.api.find("HorizontalPodAutoscaler")["spec"]["maxReplicas"] == 6


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("FailedMount", "A volume cannot be mounted."),
        ("FailedCreatePodSandBox", "The node cannot start pods."),
    ],
)
def test_a_node_that_cannot_start_a_pod(deploys: Deploys, reason: str, says: str) -> None:
    begun = waiting("ContainerCreating")
    message = fail(deploys, with_event(deploys, begun, reason, "rpc error: no such device"))
    assert message.startswith(f"{says}\n  rpc error: no such device\n")


def test_a_transient_fault_does_not_fail_the_deploy(deploys: Deploys) -> None:
    """A transient pull failure: the pods start while the deploy still waits."""
    cluster = deploys.cluster
    cluster.behaviours[image(1)] = waiting("ErrImagePull", "dial tcp: i/o timeout")

    def mend() -> None:
        while not cluster.api.all("Pod"):
            time.sleep(0.01)
        with cluster.api.lock:
            del cluster.behaviours[image(1)]
            for pod in cluster.api.all("Pod"):
                cluster.api.delete(cluster.api.path_of(pod))
            cluster.api.write(cluster.api.find("Deployment"))

    timer = threading.Timer(0.3, mend)
    timer.start()
    patient = dataclasses.replace(QUICK, rollout_s=10, patience=1)
    assert deploys.deploy(1, pace=patient).live == "passed"
    timer.join()


def test_a_permission_error_during_the_wait_is_rolled_back(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.cluster.api.forbidden.add(("list", "replicasets"))
    with pytest.raises(ClusterRefusedError, match='cannot list resource "replicasets"') as caught:
        deploys.deploy(2, candidate=False)
    message = str(caught.value)
    assert "Going back failed too" not in message
    assert "Rolled back to revision 1; whether its pods are ready is not known:\n" in message
    deploys.cluster.api.forbidden.clear()
    assert deploys.status().image == image(1)


def test_going_back_is_reported_as_failed_only_if_it_did(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.cluster.factors[image(2)] = 3.0

    def refuse(_verb: str, manifest: Manifest) -> Refused | None:
        containers = manifest.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
        is_back = any(one["image"] == image(1) for one in containers)
        return Refused(403, "Forbidden", "not today") if is_back else None

    deploys.cluster.api.refusals.append(refuse)
    with pytest.raises(LiveAnswersDifferError) as caught:
        deploys.deploy(2, candidate=False)
    assert "Going back failed too: The cluster does not take Deployment/titanic." in str(caught.value)


def test_a_failure_is_explained_without_events_too(deploys: Deploys) -> None:
    deploys.cluster.api.forbidden.add(("list", "events"))
    assert deploys.deploy(1).live == "passed"


def test_an_interrupted_deploy_says_that_the_rollout_goes_on(deploys: Deploys) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Finished) and event.stage == "address":
            raise KeyboardInterrupt

    with pytest.raises(DeployError) as caught:
        deploy_project(
            deploys.project,
            target="staging",
            image=image(1),
            release=RELEASE,
            access=deploys.access,
            pace=QUICK,
            on_event=interrupt,
        )
    assert "What was applied goes on in the cluster." in str(caught.value)
    assert deploys.status().live == "interrupted"
    assert deploys.cluster.api.all("Lease") == []


def test_a_claim_that_is_not_there_is_no_lack_of_room(deploys: Deploys) -> None:
    said = '0/1 nodes are available: persistentvolumeclaim "data" not found. not found'
    message = fail(deploys, unschedulable(said))
    assert message.startswith("The pods need a persistentvolumeclaim that is not there.\n  claim: data\n")
    assert "--no-candidate" not in message


def test_nodes_that_may_not_run_the_pods_do_not_lack_room(deploys: Deploys) -> None:
    said = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    message = fail(deploys, unschedulable(said))
    assert message.startswith(f"No node may run the pods.\n  the scheduler says: {said}\n")
    assert "`nodeSelector`" in message
    assert "--no-candidate" not in message


def test_a_command_that_cannot_be_executed_is_named(deploys: Deploys) -> None:
    said = 'exec: "nope": executable file not found in $PATH: unknown'
    end = {"reason": "StartError", "exitCode": 128, "message": said}
    behaviour = waiting("CrashLoopBackOff", "back-off", restartCount=1, lastState={"terminated": end})
    message = fail(deploys, behaviour)
    assert message.startswith(f"The container cannot be started.\n  {said}\n")


@pytest.mark.parametrize("kind", ["init container", "container"])
def test_another_container_that_ends_is_named_with_its_log(deploys: Deploys, kind: str) -> None:
    other = {"name": "side", "ready": False, "restartCount": 2, "state": {"waiting": {}}}
    other |= {"lastState": {"terminated": {"reason": "Error", "exitCode": 3}}}

    def behave(pod: Manifest) -> None:
        if kind == "container":
            pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
            pod["status"]["containerStatuses"].append(other)
        else:
            waiting("PodInitializing")(pod)
            pod["status"]["initContainerStatuses"] = [other]

    deploys.cluster.api.pod_log = lambda _name, _previous: "no database"
    message = fail(deploys, behave)
    assert message.startswith(f"The {kind} 'side' ends with exit status 3.\n  log: no database\n")


def test_an_unknown_field_is_mended_in_the_manifest(deploys: Deploys) -> None:
    said = "failed to create typed patch object (...): .spec.template.spec.x: field not declared in schema"
    deploys.deploy(1)
    deploys.cluster.api.refusals.append(
        lambda _verb, one: Refused(500, "", said) if one["kind"] == "Deployment" else None
    )
    with pytest.raises(ClusterRefusedError, match="Mend the manifest under deploy/"):
        deploys.deploy(2)


def test_a_paused_deployment_is_named_before_anything_is_applied(deploys: Deploys) -> None:
    deploys.deploy(1)
    api = deploys.cluster.api
    path = api.path_of(api.find("Deployment"))
    api.edit(path, "kubectl", {"spec": {"paused": True}})
    written = len([call for call in api.calls if call[0] == "patch"])
    with pytest.raises(RolloutFailedError) as caught:
        deploys.deploy(2, candidate=False)
    assert str(caught.value) == (
        "Deployment/titanic is paused: its pods are not renewed.\n"
        "  spec.paused: true\n"
        "Resume it: kubectl -n titanic-staging rollout resume deployment/titanic. Then deploy again."
    )
    assert (deploys.status().image, deploys.status().live) == (image(1), "passed")
    dry_runs = len(deploys.plan(2).changes)
    assert len([call for call in api.calls if call[0] == "patch"]) == written + 2 * dry_runs
    api.edit(path, "kubectl", {"spec": {"paused": False}})
    assert deploys.deploy(2).live == "passed"


def test_a_deployment_that_is_paused_during_its_rollout_is_named(deploys: Deploys) -> None:
    deploys.deploy(1)
    api = deploys.cluster.api

    class Pausing(list[Event]):
        def append(self, event: Event) -> None:
            if isinstance(event, Finished) and event.stage == "candidate":
                api.edit(
                    api.path_of(api.find("Deployment", "titanic")), "kubectl", {"spec": {"paused": True}}
                )

    deploys.events = Pausing()
    with pytest.raises(RolloutFailedError, match="Deployment/titanic is paused"):
        deploys.deploy(2)
