"""The process that loads the model: its reports, refused accesses, and its end."""

from __future__ import annotations

import json
import os
import pickle
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import scaffold
from scaffold.base.codec import CodecError
from scaffold.errors import (
    CallError,
    ConfinementError,
    LoadFailedError,
    MissingVariableError,
    NoFittingCallError,
    NotASampleError,
    UnsupportedSampleError,
    UsageError,
    WorkerDiedError,
    WorkerEndedError,
    WorkerError,
    WorkerLimitError,
    WorkerMessageError,
)
from scaffold.events import Event, Noted
from scaffold.spec import Batching, LocalSource, PythonCall
from scaffold.verbs._examination import _check_source
from scaffold.worker import require_plain
from scaffold.worker._errors import decode_error, encode_error

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines a process so")

PREDICT = "    def predict(self, X):\n        {body}\n        return [2 * x for x in X]\n"


@pytest.fixture
def inspect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Inspects a model whose class the given text of `priced.py` defines; the sample is three numbers."""

    def _inspect(text: str, **options: Any) -> Any:
        folder = tmp_path / "model"
        folder.mkdir(exist_ok=True)
        (folder / "priced.py").write_text(text)
        # A class by name, called without arguments.
        (folder / "model.pkl").write_bytes(b"cpriced\nModel\n(tR.")
        (folder / "X.json").write_text("[1.0, 2.5, 4.0]")
        monkeypatch.chdir(folder)
        return scaffold.inspect(folder / "model.pkl", folder / "X.json", **options)

    return _inspect


def model(body: str = "pass", head: str = "") -> str:
    return f"{head}\nclass Model:\n" + PREDICT.format(body=body)


def test_a_crash_is_reported_with_signal_and_model(
    inspect: Callable[..., Any],
) -> None:
    with pytest.raises(WorkerDiedError) as caught:
        inspect("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n" + model())
    assert (caught.value.signal, caught.value.doing) == ("SIGSEGV", "priced.Model")
    assert "SIGSEGV ended the process that loads the model while it loaded priced.Model." in str(caught.value)


def test_a_crash_of_a_call_is_not_reported_as_one_while_loading(inspect: Callable[..., Any]) -> None:
    with pytest.raises(WorkerDiedError) as caught:
        inspect(model("import os; os.kill(os.getpid(), 9)"))
    assert str(caught.value).startswith(
        "SIGKILL ended the process that loads the model while the model was called."
    )


def test_a_signal_without_a_name_is_reported_by_its_number(inspect: Callable[..., Any]) -> None:
    with pytest.raises(WorkerDiedError, match=r"^Signal 40 ended the process that loads the model"):
        inspect(model("import os; os.kill(os.getpid(), 40)"))


def test_a_call_that_ends_the_process_is_reported_as_such(inspect: Callable[..., Any]) -> None:
    with pytest.raises(WorkerEndedError, match=r"while the model was called \(exit status 7\)"):
        inspect(model("import os; os._exit(7)"))


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "GeneratorExit", "type('E', (BaseException,), {})"])
def test_whatever_a_model_raises_is_its_own_error(inspect: Callable[..., Any], raised: str) -> None:
    with pytest.raises(LoadFailedError, match="it ends the process: "):
        inspect(f"raise {raised}('x')\n" + model())
    with pytest.raises(NoFittingCallError, match=": x"):
        inspect(model(f"raise {raised}('x')"))


def test_a_property_that_raises_anything_is_passed_over(inspect: Callable[..., Any]) -> None:
    guarded = "    @property\n    def classes_(self):\n        raise GeneratorExit\n"
    assert inspect(model() + guarded).signature.call.method == "predict"


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("OSError('unheard of')", "OSError: unheard of"),
        (
            "type('E', (Exception,), {'__str__': lambda self: 1 / 0})()",
            "E: an exception that cannot be written",
        ),
    ],
)
def test_what_code_by_value_raises_while_it_loads_is_the_error_of_the_model(
    tmp_path: Path, raised: str, said: str
) -> None:
    script = f"""
import cloudpickle
class Model:
    def __setstate__(self, state): raise {raised}
    def __getstate__(self): return {{1: 2}}
    def predict(self, X): return X
