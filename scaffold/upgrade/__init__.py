"""A new state of a project is merged into the owner's: no edit is lost, each change is told."""

from scaffold.upgrade._conflicts import Prefer
from scaffold.upgrade._content import Content, read_folder
from scaffold.upgrade._contract import Contract, contract_of_openapi, contract_of_signature
from scaffold.upgrade._git import uncommitted
from scaffold.upgrade._own import OwnRequirements
from scaffold.upgrade._plan import (
    UpdatePlan,
    accept_answers,
    apply_update,
    plan_update,
    restore_pristine,
    unknown_files,
    write_merged,
)
from scaffold.upgrade._record import read_record, write_record
from scaffold.upgrade._replay import Replay, compare_answers
from scaffold.upgrade._report import Change, Report, compare_contracts, compare_requirements
from scaffold.upgrade._swap import finish_interrupted, undo_change
from scaffold.upgrade._trees import FileMerge, FileOutcome, MergedTree, merge_trees

__all__ = [
    "Change",
    "Content",
    "Contract",
    "FileMerge",
    "FileOutcome",
    "MergedTree",
    "OwnRequirements",
    "Prefer",
    "Replay",
    "Report",
    "UpdatePlan",
    "accept_answers",
    "apply_update",
    "compare_answers",
    "compare_contracts",
    "compare_requirements",
    "contract_of_openapi",
    "contract_of_signature",
    "finish_interrupted",
    "merge_trees",
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
