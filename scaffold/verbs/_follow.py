"""Look for a newer model at the source of a project's model."""

from __future__ import annotations

from pathlib import Path

from scaffold import __version__
from scaffold.errors import MissingExtraError, ModelNotFetchedError, SourceNotFollowedError, StoreError
from scaffold.events import Noted, OnEvent
from scaffold.find import FoundModel, find_newer, server_asked
from scaffold.spec import ProjectRecord
from scaffold.verbs.update_result import Update


def newer_model(root: Path, record: ProjectRecord, on_event: OnEvent) -> FoundModel | None:
    """Return the newer model at the source of a project; None if the project has the newest.

    Raises:
        SourceNotFollowedError: The source does not give it.
    """
    origin = record.spec.origin
    if origin is None or not has_source(record):
        return None
    try:
        newer = find_newer(origin)
    except (ModelNotFetchedError, StoreError, MissingExtraError) as error:
        raise SourceNotFollowedError(str(root), str(error), origin.server) from error
    asked = server_asked(origin)
    if origin.server not in ("", asked):
        on_event(Noted(f"the model came from {origin.server}; this update asks {asked or 'a database'}"))
    if newer is None:
        on_event(Noted(f"nothing new at {origin.uri}" + (f" of {asked}" if asked else "")))
    else:
        source = "" if newer.provenance == origin.uri else f": {newer.provenance}"
        on_event(Noted(f"new at {origin.uri}{source}"))
    return newer


def has_source(record: ProjectRecord) -> bool:
    """Whether the model of the project came from a source that may have a newer one."""
    return record.spec.origin is not None and bool(record.spec.origin.uri)


def is_current(record: ProjectRecord) -> bool:
    """Whether only the source can bring changes: the project has one, and this version wrote the project."""
    return has_source(record) and record.spec.generator == __version__


def nothing_new(root: Path, record: ProjectRecord) -> Update:
    """Return the update that changes nothing."""
    from scaffold.upgrade import Report

    return Update(
        root=root,
        report=Report(old_version=record.spec.version, new_version=record.spec.version),
        files={},
        moved={},
        untouched={},
        conflicts={},
        applied=False,
        is_empty=True,
    )
