"""Checks of the machine: Python, uv, the package index, certificates, git, the kernel's confinement."""

from __future__ import annotations

import functools
import os
import shutil
import ssl
import sys
from pathlib import Path

from scaffold.base.confine import Enforced
from scaffold.base.process import Runner, run_command
from scaffold.base.pythons import RUNNING, SUPPORTED, installed_pythons, minor_of
from scaffold.base.urls import without_credentials
from scaffold.base.uv import uv_command, uv_environment
from scaffold.errors import CommandError
from scaffold.errors.wording import shell_line
from scaffold.spec import Prerequisite, State

_PROBED = "fastapi"
"""A distribution that every service needs."""
_ENFORCE = "from scaffold.base.confine import Confinement, enforce; print(enforce(Confinement()).as_json())"
_MANAGERS = {
    "apt-get": "sudo apt-get install -y {}",
    "dnf": "sudo dnf install -y {}",
    "apk": "sudo apk add {}",
    "zypper": "sudo zypper install -y {}",
    "pacman": "sudo pacman -S {}",
    "brew": "brew install {}",
}


def check_python(timeout_s: float, run: Runner = run_command) -> Prerequisite:
    """Return which Python runs this, and which others uv finds in time.

    Args:
        timeout_s: For the others, of which `new` needs none.
        run: Runs uv.
    """
    pythons = installed_pythons(functools.partial(run, timeout_s=timeout_s))
    installed = ", ".join(version for version, _ in pythons if minor_of(version) in SUPPORTED)
    details = f"{RUNNING} runs this" + (f"; installed: {installed}" if installed else "")
    if RUNNING in SUPPORTED:
        return Prerequisite(name="python", state=State.OK, found=details, needed=True)
    fix = shell_line("uv", "tool", "install", "--python", SUPPORTED[-2], "model-scaffold[all]")
    details = f"{RUNNING} runs this; supported: {', '.join(SUPPORTED)}"
    return Prerequisite(name="python", state=State.MISSING, found=details, fix=fix, needed=True)


def check_uv(run: Runner = run_command) -> Prerequisite:
    """Return which uv is installed."""
    try:
        version = run([uv_command(), "--version"]).stdout.strip()
    except (CommandError, OSError, ImportError) as error:
        fix = shell_line("pip", "install", "--force-reinstall", "uv")
        return Prerequisite(
            name="uv", state=State.MISSING, found=_last_line(str(error)), fix=fix, needed=True
        )
    return Prerequisite(name="uv", state=State.OK, found=version, needed=True)


def check_index(timeout_s: float, run: Runner = run_command) -> Prerequisite:
    """Return whether uv reaches the package index, with the settings, logins and certificates of `new`.

    Args:
        timeout_s: For uv's request.
        run: Runs uv.
    """
    env = uv_environment() | {"UV_HTTP_TIMEOUT": str(max(1, int(timeout_s))), "UV_HTTP_RETRIES": "0"}
    place = _index_place(env)
    command = [
        uv_command(),
        "pip",
        "compile",
        "-",
        "--no-deps",
        "--no-header",
        "--emit-index-url",
        "--refresh",
    ]
    try:
        output = run(
            [*command, "--python", sys.executable], env=env, input=_PROBED, timeout_s=timeout_s
        ).stdout
    except CommandError as error:
        details = f"{place}: {without_credentials(_last_line(error.tail))}"
        fix = _mend_index(error.tail)
        return Prerequisite(name="index", state=State.UNREACHABLE, found=details, fix=fix, needed=True)
    urls = [
        line.split()[1] for line in output.splitlines() if line.startswith(("--index-url", "--extra-index"))
    ]
    details = without_credentials(" ".join(urls)) or place
    return Prerequisite(name="index", state=State.OK, found=details, needed=True)


