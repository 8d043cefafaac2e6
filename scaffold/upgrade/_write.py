"""Write a planned update into the project, or into a copy of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from scaffold.base.checked import path_below
from scaffold.base.layout import FAST_DATA, PRISTINE, RECORDED
from scaffold.spec import ProjectRecord
from scaffold.upgrade._content import (
    LARGEST_TEXT_BYTES,
    NOT_COPIED,
    Content,
    Opaque,
    content_sha256,
    read_tree,
)
from scaffold.upgrade._plan import UpdatePlan
from scaffold.upgrade._record import record_files
from scaffold.upgrade._recorded import has_own_requests
from scaffold.upgrade._swap import apply_changes


def apply_update(plan: UpdatePlan) -> None:
    """Carry out a plan, the project's record with it: all of it, or nothing.

    Raises:
        UpgradeError: A file was changed since it was planned.
    """
    _write(plan.root, plan.record, plan.pristine, {**plan.added, **plan.owner}, plan.changes)


def accept_answers(
    root: Path, record: ProjectRecord, ancestor: Mapping[str, Content], recorded: bytes
) -> None:
    """Take `recorded` for the recorded answers of a project, all of it or nothing.

    Args:
        root: The project.
        record: Its record, with the proof that these answers come from.
        ancestor: Its pristine state, as `read_record` gives it.
        recorded: The text of `tests/recorded.json`.

    Raises:
        UpgradeError: A file was changed meanwhile.
    """
    before = read_tree(root, [RECORDED])
    has_own = has_own_requests(ancestor, {**read_tree(root, ancestor), RECORDED: recorded})
    pristine = ancestor if has_own else {**ancestor, RECORDED: recorded}
    files = {path: content_sha256(content) for path, content in pristine.items()}
    _write(root, replace(record, files=files), pristine, before, {RECORDED: recorded})


def restore_pristine(root: Path, record: ProjectRecord, ancestor: Mapping[str, Content]) -> None:
    """Write the archive of pristine files again if it was lost and all of them are known.

    Args:
        root: The project.
        record: The record of the project.
        ancestor: The pristine files by path, as `read_record` gives them.
    """
    if not path_below(root, PRISTINE).is_file() and not unknown_files(record, ancestor):
        _write(root, record, ancestor, {}, {})


def unknown_files(record: ProjectRecord, ancestor: Mapping[str, Content]) -> list[str]:
    """Return the pristine files of which only the hash is known, except those that no update merges."""
    return [
        path
        for path, content in ancestor.items()
        if isinstance(content, Opaque)
        and content.path is None
        and content.sha256 != record.spec.artifact.sha256
        and path not in FAST_DATA
    ]


def _write(
    root: Path,
    record: ProjectRecord,
    pristine: Mapping[str, Content],
    before: Mapping[str, Content],
    changes: Mapping[str, Content | None],
) -> None:
    """Write `changes` and the files of a project's record that changed."""
    new: dict[str, Content] = dict(record_files(record, pristine))
    current = read_tree(root, new)
    outdated = {path: content for path, content in new.items() if content != current.get(path)}
    known_hashes = {path: Opaque(content_sha256(content)) for path, content in current.items()}
    apply_changes(root, {**before, **known_hashes}, {**changes, **outdated})


def write_merged(plan: UpdatePlan, target: Path) -> None:
    """Write the merged project with the owner's files into `target`, for the proof."""
    shutil.copytree(
        plan.root,
        target,
        symlinks=True,
        ignore=shutil.ignore_patterns(*NOT_COPIED),
        copy_function=_copy_or_link,
        dirs_exist_ok=True,
    )
    for path, content in plan.changes.items():
        file = path_below(target, path, link=True)
        file.unlink(missing_ok=True)
        if content is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            file.write_bytes(content)
        elif isinstance(content, Opaque) and content.path is not None:
            _copy_or_link(str(content.path), str(file))


def _copy_or_link(source: str, target: str) -> None:
    """Copy a file; a large file, which nothing writes to, is hard-linked."""
    if Path(source).stat().st_size > LARGEST_TEXT_BYTES:
        try:
            os.link(source, target)
            return
        except OSError:
            pass
    shutil.copy2(source, target)
