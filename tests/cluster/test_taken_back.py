"""What a failed deploy takes back in a real cluster, whoever made what was there before."""

from __future__ import annotations

from pathlib import Path

import pytest

import scaffold
from scaffold.cluster import Pace
from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._manifests import fill_in, read_target
from scaffold.cluster._rollout import live_deployment, wait_for_rollout
from scaffold.errors import LiveAnswersDifferError
from tests.cluster._support import Built

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
PACE = Pace(rollout_s=300, address_s=60)


def template_of(cluster: Cluster, project: Path) -> Manifest:
    template: Manifest = live_deployment(cluster, read_target(project, "staging"))["spec"]["template"]
    return template


def test_pods_that_another_tool_made_are_brought_back(
    cluster: Cluster, first: Built, second: Built, project: Path
) -> None:
    target = read_target(project, "staging")
    for manifest in fill_in(target, first.image):
        manifest["metadata"].pop("annotations", None)
        cluster.apply(manifest, field_manager="test")
    wait_for_rollout(cluster, target, PACE, lambda _: None)
    before = template_of(cluster, project)
    with pytest.raises(LiveAnswersDifferError, match="Rolled back to revision 1"):
        scaffold.deploy(project, image=second.image, candidate=False, force_conflicts=True, pace=PACE)
    assert template_of(cluster, project) == before
    assert scaffold.status(project).live == ""
