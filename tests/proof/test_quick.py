"""`verify --quick`: files that do not belong together are named, without an environment."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import scaffold
from scaffold.base.files import sha256_file
from scaffold.base.lockfile import FIND_LINKS, to_model_lock
from scaffold.errors import ExclusiveOptionsError, FilesDisagreeError, NotAProjectError
from scaffold.spec import Outcome
from scaffold.verbs._wire_schema import fields_of_class
from scaffold.verbs.project import Project

REPOSITORY = Path(__file__).parents[2]
TITANIC = REPOSITORY / "examples/titanic/service"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return shutil.copytree(TITANIC, tmp_path / "titanic")


def rewrite(old: str, new: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return change


def failed(root: Path) -> dict[str, str]:
    with pytest.raises(FilesDisagreeError) as caught:
        scaffold.verify(root, quick=True)
    return dict(problem.split(": ", 1) for problem in caught.value.problems)


@pytest.mark.parametrize("name", ["titanic", "iris"])
def test_a_project_as_it_was_made_belongs_together(name: str) -> None:
    checks = scaffold.verify(REPOSITORY / f"examples/{name}/service", quick=True).checks
    left_out = {check.name: check.detail for check in checks if check.outcome is not Outcome.PASSED}
    assert left_out.keys() == {"proof", "environment"}
    assert all("scaffold verify" in detail for detail in left_out.values())


@pytest.mark.parametrize(
    ("path", "change", "check", "found"),
    [
        ("app/main.py", rewrite("app = ", "<<<<<<< ours\n>>>>>>> theirs\napp = "), "merge", "app/main.py:"),
        (".scaffold/record.json", rewrite('"format"', '"form'), "record", "record.json"),
        ("model/model.pkl", lambda path: path.write_bytes(b"x"), "model", "app/settings.py"),
        ("app/settings.py", rewrite('SHA256 = "', 'SHA256 = "0123456789ab'), "model", "has 0123456789ab"),
        ("app/settings.py", rewrite("class ", "clas "), "model", "app/settings.py, line "),
        ("model/model.pkl", Path.unlink, "model", "restore model/model.pkl"),
        ("requirements.in", rewrite("pandas==3.1.1", "pandas==3.0.0"), "lock", "pandas==3.1.1, and"),
        ("requirements.in", rewrite("pandas==3.1.1", "polars"), "lock", "lacks polars"),
        ("requirements.in", rewrite("pandas==3.1.1", "-c x.txt"), "lock", "which no longer lists it"),
        ("requirements.txt", rewrite("click==8.5.1", "--trusted-host x"), "lock", "requirements.txt"),
        ("tests/recorded.json", rewrite('"answers"', '"answer"'), "sample", "recorded.json"),
        ("tests/recorded.json", rewrite('"Age": 22.0', '"Age": "22"'), "schema", "requests[0].Age"),
        ("tests/recorded.json", rewrite('"Age": 22.0', '"age": 22.0'), "schema", "requests[0] lacks Age"),
        ("app/schemas.py", rewrite("    Fare:", "    Price:"), "schema", "differ in: Fare, Price"),
    ],
)
def test_what_does_not_belong_together_is_named(
    root: Path, path: str, change: Callable[[Path], object], check: str, found: str
) -> None:
    change(root / path)
    assert found in failed(root)[check]


@pytest.mark.parametrize(
    ("path", "change", "found"),
    [
        ("requirements.txt", rewrite("numpy==", "numpy==0"), "requirements.txt has numpy=="),
        ("requirements.txt", rewrite("click==8.5.1", "clack==8.5.1"), "requirements.txt lacks clack, which"),
        ("tests/fast/requirements.in", rewrite("scipy==", "scipy>=99,!="), "requirements.in wants scipy>=99"),
        ("tests/fast/requirements.txt", Path.unlink, "requirements.txt lacks scipy, which tests/fast/"),
    ],
)
def test_the_lock_of_the_tests_agrees_with_that_of_the_image(
    root: Path, path: str, change: Callable[[Path], object], found: str
) -> None:
    """As in a project with `slim=true`."""
    lock = (root / "requirements.txt").read_text()
    (root / "tests/fast").mkdir()
    lock = to_model_lock(f"{FIND_LINKS}\n{lock}")  # with a wheel of the project
    (root / "tests/fast/requirements.txt").write_text(lock)
    version = Project.open(root).lock.releases["scipy"]
    (root / "tests/fast/requirements.in").write_text(f"-r ../../requirements.in\nscipy=={version}  # why\n")
    checks = {check.name: check.detail for check in scaffold.verify(root, quick=True).checks}
    assert "; 1 of the model, locked with them as " in checks["lock"]
    change(root / path)
    detail = failed(root)["lock"]
    assert found in detail
    assert detail.endswith("tests/fast/requirements.in --output-file tests/fast/requirements.txt")


def test_the_message_says_what_to_type(root: Path) -> None:
    rewrite("pandas==3.1.1", "polars")(root / "requirements.in")
    with pytest.raises(FilesDisagreeError) as caught:
        scaffold.verify(root, quick=True)
    assert str(caught.value) == (
        f"The files of {root} do not belong together.\n"
        "  lock: requirements.txt lacks polars, which requirements.in has\n"
        f"    cd {root}\n"
        "    uv pip compile --generate-hashes requirements.in --output-file requirements.txt"
    )


def test_a_command_for_the_current_folder_has_no_path(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rewrite("pandas==3.1.1", "polars")(root / "requirements.in")
    monkeypatch.chdir(root)
    assert "\ncd " not in failed(Path())["lock"]


def test_the_command_for_a_field_works_from_any_folder(root: Path, tmp_path: Path) -> None:
    rewrite("    Fare:", "    Price:")(root / "app/schemas.py")
    detail = failed(root)["schema"]
    assert detail.endswith(f"\ncd {root}\npython -m tests.record")


def test_conflicts_are_named_with_their_places_in_each_folder_of_the_owner(root: Path) -> None:
    """Folders of the owner's may be called `update` and `undo`; only that of the last change is left out."""
    conflict = "<<<<<<< ours\n=======\n>>>>>>> theirs\n"
    for name in ("app/update/a.py", "app/undo/b.py", ".scaffold/undo/c.py"):
        (root / name).parent.mkdir()
        (root / name).write_text(f"{conflict}\n{conflict}")
    detail = failed(root)["merge"]
    assert detail == (
        "conflict markers: app/undo/b.py:1, app/update/a.py:1; resolve them, then check again:\n"
        f"scaffold verify {root} --quick"
    )