cloudpickle.dump(Model(), open("model.pkl", "wb"))
"""
    (tmp_path / "train.py").write_text(script)
    subprocess.run([sys.executable, "train.py"], cwd=tmp_path, check=True)
    with pytest.raises(LoadFailedError) as caught:
        scaffold.inspect(tmp_path / "model.pkl", [1.0])
    assert str(caught.value) == f"model.pkl does not load.\n  {said}"


@linux
def test_a_path_with_spaces_in_a_message_is_one_path(tmp_path: Path) -> None:
    folder = tmp_path / "my models ü"
    folder.mkdir()
    (folder / "priced.py").write_text(model())
    (folder / "model.pkl").write_bytes(b"cpriced\nModel\n(tR.")
    (folder / "X.csv").touch()
    with pytest.raises(NotASampleError, match="it is empty"):
        scaffold.inspect(folder / "model.pkl", folder / "X.csv")


def test_a_model_that_does_not_end_is_stopped_after_its_time(inspect: Callable[..., Any]) -> None:
    with pytest.raises(WorkerLimitError, match="--time-limit"):
        inspect("while True: pass\n" + model(), time_limit=4)


@linux
def test_a_model_that_fills_the_memory_reaches_the_limit(inspect: Callable[..., Any]) -> None:
    with pytest.raises(WorkerLimitError, match=r"(?s)limit of memory.*--memory-limit"):
        inspect("held = bytearray(4 << 30)\n" + model(), memory_limit="1G")


@linux
def test_a_file_elsewhere_is_refused_by_name_and_read_where_that_is_allowed(
    inspect: Callable[..., Any], tmp_path: Path
) -> None:
    rates = tmp_path / "rates.txt"
    rates.write_text("2")
    text = model(f"open({str(rates)!r}).read()")
    with pytest.raises(ConfinementError) as caught:
        inspect(text)
    assert f"The model reads {rates}, which it may not do unasked." in str(caught.value)
    assert f"--allow-read {rates}" in str(caught.value)
    assert inspect(text, allow_read=[rates]).signature.call.method == "predict"


@linux
def test_a_refusal_while_loading_quotes_the_error_of_the_model(
    inspect: Callable[..., Any], tmp_path: Path
) -> None:
    rates = tmp_path / "rates.txt"
    rates.write_text("2")
    with pytest.raises(ConfinementError) as caught:
        inspect(model(head=f"open({str(rates)!r})"))
    assert caught.value.cause == f"PermissionError: [Errno 13] Permission denied: '{rates}'"


def test_a_connection_is_refused_by_name(inspect: Callable[..., Any]) -> None:
    with pytest.raises(ConfinementError, match=r"connects to .*\n.*\n.*\n.*--allow-network"):
        inspect(model("import socket; socket.create_connection(('127.0.0.1', 9), 1)"))


@linux
@pytest.mark.parametrize("body", ["import os; os.fork()", "import subprocess; subprocess.run(['true'])"])
def test_no_process_and_no_program_is_started(inspect: Callable[..., Any], body: str) -> None:
    with pytest.raises(ConfinementError, match=r"starts a process|runs the program"):
        inspect(model(body))


POOLS = {
    "pool": "import multiprocessing; multiprocessing.Pool(2).map(abs, X)",
    "executor": "from concurrent.futures import ProcessPoolExecutor as E; list(E(2).map(abs, X))",
}


@linux
@pytest.mark.parametrize("body", POOLS.values(), ids=POOLS)
def test_a_pool_of_processes_is_refused_with_the_threads_that_work(
    inspect: Callable[..., Any], body: str
) -> None:
    with pytest.raises(ConfinementError) as caught:
        inspect(model(body))
    lines = str(caught.value).splitlines()
    assert lines[0] == "The model starts a process, which it may not do unasked."
    advice = lines[-1].strip()
    assert advice == "from concurrent.futures import ThreadPoolExecutor"
    threads = f"{advice} as E; list(E(2).map(abs, X))"
    assert inspect(model(threads)).signature.call.method == "predict"


@linux
@pytest.mark.parametrize("place", ["beside.db", "new.db"])
def test_a_database_that_the_model_writes_to_is_named(
    inspect: Callable[..., Any], tmp_path: Path, place: str
) -> None:
    (tmp_path / "model").mkdir()
    path = tmp_path / "model" / place
    if place == "beside.db":
        sqlite3.connect(path).execute("CREATE TABLE asked (x)")
    writing = f"import sqlite3; sqlite3.connect({str(path)!r}).execute('CREATE TABLE log (x)')"
    with pytest.raises(ConfinementError) as caught:
        inspect(model(writing))
    lines = str(caught.value).splitlines()
    assert lines[0] == f"The model writes to the database {path}, which it may not do unasked."
    assert lines[-1] == "Have the model only read the database, and write its log with `logging`."


@linux
@pytest.mark.parametrize(
    ("body", "target"),
    [
        ("open('log.txt', 'a').write('x')", "log.txt"),
        ("import os; os.makedirs('cache/rows')", "cache"),
        ("import logging; logging.FileHandler('predict.log')", "predict.log"),
    ],
)
@pytest.mark.parametrize("when", ["load", "predict"])
def test_a_file_that_the_model_writes_into_the_current_folder_is_named(
    inspect: Callable[..., Any], when: str, body: str, target: str
) -> None:
    """The current folder of the service is not writable, so that of the worker is not either."""
    with pytest.raises(ConfinementError) as caught:
        inspect(model(body) if when == "predict" else model(head=body))
    first, cause, *_, last = str(caught.value).splitlines()
    assert first == f"The model writes {target} in the current folder, which it may not do unasked."
    assert f"Permission denied: '{target}'" in cause
    assert last == "  tempfile.gettempdir()"
    assert inspect(model("import tempfile; tempfile.TemporaryFile('w').write('x')"))


@linux
def test_a_database_elsewhere_is_read_where_that_is_allowed(
    inspect: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "rates.db"
    sqlite3.connect(path).execute("CREATE TABLE rates (x)")
    reading = model(f"import sqlite3; sqlite3.connect({str(path)!r}).execute('SELECT * FROM rates')")
    with pytest.raises(ConfinementError, match=f"reads {path},") as caught:
        inspect(reading)
    assert (caught.value.action, caught.value.target) == ("reads", str(path))
    assert str(caught.value).endswith(f"scaffold new ... --allow-read {path}")
    assert inspect(reading, allow_read=[path]).signature.call.method == "predict"


@pytest.mark.parametrize("when", ["load", "predict"])
def test_a_file_in_the_current_folder_is_named_with_the_place_where_it_is_found(
    inspect: Callable[..., Any], tmp_path: Path, when: str
) -> None:
    (tmp_path / "model" / "rates").mkdir(parents=True)
    (tmp_path / "model" / "rates" / "eu.csv").write_text("2")

    def opening(opened: str) -> str:
        text = f"{opened}.read()"
        return "from pathlib import Path\n" + (model(text) if when == "predict" else model(head=text))

    with pytest.raises((CallError, LoadFailedError)) as caught:
        inspect(opening("open('rates/eu.csv')"))
    advice = str(caught.value).splitlines()[-1].strip()
    assert advice == "open(Path(__file__).parent / 'rates/eu.csv')"
    found = inspect(opening(advice))
    assert found.signature.call.method == "predict"
    assert "rates/eu.csv" in [source.path for source in found.dependencies.sources]


def test_hidden_files_next_to_the_model_are_not_readable(inspect: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / ".env").write_text("SECRET=1")
    with pytest.raises(ConfinementError, match=r"reads .*\.env"):
        inspect(model("open('.env').read() if __import__('os').chdir(__file__[:-10]) is None else 0"))


def test_a_missing_variable_is_named(inspect: Callable[..., Any]) -> None:
    text = model("import os; float(os.environ['FARE_RATE'])")
    with pytest.raises(MissingVariableError) as caught:
        inspect(text)
    assert caught.value.names == ("FARE_RATE",)
    assert "--env FARE_RATE=VALUE" in str(caught.value)
    assert inspect(text, env=["FARE_RATE=1.5"]).variables[0].value == "1.5"


def test_a_variable_of_this_shell_is_not_in_the_service_unasked(
    inspect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FARE_RATE", "1.5")
    text = model("import os; float(os.environ.get('FARE_RATE'))")
    with pytest.raises(MissingVariableError, match="FARE_RATE"):
        inspect(text)
    assert inspect(text, env=["FARE_RATE"]).variables[0].value == "1.5"
    assert inspect(text, secret=["FARE_RATE"]).variables[0].value == ""


@pytest.mark.parametrize(
    "read",
    [
        "os.getenv('FARE_RATE', '1')",
        "os.environ.setdefault('FARE_RATE', '1')",
        "os.environb.get(b'FARE_RATE', b'1')",
        "os.getenvb(b'FARE_RATE', b'1')",
    ],
)
def test_a_variable_with_a_default_is_noted(
    inspect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    monkeypatch.setenv("FARE_RATE", "1.5")
    events: list[Event] = []
    inspect(model(f"import os; float({read})"), on_event=events.append)
    notes = [event.text for event in events if isinstance(event, Noted)]
    assert any("the model reads the variable FARE_RATE" in note for note in notes)


@pytest.mark.parametrize(
    "read", ["dict(os.environ)", "os.environ.copy()", "{k.lower(): v for k, v in os.environ.items()}"]
)
@pytest.mark.parametrize("when", ["load", "predict"])
def test_a_copy_of_all_variables_is_noted(inspect: Callable[..., Any], when: str, read: str) -> None:
    events: list[Event] = []
    body = f"import os; {read}"
    inspect(model(body) if when == "predict" else model(head=body), on_event=events.append)
    assert (
        "priced reads the whole environment; in the service it has only the variables that --env NAME or"
        " --secret NAME gives" in [event.text for event in events if isinstance(event, Noted)]
    )


def test_a_library_that_looks_for_its_own_variables_is_not_noted(inspect: Callable[..., Any]) -> None:
    events: list[Event] = []
    inspect(model("import os, numpy, pandas; os.environ.get('A')"), on_event=events.append)
    notes = [event.text for event in events if isinstance(event, Noted)]
    assert not any("whole environment" in note for note in notes)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("'na\\udcff'", r"sample_output[0]: 'na\udcff' is no Unicode text: '\udcff' is half of a pair"),
        ("{'a': ['\\ud800']}", r"sample_output[0]: '\ud800' is no Unicode text: '\ud800' is half of a pair"),
    ],
)
def test_text_that_utf_8_cannot_encode_is_named(inspect: Callable[..., Any], answer: str, found: str) -> None:
    with pytest.raises(UnsupportedSampleError) as caught:
        inspect(model(f"return [{answer} for x in X]"))
    lines = str(caught.value).splitlines()
    assert lines[:2] == ["The sample cannot be sent as JSON.", f"  {found}"]
    assert lines[-1] == '  data.decode("utf-8", errors="replace")'


@pytest.mark.parametrize(
    "read",
    [
        "collections.ChainMap(os.environ, {'FARE_RATE': 'none'})['FARE_RATE']",
        "string.Template('$FARE_RATE').safe_substitute(os.environ)",
    ],
)
def test_a_variable_is_the_users_where_the_standard_library_looks_it_up(
    inspect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    monkeypatch.setenv("FARE_RATE", "1.5")
    text = model(f"import collections, os, string; float({read})")
    with pytest.raises(MissingVariableError) as caught:
        inspect(text)
    assert caught.value.names == ("FARE_RATE",)


def test_a_missing_variable_of_bytes_is_named(inspect: Callable[..., Any]) -> None:
    with pytest.raises(MissingVariableError) as caught:
        inspect(model("import os; os.environb[b'FARE_RATE']"))
    assert caught.value.names == ("FARE_RATE",)


def test_a_secret_without_a_value_is_asked_for(inspect: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match="export API_TOKEN"):
        inspect(model(), secret=["API_TOKEN"])


def test_a_fault_of_the_model_is_not_blamed_on_a_variable_that_a_library_reads(
    inspect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PANDAS_COPY_ON_WRITE", "1")
    with pytest.raises(CallError):
        inspect(model("import pandas; raise ValueError('no')"))


def test_the_caller_imports_no_library_of_the_model(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(b"cnumpy\ndtype\n(Vf8\ntR.")
    (tmp_path / "X.json").write_text("[1.0]")
    code = (
        "import sys, scaffold\n"
        "try: scaffold.inspect('model.pkl', 'X.json')\n"
        "except scaffold.ScaffoldError as error: print(type(error).__name__)\n"
        "print([name for name in ('numpy', 'pandas', 'sklearn', 'torch') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["NothingToCallError", "[]"]


def test_a_worker_starts_in_an_environment_with_no_distributions(
    inspect: Callable[..., Any], tmp_path: Path
) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    report = inspect(model(), environment=[str(tmp_path / "venv")])
    assert report.signature.call.method == "predict"


def test_a_model_that_calls_the_tool_does_not_start_another_worker(inspect: Callable[..., Any]) -> None:
    text = "import scaffold\nscaffold.inspect('model.pkl', 'X.json')\n" + model()
    with pytest.raises(LoadFailedError, match="calls scaffold itself while it is loaded"):
        inspect(text)


@linux
def test_the_worker_ends_with_its_parent(tmp_path: Path) -> None:
    (tmp_path / "priced.py").write_text("import time\ntime.sleep(600)\n" + model())
    (tmp_path / "model.pkl").write_bytes(b"cpriced\nModel\n(tR.")
    (tmp_path / "X.json").write_text("[1.0]")
    command = [sys.executable, "-m", "scaffold", "inspect", "model.pkl", "--input", "X.json"]
    parent = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "TMPDIR": str(tmp_path)})
    try:
        worker = _await(lambda: _child_of(parent.pid))
        _await(lambda: b"priced" in next(tmp_path.glob("scaffold-worker-*/own/doing")).read_bytes())
    finally:
        parent.kill()
        parent.wait()
    _await(lambda: not Path(f"/proc/{worker}").exists())


def _child_of(parent: int) -> int | None:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return int(children[0]) if children else None


def _await(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if found := condition():
                return found
        except (OSError, StopIteration):
            pass
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


# --------------------------------------------------------------------------- a hostile worker

FOLDER = "import os; F = os.path.dirname(os.environ['TMPDIR']); "


@linux
@pytest.mark.parametrize("name", ["log.txt", "doing"])
def test_links_that_the_worker_puts_in_place_of_its_files_are_not_read(
    inspect: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    (tmp_path / "secret").write_text("a word that nobody may read")
    link = f"os.remove(F + '/{name}'); os.symlink({str(tmp_path / 'secret')!r}, F + '/{name}'); "
    with pytest.raises(WorkerError) as caught:
        inspect(model(FOLDER + link + "os.kill(os.getpid(), 11)"))
    assert "nobody may read" not in str(caught.value)


@linux
@pytest.mark.parametrize("line", ["b'[' * 200_000 + b'\\n'", "b'no JSON\\n'", "b'[]\\n'"])
def test_an_invalid_message_ends_the_worker(inspect: Callable[..., Any], line: str) -> None:
    send = (
        "import gc, os; from scaffold.worker._channel import Channel; "
        f"[os.write(c._writer, {line}) for c in gc.get_objects() if type(c) is Channel]; os._exit(0)"
    )
    with pytest.raises(WorkerError, match="broke off"):
        inspect(model(send))


@linux
def test_the_folder_named_by_home_is_not_readable_as_a_whole(
    inspect: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "letter.txt").write_text("private")
    monkeypatch.setenv("HOME", str(tmp_path / "model"))
    with pytest.raises(ConfinementError, match=r"reads .*letter\.txt"):
        inspect(model(f"open({str(tmp_path / 'model' / 'letter.txt')!r})"))


@pytest.mark.parametrize("text", ['x"""\nimport os', "a\nb", "f(1)", "a'b"])
def test_a_string_that_is_not_an_identifier_does_not_become_code(text: str) -> None:
    with pytest.raises(CodecError, match="that is none"):
        require_plain(PythonCall(method=text, batching=Batching.TOGETHER))
    require_plain(PythonCall(method="predict_proba", batching=Batching.TOGETHER))


