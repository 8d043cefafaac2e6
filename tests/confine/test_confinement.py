"""Reports of a confined process: the active walls, refused accesses, and the limit that ended it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scaffold.base.confine import (
    Action,
    Closed,
    Confinement,
    Enforced,
    Missing,
    Network,
    Open,
    Refused,
    Serve,
    Wall,
    _calls,
    _landlock,
    _paths,
    _seccomp,
    _system,
    confined_environment,
    enforce,
    explain,
    explain_exit,
    readable_system_paths,
    refusals,
)

confinable = pytest.mark.skipif(_system.machine() is None, reason="Linux on x86_64 and aarch64 can confine")
PRELUDE = """
import errno, json, os, sys, threading
from pathlib import Path
sys.path.insert(0, {tests!r})
from scaffold.base import confine
from scaffold.base.confine import *
confinement = Confinement.from_json({confinement!r})
def shown(refused):
    return None if refused is None else [refused.action.name, refused.target]
def why(function):
    try:
        function()
    except BaseException as error:
        return shown(explain(error))
    return "allowed"
"""
RunConfined = Callable[..., Any]


@pytest.fixture
def writable(tmp_path: Path) -> Path:
    folder = tmp_path / "writable"
    folder.mkdir()
    return folder


@pytest.fixture
def run_confined(writable: Path) -> RunConfined:
    """Run code in a confined child; return its `result`, or the exit status."""

    def run(code: str, *, before: str = "", status: int = 0, **options: Any) -> Any:
        options.setdefault("writable", (writable,))
        confinement = Confinement(**options).as_json()
        prelude = PRELUDE.format(tests=str(Path(__file__).parent), confinement=confinement)
        script = f"{prelude}\n{before}\nenforced = enforce(confinement)\n{textwrap.dedent(code)}"
        script += "\nprint(json.dumps(result))"
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd=writable,
            env={**os.environ, **confined_environment(writable)},
        )
        assert done.returncode == status, done.stderr
        return json.loads(done.stdout) if status == 0 else None

    return run


@pytest.mark.parametrize("network", [Closed(), Open(), Serve(port=8000)])
def test_a_confinement_survives_json(network: Network) -> None:
    confinement = Confinement(
        readable=(Path("/a"),), readable_whole=(Path("/b c"),), writable=(Path("/é"),), network=network
    )
    assert Confinement.from_json(confinement.as_json()) == confinement
    more = replace(confinement, memory_bytes=1, cpu_s=2, file_bytes=3, open_files=4, parent_pid=5)
    assert Confinement.from_json(more.as_json()) == more


def test_the_status_of_a_confinement_survives_json() -> None:
    gap = Missing(wall=Wall.FILES, reason="none")
    enforced = Enforced(landlock_abi=3, seccomp=True, memory_bytes=1, missing=(gap,), unread=("/tmp",))
    assert Enforced.from_json(enforced.as_json()) == enforced
    assert enforced.holds
    assert not replace(enforced, landlock_abi=0).holds


def test_an_unconfined_process_reports_no_refusals() -> None:
    assert explain(PermissionError(13, "Permission denied", "/etc/shadow")) is None
    assert refusals() == ()


@confinable
def test_all_walls_are_active_on_this_machine(run_confined: RunConfined) -> None:
    result = run_confined("result = json.loads(enforced.as_json())", parent_pid=os.getpid())
    assert result["landlock_abi"] >= 1
    assert result["seccomp"]
    assert result["memory_bytes"] >= 4 << 30
    assert result["missing"] == []


@confinable
@pytest.mark.parametrize(
    ("forbidden", "wall", "reason"),
    [
        ("forbid(errno.ENOSYS, 444)", Wall.FILES, "this kernel has no Landlock (Linux 5.13 and later have)"),
        ("forbid(errno.EPERM, 444)", Wall.FILES, "the container's seccomp profile forbids Landlock"),
        (
            "forbid(errno.EOPNOTSUPP, 444)",
            Wall.FILES,
            "Landlock is switched off on this machine (`lsm=` on the kernel's command line)",
        ),
        ("forbid(errno.E2BIG, 446)", Wall.FILES, "too many Landlock rule sets are in force already"),
        (
            "forbid(errno.EPERM, (317, 277)[confine._system.machine()])",
            Wall.SYSTEM_CALLS,
            "seccomp cannot be used: Operation not permitted",
        ),
    ],
)
def test_a_missing_wall_is_reported_with_its_reason(
    run_confined: RunConfined, forbidden: str, wall: Wall, reason: str
) -> None:
    before = 'sys.argv = [\'\', \'{"secret": "", "beside": "", "outside": "", "inside": "", "model": ""}\']\n'
    before += f"from attacks import forbid\n{forbidden}"
    result = run_confined(
        "result = json.loads(enforced.as_json()) | {'holds': enforced.holds}", before=before
    )
    assert result["missing"] == [[wall.value, reason]]
    assert not result["holds"]


def test_another_system_lacks_the_walls_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_system, "machine", lambda: None)
    monkeypatch.setattr(_system, "thread_count", lambda: 1)
    monkeypatch.setattr(_system, "set_limits", lambda **_: None)
    monkeypatch.setattr("scaffold.base.confine.watch", lambda *_: None)
    enforced = enforce(Confinement())
    walls = {Wall.FILES, Wall.SYSTEM_CALLS, Wall.PARENT, Wall.CAPABILITIES}
    assert {gap.wall for gap in enforced.missing} == walls
    assert not enforced.holds


@confinable
def test_a_process_with_threads_is_not_partly_confined() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        with pytest.raises(RuntimeError, match="before it starts threads"):
            enforce(Confinement())
    finally:
        done.set()
        thread.join()


@confinable
def test_a_refused_access_is_named(run_confined: RunConfined, tmp_path: Path, writable: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (tmp_path / "helpers.py").touch()
    code = f"""
    import socket, subprocess
    sys.path.append({str(tmp_path)!r})
    secret, other = Path({str(secret)!r}), Path({str(tmp_path / "new.txt")!r})
    def library():
        raise RuntimeError(f"cannot load: open({{secret}}) failed, see 'manual'")
    def hidden():
        try:
            secret.read_text()
        except OSError:
            raise ValueError("no configuration")
    class Odd(Exception):
        def __str__(self):
            raise RuntimeError
    def odd():
        raise Odd
    result = {{
        "odd": why(odd),
        "other process": why(lambda: os.readlink(f"/proc/{{os.getppid()}}/exe")),
        "read": why(secret.read_text),
        "list": why(lambda: os.listdir(secret.parent)),
        "write": why(lambda: other.write_text("x")),
        "shared memory": why(lambda: Path("/dev/shm/x").write_text("x")),
        "device": why(lambda: Path("/dev/null").write_text("x")),
        "delete": why(secret.unlink),
        "move": why(lambda: Path("mine").write_text("x") and Path("mine").rename(other)),
        "import": why(lambda: __import__("helpers.features")),
        "other import": why(lambda: __import__("nowhere")),
        "library": why(library),
        "hidden": why(hidden),
        "program": why(lambda: subprocess.run(["/bin/true"])),
        "exec": why(lambda: os.execv("/bin/true", ["true"])),
        "process": why(os.fork),
        "connect": why(lambda: socket.create_connection(("127.0.0.1", 9))),
        "name": why(lambda: socket.create_connection(("model.example.com", 443))),
        "unix": why(lambda: socket.socket(socket.AF_UNIX)),
        "signal": why(lambda: os.kill(os.getppid(), 0)),
        "own error": why(lambda: Path("missing").read_text()),
        "own text": why(lambda: int("x")),
        "allowed": why(lambda: Path("new").write_text("x")),
    }}
    """
    assert run_confined(code) == {
        "odd": None,
        "other process": None,
        "read": ["READ", str(secret)],
        "list": ["READ", str(tmp_path)],
        "write": ["WRITE", str(tmp_path / "new.txt")],
        "shared memory": ["WRITE", "/dev/shm/x"],
        "device": "allowed",
        "delete": ["WRITE", str(secret)],
        "move": ["WRITE", str(tmp_path / "new.txt")],
        "import": ["READ", str(tmp_path / "helpers.py")],
        "other import": None,
        "library": ["READ", str(secret)],
        "hidden": ["READ", str(secret)],
        "program": ["RUN", "/bin/true"],
        "exec": ["RUN", "/bin/true"],
        "process": ["FORK", ""],
        "connect": ["CONNECT", "127.0.0.1:9"],
        "name": ["CONNECT", "model.example.com:443"],
        "unix": ["CONNECT", "a Unix socket"],
        "signal": ["SIGNAL", f"process {os.getpid()}"],
        "own error": None,
        "own text": None,
        "allowed": "allowed",
    }


@confinable
def test_a_refusal_that_a_library_swallows_is_listed(run_confined: RunConfined, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    code = f"""
    import asyncio, tempfile
    os.system("true")
    try:
        open({str(secret)!r})
    except OSError:
        pass
    asyncio.run(asyncio.sleep(0))  # makes a pair of sockets
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "x").write_text("x")
    result = [shown(refused) for refused in refusals()]
    """
    assert run_confined(code) == [["RUN", "true"], ["READ", str(secret)]]


@confinable
def test_limits_are_reported(run_confined: RunConfined) -> None:
    code = """
    import resource
    kept = []
    result = {
        "threads": resource.getrlimit(resource.RLIMIT_NPROC)[1] <= 16384,
        "memory": why(lambda: bytearray(2 << 30)),
        "file": why(lambda: Path("large").write_bytes(bytes(2 << 20))),
        "files": why(lambda: kept.extend(open("/dev/null") for _ in range(100))),
    }
    """
    limits = {"memory_bytes": 1 << 30, "file_bytes": 1 << 20, "open_files": 64}
    assert run_confined(code, **limits) == {
        "threads": True,
        "memory": ["MEMORY", f"{1 << 30} bytes"],
        "file": ["FILE_SIZE", f"{1 << 20} bytes"],
        "files": ["OPEN_FILES", "64"],
    }


@confinable
def test_processor_time_ends_the_process(run_confined: RunConfined) -> None:
    run_confined("while True: pass", cpu_s=1, status=-signal.SIGXCPU)
    assert explain_exit(-signal.SIGXCPU) == Refused(action=Action.CPU)
    assert explain_exit(1) is None


@confinable
def test_a_crash_leaves_no_core_file(run_confined: RunConfined, writable: Path) -> None:
    run_confined("os.abort()", status=-signal.SIGABRT)
    assert not list(writable.glob("core*"))


@confinable
def test_a_confined_process_ends_with_its_parent(writable: Path) -> None:
    child = "from scaffold.base.confine import *; import sys, time; "
    child += "enforce(Confinement.from_json(sys.argv[1])); print('ready', flush=True); time.sleep(600)"
    parent = f"""
