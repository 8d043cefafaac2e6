"""Settle a `record.json` that a merge of two branches left with conflict markers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from scaffold.base.checked import path_below, read_below
from scaffold.base.layout import PRISTINE, RECORD
from scaffold.base.markers import MIDDLE_MARK, OURS_MARK, THEIRS_MARK, marked_lines
from scaffold.errors import NoMarkersError, RecordSidesError
from scaffold.upgrade._record import unpack_pristine
from scaffold.upgrade._swap import apply_changes

_BASE_MARK = "|||||||"


def merge_record(root: Path) -> str:
    """Keep the side of a record whose pristine files are in the project, and return its version.

    What the other branch changed counts as edits of the owner's in the next update.

    Raises:
        NoMarkersError: The record has no conflict markers.
        RecordSidesError: The pristine files in the project are those of neither side.
    """
    content = read_below(root, RECORD)
    text = content.decode("utf-8", "replace")
    if not marked_lines(text):
        raise NoMarkersError(str(root / RECORD))
    packed = read_below(root, PRISTINE) if path_below(root, PRISTINE).is_file() else b""
    for side in _sides(text):
        try:
            document = json.loads(side)
            files, version = document["files"], document["spec"]["version"]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(files, Mapping) and unpack_pristine(packed, files):
            apply_changes(root, {RECORD: content}, {RECORD: side.encode()})
            return str(version)
    raise RecordSidesError(str(root))


def _sides(text: str) -> tuple[str, str]:
    """Both versions of a text with conflict markers; without the common ancestor of git's `diff3` style."""
    sides: tuple[list[str], list[str]] = ([], [])
    at: tuple[list[str], ...] = sides
    for line in text.splitlines(keepends=True):
        match line.rstrip("\n").split(" ")[0]:
            case mark if mark == OURS_MARK:
                at = (sides[0],)
            case mark if mark == _BASE_MARK:
                at = ()
            case mark if mark == MIDDLE_MARK:
                at = (sides[1],)
            case mark if mark == THEIRS_MARK:
                at = sides
            case _:
                for lines in at:
                    lines.append(line)
    return "".join(sides[0]), "".join(sides[1])
