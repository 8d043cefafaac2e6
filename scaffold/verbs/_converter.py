"""The environment that converts a model: the model's own locked versions, and the converter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from scaffold.base.lockfile import Lock
from scaffold.base.modules import know_environment
from scaffold.environments import Environment, open_environment
from scaffold.spec import Dependencies, PythonCall, TorchCall
from scaffold.worker import WorkerSettings

_ONNX = "onnx==1.23.2"
CONVERTERS: Mapping[type, tuple[str, ...]] = {PythonCall: (_ONNX, "skl2onnx==1.20.0"), TorchCall: (_ONNX,)}
"""What converts a model, by how it is called, the converter itself last; the versions that the tests have."""


def open_converter_environment(converters: Sequence[str], dependencies: Dependencies) -> Environment:
    """Return the environment; uv creates it in the cache folder if it does not exist.

    Args:
        converters: A row of `CONVERTERS`.
        dependencies: Those of the project: the versions of the model's libraries stand in its lock.

    Raises:
        EnvironmentSpecError: The converter cannot be installed beside them.
    """
    lock = Lock.parse(dependencies.lock)
    model = {line.distribution for line in dependencies.requirements if line.serves == "model"}
    names = {line.partition("==")[0] for line in converters}
    needed = sorted(lock.required_by(model) - names)
    pins = [f"{name}=={lock.releases[name]}" for name in needed if name in lock.releases]
    environment = open_environment([f"python=={dependencies.python}", *pins, *converters])
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