import os, subprocess, sys
from scaffold.base.confine import Confinement
child = subprocess.Popen([sys.executable, "-c", {child!r}, Confinement(parent_pid=os.getpid()).as_json()],
    stdout=subprocess.PIPE)
assert child.stdout.readline() == b"ready\\n"
print(child.pid, flush=True)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run(
        [sys.executable, "-c", parent], capture_output=True, text=True, check=False, timeout=60
    )
    pid = int(done.stdout)
    deadline = time.monotonic() + 10
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


@confinable
def test_a_process_whose_parent_has_ended_refuses_to_start(run_confined: RunConfined) -> None:
    before = """
try:
    enforce(Confinement(parent_pid=1 << 22))
except ProcessLookupError as error:
    result = str(error)
"""
    assert run_confined("", before=before) == f"the parent process {1 << 22} has ended"


@confinable
def test_whole_folders_and_single_files_can_be_given(run_confined: RunConfined, tmp_path: Path) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "folder"
    for path in (whole, folder):
        path.mkdir()
        (path / ".env").write_text("x")
        (path / "seen").write_text("x")
    names = [str(place / name) for place in (whole, folder) for name in (".env", "seen")]
    code = f"result = [why(Path(name).read_text) for name in {names!r}]"
    options: dict[str, tuple[Path, ...]] = {"readable": (folder,), "readable_whole": (whole,)}
    refused = ["READ", str(folder / ".env")]
    assert run_confined(code, **options) == ["allowed", "allowed", refused, "allowed"]
    options["readable"] += (folder / ".env",)
    assert run_confined(code, **options) == ["allowed"] * 4


