"""Attempts of a hostile model file, each harmless: `attacks.py SCENE [CONFINEMENT [STATEMENTS]]`.

Prints one JSON object: for each attack whether it had its effect (true), or how it was refused (text).
Without a confinement the attacks succeed, which shows that they are attacks.
"""

import ctypes
import json
import mmap
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from scaffold.base.confine import Confinement, _landlock, enforce
from scaffold.base.confine._calls import FILTERED, REFUSED
from scaffold.base.confine._system import machine

SIGKILL_NUMBER, SIGCHLD_NUMBER, SIGCONT_NUMBER = 9, 17, 18
libc = ctypes.CDLL(None, use_errno=True)
column = machine() or 0
scene = json.loads(sys.argv[1])
secret, beside, outside, inside, model = (
    Path(scene[name]) for name in ("secret", "beside", "outside", "inside", "model")
)
target = outside / "target.txt"
attacks: dict[str, Callable[[], object]] = {}
terminal = os.openpty()  # open before the confinement, as a person's terminal is


def attack(function: Callable[[], object]) -> Callable[[], object]:
    attacks[function.__name__] = function
    return function


def call(name: str | int, *arguments: object) -> int:
    """A system call without Python or the C library's wrapper around it."""
    number = name if isinstance(name, int) else (FILTERED | REFUSED)[name][column]
    if number is None:
        raise NotImplementedError(name)
    words = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result: int = libc.syscall(ctypes.c_long(number), *words)
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(name))
    return result


def marker() -> Path:
    return outside / f"marker-{os.urandom(4).hex()}"


# Programs and processes.


@attack
def run_with_subprocess() -> object:
    return subprocess.run(["/bin/true"], check=True)


@attack
def run_with_system() -> object:
    path = marker()
    os.system(f"touch {path}")
    return path.exists()


@attack
def run_with_posix_spawn() -> object:
    path = marker()
    os.waitpid(os.posix_spawn("/bin/touch", ["touch", str(path)], {}), 0)
    return path.exists()


@attack
def run_with_popen_of_c() -> object:
    path = marker()
    libc.system(f"touch {path}".encode())
    return path.exists()


def become(program: Callable[[], object]) -> bool:
    """In a child process if these are allowed, else in this process, which then prints nothing."""
    try:
        pid = os.fork()
    except PermissionError:
        program()
        return True
    if not pid:
        try:
            program()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@attack
def replace_this_process() -> object:
    return become(lambda: os.execv("/bin/true", ["true"]))


@attack
def execute_a_memory_file() -> object:
    file = os.memfd_create("program", 0)
    os.write(file, Path("/bin/true").read_bytes())
    argv = (ctypes.c_char_p * 2)(b"true", None)
    return become(lambda: call("execveat", file, ctypes.c_char_p(b""), argv, argv, 0x1000))


@attack
def fork() -> object:
    pid = os.fork()
    if not pid:
        os._exit(0)
    return os.waitpid(pid, 0)[0] == pid


@attack
def clone_a_process() -> object:
    pid = call("clone", SIGCHLD_NUMBER, 0, 0, 0, 0)
    if not pid:
        os._exit(0)
    return os.waitpid(pid, 0)[0] == pid


@attack
def clone3_a_process() -> object:
    arguments = ctypes.create_string_buffer(struct.pack("=8Q", 0, 0, 0, 0, SIGCHLD_NUMBER, 0, 0, 0), 64)
    pid = call("clone3", arguments, 64)
    if not pid:
        os._exit(0)
    return os.waitpid(pid, 0)[0] == pid


# Files.


@attack
def write_outside() -> object:
    return marker().write_text("x")


@attack
def append_outside() -> object:
    with target.open("a") as file:
        return file.write("x")


@attack
def write_through_a_link() -> object:
    link = inside / "to-outside"
    link.symlink_to(marker())
    return link.write_text("x")


@attack
def write_through_a_hard_link() -> object:
    link = inside / "hard"
    link.hardlink_to(target)
    return link.write_text("x")


@attack
def link_from_outside() -> object:
    path = marker()
    path.symlink_to("/")
    return path.is_symlink()


@attack
def move_out() -> object:
    mine, path = inside / "mine", marker()
    mine.write_text("x")
    mine.rename(path)
    return path.exists()


@attack
def make_a_folder_outside() -> object:
    path = marker()
    path.mkdir()
    return path.exists()