def check_certificates() -> Prerequisite:
    """Return which certificate authorities are trusted."""
    variable = os.environ.get("SSL_CERT_FILE")
    path = variable or ssl.get_default_verify_paths().cafile
    place = f"SSL_CERT_FILE={variable}" if variable else str(path or "the system's store")
    try:
        context = ssl.create_default_context(cafile=path) if path else ssl.create_default_context()
        count = len(context.get_ca_certs())
    except (OSError, ssl.SSLError) as error:
        details = f"{place}: {error.strerror or error}"
        return Prerequisite(
            name="certificates", state=State.MISSING, found=details, fix="unset SSL_CERT_FILE"
        )
    if not count:
        details, fix = f"{place} has no certificates", _install("ca-certificates")
        return Prerequisite(name="certificates", state=State.MISSING, found=details, fix=fix)
    return Prerequisite(name="certificates", state=State.OK, found=f"{count} authorities, {place}")


def check_git(run: Runner = run_command) -> Prerequisite:
    """Return which git is installed."""
    try:
        version = run(["git", "--version"]).stdout.strip()
    except CommandError as error:
        details = _last_line(error.tail)
        return Prerequisite(name="git", state=State.MISSING, found=details, fix=_install("git"))
    return Prerequisite(name="git", state=State.OK, found=version)


def check_confinement(run: Runner = run_command) -> Prerequisite:
    """Return which walls the kernel sets around a process that loads a model; a child process tries them."""
    try:
        enforced = Enforced.from_json(run([sys.executable, "-c", _ENFORCE]).stdout)
    except (CommandError, ValueError, KeyError, TypeError) as error:
        details = _last_line(str(error))
        return Prerequisite(name="confinement", state=State.MISSING, found=details, fix=_mend_confinement())
    if enforced.missing:
        details = "; ".join(f"{gap.wall.value}: {gap.reason}" for gap in enforced.missing)
        return Prerequisite(name="confinement", state=State.MISSING, found=details, fix=_mend_confinement())
    details = f"Landlock {enforced.landlock_abi}, seccomp, limits"
    return Prerequisite(name="confinement", state=State.OK, found=details)


def _index_place(env: dict[str, str]) -> str:
    index_url = env.get("UV_DEFAULT_INDEX") or env.get("UV_INDEX_URL") or ""
    if not index_url and env.get("UV_NO_INDEX"):
        index_url = env.get("UV_FIND_LINKS", "no index")
    return without_credentials(index_url or "https://pypi.org/simple")


def _mend_index(tail: str) -> str:
    """Return the fix for the most probable cause, from the output of uv, which has no structured errors."""
    if any(word in tail.lower() for word in ("certificate", "unknownissuer", "tls")):
        return "export SSL_CERT_FILE=/path/to/ca-bundle.pem"
    if "401" in tail or "403" in tail:
        return "export UV_DEFAULT_INDEX=https://USER:PASSWORD@index.example.org/simple"
    if os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy"):
        return "export UV_DEFAULT_INDEX=https://index.example.org/simple"
    return "export HTTPS_PROXY=http://proxy.example.org:3128"


def _mend_confinement() -> str:
    if not sys.platform.startswith("linux"):
        return "docker run -it --rm -v .:/work -w /work python:3.12 bash"
    if any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv")):
        return "docker run --security-opt seccomp=unconfined ..."
    walls = "lsm=landlock,lockdown,yama,integrity,selinux,apparmor,bpf"
    if shutil.which("grubby"):
        return f"sudo grubby --update-kernel=ALL --args={walls} && sudo reboot"
    edit = f"""sudo sed -i 's/^GRUB_CMDLINE_LINUX="/&{walls} /' /etc/default/grub"""
    return f"{edit} && sudo update-grub && sudo reboot"


def _install(package: str) -> str:
    """Return the command that installs a system package."""
    command = next((line for name, line in _MANAGERS.items() if shutil.which(name)), _MANAGERS["apt-get"])
    return command.format(package)


def _last_line(text: str) -> str:
    lines = [line.strip(" │├╰─▶") for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"
