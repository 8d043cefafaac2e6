"""The whole life of a service in a real cluster, on the command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import scaffold
from scaffold.cluster import ClusterAccess, Pace
from scaffold.cluster._client import Cluster
from scaffold.errors import PromotionRefusedError
from scaffold.store import open_store
from tests.cluster._support import Built, grant_documented_role, insecure
from tests.deploy._deploys import edit_manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]
PACE = Pace(rollout_s=300, address_s=60)


def test_new_build_deploy_promote_rollback_undeploy(
    cluster: Cluster, first: Built, second: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCAFFOLD_STORE", f"sqlite:///{tmp_path}/store.db")

    # `new` and `build` made `first` and `second`; `deploy` builds again, and finds nothing to do.
    deployed = scaffold.deploy(first.root, builder="layers", insecure=insecure(), pace=PACE)
    assert (deployed.image, deployed.revision, deployed.live) == (first.image, 1, "passed")
    assert deployed.url

    # The next model.
    updated = scaffold.deploy(second.root, image=second.image, insecure=insecure(), pace=PACE)
    assert (updated.image, updated.revision, updated.live) == (second.image, 2, "passed")
    assert scaffold.status(second.root) == updated
    assert [one.image for one in scaffold.deployments(second.root)] == [second.image, first.image]
    assert all(line.startswith(updated.name) for line in scaffold.logs(second.root))

    # The digest that runs at staging is promoted, with approver and reason.
    with pytest.raises(PromotionRefusedError, match="another model"):
        scaffold.promote(first.root, reason="tested", pace=PACE)
    promoted = scaffold.promote(second.root, reason="tested", approved_by="grace", pace=PACE)
    assert promoted.image == second.image
    assert promoted.release is not None
    assert (promoted.release.approved_by, promoted.release.reason) == ("grace", "tested")

    # Back at staging.
    back = scaffold.rollback(first.root, pace=PACE)
    assert (back.image, back.revision, back.live) == (first.image, 3, "passed")

    # Nothing of ours stays.
    for target in ("staging", "production"):
        removal = scaffold.undeploy(first.root, target=target)
        assert removal.left == ()
        assert f"Namespace/{promoted.name}-{target}" in removal.removed
    done = [entry.action for entry in open_store().history(promoted.name)]
    assert done == ["undeploy", "undeploy", "rollback", "promote", "deploy", "deploy"]


def test_a_kubeconfig_is_taken_as_its_content_and_a_dry_run_writes_nothing(
    cluster: Cluster, first: Built, name: str
) -> None:
    content = Path(os.environ["KUBECONFIG"].split(os.pathsep)[0]).read_text()
    planned = scaffold.plan(first.root, image=first.image, access=ClusterAccess(kubeconfig=content))
    assert planned.unchecked
    assert first.image in planned.diff
    assert cluster.get(f"/api/v1/namespaces/{name}-staging") is None


def test_a_second_deploy_of_the_same_changes_nothing(cluster: Cluster, first: Built) -> None:
    scaffold.deploy(first.root, image=first.image, pace=PACE)
    planned = scaffold.plan(first.root, image=first.image)
    assert planned.diff == ""
    assert scaffold.deploy(first.root, image=first.image, pace=PACE).revision == 1


@pytest.mark.parametrize("by_deploy", [True, False], ids=["by a deploy", "by hand"])
def test_the_documented_role_is_enough_in_a_namespace_that_an_administrator_made(
    cluster: Cluster, first: Built, second: Built, name: str, by_deploy: bool
) -> None:
    if by_deploy:
        scaffold.deploy(first.root, image=first.image, pace=PACE)
    access = ClusterAccess(kubeconfig=grant_documented_role(cluster, f"{name}-staging"))
    assert scaffold.deploy(first.root, image=first.image, access=access, pace=PACE).live == "passed"
    assert scaffold.deploy(second.root, image=second.image, access=access, pace=PACE).revision == 2
    assert scaffold.verify(second.root, target="staging", access=access, pace=PACE).passed
    assert scaffold.rollback(first.root, access=access, pace=PACE).image == first.image
    assert scaffold.status(first.root, access=access).revision == 3
    assert list(scaffold.logs(first.root, access=access))
    removal = scaffold.undeploy(first.root, access=access)
    assert f"Deployment/{name}" in removal.removed
    assert [one.partition(":")[0] for one in removal.left] == [f"Namespace/{name}-staging"]


def test_a_rollback_brings_back_what_was_applied_with_a_revision(
    cluster: Cluster, first: Built, project: Path, name: str
) -> None:
    space = f"{name}-staging"
    scaler = f"/apis/autoscaling/v2/namespaces/{space}/horizontalpodautoscalers/{name}"
    edit_manifest(project, "kustomization.yaml", "  - autoscaler.yaml\n", "")
    edit_manifest(
        project, "deployment.yaml", "  revisionHistoryLimit", "  replicas: 3\n  revisionHistoryLimit"
    )
    assert scaffold.deploy(project, image=first.image, pace=PACE).replicas == 3
    assert cluster.get(scaler) is None

    # From a fixed number of pods to an autoscaler: the pods that are there stay.
    edit_manifest(
        project, "kustomization.yaml", "  - service.yaml\n", "  - service.yaml\n  - autoscaler.yaml\n"
    )
    edit_manifest(project, "deployment.yaml", "  replicas: 3\n", "")
    edit_manifest(project, "deployment.yaml", 'value: "10"', 'value: "11"')
    assert scaffold.deploy(project, image=first.image, pace=PACE).replicas == 3
    assert cluster.get(scaler) is not None

    assert scaffold.rollback(project, pace=PACE).replicas == 3
    assert cluster.get(scaler) is None
    deployment = cluster.get(f"/apis/apps/v1/namespaces/{space}/deployments/{name}")
    assert deployment is not None
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert "11" not in [entry.get("value") for entry in container["env"]]
