"""The recorded sample of a project whose owner renamed fields or recorded other requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

from scaffold.base.layout import RECORDED, SCHEMAS
from scaffold.base.recording import parse_recording
from scaffold.spec import JSONValue, Recording
from scaffold.upgrade._content import Content
from scaffold.upgrade._moves import find_moved_files, find_moved_folder
from scaffold.upgrade._renames import wire_annotations, wire_renames

_REQUEST, _OUTPUT_CLASS = "ModelInput", "ModelOutput"
_ByClass: TypeAlias = Mapping[str, Mapping[str, str]]
_MAPPING = re.compile(r"\b(dict|Mapping)\[")


def follow_wire_names(
    recording: Recording, ancestor: Mapping[str, Content], owner: Mapping[str, Content]
) -> Recording:
    """Return the recording with the owner's names of the fields over HTTP.

    Args:
        recording: Requests and answers with the generated names.
        ancestor: The pristine project of the last update.
        owner: All files of the owner's that are known.
    """
    before, after = ancestor.get(SCHEMAS), _schemas(ancestor, owner)
    if not isinstance(before, bytes) or not isinstance(after, bytes) or before == after:
        return recording
    names = wire_renames(before.decode(), after.decode())
    if not names:
        return recording
    annotations = wire_annotations(before.decode())
    return Recording(
        requests=tuple(_rename_keys(each, _REQUEST, names, annotations) for each in recording.requests),
        answers=tuple(_rename_keys(each, _OUTPUT_CLASS, names, annotations) for each in recording.answers),
    )


def has_own_requests(ancestor: Mapping[str, Content], owner: Mapping[str, Content]) -> bool:
    """Whether the owner's `tests/recorded.json` has other requests than the generated one."""
    generated, own = (_recording(tree) for tree in (ancestor, owner))
    if generated is None or own is None or own.requests == generated.requests:
        return False
    return own.requests != follow_wire_names(generated, ancestor, owner).requests


def replace_recorded(
    ancestor: Mapping[str, Content],
    theirs: Mapping[str, Content],
    ours: Mapping[str, Content],
    added: Mapping[str, Content],
) -> tuple[Mapping[str, Content], Mapping[str, Content]]:
    """Return the new state and the owner's files such that `tests/recorded.json` is not merged by lines.

    Requests of the owner's stay; of the generated requests, the answers are those of the new state.
    """
    if has_own_requests(ancestor, {**added, **ours}):
        return {**theirs, RECORDED: ancestor[RECORDED]}, ours
    if _recording(ours) and _recording(ancestor) and theirs.get(RECORDED) != ancestor[RECORDED]:
        return theirs, {**ours, RECORDED: ancestor[RECORDED]}
    return theirs, ours


def _recording(tree: Mapping[str, Content]) -> Recording | None:
    content = tree.get(RECORDED)
    try:
        return parse_recording(content) if isinstance(content, bytes) else None
    except ValueError:
        return None


def _schemas(ancestor: Mapping[str, Content], owner: Mapping[str, Content]) -> Content | None:
    """Return the owner's `schemas.py`, also if it was moved or renamed."""
    if SCHEMAS in owner:
        return owner[SCHEMAS]
    ours = {path: content for path, content in owner.items() if path in ancestor}
    added = {path: content for path, content in owner.items() if path not in ancestor}
    if folder := find_moved_folder(ancestor, ours, added):
        return added.get(f"{folder}/{SCHEMAS}")
    return added.get(find_moved_files(ancestor, ours, added).get(SCHEMAS, ""))


def _rename_keys(value: JSONValue, annotation: str, names: _ByClass, annotations: _ByClass) -> JSONValue:
    """Return a value of a request or an answer with the owner's names of its fields, at all depths.

    Args:
        value: The value.
        annotation: Its type in the generated code: `ModelInput`, `list[Address] | None`.
        names: The owner's names by generated class and name.
        annotations: The types of the fields by generated class and name.
    """
    classes = [name for name in annotations if re.search(rf"\b{re.escape(name)}\b", annotation)]
    if len(classes) != 1:
        return value
    if isinstance(value, list):
        return [_rename_keys(each, annotation, names, annotations) for each in value]
    if not isinstance(value, dict):
        return value
    if _MAPPING.search(annotation):
        return {key: _rename_keys(each, classes[0], names, annotations) for key, each in value.items()}
    own, types = names.get(classes[0], {}), annotations[classes[0]]
    return {
        own[name] if name in own and own[name] not in value else name: _rename_keys(
            each, types.get(name, ""), names, annotations
        )
        for name, each in value.items()
    }
