"""A Service that changes goes on leading to the former pods until the new ones have replaced them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scaffold.errors import ManifestError
from tests.deploy._deploys import Deploys, image
from tests.deploy.test_candidate import GRADUAL, calling


def add_label(project: Path, file: str, head: str, indent: int) -> None:
    path = project / "deploy/base" / file
    path.write_text(path.read_text().replace(head, f"{head}{' ' * indent}tier: api\n", 1))


def test_a_label_and_the_selector_of_it_take_two_deploys(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.cluster.pod_step_s = 0.02
    labels, selector = ("deployment.yaml", "\n      labels:\n", 8), ("service.yaml", "\n  selector:\n", 4)
    unchanged = (deploys.project / "deploy/base/service.yaml").read_text()
    with calling(deploys) as callers:
        add_label(deploys.project, *labels)
        add_label(deploys.project, *selector)
        with pytest.raises(ManifestError) as caught:
            deploys.deploy(2, pace=GRADUAL)
        changed = (deploys.project / "deploy/base/service.yaml").read_text()
        for number, text in ((2, unchanged), (3, changed)):
            (deploys.project / "deploy/base/service.yaml").write_text(text)
            assert deploys.deploy(number, pace=GRADUAL).live == "passed"
    assert callers.failures == []
    assert str(caught.value).startswith(
        "Service/titanic would not lead to the former pods: callers would be refused during the rollout.\n"
        "  selector: app.kubernetes.io/name=titanic, tier=api\n"
        "  labels of the former pods: app.kubernetes.io/name=titanic, app.kubernetes.io/version=1.0.0\n"
        "Deploy the labels of deployment.yaml first, and then the `selector` in service.yaml."
    )


@pytest.mark.parametrize("candidate", [True, False])
def test_a_port_by_number_that_changes_in_the_service_and_the_pods_is_refused(
    deploys: Deploys, candidate: bool
) -> None:
    deploys.edit_manifest("service.yaml", "targetPort: http", "targetPort: 8000")
    deploys.deploy(1)
    deploys.edit_manifest("service.yaml", "targetPort: 8000", "targetPort: 9000")
    deploys.edit_manifest("deployment.yaml", "containerPort: 8000", "containerPort: 9000")
    deploys.cluster.ports[image(2)] = deploys.cluster.ports[image(3)] = 9000
    options: dict[str, Any] = {"pace": GRADUAL, "environment": {"PORT": "9000"}, "candidate": candidate}
    deploys.cluster.pod_step_s = 0.02
    with calling(deploys) as callers:
        with pytest.raises(
            ManifestError, match=r"targetPort: 9000\n  ports of the former pods: http .8000.\n"
        ):
            deploys.deploy(2, **options)
        deploys.edit_manifest("service.yaml", "targetPort: 9000", "targetPort: http")
        deploys.edit_manifest("deployment.yaml", "containerPort: 9000", "containerPort: 8000")
        deploys.deploy(1, **{**options, "environment": {}})
        deploys.edit_manifest("deployment.yaml", "containerPort: 8000", "containerPort: 9000")
        deploys.deploy(2, **options)
    assert callers.failures == []


def test_the_name_of_a_port_that_changes_in_the_service_and_the_pods_is_refused(deploys: Deploys) -> None:
    """The former pods have no port of the new name: the Service would leave them out."""
    deploys.deploy(1)
    deploys.edit_manifest("service.yaml", "targetPort: http", "targetPort: web")
    for old in ("name: http\n", "port: http "):
        deploys.edit_manifest("deployment.yaml", old, old.replace("http", "web"))
    with pytest.raises(ManifestError, match="would not lead to the former pods"):
        deploys.deploy(2)


def test_a_service_that_no_caller_can_use_may_be_mended_in_one_deploy(deploys: Deploys) -> None:
    deploys.deploy(1)
    api = deploys.cluster.api
    path = api.path_of(api.find("Service"))
    api.edit(path, "kubectl", {"spec": {"selector": {"app": "nobody"}}})
    add_label(deploys.project, "deployment.yaml", "\n      labels:\n", 8)
    deploys.edit_manifest("service.yaml", "targetPort: http", "targetPort: 8000")
    del api.objects[path]["spec"]["selector"]["app"]
    api.edit(path, "kubectl", {"spec": {"ports": [{"name": "http", "port": 80, "targetPort": 9000}]}})
    assert deploys.deploy(2, force_conflicts=True).live == "passed"
