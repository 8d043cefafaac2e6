"""Bad input gets one clear message, exit 1, and nothing is written."""

import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from scaffold.cli import main
from scaffold.cli._main import _internal_error
from scaffold.cli._new import parse_answers

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command in `tmp_path`; return its exit status and its error stream."""
    monkeypatch.chdir(tmp_path)

    def typed(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["scaffold", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capfd.readouterr()
        assert "Traceback" not in captured.err + captured.out
        return int(ended.value.code or 0), captured.err

    return typed


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A pipeline on three named columns, and its sample."""
    X = pd.DataFrame({"age": [20.0, 30.0, 40.0], "income": [1.0, 2.0, 3.0], "rooms": [1, 2, 3]})
    fitted = make_pipeline(StandardScaler(), LinearRegression()).fit(X, [1.0, 2.0, 3.5])
    with (tmp_path / "model.pkl").open("wb") as file:
        pickle.dump(fitted, file)
    X.to_pickle(tmp_path / "sample.pkl")
    return tmp_path / "model.pkl"


def save(path: Path, value: object) -> str:
    path.write_bytes(pickle.dumps(value))
    return path.name


def refused(run: Run, *arguments: str) -> str:
    """Return the message of a refused `new`, which must exit with 1 and leave no files."""
    before = sorted(Path().iterdir())
    status, said = run("new", *arguments, "service")
    assert status == 1, said
    assert sorted(Path().iterdir()) == before
    return said.removeprefix("✗ ")


def test_a_model_that_is_not_there(run: Run, model: Path) -> None:
    said = refused(run, "absent.pkl", "--input", "sample.pkl")
    assert "absent.pkl" in said
    assert "no such file" in said.lower()


def test_a_sample_that_is_not_there(run: Run, model: Path) -> None:
    said = refused(run, "model.pkl", "--input", "absent.csv")
    assert "absent.csv" in said


def test_a_file_that_is_not_a_model(run: Run, model: Path) -> None:
    Path("notes.pkl").write_text("these are notes, and no model at all")
    said = refused(run, "notes.pkl", "--input", "sample.pkl")
    assert "notes.pkl" in said


def test_an_empty_file(run: Run, model: Path) -> None:
    Path("empty.pkl").touch()
    assert "empty" in refused(run, "empty.pkl", "--input", "sample.pkl")


def test_a_pipe_and_a_device_are_no_files(run: Run, model: Path) -> None:
    os.mkfifo("pipe.pkl")
    for name in ("pipe.pkl", "/dev/null"):
        said = refused(run, name, "--input", "sample.pkl")
        assert said.endswith(
            "is no model file: it is a pipe, a device or a socket.\nCopy its content into a file first.\n"
        )


def test_a_pipe_that_only_this_process_can_open_is_a_pipe(run: Run, model: Path) -> None:
    reading, writing = os.pipe()
    try:
        for files in ((f"/dev/fd/{reading}", "sample.pkl"), (model.name, f"/dev/fd/{reading}")):
            said = refused(run, files[0], "--input", files[1])
            assert "it is a pipe, a device or a socket" in said
    finally:
        os.close(reading)
        os.close(writing)


def test_a_target_that_is_a_link_to_nothing(run: Run, model: Path) -> None:
    Path("service").symlink_to("nothing")
    said = refused(run, "absent.pkl", "--input", "sample.pkl")
    assert said.startswith("service is no folder: there is a file of that name.")


def test_a_truncated_file_is_one_line(run: Run, model: Path) -> None:
    Path("cut.pkl").write_bytes(model.read_bytes()[:-40])
    said = refused(run, "cut.pkl", "--input", "sample.pkl")
    assert "truncated" in said
    assert len(said.splitlines()) == 1


def test_a_pickle_whose_library_is_missing_names_what_to_install(run: Run, model: Path) -> None:
    Path("model.pkl").write_bytes(b"\x80\x04cprophet.forecaster\nProphet\n)\x81.")
    said = refused(run, "model.pkl", "--input", "sample.pkl")
    assert "pip install prophet" in said