def test_an_error_crosses_the_pipe_unchanged() -> None:
    error = NoFittingCallError(False, (("model.predict(X)", "no"),), ("a",), ("b",))
    again = decode_error(json.loads(json.dumps(encode_error(error))))
    assert type(again) is NoFittingCallError
    assert (str(again), again.args) == (str(error), error.args)
    assert pickle.loads(pickle.dumps(again)).args == error.args


@pytest.mark.parametrize(
    "document",
    [
        {"error": "SystemExit", "arguments": [1]},
        {"error": "Sequence", "arguments": []},
        {"error": "CallError", "arguments": 3},
        {"error": "CallError", "arguments": []},
        {"error": "AnswersDifferError", "arguments": [1, 2, 3, 4]},
        {},
    ],
)
def test_an_unknown_error_type_becomes_a_worker_error(document: dict[str, Any]) -> None:
    assert type(decode_error(document)) is WorkerMessageError


def test_text_of_the_worker_cannot_move_the_cursor() -> None:
    error = decode_error({"error": "LoadFailedError", "arguments": ["model.pkl", "\x1b[2Jgone\x07"]})
    assert "\x1b" not in str(error)
    assert "gone" in str(error)


@pytest.mark.parametrize("path", ["../outside.py", "/etc/passwd", "a/../../b.py", ""])
def test_a_source_that_leads_out_of_the_project_is_refused(path: str) -> None:
    with pytest.raises(CodecError):
        _check_source(LocalSource(path=path, content=b"", reason=""))