@confinable
def test_threads_and_numpy_work_confined(run_confined: RunConfined) -> None:
    code = """
    import numpy, sklearn.ensemble, joblib
    x = numpy.random.default_rng(0).random((50, 3))
    forest = sklearn.ensemble.RandomForestClassifier(5, n_jobs=2).fit(x, x[:, 0] > 0.5)
    works = [forest.predict(x).shape == (50,)]
    works.append(joblib.Parallel(2)(joblib.delayed(abs)(-i) for i in range(3)) == [0, 1, 2])
    result = works
    """
    assert run_confined(code) == [True, True]


def test_home_and_temporary_folder_are_not_readable_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setattr(_paths, "_homes", lambda: {str(tmp_path / "home")})
    for folder in (tmp_path, tmp_path / "home"):
        unread: list[str] = []
        assert _paths._visible_grants(str(folder), unread) == []
        assert unread == [str(folder)]
    for folder in (Path("/"), Path("/tmp")):
        unread = []
        assert all(
            str(folder) != grant.path or grant.rights == _landlock.READ_DIR
            for grant in _paths._visible_grants(str(folder), unread)
        )
        assert unread == [str(folder)]


def test_only_python_code_of_a_home_folder_is_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_paths, "_homes", lambda: {str(tmp_path)})
    for name in ("train.py", "letter.txt", ".bashrc"):
        (tmp_path / name).touch()
    (tmp_path / "churn").mkdir()
    (tmp_path / "churn" / "__init__.py").touch()
    (tmp_path / "photos").mkdir()
    given = {Path(grant.path).name: grant.rights for grant in _paths._visible_grants(str(tmp_path), [])}
    assert given == {
        tmp_path.name: _landlock.READ_DIR,
        "train.py": _landlock.READ_FILE,
        "churn": _landlock.READ_FILE,
    }


