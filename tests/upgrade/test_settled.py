"""What needs no conflict, what is a conflict though its lines merge, and a record with markers."""

import itertools
import json
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scaffold.base.layout import PRISTINE, RECORD, STATE_ATTRIBUTES
from scaffold.base.process import run_command
from scaffold.cli._app import app
from scaffold.errors import (
    MarkedRecordError,
    MergeConflictError,
    NoMarkersError,
    RecordSidesError,
)
from scaffold.events import Event, Noted
from scaffold.spec import JSONValue
from scaffold.upgrade import merge_record
from scaffold.upgrade._conflicts import Conflicts, Prefer
from scaffold.upgrade._content import Content, Link, content_sha256
from scaffold.upgrade._outcome import FileOutcome
from scaffold.upgrade._pristine import pack_pristine, pristine_in_git, unpack_pristine
from scaffold.upgrade._python import merge_python
from scaffold.upgrade._record import _ATTRIBUTES as ATTRIBUTES
from scaffold.upgrade._trees import merge_trees
from scaffold.verbs.update import update
from tests.upgrade._edits import edit

CODE = b'"""Docs."""\n\n\ndef shown(first: int, second: int) -> int:\n    return first + second  # the sum\n'
WRAPPED = b"\n    first: int,\n    second: int,\n"
YAML = b"kind: Service\nname: churn\n"


@pytest.mark.parametrize(
    ("path", "base", "ours"),
    [
        (
            "app/docs.py",
            CODE,
            CODE.replace(b"first: int, second: int", b"\n    first: int,\n    second: int,\n"),
        ),
        ("app/docs.py", CODE, CODE.replace(b"\n", b"\r\n")),
        ("deploy/service.yaml", YAML, YAML.replace(b"\n", b"\r\n")),
        ("deploy/service.yaml", YAML, YAML.replace(b"\n", b" \n") + b"\n"),
    ],
)
def test_a_file_that_was_only_laid_out_anew_goes_with_the_new_state(
    path: str, base: bytes, ours: bytes
) -> None:
    tree = merge_trees({path: base}, {}, {path: ours})
    assert tree.files[path].outcome is FileOutcome.REMOVED
    edited = merge_trees({path: base}, {}, {path: ours.replace(b"first +", b"-").replace(b"churn", b"own")})
    assert edited.conflicts == {path: "you changed it, the new state lacks it; yours is kept"}


def test_a_link_to_another_generated_file_is_kept_and_told() -> None:
    base: dict[str, Content] = {"deploy/a/namespace.yaml": YAML, "deploy/b/namespace.yaml": YAML}
    new: dict[str, Content] = dict.fromkeys(base, YAML + b"more: 1\n")
    link = Link("../a/namespace.yaml")
    tree = merge_trees(base, new, {**base, "deploy/b/namespace.yaml": link})
    assert not tree.conflicts
    assert tree.files["deploy/b/namespace.yaml"].content == link
    assert tree.changed_files["deploy/b/namespace.yaml"] == "kept"
    outside = merge_trees(base, new, {**base, "deploy/b/namespace.yaml": Link("/etc/hosts")})
    [detail] = outside.conflicts.values()
    assert detail == "it is a link to /etc/hosts, and the new state changed the file; yours is kept"


FIELDS = """
class ModelInput(BaseModel):
    plan: str = Field(examples=["plus"])
    size: int = Field(examples=[3])
"""


@pytest.mark.parametrize(
    ("own", "new", "conflicts"),
    [
        ('plan: str = Field(max_length=9, examples=["plus"])', "plan: int = Field(examples=[1])", 1),
        ('plan: str = Field(\n        max_length=9,\n        examples=["plus"],\n    )', "plan: bool", 1),
        (
            'plan: str = Field(max_length=9, examples=["plus"])',
            "plan: str | None = Field(examples=[None])",
            0,
        ),
        ('plan: str = Field(default="plus", examples=["plus"])', "plan: int = Field(examples=[1])", 1),
        ('plan: str = "plus"', "plan: int", 1),
        ('plan: str = Field("plus")', "plan: int", 1),
        ('plan: str = Field(title="Plan", examples=["plus"])', "plan: int = Field(examples=[1])", 0),
    ],
)
def test_constraints_of_the_owner_on_a_field_of_another_kind_are_a_conflict(
    own: str, new: str, conflicts: int
) -> None:
    ours, theirs = (FIELDS.replace('plan: str = Field(examples=["plus"])', text) for text in (own, new))
    found = Conflicts()
    merged = merge_python(FIELDS, ours, theirs, found)
    assert found.count == conflicts
    assert (own in merged) == bool(conflicts)


