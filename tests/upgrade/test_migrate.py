"""A project that an older version made is read as one of this version."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import pytest

from scaffold.base.codec import decode
from scaffold.render._source import render_source
from scaffold.upgrade import read_record
from scaffold.upgrade._migrate import signature_from_format_1

RECORDS = Path(__file__).parent / "records"
EXAMPLE = Path(__file__).parents[2] / "examples/iris/service"
# Signatures as version 0.1.0 wrote them, and the sha256 of the code that it rendered for each.
SIGNATURES = json.loads((RECORDS / "signatures_1.json").read_text())


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_signature_of_format_1_renders_the_same_code(name: str) -> None:
    signature = decode("Signature", signature_from_format_1(SIGNATURES[name]["signature"]))
    rendered = {
        path: hashlib.sha256(text.encode()).hexdigest() for path, text in render_source(signature).items()
    }
    assert rendered == SIGNATURES[name]["sha256"]


def test_the_record_of_a_project_of_format_1_is_read(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "service")
    shutil.copy(RECORDS / "iris_1.json", tmp_path / "service/.scaffold/record.json")
    record, tree = read_record(tmp_path / "service")
    rendered = render_source(record.spec.signature)
    assert {path: text.encode() for path, text in rendered.items()} == {path: tree[path] for path in rendered}
    # Only the evidence of each field differs from the signature that this version infers.
    present, _ = read_record(EXAMPLE)
    assert record.spec.signature.without_evidence() == present.spec.signature.without_evidence()
    assert dataclasses.replace(record.spec, signature=present.spec.signature) == dataclasses.replace(
        present.spec, artifact=record.spec.artifact
    )
