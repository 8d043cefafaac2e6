"""The answers that choose some parts of the template: pipelines, protocols, batch engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from scaffold.errors import InvalidAnswerError
from scaffold.spec import OTHER_PROTOCOLS, JSONValue

CI_SYSTEMS = ("github", "azure", "gitlab", "gocd", "jenkins")
"""Each has one file in `templates/service/project/`, whose path names the system."""
BATCH_ENGINES = ("local", "ray", "spark", "dask")
"""Each but the first has one file in `templates/service/batch/engines/`, `on_<name>.py`."""


class BatchManifest(NamedTuple):
    """What a manifest of batch jobs needs: an engine of `batch`, and the files of its image."""

    engine: str
    image: Sequence[str]


BATCH_MANIFESTS = {
    "job": BatchManifest("local", ("Dockerfile",)),
    "cronjob": BatchManifest("local", ("Dockerfile",)),
    "rayjob": BatchManifest("ray", ("Dockerfile",)),
    "sparkapplication": BatchManifest("spark", ("Dockerfile", "Dockerfile.spark", "spark.sh")),
}
"""Each has one file in `templates/service/batch/deploy/`, where the files of its image are too."""


def read_ci(answers: Mapping[str, JSONValue]) -> tuple[str, ...]:
    """Return the systems that run a pipeline of the project: `github`, `github,azure` or a list; else none.

    Raises:
        InvalidAnswerError: A system that the template has no pipeline for.
    """
    return _some_of("ci", answers, CI_SYSTEMS)


def read_protocols(answers: Mapping[str, JSONValue]) -> tuple[str, ...]:
    """Return the protocols that the service speaks besides its own: `oip`, `oip,mlflow` or a list; else none.

    Raises:
        InvalidAnswerError: A protocol that the template has no file for.
    """
    return _some_of("protocols", answers, OTHER_PROTOCOLS)


def read_batch(answers: Mapping[str, JSONValue]) -> tuple[str, ...]:
    """Return where files and tables are scored: `local`, and the engines of the answer; else none.

    Raises:
        InvalidAnswerError: An engine that the template has no file for.
    """
    engines = _some_of("batch", answers, BATCH_ENGINES)
    return engines if not engines or "local" in engines else ("local", *engines)


def read_batch_manifests(answers: Mapping[str, JSONValue]) -> tuple[str, ...]:
    """Return the manifests of batch jobs: `job`, `job,rayjob` or a list; else none.

    Raises:
        InvalidAnswerError: A manifest that the template does not have, or `batch` is not answered.
    """
    manifests = _some_of("batch_manifests", answers, [*BATCH_MANIFESTS])
    needed = {BATCH_MANIFESTS[each].engine for each in manifests}
    if needed - {*read_batch(answers)}:
        wanted = ",".join(each for each in BATCH_ENGINES if each in {"local", *needed})
        raise InvalidAnswerError("batch_manifests", answers["batch_manifests"], f"the answer batch={wanted}")
    return manifests


def _some_of(name: str, answers: Mapping[str, JSONValue], choices: Sequence[str]) -> tuple[str, ...]:
    """Some of the choices, in their order: a text with commas or a list."""
    answer = answers.get(name) or []
    names = [each.strip() for each in answer.split(",")] if isinstance(answer, str) else answer
    if names == ["none"]:
        return ()
    if not isinstance(names, list) or not all(each in choices for each in names):
        raise InvalidAnswerError(name, answer, f"none, or some of {', '.join(choices)}, with commas")
    return tuple(each for each in choices if each in names)
