"""YAML of anybody's: whatever is wrong with it is one kind of error."""

from pathlib import Path

import pytest
import yaml

from scaffold.base.yaml_text import yaml_document, yaml_documents
from scaffold.cluster import check_pin
from scaffold.errors import ManifestError
from scaffold.upgrade._overlays import _resources


@pytest.mark.parametrize("text", ["[" * 5000, "2020-13-45", "0b_", "9" * 6000, "a: [", "? [a]\n: b"])
def test_a_text_that_is_no_yaml_is_a_yaml_error(text: str, tmp_path: Path) -> None:
    with pytest.raises(yaml.YAMLError):
        yaml_document(text)
    assert _resources(text) == []
    require_refused(text, tmp_path)


def test_several_documents_and_none_are_read() -> None:
    assert yaml_documents("a: 1\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]
    assert yaml_document("") is None
    with pytest.raises(yaml.YAMLError):
        yaml_document("a: 1\n---\nb: 2\n")


@pytest.mark.parametrize("text", ["", "- a", "resources: 5\nimages: 5", "resources: {a: b}\nimages: [5]"])
def test_a_kustomization_without_lists_has_nothing_in_them(text: str, tmp_path: Path) -> None:
    assert _resources(text) == []
    require_refused(text, tmp_path)


def require_refused(text: str, root: Path) -> None:
    """Check that a kustomization of this text is one message."""
    path = root / "deploy/staging/kustomization.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ManifestError):
        check_pin(root, "staging")