@pytest.mark.parametrize(("new", "conflicts"), [("size: float", 0), ("size: str", 1), ("size: bool", 1)])
def test_a_validator_of_the_owner_on_a_field_of_another_kind_is_a_conflict(new: str, conflicts: int) -> None:
    validator = """
    @field_validator("size")
    @classmethod
    def positive(cls, value: int) -> int:
        return abs(value)
"""
    found = Conflicts()
    merged = merge_python(FIELDS, FIELDS + validator, FIELDS.replace("size: int", new), found)
    assert found.count == conflicts
    assert validator in merged


METHODS = {
    "all fields": """
    @field_validator("*")
    @classmethod
    def checked(cls, value: object) -> object:
        return value
""",
    "the record": """
    @model_validator(mode="after")
    def checked(self) -> "ModelInput":
        assert self.size < 3
        return self
""",
    "the request": """
    @model_validator(mode="before")
    @classmethod
    def checked(cls, values: dict[str, object]) -> dict[str, object]:
        values["size"] = abs(values["size"])
        return values
""",
    "a serializer": """
    @field_serializer("size")
    def shown(self, value: int) -> int:
        return value + 1
""",
    "a property": """
    @property
    def is_small(self) -> bool:
        return self.size < 2
""",
}


@pytest.mark.parametrize("method", METHODS)
def test_a_method_of_the_owner_on_a_field_of_another_kind_is_a_conflict(method: str) -> None:
    for new, conflicts in (("size: float", 0), ("size: str", 1)):
        found = Conflicts()
        theirs = FIELDS.replace("size: int", new)
        merged = merge_python(FIELDS, FIELDS + METHODS[method], theirs, found)
        assert found.count == conflicts
        assert METHODS[method] in merged
    other = Conflicts()
    merge_python(FIELDS, FIELDS + METHODS[method], FIELDS.replace("plan: str", "plan: int"), other)
    assert other.count == (method == "all fields")


IMPORTS = [
    "import json",
    "import os",
    "from pathlib import Path",
    "import numpy as np",
    "import pandas as pd",
]


def test_merged_imports_are_in_order_whoever_is_preferred() -> None:
    added = ["import logging", "from typing import Any", "import httpx", "from numpy.typing import NDArray"]
    for mine, other in itertools.permutations(added, 2):
        for prefer in Prefer:
            ours, theirs = (module([*IMPORTS, line]) for line in (mine, other))
            found = Conflicts(prefer)
            merged = merge_python(module(IMPORTS), ours, theirs, found)
            assert merged == module([*IMPORTS, mine, other])


def module(lines: list[str]) -> str:
    """A module with these imports in order: the standard library, and the others."""
    blocks: tuple[list[str], list[str]] = ([], [])
    for line in sorted(lines, key=lambda line: (line.startswith("from"), line.split()[1])):
        blocks[line.split()[1].partition(".")[0] in ("httpx", "numpy", "pandas")].append(line)
    return "\n\n".join("\n".join(block) for block in blocks) + "\n\nVALUE = 1\n"


def test_an_update_that_changes_only_the_record_does_not_say_that_nothing_changes(project: Path) -> None:
    answers: dict[str, JSONValue] = {"targets": ["production"]}
    for name in ("kustomization.yaml", "namespace.yaml"):
        (project / "deploy/staging" / name).unlink()
    planned = update(project, answers=answers, dry_run=True)
    assert not planned.is_empty
    shown = CliRunner().invoke(app, ["diff", str(project), "--answer", "targets=[production]"])
    assert "nothing changes" not in shown.output
    update(project, answers=answers, verify=False)
    assert update(project, answers=answers).is_empty


def test_an_answer_that_reaches_no_file_is_told(project: Path) -> None:
    notes = update(project, answers={"triggers": []}, dry_run=True).notes
    assert notes == ("no file of this project depends on triggers=[]: nothing changes",)
    assert update(project, dry_run=True).notes == ()