def test_a_pickle_that_runs_a_command_is_refused_and_not_run(run: Run, model: Path) -> None:
    Path("model.pkl").write_bytes(b"cposix\nsystem\n(S'touch PWNED'\ntR.")
    said = refused(run, "model.pkl", "--input", "sample.pkl")
    assert "posix.system at byte" in said
    assert "--trust posix.system" in said
    assert not Path("PWNED").exists()


def test_a_sample_without_a_column_of_the_model(run: Run, model: Path) -> None:
    pd.read_pickle("sample.pkl").rename(columns={"income": "salary"}).to_pickle("other.pkl")
    said = refused(run, "model.pkl", "--input", "other.pkl")
    assert "The model wants: age, income, rooms" in said
    assert "The sample has:  age, salary, rooms" in said
    assert "missing: income" in said


def test_an_object_array_of_mixed_things(run: Run, model: Path) -> None:
    name = save(Path("mixed.pkl"), np.array([[1, "a", {2}]], dtype=object))
    said = refused(run, "model.pkl", "--input", name)
    assert "could not convert string to float: 'a'" in said


def test_a_frame_with_no_rows(run: Run, model: Path) -> None:
    pd.read_pickle("sample.pkl").head(0).to_pickle("none.pkl")
    assert "row" in refused(run, "model.pkl", "--input", "none.pkl")


def test_duplicate_column_names(run: Run, model: Path) -> None:
    frame = pd.read_pickle("sample.pkl")
    frame.columns = ["age", "age", "rooms"]
    frame.to_pickle("twice.pkl")
    assert "age" in refused(run, "model.pkl", "--input", "twice.pkl")


def test_an_output_of_another_length_than_the_input(run: Run, model: Path) -> None:
    name = save(Path("output.pkl"), np.array([1.0, 2.0]))
    said = refused(run, "model.pkl", "--input", "sample.pkl", "--output", name)
    assert "3" in said
    assert "2" in said


def test_an_output_that_no_method_gives_lists_what_was_tried(run: Run, model: Path) -> None:
    name = save(Path("output.pkl"), np.array([9.0, 9.0, 9.0]))
    said = refused(run, "model.pkl", "--input", "sample.pkl", "--output", name)
    assert "predict" in said
    assert "sample_output has 9" in said


def test_a_target_that_is_not_empty(run: Run, model: Path) -> None:
    Path("service").mkdir()
    Path("service/mine.txt").write_text("mine")
    said = refused(run, "model.pkl", "--input", "sample.pkl")
    assert said.startswith("service is not empty: it holds mine.txt.")
    assert Path("service/mine.txt").read_text() == "mine"


def test_a_name_that_kubernetes_refuses(run: Run, model: Path) -> None:
    assert "'My Service' cannot be the service's name" in refused(
        run, "model.pkl", "--input", "sample.pkl", "--name", "My Service"
    )


def test_a_pin_without_a_version(run: Run, model: Path) -> None:
    assert "--pin numpy==2.4.6" in refused(run, "model.pkl", "--input", "sample.pkl", "--pin", "numpy")


def test_a_verb_on_a_folder_that_is_not_a_project(run: Run) -> None:
    status, said = run("verify", ".")
    assert status == 1
    assert "is no generated project" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--answer", "targets=[unclosed"], "--answer targets=[unclosed cannot be read as YAML: expected"),
        (["--answer", "replicas=!!python/object:os.system x"], "could not determine a constructor"),
        (["--answer", "day=2026-99-99"], "--answer day=2026-99-99 cannot be read as YAML: month must be"),
        (["--answer", "targets"], "--answer targets names no answer and value."),
        (["--python", "banana"], "'banana' is no version of Python that a service can run on."),
        (["--python", "2.7"], "'2.7' is no version of Python"),
        (["--python", "3.11; x"], "'3.11; x' is no version of Python"),
    ],
)
def test_an_option_that_cannot_be_read(run: Run, model: Path, options: list[str], said: str) -> None:
    assert said in refused(run, "model.pkl", "--input", "sample.pkl", *options)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("replica=3", "The template has no question 'replica'. Did you mean 'replicas'?"),
        ("replicas=many", "The answer 'replicas' is 'many'."),
    ],
)
def test_an_unknown_or_invalid_answer_is_refused_before_the_model_is_read(
    run: Run, answer: str, said: str
) -> None:
    assert said in refused(run, "absent.pkl", "--input", "absent.csv", "--answer", answer)


