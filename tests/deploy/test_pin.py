"""A digest in `kustomization.yaml`: written without losing a line, and read."""

from __future__ import annotations

import pytest

from scaffold.cluster import pin_image, plan_deployment, read_image
from scaffold.errors import ManifestError
from tests.deploy._deploys import Deploys

NEW = "registry.example.org/team/titanic"
DIGEST = f"sha256:{'a' * 64}"
HEAD = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
HEAD += "namespace: titanic-staging\nresources:\n  - ../base\n"
TAGGED = """\
images:
  - name: titanic  # ours
    newName: old/titanic
    newTag: '1.0.0'  # moves
"""
PINNED = """\
images:
- digest: sha256:0000
  newName: old/titanic
  name: titanic
"""
SECOND = """\
images:
  - name: other
    newTag: '2'
  - name: titanic

# The end.
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TAGGED, TAGGED.replace("old/titanic", "NEW") + "    digest: DIGEST\n"),
        (PINNED, PINNED.replace("old/titanic", "NEW").replace("sha256:0000", "DIGEST")),
        (SECOND, SECOND.replace("titanic\n", "titanic\n    newName: NEW\n    digest: DIGEST\n")),
    ],
)
def test_only_the_entry_of_the_image_changes(deploys: Deploys, before: str, after: str) -> None:
    path = deploys.project / "deploy/staging/kustomization.yaml"
    path.write_text(before + HEAD)
    pin_image(deploys.project, "staging", f"{NEW}@{DIGEST}")
    assert path.read_text() == after.replace("NEW", NEW).replace("DIGEST", DIGEST) + HEAD
    name, _, digest = read_image(deploys.project, "staging").partition("@")
    assert name.startswith(NEW)
    assert digest == DIGEST


def test_without_an_entry_for_the_image_the_lines_to_add_are_named(deploys: Deploys) -> None:
    path = deploys.project / "deploy/staging/kustomization.yaml"
    path.write_text(HEAD)
    with pytest.raises(ManifestError) as caught:
        pin_image(deploys.project, "staging", f"{NEW}@{DIGEST}")
    lines = f"Add:\nimages:\n- name: titanic\n  newName: {NEW}\n  digest: {DIGEST}"
    assert str(caught.value).endswith(lines)
    assert path.read_text() == HEAD
    path.write_text(HEAD + lines.removeprefix("Add:\n"))
    pin_image(deploys.project, "staging", f"{NEW}@{DIGEST}")


def test_an_entry_to_add_to_a_list_is_shown_without_the_name_of_the_list(deploys: Deploys) -> None:
    path = deploys.project / "deploy/staging/kustomization.yaml"
    path.write_text(HEAD + "images:\n- name: other\n  newTag: '2'\n")
    with pytest.raises(ManifestError) as caught:
        pin_image(deploys.project, "staging", f"{NEW}@{DIGEST}")
    assert f"Add to `images`:\n- name: titanic\n  newName: {NEW}\n  digest: {DIGEST}" in str(caught.value)


@pytest.mark.parametrize("resources", ["5", "../base", "[5]", "[[../base]]"])
def test_resources_that_are_no_list_of_paths_are_refused(deploys: Deploys, resources: str) -> None:
    path = deploys.project / "deploy/staging/kustomization.yaml"
    path.write_text(f"{HEAD.partition('resources')[0]}resources: {resources}\n")
    with pytest.raises(ManifestError, match="`resources` is not a list of paths"):
        pin_image(deploys.project, "staging", f"{NEW}@{DIGEST}")


def test_a_pinned_image_is_planned_by_its_digest(deploys: Deploys) -> None:
    pin_image(deploys.project, "staging", f"{NEW}@{DIGEST}")
    planned = plan_deployment(deploys.project, target="staging", access=deploys.access)
    assert f"image: {NEW}:1.0.0@{DIGEST}" in planned.diff


TWO_OF_ONE_NEW_NAME = """\
images:
  - name: sidecar
    newName: old/titanic
    newTag: '1'
  - name: titanic
    newName: old/titanic
    newTag: '2'
"""
FLOW = "images: [{name: titanic, newName: old/titanic, newTag: '1.0.0'}]  # ours\n"
FLOW_ENTRY = "images:\n  # two\n  - {name: other, newTag: '1'}\n  - { name: 'titanic', digest: \"old\" }\n"
WINDOWS = "images:\r\n  - newName: old/titanic # ours\r\n    name: titanic\r\n"
JSON = '"images": [{"name": "titanic", "newName": "old/titanic"}]\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TWO_OF_ONE_NEW_NAME, TWO_OF_ONE_NEW_NAME.partition("  - name: titanic")[0] + "NAMED"),
        (FLOW, FLOW.replace("old/titanic", "NEW").replace("'}", '\', digest: "DIGEST"}')),
        (FLOW_ENTRY, FLOW_ENTRY.replace('old" }', 'DIGEST", newName: "NEW" }')),
        (WINDOWS, WINDOWS.replace("old/titanic", "NEW") + "    digest: DIGEST\r\n"),
        (JSON, JSON.replace("old/titanic", "NEW").replace('"}', '", "digest": "DIGEST"}')),
    ],
)
def test_the_entry_is_that_of_the_images_name_in_any_style(deploys: Deploys, before: str, after: str) -> None:
    path = deploys.project / "deploy/staging/kustomization.yaml"
    path.write_bytes((before + HEAD).encode())
    pin_image(deploys.project, "staging", f"{NEW}@{DIGEST}")
    named = "  - name: titanic\n    newName: NEW\n    newTag: '2'\n    digest: DIGEST\n"
    expected = after.replace("NAMED", named).replace("NEW", NEW).replace("DIGEST", DIGEST) + HEAD
    assert path.read_bytes().decode() == expected
    assert read_image(deploys.project, "staging").startswith(NEW)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ("images:\n  - {name: sidecar, newName: titanic}\n", "has no entry for the image"),
        (
            "images:\n  - name: titanic\n  - name: titanic\n    newTag: '2'\n",
            "has several entries for the image",
        ),
        (
            "images:\n  - {name: a, newTag: &t '2'}\n  - {name: titanic, digest: *t}\n",
            "entry cannot be changed",
        ),
        (
            f"images:\n  - name: titanic\n  - name: {NEW}\n    newName: other\n",
            "entry does not set the image",
        ),
        ("images:\n  - newName: titanic\n", "has an entry of `images` without a name"),
        ("images:\n  - name: titanic\n---\n", "holds more than one document"),
        (f"images:\n  - name: titanic\n---\n{HEAD}", "holds more than one document"),
        ("patches: [5]\n", "`patches` is not a list of mappings"),
        ("patches: {a: b}\n", "`patches` is not a list of mappings"),
    ],
)
def test_what_cannot_be_pinned_in_one_entry_is_refused_and_stays(
    deploys: Deploys, images: str, message: str
) -> None:
    path = deploys.project / "deploy/staging/kustomization.yaml"
    path.write_text(HEAD + images)
    with pytest.raises(ManifestError, match=message):
        pin_image(deploys.project, "staging", f"{NEW}@{DIGEST}")
    assert path.read_text() == HEAD + images
