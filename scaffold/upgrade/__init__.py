"""Merge a new state of a project into the owner's: no edit is lost, and each change is reported."""

from scaffold.upgrade._compare_answers import AnswerComparison, compare_answers
from scaffold.upgrade._conflicts import Prefer
from scaffold.upgrade._content import Content, read_folder
from scaffold.upgrade._git import uncommitted
from scaffold.upgrade._merge_record import merge_record
from scaffold.upgrade._plan import UpdatePlan, plan_update
from scaffold.upgrade._record import read_record, write_record
from scaffold.upgrade._recorded import follow_wire_names
from scaffold.upgrade._report import Report
from scaffold.upgrade._swap import finish_interrupted, undo_change
from scaffold.upgrade._write import (
    accept_answers,
    apply_update,
    restore_pristine,
    unknown_files,
    write_merged,
)

__all__ = [
    "AnswerComparison",
    "Content",
    "Prefer",
    "Report",
    "UpdatePlan",
    "accept_answers",
    "apply_update",
    "compare_answers",
    "finish_interrupted",
    "follow_wire_names",
    "merge_record",
    "plan_update",
    "read_folder",
    "read_record",
    "restore_pristine",
    "uncommitted",
    "undo_change",
    "unknown_files",
    "write_merged",
    "write_record",
]
