"""The environment that reads a model with skl2onnx: the model's own locked versions, and the converter."""

from __future__ import annotations

from dataclasses import replace

from scaffold.base.lockfile import Lock
from scaffold.base.modules import know_environment
from scaffold.environments import Environment, open_environment
from scaffold.spec import Dependencies
from scaffold.worker import WorkerSettings

CONVERTERS = ("onnx==1.23.2", "skl2onnx==1.20.0")
"""The versions that the tests have."""


def open_converter_environment(dependencies: Dependencies) -> Environment:
    """Return the environment; uv creates it in the cache folder if it does not exist.

    Args:
        dependencies: Those of the project: the versions of the model's libraries stand in its lock.

    Raises:
        EnvironmentSpecError: The converter cannot be installed beside them.
    """
    lock = Lock.parse(dependencies.lock)
    model = {line.distribution for line in dependencies.requirements if line.serves == "model"}
    converters = {line.partition("==")[0] for line in CONVERTERS}
    needed = sorted(lock.required_by(model) - converters)
    pins = [f"{name}=={lock.releases[name]}" for name in needed if name in lock.releases]
    environment = open_environment([f"python=={dependencies.python}", *pins, *CONVERTERS])
    know_environment(environment.path, environment.overlay)
    return environment


def settings_with(environment: Environment, settings: WorkerSettings) -> WorkerSettings:
    """Return the settings of a process that loads a model, in another environment."""
    return replace(
        settings,
        python=environment.python,
        path=[*environment.path, *environment.overlay],
        overlay=environment.overlay,
    )
