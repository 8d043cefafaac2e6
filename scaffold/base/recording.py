"""The sample that a project keeps in `tests/recorded.json`, read. Standard library only."""

from __future__ import annotations

import json
from pathlib import Path

from scaffold.base.checked import read_below
from scaffold.base.layout import RECORDED
from scaffold.errors import InvalidRecordingError, MissingRecordingError, RecordingLengthError
from scaffold.spec import Recording


def read_recording(root: Path) -> Recording:
    """Return the requests and predictions that the project `root` keeps.

    Raises:
        VerificationError: The recording is missing or damaged.
    """
    path = root / RECORDED
    try:
        recording = parse_recording(read_below(root, RECORDED))
    except OSError as error:
        raise MissingRecordingError(str(path), error.strerror or str(error)) from error
    except ValueError as error:
        raise InvalidRecordingError(str(path), str(error)) from error
    if len(recording.requests) != len(recording.answers) or not recording.requests:
        raise RecordingLengthError(str(path), len(recording.requests), len(recording.answers))
    return recording


def parse_recording(text: bytes) -> Recording:
    """Return what the text of a `tests/recorded.json` holds.

    Raises:
        ValueError: The text is not a recording.
    """
    try:
        recorded = json.loads(text)
        requests, answers = recorded["requests"], recorded["answers"]
        if not isinstance(requests, list) or not isinstance(answers, list):
            raise TypeError("the requests or the answers are no list")
        return Recording(requests=tuple(requests), answers=tuple(answers))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(repr(error)) from error
