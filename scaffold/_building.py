"""`build`: the image of a project, and the proof that it answers as the model does.

Here two rooms meet: `image` builds and runs, `verify` knows the sample and when two answers are the same.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold._project import Project
from scaffold._recording import read_recording
from scaffold.errors import AnswersDifferError, ImageCheckError
from scaffold.spec import Image, JSONValue

if TYPE_CHECKING:
    from scaffold.image import OnProgress, Progress


def _silent(_event: Progress) -> None:
    """Show nothing."""


def build(
    project: str | Path, *, check: bool = False, on_progress: OnProgress = _silent, **choices: Any
) -> Image:
    """Build the image of a project, push it where that is asked for, and return what it is.

    Args:
        project: The project's folder; its Dockerfile says what the image is.
        check: Run the image and replay the sample before anything goes out.
        on_progress: Told where the build stands.
        choices: The fields of `scaffold.image.BuildOptions`: `builder`, `push`, `registry`, `tag`, ...

    Raises:
        ImageError: One of its leaves, by what went wrong.
        AnswersDifferError: The image runs, but does not give the model's answers.
    """
    from scaffold.image import BuildOptions, build_image

    root = Project.open(project).root
    replay = (lambda url: _replay(root, url)) if check else None
    return build_image(root, BuildOptions(check=replay, **choices), on_progress=on_progress)


def _replay(root: Path, url: str) -> None:
    """Send each row of the sample and compare."""
    from scaffold.verify._compare import first_difference

    recording = read_recording(root)
    for row, (request, wanted) in enumerate(zip(recording.requests, recording.answers, strict=True)):
        found = first_difference(_post(f"{url}/score", request), wanted)
        if found:
            values = (json.dumps(found.got), json.dumps(found.wanted))
            raise AnswersDifferError(f"row {row}", found.path, values)


def _post(url: str, body: JSONValue) -> JSONValue:
    request = urllib.request.Request(  # noqa: S310  # the image runs on this machine
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=120) as response:
            answer: JSONValue = json.loads(response.read())
    except urllib.error.HTTPError as error:
        said = error.read().decode("utf-8", "replace")[:500]
        raise ImageCheckError(
            url, f"It answers a row of the sample with status {error.code}:\n  {said}"
        ) from error
    except ValueError as error:
        raise ImageCheckError(url, "It answers a row of the sample with what is no JSON.") from error
    except OSError as error:
        raise ImageCheckError(url, f"It broke off at a row of the sample: {error}") from error
    return answer