def test_a_conflict_without_markers_names_the_command_that_shows_the_new_text(
    project: Path, tmp_path: Path
) -> None:
    manifest = project / "deploy/base/deployment.yaml"
    shared = Path(shutil.move(manifest, tmp_path / "shared.yaml"))
    manifest.symlink_to(shared)
    with pytest.raises(MergeConflictError) as refused:
        update(project, answers={"memory": "3Gi"}, verify=False)
    assert refused.value.unmarked == ("deploy/base/deployment.yaml",)
    [line] = [line for line in str(refused.value).splitlines() if line.startswith("  tar ")]
    shown = subprocess.run(shlex.split(line), capture_output=True, text=True, check=True).stdout
    assert "3Gi" in shown
    assert manifest.is_symlink()
    assert "3Gi" not in shared.read_text()
    assert update(project).is_empty


def marked(root: Path, ours: str, theirs: str) -> Path:
    """The record as git leaves it where two branches changed the version."""
    record = root / ".scaffold/record.json"
    lines = record.read_text().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.strip() == '"version": "1.0.0",')
    lines[at] = f"<<<<<<< HEAD\n{ours}||||||| base\n{lines[at]}=======\n{theirs}>>>>>>> other\n"
    record.write_text("".join(lines))
    return record


def test_a_record_with_the_markers_of_a_merge_is_settled_by_an_option(project: Path) -> None:
    record = project / ".scaffold/record.json"
    before = record.read_text()
    line = next(line for line in before.splitlines(keepends=True) if line.strip() == '"version": "1.0.0",')
    marked(project, line, line.replace("1.0.0", "1.1.0"))
    with pytest.raises(MarkedRecordError, match="--merge-record"):
        update(project)
    shown = CliRunner().invoke(app, ["update", str(project), "--merge-record"])
    assert shown.exit_code == 0, shown.output
    assert "The record is that of version 1.0.0." in shown.output
    assert json.loads(record.read_text()) == json.loads(before)
    assert update(project).is_empty
    refused = CliRunner().invoke(app, ["update", str(project), "--merge-record"])
    assert isinstance(refused.exception, NoMarkersError)
    marked(project, line, line.replace("1.0.0", "1.1.0"))
    printed = CliRunner().invoke(app, ["update", str(project), "--merge-record", "--json"])
    assert json.loads(printed.output) == {"version": "1.0.0"}


def test_a_record_of_other_pristine_files_is_not_settled(project: Path) -> None:
    line = ' "version": "1.0.0",\n'
    record = marked(project, line, line)
    edit(project, ".scaffold/record.json", ('"app/main.py": "', '"app/main.py": "0'))
    refused = CliRunner().invoke(app, ["update", str(project), "--merge-record"])
    assert isinstance(refused.exception, RecordSidesError)
    assert "<<<<<<< HEAD" in record.read_text()


COMMIT = ["-c", "user.name=me", "-c", "user.email=me@example.com", "commit", "-qm"]


def git(root: Path, *arguments: str) -> None:
    """Run git; a merge with conflicts has another exit status."""
    subprocess.run(["git", *arguments], cwd=root, check="merge" not in arguments, capture_output=True)


def write_state(root: Path, version: str, texts: dict[str, str], attributes: bool) -> None:
    """Commit a record and its pristine files, as an update writes them."""
    tree: dict[str, Content] = {path: text.encode() for path, text in texts.items()}
    files = {path: content_sha256(content) for path, content in sorted(tree.items())}
    document = {"files": files, "spec": {"version": version}}
    (root / RECORD).write_bytes((json.dumps(document, indent=1) + "\n").encode())
    (root / PRISTINE).write_bytes(pack_pristine(tree))
    if attributes:
        (root / STATE_ATTRIBUTES).write_bytes(ATTRIBUTES)
    git(root, "add", "-A")
    git(root, *COMMIT, version)


