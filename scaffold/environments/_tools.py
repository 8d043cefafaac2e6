"""An environment of tools, from a requirements file, for the running Python."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from pathlib import Path

from scaffold.base.process import Runner, run_command
from scaffold.base.uv import uv_command, uv_environment
from scaffold.environments._install import BINARY, make_once
from scaffold.environments._open import default_cache
from scaffold.errors import CommandError, ToolsNotInstalledError


def install_tools(requirements: Path, *, run: Runner = run_command, cache: Path | None = None) -> Path:
    """Return the Python of an environment with these requirements; uv creates it if it does not exist.

    Args:
        requirements: A file that pip takes.
        run: Runs uv.
        cache: Where environments are kept; `model-scaffold` in the user's cache folder when absent.

    Raises:
        ToolsNotInstalledError: Something in the file cannot be installed.
    """
    digest = hashlib.sha256(requirements.read_bytes() + os.fsencode(sys.executable)).hexdigest()
    target = (cache or default_cache()) / "environments" / f"tools-{digest[:24]}"
    if not (target / BINARY).exists():
        shutil.rmtree(target, ignore_errors=True)  # its Python was removed
        make_once(target, lambda folder: _fill(folder, requirements, run))
    with contextlib.suppress(OSError):
        os.utime(target)  # `_remove_unused` removes environments by this time
    return target / BINARY


def environment_folder(key: str) -> Path:
    """Return the folder of the environment for something with this key, in the user's cache folder."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    target = default_cache() / "environments" / f"project-{digest[:24]}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        os.utime(target)  # `_remove_unused` removes environments by this time
    return target


def _fill(folder: Path, requirements: Path, run: Runner) -> None:
    uv, env = uv_command(), uv_environment()
    venv = [uv, "venv", "--quiet", "--relocatable", "--allow-existing", "--no-project"]
    install = [uv, "pip", "install", "--quiet", "--requirement", requirements.name]
    try:
        run([*venv, "--python", sys.executable, str(folder)], env=env)
        run([*install, "--python", str(folder / BINARY)], cwd=requirements.parent, env=env)
    except CommandError as error:
        raise ToolsNotInstalledError(str(requirements), error.tail) from error
