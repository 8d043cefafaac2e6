"""Settle a `record.json` that a merge of two branches mixed, with conflict markers or without."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from scaffold.base.checked import path_below, read_below
from scaffold.base.layout import PRISTINE, RECORD
from scaffold.base.markers import MIDDLE_MARK, OURS_MARK, THEIRS_MARK, marked_lines
from scaffold.errors import NoMarkersError, RecordSidesError
from scaffold.upgrade._pristine import records_in_git, unpack_pristine
from scaffold.upgrade._swap import apply_changes

_BASE_MARK = "|||||||"


def merge_record(root: Path) -> str:
    """Restore the record to which the pristine files in the project belong, and return its version.

    The record is one side of its conflict markers. Where git merged other lines of it without a conflict,
    neither side is a whole record: then it is read from the merge in git, or from a commit. What the other
    branch changed counts as edits of the owner's in the next update.

    Raises:
        NoMarkersError: The record has no conflict markers, and belongs to the pristine files.
        RecordSidesError: The pristine files in the project belong to no known version of the record.
    """
    content = read_below(root, RECORD)
    text = content.decode("utf-8", "replace")
    packed = read_below(root, PRISTINE) if path_below(root, PRISTINE).is_file() else b""
    has_markers = bool(marked_lines(text))
    if not has_markers and (not packed or _version_of(text, packed)):
        raise NoMarkersError(str(root / RECORD))
    for candidate in (*(_sides(text) if has_markers else ()), *records_in_git(root)):
        if version := _version_of(candidate, packed):
            apply_changes(root, {RECORD: content}, {RECORD: candidate.encode()})
            return version
    raise RecordSidesError(str(root))


def _version_of(text: str, packed: bytes) -> str:
    """Return the version in a record if the pristine files belong to it; else nothing."""
    try:
        document = json.loads(text)
        files, version = document["files"], document["spec"]["version"]
    except (ValueError, KeyError, TypeError):
        return ""
    return str(version) if isinstance(files, Mapping) and unpack_pristine(packed, files) else ""


def _sides(text: str) -> tuple[str, str]:
    """Both versions of a text with conflict markers; without the common ancestor of git's `diff3` style."""
    sides: tuple[list[str], list[str]] = ([], [])
    at: tuple[list[str], ...] = sides
    for line in text.splitlines(keepends=True):
        match line.rstrip("\r\n").split(" ")[0]:
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
