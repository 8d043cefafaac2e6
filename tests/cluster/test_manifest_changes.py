"""Changes of manifests in a real cluster: large objects, Services, ConfigMaps, sidecars."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

import scaffold
from scaffold.cluster import Pace
from scaffold.cluster._client import Cluster
from scaffold.errors import ManifestError
from tests.cluster._support import Built
from tests.deploy._deploys import edit_manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
PACE = Pace(rollout_s=300, address_s=60)
FAILING_SIDECAR = """\
      containers:
        - name: proxy
          image: IMAGE
          command: [python, -c, "import time; time.sleep(max(0, UNTIL - time.time())); raise SystemExit(1)"]
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"""


def add_config(project: Path, name: str, text: str) -> None:
    path = project / "deploy/staging" / f"{name}.yaml"
    if not path.exists():
        edit_manifest(project, "kustomization.yaml", "resources:\n", f"resources:\n  - {name}.yaml\n")
    metadata, data = {"name": name}, {"TEXT": text}
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}))


def test_objects_for_whose_copies_there_is_no_room_are_deployed_and_kept_by_a_rollback(
    cluster: Cluster, first: Built, project: Path, name: str
) -> None:
    add_config(project, "large", '"x", ' * 46_000)
    for number in range(6):
        add_config(project, f"c{number}", '"x", ' * 4_000)
    assert scaffold.deploy(project, image=first.image, pace=PACE).live == "passed"
    add_config(project, "large", "small now")
    assert scaffold.deploy(project, image=first.image, pace=PACE).live == "passed"
    edit_manifest(project, "deployment.yaml", "env:\n", 'env:\n            - {name: OTHER, value: "1"}\n')
    scaffold.deploy(project, image=first.image, pace=PACE)
    scaffold.rollback(project, pace=PACE)
    live = cluster.get(f"/api/v1/namespaces/{name}-staging/configmaps/large")
    assert live is not None
    assert live["data"] == {"TEXT": "small now"}


def test_a_port_by_number_that_changes_is_refused_and_works_in_two_deploys(
    cluster: Cluster, first: Built, project: Path
) -> None:
    edit_manifest(project, "service.yaml", "targetPort: http", "targetPort: 8000")
    scaffold.deploy(project, image=first.image, pace=PACE)
    edit_manifest(project, "service.yaml", "targetPort: 8000", "targetPort: 9000")
    edit_manifest(project, "deployment.yaml", "containerPort: 8000", "containerPort: 9000")
    edit_manifest(project, "deployment.yaml", "env:\n", 'env:\n            - {name: PORT, value: "9000"}\n')
    with pytest.raises(ManifestError, match="would not lead to the former pods"):
        scaffold.deploy(project, image=first.image, pace=PACE)
    edit_manifest(project, "service.yaml", "targetPort: 9000", "targetPort: http")
    assert scaffold.deploy(project, image=first.image, pace=PACE).live == "passed"


def test_a_value_of_a_config_map_that_changes_renews_the_pods(
    cluster: Cluster, first: Built, project: Path
) -> None:
    add_config(project, "settings", "calm")
    reader = "          envFrom: [{configMapRef: {name: settings}}]\n          image:"
    edit_manifest(project, "deployment.yaml", "          image:", reader)
    before = scaffold.deploy(project, image=first.image, pace=PACE)
    add_config(project, "settings", "loud")
    after = scaffold.deploy(project, image=first.image, pace=PACE)
    assert (after.live, after.revision) == ("passed", before.revision + 1)


def test_status_names_a_sidecar_that_fails(cluster: Cluster, first: Built, project: Path) -> None:
    # It ends after the deploy, and then again after each restart.
    until = f"{time.time() + 120:.0f}"
    sidecar = FAILING_SIDECAR.replace("IMAGE", first.image).replace("UNTIL", until)
    edit_manifest(project, "deployment.yaml", "      containers:\n", sidecar)
    scaffold.deploy(project, image=first.image, pace=PACE, roll_back=False)
    states: set[str] = set()
    for _ in range(180):
        states |= {pod.state.partition(":")[0] for pod in scaffold.status(project).unready}
        if "proxy" in states:
            break
        time.sleep(1)
    assert "proxy" in states
