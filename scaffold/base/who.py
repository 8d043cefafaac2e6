"""The user and the time, for records. Standard library only."""

from __future__ import annotations

import datetime as dt
import getpass
import os
import socket


def user_and_host() -> str:
    """Return who runs this, and where: `ada@build-7`."""
    try:
        user = getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container may run as a number that has no name
        user = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    return f"{user}@{socket.gethostname()}"


def now_utc() -> str:
    """Return the time as it is recorded: `2026-11-21T16:00:00Z`."""
    return dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
