"""Run uv with the user's own settings, those for pip included."""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Mapping
from pathlib import Path

# Settings of pip, and the variable of uv for each: uv reads neither pip's files nor PIP_*.
_PIP_SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
}

# The active environment, and colours that a notebook asks for: the output of uv becomes a file.
_NOT_FOR_UV = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "FORCE_COLOR", "CLICOLOR_FORCE")


def uv_command() -> str:
    """Return the path of the uv installed with this package."""
    from uv import find_uv_bin

    return os.fspath(find_uv_bin())


def uv_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment for uv: `base`, and pip's indexes and wheel folders where uv has none of its own.

    The system's certificates are trusted, as a company's proxy needs. Nothing of this reaches a file.
    """
    environment = dict(os.environ if base is None else base)
    environment.setdefault("UV_SYSTEM_CERTS", "1")
    environment.setdefault("UV_NO_PROGRESS", "1")
    for variable in _NOT_FOR_UV:
        environment.pop(variable, None)
    environment["NO_COLOR"] = "1"
    if not any(variable in environment for variable in _PIP_SETTINGS.values()):
        environment |= _pip_settings(environment)
    return environment


def _pip_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return pip's settings from its files and `PIP_*`, as uv's variables. Later sources win, as in pip."""
    settings: dict[str, str] = {}
    for path in _pip_files(environment):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                settings |= {name: parser.get(section, name) for name in parser.options(section)}
    for name in _PIP_SETTINGS:
        if value := environment.get("PIP_" + name.upper().replace("-", "_")):
            settings[name] = value
    translated = {
        variable: ("," if name == "find-links" else " ").join(settings[name].split())
        for name, variable in _PIP_SETTINGS.items()
        if settings.get(name, "").strip()
    }
    if "UV_INDEX" in translated:
        # pip searches all indexes; uv would use only the first index that has the name.
        translated["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return translated


def _pip_files(environment: Mapping[str, str]) -> list[Path]:
    """Return pip's configuration files, least important first. Source: pip's documentation."""
    home = Path(environment.get("HOME", "~")).expanduser()
    user = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    shared = environment.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    configured = environment.get("PIP_CONFIG_FILE")
    return [
        *(Path(folder) / "pip/pip.conf" for folder in shared.split(":")),
        Path("/etc/pip.conf"),
        home / ".pip/pip.conf",
        user / "pip/pip.conf",
        Path(sys.prefix) / "pip.conf",
        *([Path(configured)] if configured else []),
    ]
