"""A file of DVC's is followed: in the repository of the current folder, and in one that the user names."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scaffold.base.process import Finished
from scaffold.base.uv import uv_command, uv_environment
from scaffold.cli._app import app
from scaffold.errors import ModelNotFetchedError
from scaffold.find import find_model, find_newer
from scaffold.find._dvc_repository import FOLLOWED, Place, parse_place
from scaffold.find.dvc import DvcSource
from scaffold.spec import Origin
from tests.find._git_server import git_server
from tests.find._web import silent_port
from tests.find.test_fsspec import X, fitted

ONE, TWO = b"one", b"two"
GIT = dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "tests")
GIT |= dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "tests@example.com")


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def keep(root: Path, content: bytes) -> None:
    """Write the lock that DVC writes for a model with this content."""
    (root / ".dvc").mkdir(exist_ok=True)
    out = {"path": "models/churn.pkl", "hash": "md5", "md5": md5(content)}
    (root / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": {"train": {"outs": [out]}}}))


def place(root: Path, content: bytes) -> Path:
    path = root / "models" / "churn.pkl"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def no_command(command: Sequence[str], **_: object) -> Finished:
    raise AssertionError(command)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    keep(tmp_path, ONE)
    place(tmp_path, ONE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_lock_that_changed_is_new_and_no_command_runs_to_see_it(repository: Path) -> None:
    origin = find_model("models/churn.pkl").origin
    assert origin is not None
    assert (origin.uri, origin.version) == ("dvc:models/churn.pkl", md5(ONE))
    source = DvcSource(run=no_command)
    assert source.newer(origin) is None
    keep(repository, TWO)
    with pytest.raises(ModelNotFetchedError) as caught:
        source.newer(origin)
    assert str(caught.value) == (
        "dvc:models/churn.pkl cannot be fetched: dvc.lock has another version than is here.\n"
        "  dvc pull models/churn.pkl"
    )
    place(repository, TWO)
    assert source.newer(origin) == "dvc:models/churn.pkl"
    assert find_newer(origin).path.read_bytes() == TWO


def test_a_file_that_is_not_the_one_of_the_lock_is_told(repository: Path) -> None:
    assert find_model("models/churn.pkl").declared.notes == ()
    place(repository, b"trained by hand")
    notes = find_model("models/churn.pkl").declared.notes
    assert notes == ("churn.pkl is another file than dvc.lock has: dvc status",)


def test_a_folder_is_compared_by_its_listing(repository: Path) -> None:
    """The md5 is what `dvc add` of DVC 3 wrote for these files."""
    folder = repository / "bert"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "x.txt").write_text("x")
    (folder / "b.txt").write_text("b")
    listed = f"outs:\n- path: bert\n  hash: md5\n  md5: {FOLDER_MD5}.dir\n"
    (repository / "bert.dvc").write_text(listed)
    assert find_model("bert").declared.notes == ()
    (folder / "b.txt").write_text("c")
    assert find_model("bert").declared.notes == ("bert is another file than bert.dvc has: dvc status",)


FOLDER_MD5 = "59b490ce1847f28df94a7b05901fad84"


@pytest.mark.parametrize("uri", ["dvc:models/gone.pkl", "dvc:../models/churn.pkl", "dvc:/etc/passwd", "dvc:"])
def test_a_record_names_no_file_that_dvc_does_not_keep_here(repository: Path, uri: str) -> None:
    (repository / "inner" / ".dvc").mkdir(parents=True)
    os.chdir(repository / "inner")
    with pytest.raises(ModelNotFetchedError, match="DVC keeps no such file in"):
        find_newer(Origin(uri=uri, version="1"))


def test_outside_of_a_repository_nothing_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFetchedError, match="the current folder is in no DVC repository"):
        find_newer(Origin(uri="dvc:models/churn.pkl", version="1"))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("dvc://host/team/models@main/a/m.pkl", ("https://host/team/models", "main", "a/m.pkl")),
        ("dvc+ssh://git@host/team/models@v1.2/m@2.pkl", ("ssh://git@host/team/models", "v1.2", "m@2.pkl")),
        ("dvc+http://host:8080/models@HEAD/m.pkl", ("http://host:8080/models", "HEAD", "m.pkl")),
        ("dvc://host/models@feature%2Fx/m.pkl", ("https://host/models", "feature/x", "m.pkl")),
        ("dvc:///srv/models@main/m.pkl", ("/srv/models", "main", "m.pkl")),
    ],
)
def test_an_address_names_a_repository_a_revision_and_a_path(
    written: str, expected: tuple[str, str, str]
) -> None:
    repository, revision, path = expected
    assert parse_place(written) == Place(repository=repository, revision=revision, path=path)


@pytest.mark.parametrize(
    "written",
    [
        "dvc://host/models/m.pkl",
        "dvc://host/models@main",
        "dvc://host/models@--upload-pack=x/m.pkl",
        "dvc://host/models@a:b/m.pkl",
        "dvc+ssh://-oProxyCommand=x/models@main/m.pkl",
        "dvc://ext::sh/models@main/m.pkl",
        "dvc://host/models@main/../m.pkl",
        "dvc://me:secret@host/models@main/m.pkl",
    ],
)
def test_any_other_address_is_refused(written: str) -> None:
    with pytest.raises(ModelNotFetchedError, match="no address of a file in a DVC repository") as caught:
        find_model(written)
    assert "secret" not in str(caught.value)


def test_no_command_runs_for_a_repository_that_only_a_record_names(monkeypatch: pytest.MonkeyPatch) -> None:
    origin = Origin(uri="dvc://host/team/models@main/m.pkl", version="1")
    source = DvcSource(run=no_command)
    for named in ("", "https://host/team/other", "/srv/models"):
        monkeypatch.setenv(FOLLOWED, named)
        with pytest.raises(ModelNotFetchedError, match=f"export {FOLLOWED}=https://host/team/models"):
            source.newer(origin)
    monkeypatch.setenv(FOLLOWED, "/srv/models")
    with pytest.raises(ModelNotFetchedError, match=FOLLOWED):
        source.newer(Origin(uri="dvc:///srv/models@main/m.pkl", version="1"))


def test_a_repository_of_the_current_folder_configures_no_program_of_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "config", "core.sshCommand", f"touch {tmp_path}/ran;"], check=True)
    monkeypatch.setenv(FOLLOWED, "ssh://git@127.0.0.1:1/team/models")
    with pytest.raises(ModelNotFetchedError):
        find_newer(Origin(uri="dvc+ssh://git@127.0.0.1:1/team/models@main/m.pkl", version="1"))
    assert not (tmp_path / "ran").exists()


def test_a_repository_that_hangs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scaffold.find._dvc_repository._ANSWER_S", 1.0)
    with silent_port() as port:
        monkeypatch.setenv(FOLLOWED, f"http://127.0.0.1:{port}/models")
        url = f"dvc+http://127.0.0.1:{port}/models@main/m.pkl"
        for ask in (lambda: find_newer(Origin(uri=url, version="1")), lambda: find_model(url)):
            with pytest.raises(ModelNotFetchedError, match=r"127\.0\.0\.1:\d+/models does not answer in 1 s"):
                ask()


@pytest.fixture(scope="module")
def dvc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The command, in an environment of its own, as `pipx install dvc` makes it; it is on the path."""
    given = os.environ.get("SCAFFOLD_TEST_DVC")
    folder = tmp_path_factory.mktemp("dvc")
    if not given:
        run = [uv_command(), "venv", "-q", "--python", sys.executable, str(folder / "env")]
        subprocess.run(run, check=True, env=uv_environment())
        run = [
            uv_command(),
            "pip",
            "install",
            "-q",
            "--python",
            str(folder / "env" / "bin" / "python"),
            "dvc",
        ]
        subprocess.run(run, check=True, env=uv_environment())
    command = given or str(folder / "env" / "bin" / "dvc")
    (folder / "bin").mkdir()
    (folder / "bin" / "dvc").symlink_to(command)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
        for name, value in {**GIT, "DVC_NO_ANALYTICS": "1", "DVC_GLOBAL_CONFIG_DIR": str(folder)}.items():
            patch.setenv(name, value)
        yield command


