"""The user that is recorded for an action."""

from __future__ import annotations

import os
import re
import socket

import pytest

from scaffold.base.who import now_utc, user_and_host


def test_a_user_is_named_with_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    assert user_and_host() == f"ada@{socket.gethostname()}"


def test_a_user_without_a_name_is_recorded_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_name(uid: int) -> None:
        raise KeyError(uid)

    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("pwd.getpwuid", no_name)
    assert user_and_host().startswith(f"{os.getuid()}@")


def test_a_time_is_recorded_to_the_second_in_utc() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", now_utc())