def test_the_advice_on_yaml_is_right(run: Run, model: Path) -> None:
    said = refused(run, "model.pkl", "--input", "sample.pkl", "--answer", "targets=[unclosed")
    assert """--answer 'targets="..."'""" in said
    assert parse_answers(['targets="[unclosed"']) == {"targets": "[unclosed"}


def test_a_template_that_is_not_a_folder(run: Run) -> None:
    service = Path(__file__).parents[2] / "examples/titanic/service"
    status, said = run("diff", str(service), "--template", "/nowhere")
    assert status == 1
    assert "The template /nowhere cannot be rendered: Local template must be a directory." in said


@pytest.mark.parametrize(("name", "version"), [("", "1.0.0"), ("churn", " "), ("team/churn", "1.0.0")])
def test_a_model_is_not_registered_under_no_name(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch, name: str, version: str
) -> None:
    monkeypatch.setenv("SCAFFOLD_STORE", "sqlite:///store.db")
    status, said = run("register", "model.pkl", "--name", name, "--version", version)
    assert status == 1
    assert "scaffold register model.pkl --name churn --version 1.0.0" in said
    assert not Path("store.db").exists()


def test_an_invalid_port(run: Run) -> None:
    status, said = run("serve", ".", "--port", "99999999")
    assert status == 1
    assert "Invalid value for '--port'" in said


def _wrapped(cause: BaseException) -> Exception:
    """Return the error of an import in which something is raised, as Python 3.11 and older wrap it."""
    error = RuntimeError("Error calling __set_name__ on 'Field' instance")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (RuntimeError("odd"), 1, "scaffold itself failed: RuntimeError: odd"),
        (OSError(28, "No space left on device", "x"), 1, "No space left on device: x"),
        (KeyboardInterrupt(), 130, "Interrupted."),
        (_wrapped(KeyboardInterrupt()), 130, "Interrupted."),
    ],
)
def test_an_internal_error_says_nothing_about_remaining_files(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, said: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("scaffold.verbs.audit.audit", fail)
    found, message = run("audit", ".")
    assert found == status
    assert said in message
    assert "half done" not in message
    assert "nothing" not in message.lower()


def test_an_interrupt_before_the_command_has_begun(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "scaffold.cli._app", Interrupted("scaffold.cli._app"))
    assert run("audit", ".") == (130, "✗ Interrupted.\n")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 100 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = shutil.which("mount") and os.geteuid() == 0
    if not mounted or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", place]).returncode:
        pytest.skip("a file system can only be mounted by root")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_is_reported_and_leaves_no_files(run: Run, model: Path, small_disk: Path) -> None:
    status, said = run(
        "new", "model.pkl", "--input", "sample.pkl", str(small_disk / "service"), "--no-verify"
    )
    assert status == 1
    assert "No space left on device" in said
    assert list(small_disk.iterdir()) == []


def test_inspect_writes_nothing(run: Run, model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = sorted(Path().iterdir())
    sys.argv = ["scaffold", "inspect", "model.pkl", "--input", "sample.pkl", "--json"]
    main_status = _status(main)
    found = json.loads(capfd.readouterr().out)
    assert main_status == 0
    assert found["signature"]["call"]["method"] == "predict"
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_standard_stream_ends_no_command(model: Path, closed: str) -> None:
    command = f'"{sys.executable}" -m scaffold inspect model.pkl --input sample.pkl {closed}'
    done = subprocess.run(command, shell=True, cwd=model.parent, capture_output=True, text=True, check=False)
    assert (done.returncode, "failed" in done.stderr) == (0, False)


def _status(program: Callable[[], None]) -> int:
    try:
        program()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_an_internal_error_is_told_where_no_file_can_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    message = _internal_error(ValueError("odd"))
    assert message.startswith("scaffold itself failed: ValueError: odd")
    assert message.endswith("Please report it with this traceback:\nValueError: odd")
