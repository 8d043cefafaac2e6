"""The error in the output of a process that failed."""

import json

import pytest

from scaffold.errors import CompiledModelDiffersError
from scaffold.errors.output import error_in_log, error_in_traceback

TRACEBACK = """\
Traceback (most recent call last):
  File "app/score.py", line 3, in load
    raise KeyError
KeyError
During handling of the above exception, another exception occurred:
Traceback (most recent call last):
  File "app/score.py", line 5, in load
    raise ValueError("the model\\nis another")
ValueError: the model
  is another
"""
ERROR = "ValueError: the model\n  is another"


def _record(level: str, message: str) -> str:
    return json.dumps({"level": level, "message": message})


@pytest.mark.parametrize(
    ("output", "error"),
    [
        (TRACEBACK, ERROR),
        (f"Loading\n{TRACEBACK}\n", ERROR),
        ("Loading\nKilled\n", "Killed"),
        ("\n", ""),
    ],
)
def test_the_error_of_a_traceback_is_below_its_last_frame(output: str, error: str) -> None:
    assert error_in_traceback(output) == error


STARTED = _record("INFO", "Uvicorn running on http://127.0.0.1:8000")
EXITING = _record("ERROR", "Application startup failed. Exiting.")


@pytest.mark.parametrize(
    ("log", "error"),
    [
        ([STARTED, _record("ERROR", "no EXAMPLE"), EXITING], "no EXAMPLE"),
        ([STARTED, _record("ERROR", TRACEBACK), EXITING], ERROR),
        ([TRACEBACK], ERROR),
        ([f"ERROR:    {TRACEBACK}", "ERROR:    Application startup failed. Exiting."], ERROR),
        ([STARTED, "Killed"], "Killed"),
        ([STARTED, "3"], "3"),
        ([STARTED], ""),
    ],
)
def test_the_error_in_a_log_is_no_record_of_the_start(log: list[str], error: str) -> None:
    assert error_in_log("\n".join(log)) == error


def test_a_comparison_that_broke_off_has_its_error_in_the_first_line() -> None:
    error = CompiledModelDiffersError("", "", "", (TRACEBACK, ""))
    beginning = f"The comparison of app/fast.py with the model broke off: {ERROR}\n\nTraceback (most recent"
    assert str(error).startswith(beginning)
    assert error.reason == "the comparison with the model broke off: ValueError: the model is another"
