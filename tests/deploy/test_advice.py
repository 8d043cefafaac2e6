"""The commands that messages print are typed here: each works, at the target that the message is about."""

from __future__ import annotations

import datetime as dt
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import scaffold
from scaffold.cli._app import app
from scaffold.errors import (
    DeployBusyError,
    LiveAnswersDifferError,
    ManifestError,
    NoEndpointError,
    PromotionRefusedError,
    RolloutFailedError,
    ScaffoldError,
    name_commands,
)
from tests.deploy._deploys import RELEASE, Deploys, image
from tests.deploy._fake_pods import waiting
from tests.deploy.test_verbs import CHANGES, change_template
from tests.deploy.test_verify import verify

TARGET = "production"
"""Not the one that commands take unasked."""
_COMMAND = re.compile(r"scaffold [a-z]+(?: --[a-z-]+(?: '[^']*'| [\w=-]+)?)+")


@pytest.fixture(autouse=True)
def in_the_project(deploys: Deploys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SCAFFOLD_STORE", f"sqlite:///{tmp_path}/store.db")
    monkeypatch.chdir(deploys.project)
    with name_commands():
        yield


def message_of(error: type[ScaffoldError], call: Callable[[], object]) -> str:
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


def commands_in(message: str) -> list[str]:
    found: list[str] = _COMMAND.findall(message)
    assert found, message
    assert all(f"--target {TARGET}" in command for command in found), message
    return found


def typed(deploys: Deploys, command: str) -> Result:
    """What a command does, with an answer to its question."""
    words = shlex.split(command)[1:]
    words += [] if words[0] == "build" else ["--kubeconfig", deploys.kubeconfig]
    return CliRunner().invoke(app, words, input="y\n")


def assert_works(deploys: Deploys, message: str) -> None:
    for command in commands_in(message):
        result = typed(deploys, command)
        assert result.exit_code == 0, (command, result.output, result.exception)


@pytest.mark.parametrize("name", ["nope", "base", "./base/"])
def test_an_unknown_target_names_those_that_exist_and_advises_no_deploy(deploys: Deploys, name: str) -> None:
    told = message_of(ManifestError, lambda: deploys.status(name))
    assert told.startswith(f"The project has no target '{name}'.\n")
    assert told.endswith("there are: production, staging")
    assert "is what the targets share" in told or name == "nope"
    result = typed(deploys, f"scaffold build --push --pin --target {name}")
    assert str(result.exception) == told.replace(f"{deploys.project}/", "")


def test_a_held_lock_names_the_status_of_its_target(deploys: Deploys) -> None:
    deploys.deploy(1, target=TARGET)
    now = dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": "bob@desk", "leaseDurationSeconds": 60, "renewTime": now, "acquireTime": now}
    metadata = {"name": "titanic-deploy", "namespace": "titanic-production"}
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
    deploys.cluster.api.create(lease)
    assert_works(deploys, message_of(DeployBusyError, lambda: deploys.deploy(2, target=TARGET)))


def test_after_a_first_deploy_with_wrong_answers_each_command_names_the_target(deploys: Deploys) -> None:
    deploys.cluster.factors[image(1)] = 3.0
    told = message_of(LiveAnswersDifferError, lambda: deploys.deploy(1, target=TARGET))
    builds, removes = commands_in(told)
    assert builds == f"scaffold deploy --target {TARGET}"
    told = message_of(NoEndpointError, lambda: verify(deploys, target=TARGET))
    assert commands_in(told) == [builds]
    deploys.cluster.factors[image(1)] = 2.0
    assert typed(deploys, f"{builds} --image {image(1)}").exit_code == 0
    assert typed(deploys, f"scaffold verify --target {TARGET}").exit_code == 0
    assert "removed  Service/titanic" in typed(deploys, removes).output


def test_after_a_first_deploy_whose_pods_fail_each_command_works(deploys: Deploys) -> None:
    deploys.cluster.behaviours[image(1)] = waiting("PodInitializing", "x")
    told = message_of(RolloutFailedError, lambda: deploys.deploy(1, target=TARGET))
    asked = message_of(RolloutFailedError, lambda: verify(deploys, target=TARGET))
    assert commands_in(asked) == [f"scaffold {verb} --target {TARGET}" for verb in ("logs", "status")]
    assert_works(deploys, asked)
    assert_works(deploys, told)


def test_a_changed_pod_template_is_proven_by_the_command_of_the_refusal(deploys: Deploys) -> None:
    deploys.deploy(1, target=TARGET)
    change_template(deploys, CHANGES[0])

    def promote() -> None:
        scaffold.promote(
            deploys.project, source=TARGET, target="staging", reason="tested", access=deploys.access
        )

    told = message_of(PromotionRefusedError, promote)
    assert f"Prove what runs there: scaffold verify --target {TARGET}." in told
    assert typed(deploys, f"scaffold verify --target {TARGET}").exit_code == 0
    assert deploys.status(TARGET).live == "passed"


def test_a_promotion_without_a_reason_names_both_targets(deploys: Deploys) -> None:
    deploys.deploy(1, release=RELEASE)
    result = typed(deploys, "scaffold promote --from staging --to production")
    assert str(result.exception).endswith(
        "scaffold promote --from staging --to production --reason 'approved in TICKET'"
    )


def test_a_deploy_without_a_registry_names_its_target(deploys: Deploys) -> None:
    result = typed(deploys, f"scaffold deploy --target {TARGET}")
    assert f"--target {TARGET} --registry registry.example.org/models" in str(result.exception)