@attack
def delete_outside() -> object:
    victim = outside / "deleted.txt"
    victim.unlink()
    return not victim.exists()


@attack
def rename_outside() -> object:
    (outside / "renamed.txt").rename(outside / "renamed-away.txt")
    return not (outside / "renamed.txt").exists()


@attack
def change_the_mode_outside() -> object:
    target.chmod(0o777)
    return target.stat().st_mode & 0o777 == 0o777


@attack
def change_the_mode_of_an_open_file() -> object:
    readable = model / "data.csv"
    with readable.open() as file:
        os.fchmod(file.fileno(), 0o777)
    return readable.stat().st_mode & 0o777 == 0o777


@attack
def change_the_times_outside() -> object:
    os.utime(target, (0, 0))
    return target.stat().st_mtime == 0


@attack
def change_the_owner_outside() -> object:
    os.chown(target, os.getuid(), os.getgid())
    return True


@attack
def truncate_outside() -> object:
    os.truncate(outside / "truncated.txt", 0)
    return (outside / "truncated.txt").stat().st_size == 0


@attack
def truncate_what_may_be_read() -> object:
    """Landlock does not restrict this before version 3."""
    path = model / "truncated.csv"
    os.close(os.open(path, os.O_RDONLY | os.O_TRUNC))
    return path.stat().st_size == 0


@attack
def truncate_by_the_third_mode() -> object:
    path = model / "truncated-too.csv"
    os.close(os.open(path, 3 | os.O_TRUNC))
    return path.stat().st_size == 0


@attack
def write_beside_the_model() -> object:
    return (model / "planted.py").write_text("x")


@attack
def make_a_device() -> object:
    os.mknod(inside / "device", 0o20666, os.makedev(1, 3))
    return (inside / "device").exists()


@attack
def read_a_secret() -> object:
    return secret.read_text()


@attack
def read_the_file_with_passwords() -> object:
    return Path("/etc/shadow").read_text()


@attack
def list_the_home() -> object:
    return list(secret.parent.iterdir())


@attack
def read_a_hidden_file_beside_the_model() -> object:
    return beside.read_text()


@attack
def read_a_hidden_file_below_the_model() -> object:
    return (model / "sub" / ".token").read_text()


@attack
def read_through_a_planted_link() -> object:
    return (model / "notes.txt").read_text()


@attack
def read_through_own_descriptor() -> object:
    return Path(f"/proc/self/root/{secret}").read_text()


@attack
def read_by_system_call() -> object:
    return call("openat", -100, ctypes.c_char_p(os.fsencode(secret)), 0, 0)


@attack
def read_in_a_thread() -> object:
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(os.open(secret, os.O_RDONLY)))
    threading.excepthook = lambda arguments: seen.append(arguments.exc_value)
    thread.start()
    thread.join()
    if isinstance(seen[0], BaseException):
        raise seen[0]
    return True


# Other processes.


@attack
def read_the_environment_of_the_parent() -> object:
    return Path(f"/proc/{os.getppid()}/environ").read_bytes()


@attack
def read_the_command_of_the_parent() -> object:
    return Path(f"/proc/{os.getppid()}/cmdline").read_bytes()


@attack
def read_the_memory_of_another() -> object:
    return os.open(f"/proc/{scene['victim']}/mem", os.O_RDONLY)


@attack
def copy_the_memory_of_another() -> object:
    content = ctypes.create_string_buffer(8)
    here = struct.pack("=QQ", ctypes.addressof(content), 8)
    start = (
        int(Path(f"/proc/{scene['victim']}/maps").read_text().partition("-")[0], 16) if unconfined() else 4096
    )
    there = struct.pack("=QQ", start, 8)
    return call("process_vm_readv", scene["victim"], here, 1, there, 1, 0)


def unconfined() -> bool:
    return "confined" not in scene


@attack
def trace_another() -> object:
    call("ptrace", 0x4206, scene["victim"], 0, 0)  # PTRACE_SEIZE
    return True


@attack
def signal_the_parent() -> object:
    os.kill(os.getppid(), SIGCONT_NUMBER)
    return True


@attack
def signal_the_group() -> object:
    os.kill(0, SIGCONT_NUMBER)
    return True


@attack
def signal_a_thread_of_another() -> object:
    return call("tgkill", scene["victim"], scene["victim"], SIGCONT_NUMBER) == 0


@attack
def signal_by_descriptor() -> object:
    return call("pidfd_send_signal", call("pidfd_open", scene["victim"], 0), SIGCONT_NUMBER, 0, 0) == 0