def test_entries_beyond_the_limit_are_not_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    for number in range(20):
        (tmp_path / "deep" / f"{number}.csv").touch()
    (tmp_path / "model.pkl").touch()
    unread: list[str] = []
    assert {grant.path for grant in _paths._visible_grants(str(tmp_path), unread)} == {str(tmp_path)}
    monkeypatch.setattr(_paths, "_MOST_ENTRIES", 10)
    grants = {grant.path: grant.rights for grant in _paths._visible_grants(str(tmp_path), unread)}
    assert unread == [str(tmp_path)]
    assert grants[str(tmp_path)] == _landlock.READ_DIR
    assert grants[str(tmp_path / "model.pkl")] == _landlock.READ_FILE
    assert str(tmp_path / "deep") not in grants
    assert len(grants) == 10  # the folder, the model, and 8 of the 20: two entries are in the folder itself


def test_this_interpreter_can_be_read_and_the_home_cannot() -> None:
    paths = readable_system_paths()
    assert any(Path(os.__file__).is_relative_to(path) for path in paths)
    assert any(Path(pytest.__file__).is_relative_to(path) for path in paths)
    assert not any(Path.home().is_relative_to(path) for path in paths)
    assert not any(Path("/etc/shadow").is_relative_to(path) for path in paths)


def answer(program: bytes, architecture: int, number: int, arguments: tuple[int, ...] = ()) -> int:
    """Interpret the filter: return what the kernel would do with a call."""
    import struct

    words = [number, architecture, 0, 0]
    for value in (*arguments, 0, 0, 0, 0, 0, 0)[:6]:
        words += [value & 0xFFFFFFFF, value >> 32 & 0xFFFFFFFF]
    code = list(struct.iter_unpack("=HBBI", program))
    at = register = 0
    while True:
        operation, if_true, if_false, value = code[at]
        at += 1
        match operation:
            case 0x20:
                register = words[value // 4]
            case 0x54:
                register &= value
            case 0x15 | 0x25:
                holds = register == value if operation == 0x15 else register > value
                at += if_true if holds else if_false
            case 0x06:
                return int(value)


@pytest.mark.parametrize(("column", "architecture"), [(0, 0xC000003E), (1, 0xC00000B7)])
def test_the_filter_of_each_machine(column: int, architecture: int) -> None:
    program = _seccomp._assemble(column, _seccomp._rules(Serve(port=1), 77, 7))
    allow, refuse, absent, pretend = 0x7FFF0000, 0x00050001, 0x00050026, 0x00050000
    numbers = {name: pair[column] for name, pair in (_calls.FILTERED | _calls.REFUSED).items()}
    known = [number for number in numbers.values() if number is not None]
    assert len(known) == len(set(known))

    def ask(name: str, *arguments: int) -> int:
        return answer(program, architecture, numbers[name] or 0, arguments)

    for name in _calls.REFUSED:
        if numbers[name] is not None:
            assert ask(name) == refuse, name
    for number in set(range(470)) - set(known):
        assert answer(program, architecture, number) == allow
    assert {answer(program, architecture, number) for number in (470, 0x40000000, 0x40000001)} == {absent}
    assert answer(program, 0x40000003, numbers["kill"] or 0, (77,)) == absent
    assert ask("clone", 0x003D0F00) == allow  # what pthread_create sends
    assert {ask("clone", flags) for flags in (17, 0x4111, 0x40010F00)} == {refuse}
    assert ask("clone3") == ask("openat2") == absent
    assert ask("kill", 77, 15) == allow
    assert {ask("kill", pid, 15) for pid in (0, 76, 0xFFFFFFFF)} == {refuse}
    assert {ask("socket", family, 0x80801, protocol) for family in (2, 10) for protocol in (0, 6)} == {allow}
    others = [(1, 1, 0), (2, 2, 0), (2, 3, 6), (2, 1, 262), (2, 1, 132), (16, 3, 0), (40, 1, 0)]
    assert {ask("socket", *values) for values in others} == {refuse}
    assert ask("connect") == refuse
    assert ask("bind") == ask("listen") == allow
    assert ask("sendto", 3, 0, 0, 0) == allow
    assert ask("sendto", 3, 0, 0, 0x20004000) == refuse
    assert ask("utimensat", 0, 1, 0) == refuse
    assert {ask("utimensat", 0, 1, 4), ask("utimensat", 0, 1, 1 << 32), ask("fchmod")} == {pretend}
    assert ask("openat", 0, 0, 0o1101) == allow
    assert {ask("openat", 0, 0, 0o1000), ask("openat", 0, 0, 0o1003)} == {refuse}