def merged_branches(root: Path, *options: str, attributes: bool, repository_attributes: str = "") -> None:
    """Merge two branches: one changed the model and version, the other a distant line of `files` too."""
    texts = {f"app/{number:02}.py": f"{number}\n" for number in range(12)}
    (root / ".scaffold").mkdir()
    git(root, "init", "-qb", "main")
    if repository_attributes:
        (root / ".gitattributes").write_text(repository_attributes)
    write_state(root, "1.0.0", texts, attributes)
    git(root, "checkout", "-qb", "other")
    write_state(root, "2.0.0", {**texts, "app/00.py": "other\n"}, attributes)
    git(root, "checkout", "-q", "main")
    write_state(root, "1.0.1", {**texts, "app/11.py": "ours\n"}, attributes)
    if repository_attributes:
        git(root, "rm", "-rq", "--cached", ".")
        git(root, "reset", "-q", "--hard")
    git(root, "-c", "user.name=me", "-c", "user.email=me@example.com", "merge", *options, "other")


CRLF = "* text=auto eol=crlf\n"


@pytest.mark.parametrize("repository_attributes", ["", CRLF])
@pytest.mark.parametrize("options", [(), ("-X", "ours"), ("-X", "theirs")])
def test_a_merge_of_two_branches_leaves_a_whole_record(
    tmp_path: Path, options: tuple[str, ...], repository_attributes: str
) -> None:
    merged_branches(tmp_path, *options, attributes=True, repository_attributes=repository_attributes)
    record = json.loads((tmp_path / RECORD).read_bytes())
    assert record["spec"]["version"] == ("2.0.0" if "theirs" in options else "1.0.1")
    assert unpack_pristine((tmp_path / PRISTINE).read_bytes(), record["files"])


@pytest.mark.parametrize("repository_attributes", ["", CRLF])
@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_a_record_that_git_merged_in_part_is_settled(
    tmp_path: Path, side: str, repository_attributes: str
) -> None:
    merged_branches(tmp_path, attributes=False, repository_attributes=repository_attributes)
    git(tmp_path, "checkout", f"--{side}", PRISTINE)
    assert b"<<<<<<<" in (tmp_path / RECORD).read_bytes()
    assert merge_record(tmp_path) == ("1.0.1" if side == "ours" else "2.0.0")
    record = json.loads((tmp_path / RECORD).read_bytes())
    assert unpack_pristine((tmp_path / PRISTINE).read_bytes(), record["files"])


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_a_record_that_git_mixed_without_markers_is_settled(tmp_path: Path, side: str) -> None:
    merged_branches(tmp_path, "-X", side, attributes=False)
    mixed = json.loads((tmp_path / RECORD).read_bytes())
    assert not unpack_pristine((tmp_path / PRISTINE).read_bytes(), mixed["files"])
    assert merge_record(tmp_path) == ("1.0.1" if side == "ours" else "2.0.0")
    with pytest.raises(NoMarkersError):
        merge_record(tmp_path)


def test_the_pristine_files_of_a_merged_branch_are_found_in_git(tmp_path: Path) -> None:
    merged_branches(tmp_path, attributes=True)
    git(tmp_path, "checkout", "--theirs", RECORD)
    git(tmp_path, "checkout", "--ours", PRISTINE)
    git(tmp_path, "add", "-A")
    git(tmp_path, *COMMIT, "merged")
    git(tmp_path, "branch", "-qD", "other")
    files = json.loads((tmp_path / RECORD).read_bytes())["files"]
    tree = pristine_in_git(tmp_path, files, run_command)
    assert tree is not None
    assert tree["app/00.py"] == b"other\n"


def test_an_archive_without_its_end_is_damaged() -> None:
    tree = {f"app/{n:02}.py": f"def function_{n}():\n    return {n}\n".encode() * n for n in range(1, 20)}
    files = {path: content_sha256(content) for path, content in tree.items()}
    packed = pack_pristine(tree)
    assert unpack_pristine(packed, files) == tree
    assert [cut for cut in range(len(packed)) if unpack_pristine(packed[:cut], files) is not None] == []


def test_pristine_files_of_another_record_are_not_called_lost(project: Path) -> None:
    edit(project, ".scaffold/record.json", ('"app/main.py": "', '"app/main.py": "0'))
    with (project / "app/main.py").open("a") as main:
        main.write("# own\n")
    events: list[Event] = []
    update(project, dry_run=True, on_event=events.append)
    notes = "\n".join(event.text for event in events if isinstance(event, Noted))
    assert "pristine.tar.xz is damaged, or does not belong to .scaffold/record.json" in notes
    assert f"scaffold update {project} --merge-record" in notes
    assert "is lost" not in notes