def test_of_many_conflicts_the_first_are_named(root: Path) -> None:
    for number in range(12):
        (root / f"{number:02}.txt").write_text("<<<<<<< ours\n>>>>>>> theirs\n")
    assert "09.txt:1 and in 2 more files; resolve" in failed(root)["merge"]


def test_a_model_in_git_lfs_is_known_by_its_pointer(root: Path) -> None:
    sha256 = scaffold.Project.open(root).model_sha256
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize 3319\n"
    (root / "model/model.pkl").write_text(pointer)
    model = next(check for check in scaffold.verify(root, quick=True).checks if check.name == "model")
    assert model.detail.endswith("from its Git LFS pointer")
    (root / "model/model.pkl").write_text(pointer.replace(sha256, "0" * 64))
    assert "model" in failed(root)


def git(root: Path, *arguments: str) -> None:
    user = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", "-C", root, *user, *arguments], check=True, capture_output=True)


@pytest.mark.parametrize("suffix", [".pkl", ".onnx"])
def test_a_model_that_git_ignores_may_be_absent(root: Path, suffix: str) -> None:
    (root / "model/model.pkl").unlink()
    rewrite("model.pkl", f"model{suffix}")(root / ".scaffold/record.json")
    git(root, "init", "-q")
    assert f"restore model/model{suffix}, whose sha256 begins with" in failed(root)["model"]
    (root / ".gitignore").write_text(f"model/*{suffix}\n")
    model = next(check for check in scaffold.verify(root, quick=True).checks if check.name == "model")
    assert model.outcome is Outcome.SKIPPED


def test_a_model_in_the_index_is_restored_by_the_command_in_the_message(root: Path) -> None:
    git(root, "init", "-q")
    git(root, "add", "-A")
    (root / "model/model.pkl").unlink()
    command = failed(root)["model"].splitlines()[-1]
    subprocess.run(shlex.split(command), cwd=root.parent, check=True, capture_output=True)
    assert (root / "model/model.pkl").is_file()


def test_a_model_that_the_owner_moved_is_found(root: Path) -> None:
    (root / "model").rename(root / "models")
    model = next(check for check in scaffold.verify(root, quick=True).checks if check.name == "model")
    assert model.detail.startswith("models/model.pkl is ")
    project = Project.open(root)
    assert list(project.model_files) == [root / "models/model.pkl"]
    assert project.model_sha256 == sha256_file(root / "models/model.pkl")


def test_fields_are_read_without_running_the_class() -> None:
    text = """
class Base(BaseModel): x: int
class ModelInput(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kept: ClassVar[int] = 1
    length: float = Field(alias="sepal length (cm)")
    width: Annotated[float, Field(alias="width (cm)")]
    Age: float | None = None
class Child(Base): y: int
class Renamed(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)
    y: int
"""
    assert sorted(fields_of_class(text, "ModelInput", "x") or ()) == [
        "Age",
        "sepal length (cm)",
        "width (cm)",
    ]
    assert fields_of_class(text, "Child", "x") is None
    assert fields_of_class(text, "Renamed", "x") is None
    assert fields_of_class(text, "Gone", "x") is None


def test_options_that_run_the_service_exclude_it(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ExclusiveOptionsError):
        scaffold.verify(root, quick=True, accept=True)
    with pytest.raises(NotAProjectError):
        scaffold.verify(tmp_path / "nothing", quick=True)


def test_the_hook_of_pre_commit_is_a_command_that_works(root: Path) -> None:
    (hook,) = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text())
    command = [sys.executable, "-m", *shlex.split(hook["entry"])]
    assert not hook["pass_filenames"]
    assert subprocess.run([*command, "--json"], cwd=root, check=False).returncode == 0
    (root / "model/model.pkl").write_bytes(b"x")
    done = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "model: model/model.pkl is " in done.stderr
