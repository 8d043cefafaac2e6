"""Other values of a ConfigMap or Secret are a new revision, which is proven before callers reach it."""

from __future__ import annotations

import pytest

from scaffold.errors import LiveAnswersDifferError
from scaffold.events import Finished
from tests.deploy._deploys import Deploys, image
from tests.deploy._fake_api import Manifest
from tests.deploy.test_deploy import container_of

CONFIG = """
apiVersion: v1
kind: KIND
metadata: {name: titanic-config}
FIELD: {LEVEL: "VALUE"}
"""


def write_config(deploys: Deploys, kind: str, value: str) -> None:
    field = "data" if kind == "ConfigMap" else "stringData"
    text = CONFIG.replace("KIND", kind).replace("FIELD", field).replace("VALUE", value)
    (deploys.project / "deploy/staging/config.yaml").write_text(text)


def pods(deploys: Deploys) -> list[str]:
    return sorted(pod["metadata"]["name"] for pod in deploys.cluster.api.all("Pod"))


@pytest.mark.parametrize(
    ("kind", "reader"),
    [
        ("ConfigMap", "envFrom: [{configMapRef: {name: titanic-config}}]"),
        ("Secret", "envFrom: [{secretRef: {name: titanic-config}}]"),
        ("ConfigMap", ""),
    ],
)
def test_pods_are_renewed_if_a_value_changes_that_they_read(deploys: Deploys, kind: str, reader: str) -> None:
    write_config(deploys, kind, "calm")
    deploys.edit_manifest("kustomization.yaml", "resources:\n", "resources:\n  - config.yaml\n")
    if reader:
        deploys.edit_manifest("deployment.yaml", "          image:", f"          {reader}\n          image:")
    deploys.deploy(1)
    first = pods(deploys)
    assert deploys.deploy(1).revision == 1
    write_config(deploys, kind, "loud")
    deploys.events.clear()
    changed = deploys.deploy(1)
    assert changed.live == "passed"
    stages = [event.stage for event in deploys.events if isinstance(event, Finished)]
    assert (changed.revision, "candidate" in stages, pods(deploys) != first) == (
        (2, True, True) if reader else (1, False, False)
    )
    assert "loud" not in str(deploys.cluster.api.find("Deployment")["spec"])
    if reader and kind == "ConfigMap":
        assert deploys.roll_back().live == "passed"
        assert deploys.cluster.api.find("ConfigMap")["data"] == {"LEVEL": "calm"}
        assert pods(deploys) == first
    assert container_of(deploys)["image"] == image(1)


PROVIDERS = """\
{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: titanic}, spec: {secretName: tls}}
---
{apiVersion: external-secrets.io/v1, kind: SecretStore, metadata: {name: titanic}, spec: {provider: {}}}
---
{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: titanic}, spec: {hosts: [a]}}
"""


def test_what_makes_the_secrets_of_the_pods_is_applied_before_the_candidate(deploys: Deploys) -> None:
    deploys.deploy(1)
    (deploys.project / "deploy/staging/providers.yaml").write_text(PROVIDERS)
    deploys.edit_manifest("kustomization.yaml", "resources:\n", "resources:\n  - providers.yaml\n")
    written: list[str] = []
    reconcile = deploys.cluster.api.after_write

    def note(manifest: Manifest) -> None:
        reconcile(manifest)
        written.append(f"{manifest['kind']}/{manifest['metadata']['name']}")

    deploys.cluster.api.after_write = note
    deploys.cluster.factors[image(2)] = 9.0
    with pytest.raises(LiveAnswersDifferError):
        deploys.deploy(2)
    before = set(written[: written.index("Deployment/titanic-candidate")])
    assert {"Certificate/titanic", "SecretStore/titanic"} <= before
    assert "VirtualService/titanic" not in written
    assert deploys.cluster.api.all("Certificate") == []
