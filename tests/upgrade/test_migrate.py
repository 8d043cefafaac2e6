"""A project that an older version made is read as one of this version."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffold.base.codec import decode, encode
from scaffold.render._source import render_source
from scaffold.upgrade import read_record
from scaffold.upgrade._migrate import signature_from_format_1

RECORDS = Path(__file__).parent / "records"
# Signatures as version 0.1.0 wrote them, each with the sha256 of its equivalent in the present format.
# Equivalent: the templates of 0.1.0 render both to the same code.
SIGNATURES = json.loads((RECORDS / "signatures_1.json").read_text())


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_signature_of_format_1_is_the_same_in_the_present_format(name: str) -> None:
    signature = decode("Signature", signature_from_format_1(SIGNATURES[name]["signature"]))
    written = json.dumps(encode(signature), sort_keys=True)
    assert hashlib.sha256(written.encode()).hexdigest() == SIGNATURES[name]["sha256"]


def test_the_record_of_a_project_of_format_1_is_read(old_project: Callable[[str], Path]) -> None:
    root = old_project("iris")
    present, pristine = read_record(root)
    shutil.copy(RECORDS / "iris_1.json", root / ".scaffold/record.json")
    record, tree = read_record(root)
    rendered = render_source(record.spec.signature)
    assert {path: tree[path] for path in rendered} == {path: pristine[path] for path in rendered}
    assert rendered == render_source(present.spec.signature)
    # Only the evidence of fields differs from a signature of this version for the same sample.
    assert record.spec.signature.without_evidence() == present.spec.signature.without_evidence()
    assert dataclasses.replace(record.spec, signature=present.spec.signature) == dataclasses.replace(
        present.spec, artifact=record.spec.artifact
    )
