"""What a promotion checks at its target, and what it leaves in the manifests."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

import scaffold
from scaffold.errors import ManifestError
from scaffold.events import Noted
from scaffold.spec import Deployment
from tests.deploy._deploys import QUICK, RELEASE, Deploys, image

DIGESTS = {number: f"sha256:{number:064d}" for number in (1, 2)}


@pytest.fixture(autouse=True)
def deployed(deploys: Deploys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Image 2 runs at staging, with the model of the project."""
    monkeypatch.setenv("SCAFFOLD_STORE", f"sqlite:///{tmp_path}/store.db")
    monkeypatch.delenv("SCAFFOLD_REGISTRY_USERNAME", raising=False)
    (deploys.project / "model").mkdir()
    (deploys.project / "model/model.pkl").write_bytes(b"m")
    release = dataclasses.replace(RELEASE, model_sha256=hashlib.sha256(b"m").hexdigest())
    deploys.deploy(2, release=release)


def pin_production(deploys: Deploys) -> Path:
    path = deploys.project / "deploy/production/kustomization.yaml"
    path.write_text(re.sub(r"    newTag: .*", f"    digest: {DIGESTS[1]}", path.read_text()))
    return path


def promote(deploys: Deploys, notes: list[str], **options: Any) -> Deployment:
    def listen(event: object) -> None:
        if isinstance(event, Noted):
            notes.append(event.text)

    return scaffold.promote(
        deploys.project, reason="x", access=deploys.access, pace=QUICK, on_event=listen, **options
    )


def test_a_promotion_to_a_target_that_pins_another_image_says_so(deploys: Deploys) -> None:
    pin_production(deploys)
    notes: list[str] = []
    assert promote(deploys, notes).image == image(2)
    [note] = [text for text in notes if "kustomization" in text]
    assert note.startswith(f"deploy/production/kustomization.yaml pins {DIGESTS[1]}: kubectl apply -k,")
    assert note.endswith(f"Set there: digest: {DIGESTS[2]}. A promotion with --pin does.")


def test_a_promotion_can_pin_its_image(deploys: Deploys) -> None:
    path = pin_production(deploys)
    notes: list[str] = []
    promote(deploys, notes, pin=True)
    assert DIGESTS[2] in path.read_text()
    assert [text for text in notes if "kustomization" in text] == [
        f"deploy/production/kustomization.yaml pins {image(2)}"
    ]


def test_a_promotion_to_a_target_that_names_the_version_says_nothing(deploys: Deploys) -> None:
    notes: list[str] = []
    promote(deploys, notes)
    assert [text for text in notes if "kustomization" in text] == []


def test_a_promotion_checks_the_settings_of_the_dockerfile(deploys: Deploys) -> None:
    (deploys.project / "Dockerfile").write_text("FROM scratch\nENV PORT=9000\n")
    with pytest.raises(ManifestError, match="listens on a port that its container does not name"):
        promote(deploys, [])
