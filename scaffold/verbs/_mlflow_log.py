"""What MLflow is told of a model that is registered: its file, signature and input example."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.environments import running_environment
from scaffold.errors import NotAModelError
from scaffold.find import FoundModel
from scaffold.spec import Artifact, ModelFormat
from scaffold.verbs._inputs import InputFile, ModelInputs
from scaffold.verbs.options import Options
from scaffold.verbs.workers import worker_settings
from scaffold.worker import Worker

if TYPE_CHECKING:
    from scaffold.store import Run

_PROGRAM = "scaffold.verbs._describe_samples"


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a file lies in the folder of a model."""

    name: str
    flavors: Mapping[str, Mapping[str, Any]]
    loader: Mapping[str, str] | None = None
    """What makes it a `python_function`; None if MLflow cannot load the file."""


def mlflow_folder(
    run: Run, found: FoundModel, samples: Sequence[InputFile | None], uri: str
) -> dict[str, Any]:
    """Return what the folder of a model of MLflow holds. The samples are read in a worker.

    Args:
        run: The training.
        found: The model's file.
        samples: The files of the input and of the output.
        uri: MLflow's tracking URI.

    Raises:
        ReadError: A sample cannot be read.
    """
    from scaffold.read import read_artifact

    try:
        artifact = read_artifact(found.path, ours=True)  # described, not judged: nothing loads it here
    except NotAModelError:
        artifact = None
    layout = _layout(found.path, artifact)
    inputs, outputs = _described(found, samples)
    example = inputs.get("example")
    is_table = isinstance(example, dict) and "columns" in example
    columns = {"type": "dataframe", "pandas_orient": "split"}
    return {
        "file": str(found.path),
        "file_name": layout.name,
        "flavors": layout.flavors,
        "loader": layout.loader,
        "signature": _signature(inputs, outputs),
        "example": example,
        "example_info": columns if is_table else {"type": "ndarray", "format": "tf-serving"},
        "requirements": list(run.requirements) or _versions(artifact),
        "python": run.python or platform.python_version(),
        "run_id": _active_run(uri),
    }


def _described(
    found: FoundModel, samples: Sequence[InputFile | None]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the samples are: `signature` and `example`, each absent where MLflow has no words for a sample."""
    first, second = samples
    if first is None and second is None:
        return {}, {}
    model = InputFile(path=found.path, provenance=found.provenance, ours=False)
    inputs = ModelInputs(model=model, input=first or model, output=second, local=())
    settings = worker_settings(inputs, Options(), running_environment())
    job = {
        part: {"path": str(file.path.absolute()), "ours": file.ours} if file else None
        for part, file in (("input", first), ("output", second))
    }
    with Worker(_PROGRAM, settings) as worker:
        worker.begin(job, settings)
        message = worker.receive()
    return _mapping(message.get("input")), _mapping(message.get("output"))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _signature(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> dict[str, str] | None:
    """The signature, whose parts are JSON in a text."""
    if "signature" not in inputs:
        return None
    parts = {"inputs": inputs["signature"], "outputs": outputs.get("signature")}
    return {part: json.dumps(columns) for part, columns in parts.items() if columns is not None}


def _layout(path: Path, artifact: Artifact | None) -> _Layout:
    name = f"model{''.join(path.suffixes[-2:])}"
    if artifact is None or artifact.compression not in (None, "zip"):  # skops is a zip itself
        return _Layout(name, {"file": {"path": name}})
    match artifact.format:
        case ModelFormat.PICKLE:
            return _sklearn("model.pkl", "cloudpickle", artifact)
        case ModelFormat.SKOPS:
            return _sklearn("model.skops", "skops", artifact)
        case ModelFormat.ONNX:
            return _native("onnx", "model.onnx", providers=["CPUExecutionProvider"])
        case ModelFormat.XGBOOST:
            form = "json" if path.suffix == ".json" else "ubj"
            return _native("xgboost", f"model.{form}", model_class="xgboost.core.Booster", model_format=form)
        case ModelFormat.LIGHTGBM:
            return _native("lightgbm", "model.lgb", model_class="lightgbm.basic.Booster")
        case ModelFormat.CATBOOST:
            return _native("catboost", "model.cb", model_type="CatBoost", save_format="cbm")
        case _:
            return _Layout(name, {"file": {"path": name}})


def _native(flavor: str, name: str, **options: Any) -> _Layout:
    """A file that one library writes and loads."""
    key = "model_binary" if flavor == "catboost" else "data"
    return _Layout(
        name, {flavor: {key: name, **options}}, {"loader_module": f"mlflow.{flavor}", "data": name}
    )


def _sklearn(name: str, form: str, artifact: Artifact) -> _Layout:
    """A file that `mlflow.sklearn` loads, which takes any pickle and calls `predict` of the object in it."""
    loader = {"loader_module": "mlflow.sklearn", "model_path": name}
    names = {each.module.partition(".")[0] for each in artifact.globals}
    if form != "skops" and "sklearn" not in names:
        return _Layout(name, {}, loader)
    version = artifact.made_with.versions.get("scikit-learn")
    known = {"sklearn_version": version} if version else {}
    return _Layout(name, {"sklearn": {"pickled_model": name, "serialization_format": form, **known}}, loader)


def _versions(artifact: Artifact | None) -> list[str]:
    """The libraries that a file was made with, by what it says itself."""
    versions = artifact.made_with.versions if artifact else {}
    return [f"{name}=={version}" for name, version in sorted(versions.items())]


def _active_run(uri: str) -> str:
    """The id of the run that this script has started in that very MLflow; empty without one."""
    mlflow = sys.modules.get("mlflow")
    active = mlflow.active_run() if mlflow is not None else None
    if mlflow is None or active is None or mlflow.get_tracking_uri() != uri:
        return ""
    return str(active.info.run_id)