@attack
def have_the_kernel_signal_another() -> object:
    import fcntl

    reader, _writer = os.pipe()
    fcntl.fcntl(reader, fcntl.F_SETOWN, scene["victim"])
    return True


@attack
def pin_another_to_one_core() -> object:
    os.sched_setaffinity(scene["victim"], {0})
    return os.sched_getaffinity(scene["victim"]) == {0}


@attack
def limit_another() -> object:
    import resource

    resource.prlimit(scene["victim"], resource.RLIMIT_CORE, (0, 0))
    return True


@attack
def outlive_the_parent() -> object:
    return call("prctl", 1, 0, 0, 0, 0) == 0


@attack
def leave_the_group() -> object:
    return (
        call("setsid") > 0 if "confined" in scene else True
    )  # unconfined it would break the tests' own cleanup


# The network.


@attack
def connect_by_tcp() -> object:
    with socket.create_connection(("127.0.0.1", scene["tcp"]), 5):
        return True


@attack
def connect_by_fast_open() -> object:
    with socket.socket() as client:
        return client.sendto(b"x", 0x20000000, ("127.0.0.1", scene["tcp"]))


@attack
def send_by_udp() -> object:
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        return client.sendto(b"x", ("127.0.0.1", scene["udp"]))


@attack
def connect_to_a_unix_socket() -> object:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(scene["unix"])
        return True


@attack
def connect_to_an_abstract_socket() -> object:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + scene["abstract"])
        return True


@attack
def turn_a_pair_to_a_unix_socket() -> object:
    mine, _other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return mine.sendto(b"x", scene["datagram"])


@attack
def listen() -> object:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        return True


@attack
def ask_the_kernel_for_interfaces() -> object:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)


# The kernel.


@attack
def make_a_namespace() -> object:
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os._exit(0 if libc.unshare(0x10000000) == 0 else 1)


@attack
def unshare_by_system_call() -> object:
    return call("unshare", 0x00020000) == 0 if "confined" in scene else True


@attack
def set_up_io_uring() -> object:
    return call("io_uring_setup", 1, ctypes.create_string_buffer(120))


@attack
def make_a_shared_segment() -> object:
    segment = call("shmget", 0, 4096, 0o1600)
    call("shmctl", segment, 0, 0)
    return True


@attack
def type_into_the_terminal() -> object:
    import fcntl

    fcntl.ioctl(terminal[1], 0x5412, b"x")
    return True


@attack
def call_as_a_32_bit_program() -> object:
    """`getpid` by the numbers of i386: mov eax, 20; int 0x80; ret."""
    if column != 0:
        raise NotImplementedError
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    result = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return result


@attack
def call_as_an_x32_program() -> object:
    return call(0x40000000 | 39)


@attack
def mount() -> object:
    return call("mount", ctypes.c_char_p(b"none"), ctypes.c_char_p(os.fsencode(inside)), 0, 0x1000, 0) == 0


@attack
def raise_the_limits() -> object:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return True


def forbid(error: int, *numbers: int) -> None:
    """Answer system calls with `error`, as the seccomp profile of a container does."""
    returned = (6, 0, 0, 0x00050000 | error)
    lines = [line for number in numbers for line in ((0x15, 0, 1, number), returned)]
    program = b"".join(
        struct.pack("=HBBI", *line) for line in [(0x20, 0, 0, 0), *lines, (6, 0, 0, 0x7FFF0000)]
    )
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("=HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    call((157, 167)[column], 38, 1, 0, 0, 0)
    call((157, 167)[column], 22, 2, ctypes.create_string_buffer(header, 16), 0, 0)


def without_landlock() -> None:
    """As on a kernel without Landlock."""
    forbid(38, 444, 445, 446)


def without_filter() -> None:
    """As where a container's profile forbids further filters."""
    forbid(1, (317, 277)[column])


def with_old_landlock(version: int) -> None:
    """As on a kernel with this version of Landlock: the rule set has only what that version knows."""
    _landlock.abi = lambda: version


def main() -> None:
    if len(sys.argv) > 2:
        scene["confined"] = True
        for statement in sys.argv[3:]:
            exec(statement, globals())
        enforce(Confinement.from_json(sys.argv[2]))
    results: dict[str, bool | str] = {}
    for name, function in attacks.items():
        try:
            results[name] = bool(function()) or "no effect"
        except Exception as error:
            results[name] = repr(error)
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main()