def typed(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*map(str, words)])
    return done.exit_code, " ".join(f"{done.output} {done.exception or ''}".split())


def commands(*lines: str) -> None:
    for line in lines:
        subprocess.run(line.split(), check=True, stdout=subprocess.DEVNULL)


@pytest.mark.slow
def test_real_dvc_a_repository_here_and_one_at_a_git_server(
    dvc: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, sample = tmp_path / "work", tmp_path / "sample.csv"
    X.to_csv(sample, index=False)
    work.mkdir()
    monkeypatch.chdir(work)
    commands("git init -q -b main", "dvc init -q", f"dvc remote add -q -d storage {tmp_path}/storage")
    place(work, fitted(1.0))
    commands("dvc add -q models/churn.pkl", "git add -A", "git commit -qm one", "dvc push -q")
    (tmp_path / "served").mkdir()
    commands(f"git clone -q --bare . {tmp_path}/served/models")

    here, there = tmp_path / "here", tmp_path / "there"
    assert typed("new", "models/churn.pkl", here, "--input", sample, "--no-verify")[0] == 0
    with git_server(tmp_path / "served") as address:
        url = f"dvc+http://{address}/models@main/models/churn.pkl"
        code, told = typed("new", url, there, "--input", sample, "--no-verify")
        assert code == 0, told
        assert "SCAFFOLD_DVC_REPOS" in typed("update", there)[1]
        monkeypatch.setenv(FOLLOWED, f"http://{address}/models.git")
        for project in (here, there):
            assert typed("update", project, "--exit-code")[0] == 3

        place(work, fitted(9.0))
        commands("dvc add -q models/churn.pkl", "git commit -qam two", "dvc push -q")
        commands(f"git push -q {tmp_path}/served/models main")
        for project in (here, there):
            code, told = typed("update", project, "--input", sample, "--exit-code", "--no-verify")
            assert code == 0, told
            assert (project / "model/model.pkl").read_bytes() == fitted(9.0)
            assert typed("update", project, "--exit-code")[0] == 3

        code, told = typed("new", url.replace("main", "gone"), tmp_path / "none", "--input", sample)
        assert (code, "has no branch or tag 'gone'; nearest: main" in told) == (1, True)
        (tmp_path / "storage").rename(tmp_path / "moved")
        code, told = typed("new", url, tmp_path / "none", "--input", sample)
        assert (code, "models/churn.pkl" in told.partition("cannot be fetched")[2]) == (1, True), told
        assert "always happy to help" not in told
        (tmp_path / "moved").rename(tmp_path / "storage")

    shutil.rmtree(work / ".dvc" / "cache")
    place(work, fitted(1.0)).unlink()
    assert typed("new", "dvc:models/churn.pkl", tmp_path / "pulled", "--input", sample, "--no-verify")[0] == 0
    assert pickle.loads((tmp_path / "pulled/model/model.pkl").read_bytes()).C == 9.0
