"""A project of a stranger: planted data changes nothing outside it, and is reported in one message."""

import dataclasses
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import scaffold
from scaffold.base.checked import python_version
from scaffold.base.lockfile import read_lock
from scaffold.base.pending import forget_pending, is_pending, note_pending
from scaffold.cli import main
from scaffold.errors import (
    ForeignChangeError,
    ProjectError,
    ScaffoldError,
    UndoError,
    UnsafeLockError,
    UnsafePathError,
    UpgradeError,
)
from scaffold.spec import LocalSource
from scaffold.upgrade import finish_interrupted, read_record, undo_change, write_record
from scaffold.upgrade._content import read_tree
from scaffold.upgrade._swap import apply_changes
from tests.upgrade.test_record import make_record

PRECIOUS = b"precious\n"
CHANGE = "0123456789abcdef" * 2


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder next to the project that must not change."""
    folder = tmp_path / "outside"
    for path in ("precious.txt", "update/precious.txt", "old/0", "recorded.json"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(PRECIOUS)
    before = snapshot(folder)
    yield folder
    assert snapshot(folder) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside", "project"]


@pytest.fixture
def root(tmp_path: Path, outside: Path) -> Path:
    """A project with its record."""
    folder = tmp_path / "project"
    write_record(folder, make_record(folder))
    return folder


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def plant(root: Path, folder: str, path: object, *, had: bytes = PRECIOUS, gets: bytes = b"evil\n") -> None:
    """Return a journal for one path, with the new and the old content of the file."""
    place = root / ".scaffold" / folder
    for side, content in (("old", had), ("new", gets)):
        (place / side).mkdir(parents=True, exist_ok=True)
        if content:
            (place / side / "0").write_bytes(content)
    entry = {"path": path, "had": sha256(had) if had else "", "gets": sha256(gets) if gets else ""}
    (place / "journal.json").write_text(json.dumps({"change": CHANGE, "files": [entry]}))


HOSTILE = [
    "../outside/precious.txt",
    "app/../../outside/precious.txt",
    "..",
    "/etc/hostname",
    "//etc/hostname",
    "C:/Windows/win.ini",
    "C:evil.txt",
    "..\\outside\\precious.txt",
    "app\\main.py",
    "app/main.py\0",
    "app/ma\nin.py",
    "app/\x1b[2Jmain.py",
    "\ud800.py",
    "",
    ".",
    "./app/main.py",
    "app//main.py",
    "app/",
    ".git/config",
    "sub/.GIT/hooks/post-checkout",
    5,
    None,
    ["app/main.py"],
    "linked/precious.txt",
    "app/linked/update/precious.txt",
]


@pytest.fixture(params=HOSTILE, ids=[f"{number}" for number in range(len(HOSTILE))])
def hostile(request: pytest.FixtureRequest, root: Path, outside: Path) -> object:
    """A path that leads out of the project, or through a folder of it that is a link."""
    (root / "linked").symlink_to(outside)
    (root / "app/linked").symlink_to(outside)
    path: object = request.param
    return path


@pytest.mark.parametrize("noted", [False, True], ids=["foreign", "noted"])
@pytest.mark.parametrize("gets", [b"evil\n", b""], ids=["writes", "removes"])
def test_a_planted_change_is_not_carried_out(root: Path, hostile: object, noted: bool, gets: bytes) -> None:
    plant(root, "update", hostile, gets=gets)
    if noted:  # the check of paths holds by itself
        note_pending(root, CHANGE)
    before = snapshot(root)
    with pytest.raises(UnsafePathError, match="names the path"):
        scaffold.audit(root)
    assert snapshot(root) == before


def test_a_planted_undo_is_not_carried_out(root: Path, hostile: object) -> None:
    plant(root, "undo", hostile, had=b"evil\n", gets=PRECIOUS)
    before = snapshot(root)
    with pytest.raises(UnsafePathError, match="names the path"):
        undo_change(root)
    assert snapshot(root) == before


@pytest.mark.parametrize("place", ["files", "source", "artifact"])
def test_a_record_with_a_path_that_leads_out_is_not_used(root: Path, hostile: object, place: str) -> None:
    if not isinstance(hostile, str) or (place == "artifact" and hostile == "app/"):
        pytest.skip("a key of JSON is a text, and the artifact's path is `app` in its shortest form")
    path = root / ".scaffold/record.json"
    document = json.loads(path.read_text())
    if place == "files":
        document["files"][hostile] = sha256(PRECIOUS)
    elif place == "source":
        document["spec"]["dependencies"]["sources"][0]["path"] = hostile
    else:
        document["spec"]["artifact"]["path"] = hostile
    path.write_text(json.dumps(document))
    before = snapshot(root)
    with pytest.raises(UnsafePathError, match="names the path"):
        scaffold.update(root, dry_run=True)
    assert snapshot(root) == before


@pytest.mark.parametrize(
    "command",
    [
        ["audit"],
        ["verify"],
        ["verify", "--accept"],
        ["serve"],
        ["diff"],
        ["update"],
        ["undo"],
        ["build"],
        ["deploy", "--target", "staging"],
    ],
    ids="-".join,
)
def test_every_verb_refuses_a_change_that_was_not_begun_here(
    root: Path, command: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    plant(root, "update", "app/main.py", had=(root / "app/main.py").read_bytes())
    before = snapshot(root)
    verb, *options = command
    monkeypatch.setattr(sys, "argv", ["scaffold", verb, str(root), *options])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    said = capfd.readouterr().err
    assert "holds an update that was not begun here" in said
    assert f"rm -r {root}/.scaffold/update" in said.replace("\n", "")
    assert snapshot(root) == before


def test_the_advice_is_right(root: Path) -> None:
    plant(root, "update", "app/main.py")
    with pytest.raises(ForeignChangeError) as refused:
        finish_interrupted(root)
    shutil.rmtree(str(refused.value).rpartition("rm -r ")[2])
    finish_interrupted(root)
    assert (root / "app/main.py").read_bytes() == b"print('hello')\n"


JOURNALS = [
    b"",
    b"{",
    b"[" * 100_000,
    b"[]",
    b"5",
    b'{"files": []}',
    b'{"change": 5, "files": []}',
    b'{"change": "x", "files": [{"path": "a"}]}',
    b'{"change": "x", "files": [{"path": "a", "had": "", "gets": "../../x"}]}',
    b'{"change": "x", "files": [{"path": "a", "had": 5, "gets": ""}]}',
    b'{"change": "x", "files": {"path": "a"}}',
    b"\xff\xfe\x00",
]


@pytest.mark.parametrize("journal", JOURNALS, ids=[f"{number}" for number in range(len(JOURNALS))])
def test_an_invalid_journal_is_reported(root: Path, journal: bytes) -> None:
    plant(root, "update", "app/main.py")
    (root / ".scaffold/update/journal.json").write_bytes(journal)
    before = snapshot(root)
    with pytest.raises(UpgradeError, match=r"not begun here|is no journal of a change"):
        scaffold.verify(root)
    assert snapshot(root) == before


@pytest.mark.parametrize("place", [".scaffold", ".scaffold/update", ".scaffold/update/new"])
@pytest.mark.parametrize("noted", [False, True])
def test_a_folder_of_ours_that_is_a_link_is_not_followed(
    root: Path, outside: Path, place: str, noted: bool
) -> None:
    plant(root, "update", "app/main.py", had=b"print('hello')\n")
    away = outside / "away"
    (root / place).rename(away)
    (root / place).symlink_to(away)
    if noted:
        note_pending(root, CHANGE)
    before = snapshot(outside)
    try:
        with pytest.raises(UnsafePathError, match="symbolic link"):
            scaffold.audit(root)
        assert snapshot(outside) == before
    finally:
        shutil.rmtree(away)


def test_a_link_in_the_place_of_an_update_without_a_journal_removes_nothing(
    root: Path, outside: Path
) -> None:
    (root / ".scaffold/update").symlink_to(outside / "update")
    with pytest.raises(UnsafePathError, match="symbolic link"):
        finish_interrupted(root)


def test_an_undo_takes_no_content_through_a_link(root: Path, outside: Path) -> None:
    plant(root, "undo", "app/main.py", had=PRECIOUS, gets=b"print('hello')\n")
    shutil.rmtree(root / ".scaffold/undo/old")
    (root / ".scaffold/undo/old").symlink_to(outside / "old")
    with pytest.raises(UnsafePathError, match="symbolic link"):
        undo_change(root)
    assert (root / "app/main.py").read_bytes() == b"print('hello')\n"


def test_an_undo_whose_content_is_another_is_refused(root: Path) -> None:
    plant(root, "undo", "app/main.py", had=PRECIOUS, gets=b"print('hello')\n")
    (root / ".scaffold/undo/old/0").write_bytes(b"something else\n")
    with pytest.raises(UndoError, match=r"does not hold what these files were before it:\n  app/main.py"):
        undo_change(root)
    assert (root / "app/main.py").read_bytes() == b"print('hello')\n"


def test_a_change_through_a_folder_that_is_a_link_is_not_written(root: Path, outside: Path) -> None:
    shutil.rmtree(root / "app")
    (root / "app").symlink_to(outside)
    with pytest.raises(UnsafePathError, match="symbolic link app"):
        apply_changes(root, {}, {"app/precious.txt": b"evil\n"})
    with pytest.raises(UnsafePathError, match="symbolic link app"):
        scaffold.update(root, dry_run=True)
    with pytest.raises(UnsafePathError, match="symbolic link app"):
        read_tree(root, ["app/precious.txt"])


def test_an_environment_that_is_a_link_is_not_cleared(root: Path, outside: Path) -> None:
    (root / ".venv").symlink_to(outside)
    with pytest.raises(UnsafePathError, match=r"symbolic link \.venv"):
        scaffold.serve(root)


@pytest.mark.parametrize("path", ["requirements.txt", "tests", "tests/recorded.json", ".python-version"])
@pytest.mark.parametrize("verb", [scaffold.verify, lambda root: scaffold.verify(root, accept=True)])
def test_what_a_proof_reads_is_read_through_no_link(
    root: Path, outside: Path, path: str, verb: Callable[[Path], Any]
) -> None:
    if (root / path).is_dir():
        shutil.rmtree(root / path)
    else:
        (root / path).unlink(missing_ok=True)
    (root / path).symlink_to(outside if path == "tests" else outside / "precious.txt")
    with pytest.raises(UnsafePathError, match="symbolic link"):
        verb(root)


@pytest.mark.parametrize("path", [".scaffold/record.json", ".python-version", "tests/recorded.json"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(root: Path, path: str) -> None:
    (root / path).unlink(missing_ok=True)
    os.mkfifo(root / path)
    with pytest.raises(ProjectError, match="is no regular file"):
        scaffold.update(root) if path.startswith(".scaffold") else scaffold.verify(root)


@pytest.mark.parametrize(
    "text", ["./evil", "/bin/sh", "--help", "3.11; touch x", "", "3", "\u0663.\u0661\u0661", "3.11\n3.12"]
)
def test_an_invalid_python_version_is_refused(root: Path, text: str) -> None:
    (root / ".python-version").write_text(text)
    with pytest.raises(ProjectError, match="is no version of Python"):
        python_version(root)


HASH = f"--hash=sha256:{'a' * 64}"
REFUSED_LINES = [
    "-e .",
    "--editable ./x",
    "-r other.txt",
    "--requirement=/etc/passwd",
    "-c constraints.txt",
    "--find-links /tmp",
    "--find-links ./wheels/../..",
    "--index-url file:///tmp/index",
    "--index-url https://user:secret@index.example.com/simple",
    "--extra-index-url ftp://index.example.com",
    "--trusted-host index.example.com",
    "--no-binary :all:",
    f"numpy @ file:///tmp/numpy.whl {HASH}",
    f"numpy @ ./../numpy.whl {HASH}",
    "numpy @ git+file:///tmp/numpy@main",
    "numpy @ git+ssh://git@example.com/numpy@main",
    "numpy @ https://user:secret@example.com/numpy.whl",
    f"../numpy.whl {HASH}",
    f"./wheels/../../numpy.whl {HASH}",
    f"/tmp/numpy.whl {HASH}",
    f"./numpy {HASH}",
    "numpy>=1",
    "numpy",
    "numpy==1.0 --config-settings=x=y",
    "numpy==1.0 --hash=md5:aa",
    "numpy==1.0 --hash=sha256:aa --index-url https://evil.example.com",
    "    --index-url https://evil.example.com",
    "${HOME}/numpy.whl",
    "numpy==${VERSION}",
    "numpy==1.0 ; python_version > '3' --index-url x",
    "numpy==1.0\f-e .",
    "numpy==1.0\u2028-e .",
]


@pytest.mark.parametrize("line", REFUSED_LINES)
def test_a_lock_with_more_than_pins_is_refused(root: Path, line: str) -> None:
    text = f"# A lock.\npandas==2.0 \\\n    {HASH}\n    # via x\n{line}\n"
    (root / "requirements.txt").write_text(text, encoding="utf-8")
    for verb in (scaffold.verify, scaffold.audit, scaffold.serve):
        with pytest.raises(UnsafeLockError, match="line 5, is no pinned distribution"):
            verb(root)
    assert not (root / ".venv").exists()


def test_locks_of_generated_projects_are_accepted(root: Path) -> None:
    text = (
        "# Locked from requirements.in for Python 3.11 on linux/amd64.\n"
        "# Yours in it: httpx\n"
        "--index-url https://index.example.com/simple\n--extra-index-url http://10.0.0.1:8080/simple/\n"
        "--find-links ./wheels\n\n"
        "numpy==2.4.6 ; platform_machine == 'aarch64' or sys_platform == 'darwin' \\\n"
        f"    {HASH} \\\n    {HASH}\n"
        f"torch==2.13.0+cpu \\\n    {HASH}\n    # via x, y\n"
        f"uvicorn[standard]==0.40.0 \\\n    {HASH}\n"
        f"mine @ https://example.com/a/mine-1.0.zip#subdirectory=x \\\n    {HASH}\n"
        f"./wheels/ours-1.0+local-py3-none-any.whl \\\n    {HASH}\n    # via -r requirements.in\n"
    )
    (root / "requirements.txt").write_text(text)
    assert read_lock(root).text == text
    for lock in sorted(Path("examples").glob("*/service/requirements.txt")):
        assert read_lock(lock.parent).pins


def test_a_record_with_wrong_types_is_reported(root: Path) -> None:
    path = root / ".scaffold/record.json"
    document = json.loads(path.read_text())
    for key, value in {"files": [1], "template": 5, "options": [], "spec": "x", "proof": 7}.items():
        path.write_text(json.dumps({**document, key: value}))
        with pytest.raises(UpgradeError, match=r"record\.json cannot be read"):
            read_record(root)
    path.write_text("[" * 100_000)
    with pytest.raises(UpgradeError, match=r"record\.json cannot be read"):
        read_record(root)


@pytest.mark.parametrize("options", [{"nope": 1}, {"python": 5}])
def test_invalid_options_in_a_record_are_reported(root: Path, options: dict[str, Any]) -> None:
    path = root / ".scaffold/record.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "options": options}))
    with pytest.raises(UpgradeError, match="holds options that are none"):
        scaffold.update(root, dry_run=True)


def test_a_small_archive_that_stands_for_gigabytes_is_not_unpacked(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lzma

    monkeypatch.setattr("scaffold.upgrade._pristine._LARGEST_TREE_BYTES", 1 << 20)
    (root / ".scaffold/pristine.tar.xz").write_bytes(lzma.compress(bytes(64 << 20), preset=0))
    _, tree = read_record(root)
    assert tree["app/main.py"] == b"print('hello')\n"


def test_the_model_of_a_record_lies_in_the_project(root: Path, outside: Path) -> None:
    record = make_record(root)
    (root / "app/model/model.pkl").write_bytes(b"another model")
    record = dataclasses.replace(record, files={**record.files, "app/model/model.pkl": "0" * 64})
    write_record(root, record)
    read, _ = read_record(root)
    assert read.spec.artifact.path == root / "app/model/model.pkl"
    assert (
        LocalSource(path="features.py", content=b"RATIO = 2\n", reason="imported")
        in read.spec.dependencies.sources
    )


def test_a_change_is_carried_on_only_where_root_inode_and_id_are_those_noted(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_pending(root, CHANGE)
    assert is_pending(root, CHANGE)
    assert not is_pending(root, "another")
    assert not is_pending(root, "")
    moved = root.rename(tmp_path / "moved")
    shutil.copytree(moved, root)
    assert not is_pending(root, CHANGE)  # a copy at the same place has another inode
    assert not is_pending(moved, CHANGE)
    shutil.rmtree(moved)
    forget_pending(root)


def test_a_note_that_others_can_write_is_ignored(
    root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    note_pending(root, CHANGE)
    (state / "model-scaffold/changes").chmod(0o777)
    assert not is_pending(root, CHANGE)


def test_without_a_home_folder_a_change_is_noted_below_the_temporary_one(
    root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path_factory.mktemp("temporary")
    nowhere = temporary / "file"
    nowhere.touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(nowhere))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    note_pending(root, CHANGE)
    assert is_pending(root, CHANGE)
    assert list(temporary.glob("model-scaffold-*/*"))
    forget_pending(root)
    assert not list(temporary.glob("model-scaffold-*/*"))


def test_every_error_here_says_what_to_do() -> None:
    for error in (
        ForeignChangeError("p"),
        UnsafePathError("p", "a", "is absolute"),
        UnsafeLockError("p/r", 1, "x"),
    ):
        assert isinstance(error, ScaffoldError)
        assert len(str(error).splitlines()) >= 3
