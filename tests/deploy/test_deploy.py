"""One deploy against an API over real HTTP: applied objects, records and results."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import threading

import pytest

from scaffold.cluster import ClusterAccess, deploy_project
from scaffold.errors import (
    ApplyConflictError,
    ClusterRefusedError,
    ClusterUnreachableError,
    DeployBusyError,
    DeployError,
    LiveAnswersDifferError,
    ManifestError,
)
from scaffold.events import ChangesPlanned, Finished, Noted, PodsChanged
from scaffold.spec import Image
from tests.deploy._deploys import QUICK, RELEASE, Deploys, image
from tests.deploy._fake_api import Manifest, Refused


def container_of(deploys: Deploys) -> Manifest:
    deployment = deploys.cluster.api.find("Deployment")
    return dict(deployment["spec"]["template"]["spec"]["containers"][0])


def test_a_first_deploy_creates_everything_and_says_where_it_is(deploys: Deploys) -> None:
    deployed = deploys.deploy()
    assert deployed.url == "http://titanic.titanic-staging.svc"
    assert (deployed.revision, deployed.replicas, deployed.live) == (1, 2, "passed")
    assert deployed.release == dataclasses.replace(RELEASE)
    assert container_of(deploys)["image"] == image()
    kinds = {one["kind"] for one in deploys.cluster.api.objects.values()}
    assert {"Namespace", "ServiceAccount", "NetworkPolicy", "Service", "HorizontalPodAutoscaler"} <= kinds
    image_event, planned, *rest = deploys.events
    assert image_event == Finished("image", image())
    assert isinstance(planned, ChangesPlanned)
    assert "+ Deployment/titanic (new)" in planned.diff.splitlines()
    assert [event.stage if isinstance(event, Finished) else type(event) for event in rest] == [
        "apply",
        PodsChanged,
        "candidate",
        "apply",
        PodsChanged,
        "address",
        "replay",
    ]


def test_the_sample_is_replayed_as_the_proof_does_through_the_port_forward(deploys: Deploys) -> None:
    deploys.deploy()
    asked = [path for path, _ in deploys.cluster.asked]
    once, again = asked[:8], asked[8:]  # the pods before callers reach them, and the Service
    assert once == again
    assert once[:3] == ["/score", "/score", "/score/batch"]
    # Then in reverse order, in random order with repeated rows, and the same row; and the first rows again.
    assert once[3:] == ["/score/batch"] * 3 + ["/score", "/score"]
    assert deploys.events[-1].detail == (
        "2 of 2 rows answered as the model does: one by one, in batches, in other orders, again"
    )


def test_a_service_that_depends_on_the_order_of_rows_is_refused(deploys: Deploys) -> None:
    deploys.cluster.sorts = True
    with pytest.raises(LiveAnswersDifferError) as caught:
        deploys.deploy()
    message = str(caught.value)
    assert message.startswith("The new revision answers, but not as the model does.\n")
    assert "in a batch in reverse order, prediction: 3.0; alone: 4.0" in message


def test_a_service_is_sent_at_most_a_hundred_rows_at_a_time(deploys: Deploys) -> None:
    requests = [{"data": number} for number in range(150)]
    recorded = {"requests": requests, "answers": [{"prediction": 2.0 * number} for number in range(150)]}
    (deploys.project / "tests/recorded.json").write_text(json.dumps(recorded))
    deploys.deploy()
    assert deploys.events[-1].detail.startswith("100 of 100 rows answered as the model does: ")
    assert [path for path, _ in deploys.cluster.asked].count("/score") == 2 * 105


def test_an_api_key_is_sent_with_the_sample(deploys: Deploys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCAFFOLD_API_KEY", "open-sesame")
    deploys.deploy()
    assert {headers["X-API-Key"] for _, headers in deploys.cluster.asked} == {"open-sesame"}


def test_the_headers_of_a_service_are_sent_with_the_sample(deploys: Deploys) -> None:
    headers = {"Authorization": "Bearer s3cret"}
    deploys.deploy(access=dataclasses.replace(deploys.access, headers=headers))
    assert {headers["Authorization"] for _, headers in deploys.cluster.asked} == {"Bearer s3cret"}


def test_the_readiness_probe_says_below_which_prefix_the_routes_are(deploys: Deploys) -> None:
    path = deploys.project / "deploy/base/deployment.yaml"
    path.write_text(path.read_text().replace("path: /readyz", "path: /models/churn/readyz"))
    deploys.deploy()
    assert {path for path, _ in deploys.cluster.asked} == {"/models/churn/score", "/models/churn/score/batch"}


def test_the_image_is_pinned_by_the_digest_that_the_build_gives(deploys: Deploys) -> None:
    built = Image(reference="localhost:5000/models/titanic:1.0.0", digest="sha256:" + "a" * 64)
    deploys.deploy(image=lambda: built)
    assert container_of(deploys)["image"] == f"localhost:5000/models/titanic@sha256:{'a' * 64}"


def test_an_image_without_a_digest_is_refused_before_anything_is_written(deploys: Deploys) -> None:
    with pytest.raises(DeployError, match="The image has no digest"):
        deploys.deploy(image="registry.example.org/titanic:1.0.0")
    assert deploys.cluster.api.objects == {}


def test_the_second_deploy_shows_what_changes_and_changes_only_that(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.events.clear()
    assert deploys.deploy(2).revision == 2
    shown = next(event.diff for event in deploys.events if isinstance(event, ChangesPlanned))
    changed = [line for line in shown.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert [(line[0], line.split()[-1]) for line in changed] == [("-", image(1)), ("+", image(2))]


def test_deploying_the_same_again_changes_nothing(deploys: Deploys) -> None:
    deploys.deploy(1)
    assert deploys.plan(1).diff == ""
    assert deploys.deploy(1).revision == 1


def test_a_dry_run_writes_nothing(deploys: Deploys) -> None:
    deploys.deploy(1)
    before = json.dumps(deploys.cluster.api.objects, sort_keys=True)
    planned = deploys.plan(2)
    assert image(2) in planned.diff
    assert json.dumps(deploys.cluster.api.objects, sort_keys=True) == before


def test_a_dry_run_before_the_namespace_is_there_says_what_was_not_checked(deploys: Deploys) -> None:
    planned = deploys.plan()
    assert planned.unchecked
    assert "Deployment/titanic (after)" in planned.diff
    assert deploys.cluster.api.objects == {}


def test_an_autoscaled_deployment_starts_with_the_minimum_and_is_never_reset(deploys: Deploys) -> None:
    deploys.deploy(1)
    api = deploys.cluster.api
    path = api.path_of(api.find("Deployment"))
    assert api.find("Deployment")["spec"]["replicas"] == 2
    api.edit(path, "horizontal-pod-autoscaler", {"spec": {"replicas": 5}})
    deploys.deploy(2)
    assert api.find("Deployment")["spec"]["replicas"] == 5


def test_a_field_of_another_manager_is_shown_and_forced_only_on_request(deploys: Deploys) -> None:
    deploys.deploy(1)
    api = deploys.cluster.api
    path = api.path_of(api.find("Service"))
    api.owners[path]["model-scaffold"].discard(("spec", "type"))
    api.edit(path, "kubectl-edit", {"spec": {"type": "NodePort"}})
    with pytest.raises(ApplyConflictError) as caught:
        deploys.deploy(2)
    assert str(caught.value) == (
        "Service/titanic differs from the manifest where others set it.\n"
        '  .spec.type: conflict with "kubectl-edit"\n'
        "Someone else set these fields. Write their values into the manifest, "
        "or take the fields over: --force-conflicts"
    )
    assert container_of(deploys)["image"] == image(1)
    deploys.deploy(2, force_conflicts=True)
    assert api.find("Service")["spec"]["type"] == "ClusterIP"


def test_the_pull_secret_is_written_and_follows_the_password(deploys: Deploys) -> None:
    for password in ("first", "second"):
        config = json.dumps({"auths": {"registry.example.org": {"username": "ada", "password": password}}})
        deploys.deploy(docker_config=config)
        secret = deploys.cluster.api.find("Secret")
        assert secret["metadata"]["name"] == "titanic-registry"
        assert secret["type"] == "kubernetes.io/dockerconfigjson"
        assert base64.b64decode(secret["data"][".dockerconfigjson"]).decode() == config


def test_no_event_annotation_or_error_contains_a_password(deploys: Deploys) -> None:
    config = json.dumps({"auths": {"registry.example.org": {"password": "hunter2"}}})
    deploys.cluster.factors[image(2)] = 3.0
    deploys.deploy(1, docker_config=config)
    with pytest.raises(LiveAnswersDifferError) as caught:
        deploys.deploy(2, docker_config=config)
    encoded = base64.b64encode(config.encode()).decode()
    notes = [one["metadata"].get("annotations") for one in deploys.cluster.api.objects.values()]
    for secret in ("hunter2", encoded):
        assert secret not in str(deploys.events) + str(caught.value) + repr(caught.value) + str(notes)


def test_the_deployment_object_records_what_was_deployed_by_whom(deploys: Deploys) -> None:
    deploys.deploy()
    notes = deploys.cluster.api.find("Deployment")["metadata"]["annotations"]
    assert notes["model-scaffold/model-sha256"] == RELEASE.model_sha256
    assert notes["model-scaffold/git-revision"] == "c0ffee"
    assert notes["model-scaffold/by"] == "ada@lab"
    assert notes["model-scaffold/live"] == "passed"
    assert notes["model-scaffold/url"] == "http://titanic.titanic-staging.svc"


def test_of_two_deploys_at_once_one_wins_and_the_other_says_so(deploys: Deploys) -> None:
    entered, leave = threading.Event(), threading.Event()

    def wait(_verb: str, manifest: Manifest) -> Refused | None:
        if manifest["kind"] == "ServiceAccount" and not entered.is_set():
            entered.set()
            deploys.cluster.api.lock.release()
            leave.wait(10)
            deploys.cluster.api.lock.acquire()
        return None

    deploys.cluster.api.refusals.append(wait)
    first = threading.Thread(target=deploys.deploy, args=(1,))
    first.start()
    entered.wait(10)
    try:
        with pytest.raises(DeployBusyError) as caught:
            deploys.deploy(2, release=dataclasses.replace(RELEASE, by="bob@desk"))
    finally:
        leave.set()
        first.join()
    assert "Another deploy to 'staging' is under way.\n  ada@lab deploys since 20" in str(caught.value)
    assert re.search(r"its lock runs out at \d\d:\d\d:\d\d UTC, in \d+ s, unless that", str(caught.value))
    assert container_of(deploys)["image"] == image(1)
    deploys.deploy(2)
    assert deploys.cluster.api.all("Lease") == []


def test_the_lease_of_a_killed_deploy_expires(deploys: Deploys) -> None:
    deploys.deploy(1)
    spec = {
        "holderIdentity": "gone",
        "leaseDurationSeconds": 60,
        "renewTime": "2020-01-01T00:00:00.000000Z",
    }
    metadata = {"name": "titanic-deploy", "namespace": "titanic-staging"}
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
    deploys.cluster.api.create(lease)
    assert deploys.deploy(2).revision == 2


def test_a_namespace_that_was_there_is_used_and_left_as_it_is(deploys: Deploys) -> None:
    there = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "titanic-staging", "labels": {"team": "a"}},
    }
    deploys.cluster.api.create(there)
    deploys.deploy()
    assert deploys.cluster.api.find("Namespace")["metadata"]["labels"] == {"team": "a"}


def test_a_namespace_that_is_being_deleted_is_waited_for(deploys: Deploys) -> None:
    api = deploys.cluster.api
    metadata = {"name": "titanic-staging", "deletionTimestamp": "2026-01-01T00:00:00Z"}
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    with pytest.raises(ClusterRefusedError, match="is being deleted, and that does not end"):
        deploys.deploy(pace=dataclasses.replace(QUICK, address_s=0))
    timer = threading.Timer(0.2, api.delete, args=("/api/v1/namespaces/titanic-staging",))
    timer.start()
    deploys.events.clear()
    assert deploys.deploy().live == "passed"
    timer.join()
    notes = [event.text for event in deploys.events if isinstance(event, Noted)]
    assert notes == ["the namespace titanic-staging is being deleted: waiting until it is gone"]


def test_an_account_without_access_to_namespaces_can_deploy_into_its_own(deploys: Deploys) -> None:
    there = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "titanic-staging"}}
    deploys.cluster.api.create(there)
    deploys.cluster.api.forbidden |= {
        ("get", "namespaces"),
        ("patch", "namespaces"),
        ("create", "namespaces"),
    }
    (deploys.project / "deploy/staging/namespace.yaml").unlink()
    assert deploys.deploy().live == "passed"


def test_a_missing_permission_is_reported_with_its_verb(deploys: Deploys) -> None:
    deploys.cluster.api.forbidden.add(("patch", "deployments"))
    with pytest.raises(ClusterRefusedError) as caught:
        deploys.deploy()
    message = str(caught.value)
    assert 'User "ada" cannot patch resource "deployments" in API group "apps"' in message
    assert "docs/deploy.md lists the smallest Role" in message


def test_live_answers_that_are_not_the_models_are_rolled_back(deploys: Deploys) -> None:
    deploys.cluster.factors[image(2)] = 3.0
    former = deploys.deploy(1)
    with pytest.raises(LiveAnswersDifferError) as caught:
        deploys.deploy(2, candidate=False)
    assert str(caught.value) == (
        "The live service answers, but not as the model does.\n"
        "  http://titanic.titanic-staging.svc/score, row 0, prediction: 4.5 from it, 3.0 from the model\n"
        "Is it the image of this project? scaffold verify proves the project,"
        " scaffold deploy --target staging builds it anew.\n"
        "Rolled back to revision 1, which is revision 3 now."
    )
    found = deploys.status()
    assert (found.image, found.live, found.at) == (image(1), "passed", former.at), "the record of before"


def test_the_owners_edit_of_a_manifest_is_what_is_applied(deploys: Deploys) -> None:
    deploys.edit_manifest("deployment.yaml", "cpu: 250m", "cpu: 333m")
    deploys.deploy()
    assert container_of(deploys)["resources"]["requests"]["cpu"] == "333m"


def test_the_pods_are_found_by_the_selector_of_the_owner(deploys: Deploys) -> None:
    for file in ("deployment.yaml", "service.yaml"):
        deploys.edit_manifest(file, "app.kubernetes.io/name: titanic", "app: ship")
    assert deploys.deploy(1).live == "passed"
    assert deploys.deploy(2).live == "passed"
    assert deploys.deploy(2).unready == ()


def test_a_missing_target_lists_the_existing_targets(deploys: Deploys) -> None:
    with pytest.raises(ManifestError, match=r"there are: production, staging"):
        deploys.deploy(target="prod")


def test_a_kustomization_that_only_kubectl_builds_says_so(
    deploys: Deploys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    path = deploys.project / "deploy/staging/kustomization.yaml"
    path.write_text(path.read_text() + "namePrefix: my-\n")
    with pytest.raises(ManifestError) as caught:
        deploys.deploy()
    assert "uses what `deploy` builds only with kubectl: namePrefix." in str(caught.value)
    assert "Install kubectl or kustomize" in str(caught.value)


def test_a_patch_for_what_is_not_there_is_refused(deploys: Deploys) -> None:
    path = deploys.project / "deploy/staging/kustomization.yaml"
    path.write_text(path.read_text() + "patches:\n  - path: more.yaml\n")
    with pytest.raises(ManifestError, match=r"lists more\.yaml, which is not there"):
        deploys.deploy()
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n"
    path.with_name("more.yaml").write_text(text)
    with pytest.raises(ManifestError, match=r"patch for ConfigMap/more, which is not among its resources"):
        deploys.deploy()


def test_a_manifest_that_is_not_yaml_names_the_file(deploys: Deploys) -> None:
    (deploys.project / "deploy/base/service.yaml").write_text("a: [")
    with pytest.raises(ManifestError, match=r"service\.yaml is no YAML"):
        deploys.deploy()


def test_a_kind_that_the_cluster_does_not_know_is_an_error_that_names_it(deploys: Deploys) -> None:
    text = "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: titanic}\n"
    (deploys.project / "deploy/staging/monitor.yaml").write_text(text)
    deploys.edit_manifest("kustomization.yaml", "resources:\n", "resources:\n  - monitor.yaml\n")
    with pytest.raises(DeployError, match=r"does not know ServiceMonitor \(monitoring.coreos.com/v1\)"):
        deploys.deploy()


def test_a_cluster_that_does_not_answer_is_an_error_before_anything_is_built(deploys: Deploys) -> None:
    dead = deploys.kubeconfig.replace("http://127.0.0.1:", "http://127.0.0.1:1#")
    built: list[str] = []

    def build() -> str:
        built.append("built")
        return image()

    with pytest.raises(ClusterUnreachableError, match="The cluster does not answer"):
        deploy_project(
            deploys.project,
            target="staging",
            image=build,
            release=RELEASE,
            access=ClusterAccess(kubeconfig=dead),
            pace=QUICK,
        )
    assert built == []


def test_a_login_that_is_not_accepted_is_an_error_that_says_so(deploys: Deploys) -> None:
    deploys.kubeconfig = deploys.kubeconfig.replace("token-of-the-test", "stale")
    with pytest.raises(ClusterUnreachableError, match="does not accept the login"):
        deploys.deploy()


@pytest.mark.parametrize(
    ("text", "context", "message"),
    [
        ("/nowhere/kubeconfig", None, "kubeconfig: /nowhere/kubeconfig\n  there is no such file\n"),
        ("a: [\n", None, "the text that was given"),
        (None, "no-such", "context: no-such"),
    ],
)
def test_an_unusable_kubeconfig_is_named(
    deploys: Deploys, text: str | None, context: str | None, message: str
) -> None:
    deploys.kubeconfig = text or deploys.kubeconfig
    with pytest.raises(ClusterUnreachableError) as caught:
        deploys.deploy(access=ClusterAccess(kubeconfig=deploys.kubeconfig, context=context))
    assert "The kubeconfig cannot be used." in str(caught.value)
    assert message in str(caught.value)


def test_a_kubeconfig_comes_as_a_path_as_its_content_or_from_the_environment(
    deploys: Deploys, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = deploys.kubeconfig
    path = deploys.project / "kubeconfig"
    path.write_text(content)
    deploys.kubeconfig = str(path)
    deploys.deploy(1)
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    deploys.kubeconfig = None  # type: ignore[assignment]
    assert deploys.status().image == image(1)
