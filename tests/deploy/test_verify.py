"""`verify` proves what runs at a target or under a URL, whoever deployed it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import scaffold
from scaffold.base.who import user_and_host
from scaffold.cluster import Pace
from scaffold.errors import (
    ClusterRefusedError,
    DeployBusyError,
    LiveAnswersDifferError,
    NoEndpointError,
    NotDeployedError,
    PromotionRefusedError,
    RolloutFailedError,
    UsageError,
)
from scaffold.events import Event, Finished, Noted
from scaffold.spec import Verification
from scaffold.store import open_store
from tests.deploy._deploys import QUICK, RELEASE, Deploys, image
from tests.deploy.test_verbs import APPROVED, CHANGES, OTHERS, change_template, set_image


def verify(deploys: Deploys, **options: object) -> Verification:
    given: dict[str, object] = {"target": "staging", "access": deploys.access, "pace": QUICK}
    return scaffold.verify(deploys.project, on_event=deploys.events.append, **(given | options))  # type: ignore[arg-type]


@pytest.fixture
def deployed_by_another(deploys: Deploys) -> Deploys:
    """A target to which Argo CD, say, applied the manifests of the project."""
    (deploys.project / "model").mkdir()
    (deploys.project / "model/model.pkl").write_bytes(b"a model")
    deploys.deploy(1)
    api = deploys.cluster.api
    notes = api.find("Deployment")["metadata"]["annotations"]
    for name in [name for name in notes if name.startswith("model-scaffold/")]:
        del notes[name]
    deploys.cluster.asked.clear()
    return deploys


def test_what_another_tool_deployed_is_proven_and_recorded(deployed_by_another: Deploys) -> None:
    deploys = deployed_by_another
    assert deploys.status().live == ""
    verification = verify(deploys)
    assert verification.passed
    names = [check.name for check in verification.checks]
    assert names == ["one by one", "in batches", "in other orders", "again"]
    assert deploys.cluster.asked
    found = deploys.status()
    assert (found.live, found.image, found.url) == ("passed", image(1), "http://titanic.titanic-staging.svc")
    assert found.release is not None
    assert found.release.proof == "not recorded"


def test_wrong_answers_of_what_another_tool_deployed_are_recorded_too(deployed_by_another: Deploys) -> None:
    deploys = deployed_by_another
    deploys.cluster.factors[image(1)] = 3.0
    with pytest.raises(LiveAnswersDifferError):
        verify(deploys)
    assert deploys.status().live == "The live service answers, but not as the model does."


def test_an_image_that_another_tool_set_after_a_deploy_is_proven_anew(deploys: Deploys) -> None:
    deploys.deploy(1)
    set_image(deploys, 7)
    assert verify(deploys).passed
    assert (deploys.status().image, deploys.status().live) == (image(7), "passed")
    with pytest.raises(PromotionRefusedError, match="clean-environment proof: not recorded"):
        deploys.promoted(APPROVED)


def test_a_pod_template_that_another_tool_changed_is_proven_anew(deploys: Deploys) -> None:
    deploys.deploy(1)
    change_template(deploys, CHANGES[0])
    deploys.cluster.factors[image(1)] = 3.0
    with pytest.raises(LiveAnswersDifferError):
        verify(deploys)
    found = deploys.status()
    assert (found.live, found.release) == ("The live service answers, but not as the model does.", None)
    deploys.cluster.factors[image(1)] = 2.0
    assert verify(deploys).passed
    assert deploys.status().live == "passed"
    change_template(deploys, CHANGES[1])
    assert deploys.status().live == OTHERS


def test_a_verify_that_fails_does_not_say_which_model_runs(deployed_by_another: Deploys) -> None:
    """It may be that of another project, whose `verify` records its own model then."""
    deploys = deployed_by_another
    model = deploys.project / "model/model.pkl"
    deploys.cluster.factors[image(1)] = 3.0
    with pytest.raises(LiveAnswersDifferError):
        verify(deploys)
    assert deploys.status().release is None
    deploys.cluster.factors[image(1)] = 2.0
    model.write_bytes(b"another model")
    assert verify(deploys).passed
    release = deploys.status().release
    assert release is not None
    assert release.model_sha256 == hashlib.sha256(b"another model").hexdigest()


def test_what_changed_during_the_replay_is_not_recorded_as_proven(deploys: Deploys) -> None:
    deploys.deploy(1)

    def change(event: Event) -> None:
        if isinstance(event, Finished) and event.stage == "replay":
            set_image(deploys, 9)

    with pytest.raises(DeployBusyError, match="changed while the sample was replayed"):
        scaffold.verify(deploys.project, target="staging", access=deploys.access, pace=QUICK, on_event=change)
    assert deploys.status().live == "not done: another tool changed the image"


def test_a_verified_deploy_keeps_its_record(deploys: Deploys) -> None:
    deployed = deploys.deploy(1)
    verify(deploys)
    assert deploys.status() == deployed
    assert deployed.release == RELEASE


def test_a_service_that_leads_nowhere_is_no_proof(deployed_by_another: Deploys) -> None:
    deploys = deployed_by_another
    api = deploys.cluster.api
    api.edit(api.path_of(api.find("Service")), "kubectl", {"spec": {"selector": {"app": "other"}}})
    with pytest.raises(NoEndpointError, match="Service/titanic has no endpoint"):
        verify(deploys)
    assert deploys.status().live.startswith("Service/titanic has no endpoint")


def test_an_account_that_may_not_write_proves_without_a_record(deployed_by_another: Deploys) -> None:
    deploys = deployed_by_another
    deploys.cluster.api.forbidden.add(("patch", "deployments"))
    assert verify(deploys).passed
    assert any(isinstance(one, Noted) and "not recorded in the cluster" in one.text for one in deploys.events)
    assert deploys.status().live == ""


def test_a_target_that_runs_nothing_is_no_proof(deploys: Deploys) -> None:
    with pytest.raises(NotDeployedError, match="runs nothing"):
        verify(deploys)


def test_a_url_is_proven_without_a_cluster(deploys: Deploys) -> None:
    deploys.deploy(1)
    url = f"http://127.0.0.1:{deploys.cluster.api.forward_port}"
    assert verify(deploys, target=None, access=None, url=url).passed
    deploys.cluster.factors[image(1)] = 3.0
    with pytest.raises(LiveAnswersDifferError, match=f"{url}/score, row"):
        verify(deploys, target=None, access=None, url=url)
    with pytest.raises(RolloutFailedError, match="The service cannot be reached under its address"):
        verify(deploys, target=None, url="http://127.0.0.1:1", pace=Pace(address_s=0))
    with pytest.raises(UsageError, match="Name the target 'staging' or the URL"):
        verify(deploys, url=url)


def test_failed_deploys_are_in_the_store_with_who_what_and_why(deploys: Deploys, tmp_path: Path) -> None:
    (deploys.project / "model").mkdir()
    (deploys.project / "model/model.pkl").write_bytes(b"a model")
    store = f"sqlite:///{tmp_path}/store.db"
    events: list[Event] = []

    def deploy(number: int) -> None:
        scaffold.deploy(
            deploys.project,
            image=image(number),
            access=deploys.access,
            pace=QUICK,
            store=store,
            on_event=events.append,
        )

    deploy(1)
    deploys.cluster.factors[image(2)] = 3.0
    with pytest.raises(LiveAnswersDifferError):
        deploy(2)
    deploys.cluster.api.forbidden.add(("patch", "services"))
    with pytest.raises(ClusterRefusedError):
        deploy(3)
    entries = open_store(store).history("titanic")
    assert [(one.action, one.deployment.image, one.deployment.live) for one in entries] == [
        ("deploy", image(3), "The cluster does not take Service/titanic."),
        ("deploy", image(2), "The new revision answers, but not as the model does."),
        ("deploy", image(1), "passed"),
    ]
    failed = entries[0].deployment
    assert (failed.target, failed.namespace, failed.revision) == ("staging", "titanic-staging", 0)
    assert failed.release is not None
    assert failed.release.by == user_and_host()


TAGGED = "registry.example.org/models/titanic:1.0.0"


@pytest.fixture
def tagged(deployed_by_another: Deploys) -> Deploys:
    """A target whose image another tool names by its tag; it is proven."""
    deploys = deployed_by_another
    deploys.cluster.contents[TAGGED] = f"sha256:{1:064d}"
    api = deploys.cluster.api
    template = {"spec": {"containers": [{"name": "service", "image": TAGGED}]}}
    api.edit(api.path_of(api.find("Deployment")), "argocd", {"spec": {"template": template}})
    assert verify(deploys).passed
    assert deploys.status().live == "passed"
    return deploys


def move_tag(deploys: Deploys, pods: int) -> None:
    """Move the tag, and let so many pods be made anew, as after the loss of a node."""
    api = deploys.cluster.api
    deploys.cluster.contents[TAGGED] = f"sha256:{2:064d}"
    for pod in api.all("Pod")[-pods:]:
        api.delete(api.path_of(pod))
    api.after_write(api.find("Deployment"))


def test_a_tag_that_names_another_content_is_not_proven(tagged: Deploys) -> None:
    move_tag(tagged, 2)
    assert tagged.status().live.startswith("not known: the tag of the image names another content")
    with pytest.raises(PromotionRefusedError, match=r"Prove what runs there: scaffold verify --target"):
        tagged.promoted(APPROVED)
    assert verify(tagged).passed
    assert tagged.status().live == "passed"


def test_pods_with_different_contents_of_a_tag_are_no_proof(tagged: Deploys) -> None:
    move_tag(tagged, 1)
    assert tagged.status().live.startswith("not known: the tag")
    with pytest.raises(RolloutFailedError, match="The pods run different contents of one tag"):
        verify(tagged)
    assert tagged.status().live.startswith("The pods run different contents")
