"""A deploy/ folder with the additions of its owner, in a real cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

import scaffold
from scaffold.cluster import Pace
from scaffold.cluster._client import Cluster
from tests.cluster._support import Built
from tests.deploy._deploys import edit_manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]
PACE = Pace(rollout_s=300, address_s=60)
WARM = """\
      initContainers:
        - name: warm
          image: NAME
          command: [python, -c, "import app"]
          resources: {limits: {cpu: 200m, memory: 128Mi}}
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
      containers:
"""
BINDING = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: NAME}]
"""


def test_additions_of_the_owner_are_deployed_and_removed(
    cluster: Cluster, first: Built, project: Path, name: str
) -> None:
    namespace = f"{name}-production"  # the namespace file has another name
    edit_manifest(project, "kustomization.yaml", f"namespace: {name}-staging", f"namespace: {namespace}")
    edit_manifest(project, "deployment.yaml", "      containers:\n", WARM.replace("NAME", name))
    (project / "deploy/base/binding.yaml").write_text(BINDING.replace("NAME", name))
    edit_manifest(project, "kustomization.yaml", "  - network.yaml\n", "  - network.yaml\n  - binding.yaml\n")
    deployed = scaffold.deploy(project, image=first.image, pace=PACE)
    assert (deployed.namespace, deployed.live) == (namespace, "passed")
    live = cluster.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
    assert live is not None
    assert live["spec"]["template"]["spec"]["initContainers"][0]["image"] == first.image

    for file in ("binding.yaml", "disruption.yaml"):
        edit_manifest(project, "kustomization.yaml", f"  - {file}\n", "")
    scaffold.deploy(project, image=first.image, pace=PACE)
    cluster.delete(f"/api/v1/namespaces/{namespace}/services/{name}")
    assert scaffold.status(project).live == "not known: no Service of the cluster leads to its pods now"

    removal = scaffold.undeploy(project)
    assert {"RoleBinding/reader", f"PodDisruptionBudget/{name}", f"Namespace/{namespace}"} <= set(
        removal.removed
    )
    assert removal.left == ()
