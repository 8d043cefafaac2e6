"""From a project folder to a live service: built as layers, pushed to a registry, deployed by digest."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import scaffold
import scaffold.image
import scaffold.verbs.build
from scaffold.base.who import user_and_host
from scaffold.cli._app import app
from scaffold.cli._new import parse_answers
from scaffold.errors import (
    DeployBusyError,
    EditedDuringDeployError,
    ImageCheckError,
    ImageNotRunnableError,
    LiveAnswersDifferError,
    ManifestError,
    NotDeployedError,
    PromotionRefusedError,
    UsageError,
)
from scaffold.events import Advanced, Event, Finished, Noted, Started
from scaffold.render._deploy import deploy_files
from scaffold.spec import Check, Deployment, Image, Outcome, ProjectRecord, Verification
from scaffold.store import open_store
from scaffold.upgrade import write_record
from scaffold.verbs.project import Project
from tests.deploy._deploys import QUICK, RELEASE, Deploys, image
from tests.deploy._specs import project_spec
from tests.deploy.test_verbs import APPROVED
from tests.image._fake_registry import FakeRegistry, serving_registry
from tests.image._projects import dockerfile, make_spec, make_wheel, put_base, write_project


@pytest.fixture
def quiet_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use only the registry login, index, store and cache of the test; return the folder of wheels."""
    for name in ("SCAFFOLD_REGISTRY_USERNAME", "SCAFFOLD_REGISTRY_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("SCAFFOLD_STORE", f"sqlite:///{tmp_path}/store.db")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
    (tmp_path / "wheels").mkdir()
    return tmp_path / "wheels"


@dataclass
class Shop:
    """A project that is built as layers, pushed to a registry and deployed."""

    deploys: Deploys
    root: Path
    registry: FakeRegistry
    events: list[Event] = field(default_factory=list)

    def deploy(self, **options: Any) -> Deployment:
        given: dict[str, Any] = {"registry": f"{self.registry.address}/team", "builder": "layers"}
        given |= {"base": self.base, "platforms": ("linux/amd64",), "check": False}
        return scaffold.deploy(
            self.root,
            access=self.deploys.access,
            pace=QUICK,
            on_event=self.events.append,
            **{**given, **options},
        )

    @cached_property
    def base(self) -> str:
        return put_base(self.registry)

    @property
    def tags(self) -> dict[str, str]:
        """The digest that each tag names."""
        held = self.registry.manifests.get("team/titanic", {})
        return {
            name: f"sha256:{hashlib.sha256(content).hexdigest()}"
            for name, (content, _) in held.items()
            if not name.startswith("sha256")
        }

    @property
    def kustomization(self) -> Path:
        return self.root / "deploy/staging/kustomization.yaml"

    @property
    def notes(self) -> str:
        return "\n".join(event.text for event in self.events if isinstance(event, Noted))

    def change_model(self, content: bytes) -> None:
        (self.root / "model/model.pkl").write_bytes(content)
        (self.root / "Dockerfile").write_text(dockerfile(make_spec(model=content)))

    def record(self, answer: float) -> None:
        """Write a sample whose first answer is this one; the service in the cluster gives 3.0."""
        recorded = {"requests": [{"data": 1.5}], "answers": [{"prediction": answer}]}
        (self.root / "tests/recorded.json").write_text(json.dumps(recorded))


@pytest.fixture
def shop(deploys: Deploys, quiet_environment: Path, tmp_path: Path) -> Iterator[Shop]:
    root = write_project(tmp_path / "churn", lock=make_wheel(quiet_environment))
    (deploys.project / "deploy").rename(root / "deploy")
    (deploys.project / "tests/recorded.json").rename(root / "tests/recorded.json")
    with serving_registry(FakeRegistry()) as registry:
        yield Shop(deploys, root, registry)


def digest_of(deployment: Deployment) -> str:
    return deployment.image.partition("@")[2]


def test_what_runs_is_what_was_built_by_its_digest(shop: Shop) -> None:
    deployed = shop.deploy()
    name, _, digest = deployed.image.partition("@")
    assert name == f"{shop.registry.address}/team/titanic"
    registry = shop.registry
    assert registry.manifest("team/titanic", "1.0.0") == registry.manifest("team/titanic", digest)
    assert deployed.live == "passed"
    assert shop.events[0] == Started("build", f"{shop.registry.address}/team/titanic:1.0.0, by layers")
    assert any(isinstance(event, Advanced) and event.stage == "push" for event in shop.events)
    assert next(event for event in shop.events if isinstance(event, Finished)).stage == "image"
    entry = open_store().history("titanic")[0]
    assert (entry.action, entry.deployment.image) == ("deploy", deployed.image)


def test_the_versions_tag_moves_only_after_the_live_proof(shop: Shop) -> None:
    first = digest_of(shop.deploy())
    assert shop.tags["1.0.0"] == first
    shop.change_model(b"another model")
    shop.record(4.5)
    with pytest.raises(LiveAnswersDifferError):
        shop.deploy()
    failed = next(digest for tag, digest in shop.tags.items() if digest != first)
    assert shop.tags == {"1.0.0": first, **{f"1.0.0-{one[7:19]}": one for one in (first, failed)}}
    shop.record(3.0)
    assert digest_of(shop.deploy()) == failed
    assert shop.tags["1.0.0"] == failed


@pytest.mark.parametrize("field", ["image", "env"])
def test_what_another_tool_sets_after_the_replay_gets_no_tag_and_no_pin(shop: Shop, field: str) -> None:
    first = digest_of(shop.deploy())
    before, api = shop.kustomization.read_text(), shop.deploys.cluster.api
    other = {"image": f"{shop.registry.address}/team/titanic@{first}", "env": [{"name": "A", "value": "1"}]}
    container = {"name": "service", field: other[field]}

    class Meddling(list[Event]):
        def append(self, event: Event) -> None:
            super().append(event)
            if isinstance(event, Finished) and event.stage == "replay":
                spec = {"template": {"spec": {"containers": [container]}}}
                api.edit(api.path_of(api.find("Deployment")), "kubectl", {"spec": spec})

    shop.events = Meddling()
    shop.change_model(b"another model")
    with pytest.raises(DeployBusyError, match="Another tool changed Deployment/titanic after the sample"):
        shop.deploy(pin=True)
    assert shop.tags["1.0.0"] == first
    assert shop.kustomization.read_text() == before
    entry = open_store().history("titanic")[0].deployment
    assert entry.live.startswith("Another tool changed")


def test_the_loser_of_two_deploys_leaves_the_tag_on_the_image_that_runs(shop: Shop) -> None:
    first = digest_of(shop.deploy())
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": "bob@desk", "leaseDurationSeconds": 60, "renewTime": now, "acquireTime": now}
    metadata = {"name": "titanic-deploy", "namespace": "titanic-staging"}
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
    shop.deploys.cluster.api.create(lease)
    shop.change_model(b"another model")
    with pytest.raises(DeployBusyError):
        shop.deploy()
    assert shop.tags["1.0.0"] == first


def test_a_tag_moves_while_the_target_is_locked(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two deploys, the tag is on the image of the one that ends last."""
    holders: list[str] = []

    def move(*arguments: Any) -> str:
        holders.extend(one["spec"]["holderIdentity"] for one in shop.deploys.cluster.api.all("Lease"))
        return move_tag(*arguments)

    move_tag = scaffold.image.move_tag
    monkeypatch.setattr("scaffold.image.move_tag", move)
    shop.deploy()
    assert holders == [user_and_host()]
    assert "1.0.0" in shop.tags


def test_a_registry_that_does_not_move_tags_is_reported_and_fails_nothing(shop: Shop) -> None:
    shop.deploy()
    shop.change_model(b"another model")
    shop.registry.immutable = True
    assert shop.deploy().live == "passed"
    assert "the tag 1.0.0 was not moved to the image: " in shop.notes


def test_an_image_that_does_not_run_is_not_pushed(shop: Shop) -> None:
    """The base of three files has no Python. Without the check the image goes out."""
    with pytest.raises(ImageCheckError, match="was built, but does not run as it should"):
        shop.deploy(check=None)
    assert "team/titanic" not in shop.registry.manifests
    assert shop.deploys.cluster.api.objects == {}


def test_an_image_that_this_machine_cannot_run_is_pushed_unchecked_and_says_so(shop: Shop) -> None:
    architecture = "arm64" if platform.machine() == "x86_64" else "amd64"
    other: dict[str, Any] = {"platforms": (f"linux/{architecture}",)}
    other["base"] = put_base(shop.registry, architectures=(architecture,), repository="library/other")
    assert shop.deploy(check=None, **other).live == "passed"
    assert f"the image is not checked before its push: it is for linux/{architecture}" in shop.notes
    with pytest.raises(ImageNotRunnableError, match="--no-check"):
        shop.deploy(check=True, **other)


def test_a_pin_is_written_after_the_live_proof_and_understood_from_then_on(shop: Shop) -> None:
    before = shop.kustomization.read_text()
    deployed = shop.deploy(pin=True)
    after = shop.kustomization.read_text()
    assert [line for line in after.splitlines() if line not in before.splitlines()] == [
        f"    newName: {shop.registry.address}/team/titanic",
        f"    digest: {digest_of(deployed)}",
    ]
    shop.change_model(b"another model")
    again = shop.deploy(registry=None)
    assert again.image == deployed.image
    assert "pins the image; --pin builds it anew" in shop.notes
    anew = shop.deploy(registry=None, pin=True)
    assert anew.image != deployed.image
    assert digest_of(anew) in shop.kustomization.read_text()
    assert shop.tags["1.0.0"] == digest_of(anew)


def test_a_deploy_that_fails_pins_nothing(shop: Shop) -> None:
    before = shop.kustomization.read_text()
    shop.record(4.5)
    with pytest.raises(LiveAnswersDifferError):
        shop.deploy(pin=True)
    assert shop.kustomization.read_text() == before


def test_a_kustomization_that_cannot_be_pinned_is_an_error_before_anything_is_built(shop: Shop) -> None:
    text = shop.kustomization.read_text()
    shop.kustomization.write_text(text[: text.index("images:")])
    with pytest.raises(ManifestError, match="has no entry for the image"):
        shop.deploy(pin=True)
    assert "team/titanic" not in shop.registry.manifests


def test_a_build_writes_its_digest_into_the_kustomization(shop: Shop) -> None:
    built = scaffold.build(
        shop.root,
        builder="layers",
        base=shop.base,
        platforms=("linux/amd64",),
        push=True,
        registry=f"{shop.registry.address}/team",
        tag=None,
        check=False,
        pin=True,
    )
    assert f"    digest: {built.digest}" in shop.kustomization.read_text().splitlines()
    with pytest.raises(UsageError, match="Only an image that is pushed has a digest to pin"):
        scaffold.build(shop.root, builder="layers", output=shop.root / "image.tar", pin=True)


def prove(shop: Shop) -> None:
    """Record that the project is proven as it stands."""
    checks = (Check(name="start", outcome=Outcome.PASSED, detail="ready"),)
    proof = Verification(checks=checks, code_sha256=Project.open(shop.root).code_sha256)
    write_record(shop.root, ProjectRecord(spec=project_spec(), files={}, verification=proof))


def proof_of(deployment: Deployment) -> str:
    assert deployment.release is not None
    return deployment.release.proof


def test_the_proof_that_is_recorded_is_that_of_the_code_in_the_image(shop: Shop) -> None:
    assert proof_of(shop.deploy()) == "not recorded"
    prove(shop)
    proven = shop.deploy()
    assert proof_of(proven) == "passed"
    (shop.root / "app/main.py").write_text("app = 'edited after the proof'\n")
    edited = shop.deploy()
    assert proof_of(edited) == "outdated"
    # An image that is given says which code it was built from.
    assert proof_of(shop.deploy(image=proven.image)) == "passed"
    assert proof_of(shop.deploy(image=edited.image)) == "outdated"
    (shop.root / "README.md").write_text("No code.")
    assert proof_of(shop.deploy(image=proven.image)) == "passed"


def test_an_edit_during_the_build_deploys_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    prove(shop)
    module = shop.root / "app/main.py"

    def edit_and_build(*arguments: Any, **options: Any) -> Image:
        module.write_text("app = 'edited while the command runs'\n")
        return build(*arguments, **options)

    build = scaffold.verbs.build.build
    monkeypatch.setattr("scaffold.verbs.build.build", edit_and_build)
    with pytest.raises(EditedDuringDeployError, match="changed while its image was built"):
        shop.deploy()
    with pytest.raises(NotDeployedError):
        scaffold.status(shop.root, access=shop.deploys.access)


def test_a_proof_that_was_left_out_is_not_recorded_as_passed(shop: Shop) -> None:
    skipped = Check(name="proof", outcome=Outcome.SKIPPED, detail="the last update was not proven")
    proof = Verification(checks=(skipped,), code_sha256=Project.open(shop.root).code_sha256)
    write_record(shop.root, ProjectRecord(spec=project_spec(), files={}, verification=proof))
    assert proof_of(shop.deploy()) == "skipped"


@pytest.mark.parametrize("outcome", ["outdated", "skipped", "failed", "not recorded"])
def test_the_check_of_an_image_is_no_proof_of_its_code(deploys: Deploys, outcome: str) -> None:
    """Such as after an edit: the image answers the sample, and nobody ran the proof of its code."""
    name, _, digest = image(1).partition("@")
    made = Image(reference=f"{name}:1.0.0", digest=digest, checked=True)
    deployed = deploys.deploy(image=lambda: made, release=replace(RELEASE, proof=outcome))
    assert (proof_of(deployed), deployed.live) == (outcome, "passed")
    with pytest.raises(PromotionRefusedError, match=f"clean-environment proof: {outcome}"):
        deploys.promoted(APPROVED)


def type_build(shop: Shop, *options: str) -> str:
    given = ["--base", shop.base, "--platform", "linux/amd64", "--no-check", *options]
    result = CliRunner().invoke(app, ["build", str(shop.root), "--push", *given], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_push_goes_where_the_manifests_say_and_needs_no_engine(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(scaffold.verbs.build, "ENGINE_SOCKET", shop.root / "no.sock")
    address = f"{shop.registry.address}/team/titanic"
    text = shop.kustomization.read_text()
    shop.kustomization.write_text(text.replace("newName: titanic", f"newName: {address}"))
    assert f"{address}:1.0.0\n" in type_build(shop)
    assert f"{address}:2.0.0-rc\n" in type_build(shop, "--tag", "2.0.0-rc", "--target", "staging", "--pin")
    digest = shop.tags["2.0.0-rc"]
    assert f"    digest: {digest}" in shop.kustomization.read_text().splitlines()
    assert f"{address}:1.0.0\n" in type_build(shop)
    with pytest.raises(UsageError, match=r"Where should 'churn:1\.0\.0' be pushed to\?"):
        type_build(shop, "--target", "production")


DOCUMENT = (Path(__file__).parents[2] / "docs/deploy.md").read_text("utf-8")
WITHOUT_PYTHON = {
    "deploy": ["--no-check", "--builder", "layers"],
    "build": ["--no-check", "--builder", "layers"],
}
"""What the base of these tests, which has no Python, needs beside a documented line."""


def documented(verb: str) -> list[list[str]]:
    """The words after `scaffold` of the command lines of docs/deploy.md for a verb, else of its table."""
    lines = re.findall(rf"^    scaffold ({verb} .*)$", DOCUMENT, re.MULTILINE)
    rows = re.findall(rf"`({verb} --[^`\[]*)`", DOCUMENT)
    return [shlex.split(line) for line in lines or rows]


def test_the_lines_of_the_docs_work_as_they_are_typed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop.root.parent / "titanic-service").symlink_to(shop.root)
    monkeypatch.setenv("KUBECONFIG", shop.deploys.kubeconfig)
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    base = put_base(shop.registry, architectures=(machine,))
    address = f"{shop.registry.address}/team/titanic"
    for target in ("staging", "production"):
        path = shop.root / f"deploy/{target}/kustomization.yaml"
        path.write_text(path.read_text().replace("newName: titanic", f"newName: {address}"))

    def change(content: bytes) -> None:
        shop.change_model(content)
        path = shop.root / "Dockerfile"
        path.write_text(re.sub(r"^ARG BASE=.*$", f"ARG BASE={base}", path.read_text(), flags=re.MULTILINE))
        prove(shop)

    def type_lines(verb: str, count: int) -> None:
        lines = documented(verb)
        assert len(lines) == count, lines
        for words in lines:
            monkeypatch.chdir(shop.root.parent if "titanic-service" in words else shop.root)
            own = {"https://titanic.example.org": f"http://127.0.0.1:{shop.deploys.cluster.api.forward_port}"}
            typed = [own.get(word, word) for word in words] + WITHOUT_PYTHON.get(verb, [])
            result = CliRunner().invoke(app, typed, catch_exceptions=False)
            assert result.exit_code == 0, (words, result.output)

    change(b"a model")
    type_lines("deploy", 3)
    type_lines("verify", 2)
    type_lines("promote", 1)
    type_lines("build", 2)
    change(b"another model")
    type_lines("deploy", 3)
    assert CliRunner().invoke(app, ["rollback", str(shop.root)], catch_exceptions=False).exit_code == 0
    assert CliRunner().invoke(app, ["status", str(shop.root)], catch_exceptions=False).exit_code == 0


def test_the_answers_of_the_docs_are_taken() -> None:
    lines = documented("update")
    assert len(lines) == 4
    for words in lines:
        pairs = [word for word in words if "=" in word]
        assert deploy_files(project_spec(parse_answers(pairs)))


def test_a_rollback_says_what_the_manifests_would_bring_back_or_pins_what_runs(shop: Shop) -> None:
    first = shop.deploy()
    shop.change_model(b"another model")
    second = shop.deploy(pin=True)
    given: dict[str, Any] = {"access": shop.deploys.access, "pace": QUICK, "on_event": shop.events.append}
    assert scaffold.rollback(shop.root, **given).image == first.image
    assert f"kustomization.yaml pins {digest_of(second)}: kubectl apply -k" in shop.notes
    assert f"Set there: digest: {digest_of(first)}" in shop.notes
    assert scaffold.rollback(shop.root, **given).image == second.image
    shop.events.clear()
    assert scaffold.rollback(shop.root, pin=True, **given).image == first.image
    assert f"    digest: {digest_of(first)}" in shop.kustomization.read_text().splitlines()
    assert "may roll out again" not in shop.notes
