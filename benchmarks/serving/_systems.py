"""The table of what is compared: how each is started, asked and read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.serving._places import HERE, MODELS, SERVICES, WORK, python

Rows = list[Any]
PEERS = HERE / "peers"
V2_TYPES = {"Sex": "BYTES", "Embarked": "BYTES", "Age": "FP64", "Fare": "FP64"}


@dataclass(frozen=True, kw_only=True)
class System:
    """One contender on one model."""

    name: str
    label: str
    environment: str
    command: Sequence[str]
    path: str
    body: Callable[[Rows], Any]
    """What is sent for one row."""
    answers: Callable[[Any], list[int]]
    many_path: str | None = None
    """Where many rows go in one request, if that is offered."""
    many_body: Callable[[Rows], Any] | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    prepare: Sequence[Sequence[str]] = ()
    files: Mapping[str, Any] = field(default_factory=dict)
    """JSON files to write before the start, by path."""
    folder: str = str(PEERS)
    nulls: bool = True
    """Whether it takes a row with a missing value."""
    probe: str | None = None
    """What a cluster would ask whether it lives, while it is loaded."""


def flower(row: Any) -> dict[str, Any]:
    """A row of model C as an object."""
    return {"data": row}


def prediction(answer: Any) -> list[int]:
    """The value or values under `prediction`, in an object or in each of a list."""
    if isinstance(answer, list):
        return [row["prediction"] for row in answer]
    value = answer["prediction"]
    return value if isinstance(value, list) else [value]


def systems(model: str) -> list[System]:
    """The contenders on model A, B or C, in the order of the table."""
    wrap = flower if model == "C" else lambda row: row
    one: Callable[[Rows], Any] = lambda rows: wrap(rows[0])  # noqa: E731
    many: Callable[[Rows], Any] = lambda rows: [wrap(row) for row in rows]  # noqa: E731
    file = str(MODELS / f"{model}.pkl")
    noun = "flower" if model == "C" else "passenger"

    def floor(name: str, label: str, environment: str) -> System:
        return System(
            name=name,
            label=label,
            environment=environment,
            command=[*_uvicorn(environment), f"{name.replace('-', '_')}:app"],
            path=f"/{noun}",
            body=one,
            answers=prediction,
            many_path=f"/{noun}s",
            many_body=many,
            variables={"MODEL": file},
        )

    return [
        floor("floor-fastapi", "FastAPI + pydantic by hand (floor)", "fastapi"),
        floor("floor-starlette", "Starlette + msgspec (floor)", "starlette"),
        System(
            name="vetiver",
            label="vetiver",
            environment="vetiver",
            command=[*_uvicorn("vetiver"), "vetiver_app:app"],
            path="/predict",
            body=_numbered if model == "C" else (lambda rows: rows[:1]),
            answers=lambda answer: answer["predict"],
            many_path="/predict",
            many_body=_numbered if model == "C" else list,
            variables={"MODEL": file},
            nulls=False,
        ),
        *(_mlserver(model, file, together) for together in (False, True)),
        *(_litserve(file, one, many, together) for together in (False, True)),
        *(_bentoml(model, file, together) for together in (False, True)),
        _mlflow(model, file),
        *(_ray(file, one, many, together) for together in (False, True)),
        _ours("ours-plain", "**ours, plain profile**", f"plain-{model}", one, many),
        _ours("ours-compiled", "**ours, compiled and slim**", f"compiled-{model}", one, many),
        _ours("ours", "**ours**", model, one, many),
    ]


def _ours(
    name: str, label: str, service: str, one: Callable[[Rows], Any], many: Callable[[Rows], Any]
) -> System:
    return System(
        name=name,
        label=label,
        environment=f"ours-{service}",
        command=[python(f"ours-{service}"), "-m", "app"],
        path="/score",
        body=one,
        answers=prediction,
        many_path="/score/batch",
        many_body=many,
        variables={"BIND_HOST": "127.0.0.1", "PORT": "{port}"},
        folder=str(SERVICES / service),
        probe="/healthz",
    )


def _uvicorn(environment: str) -> list[str]:
    quiet = ["--no-access-log", "--log-level", "warning"]
    return [python(environment), "-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", *quiet]


def _numbered(rows: Rows) -> Any:
    return [{str(i): value for i, value in enumerate(row)} for row in rows]


def _mlserver(model: str, file: str, together: bool) -> System:
    folder = WORK / "mlserver" / f"{model}-{together}"
    settings: dict[str, Any] = {
        "name": "scored",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": file, **({} if model == "C" else {"content_type": "pd"})},
    }
    if together:  # it has no batching without a window; 1 ms is the best of those that were tried
        settings |= {"max_batch_size": 64, "max_batch_time": 0.001}
    return System(
        name="mlserver-batching" if together else "mlserver",
        label="MLServer, adaptive batching 1 ms" if together else "MLServer",
        environment="mlserver",
        command=[python("mlserver").replace("bin/python", "bin/mlserver"), "start", "."],
        path="/v2/models/scored/infer",
        body=lambda rows: _tensors(model, rows[:1]),
        answers=lambda answer: answer["outputs"][0]["data"],
        many_path="/v2/models/scored/infer",
        many_body=lambda rows: _tensors(model, rows),
        variables={
            "MLSERVER_HTTP_PORT": "{port}",
            "MLSERVER_GRPC_PORT": "{port2}",
            "MLSERVER_METRICS_PORT": "{port3}",
        },
        files={
            str(folder / "settings.json"): {"debug": False, "host": "127.0.0.1", "parallel_workers": 0},
            str(folder / "model-settings.json"): settings,
        },
        folder=str(folder),
    )


def _tensors(model: str, rows: Rows) -> Any:
    """The open inference protocol: a tensor for each column."""
    if model == "C":
        data = [value for row in rows for value in row]
        inputs = [{"name": "x", "shape": [len(rows), 4], "datatype": "FP64", "data": data}]
        return {"inputs": inputs}
    inputs = []
    for name in rows[0]:
        kind = V2_TYPES.get(name, "INT64")
        tensor: dict[str, Any] = {"name": name, "shape": [len(rows), 1], "datatype": kind}
        tensor["data"] = [row[name] for row in rows]
        if kind == "BYTES":
            tensor["parameters"] = {"content_type": "str"}
        inputs.append(tensor)
    return {"inputs": inputs}


def _litserve(file: str, one: Callable[[Rows], Any], many: Callable[[Rows], Any], together: bool) -> System:
    return System(
        name="litserve-batching" if together else "litserve",
        label="LitServe, batching without a window" if together else "LitServe",
        environment="litserve",
        command=[python("litserve"), "lit_server.py"],
        path="/predict",
        body=one,
        answers=prediction,
        many_path=None if together else "/predict",
        many_body=None if together else many,
        variables={"MODEL": file, "PORT": "{port}", **({"TOGETHER": "1"} if together else {})},
    )


def _bentoml(model: str, file: str, together: bool) -> System:
    service = ("Flowers" if model == "C" else "Passengers") + ("Together" if together else "")
    home = {"BENTOML_HOME": str(WORK / "bentoml" / model), "BENTOML_DO_NOT_TRACK": "1", "MODEL": file}
    bento = python("bentoml").replace("bin/python", "bin/bentoml")
    return System(
        name="bentoml-batching" if together else "bentoml",
        label="BentoML, adaptive batching" if together else "BentoML",
        environment="bentoml",
        command=[bento, "serve", f"bento_service:{service}", "--host", "127.0.0.1", "--port", "{port}"],
        path="/predict",
        body=lambda rows: {"rows": rows[:1]},
        answers=list,
        many_path="/predict",
        many_body=lambda rows: {"rows": rows},
        variables=home,
        prepare=[[python("bentoml"), "bento_save.py"]],
    )


def _mlflow(model: str, file: str) -> System:
    key = "inputs" if model == "C" else "dataframe_records"
    saved = str(WORK / "mlflow" / model)
    serve = [python("mlflow").replace("bin/python", "bin/mlflow"), "models", "serve", "-m", saved]
    return System(
        name="mlflow",
        label="MLflow `models serve`",
        environment="mlflow",
        command=[*serve, "--env-manager", "local", "--host", "127.0.0.1", "--port", "{port}", "-w", "1"],
        path="/invocations",
        body=lambda rows: {key: rows[:1]},
        answers=lambda answer: answer["predictions"],
        many_path="/invocations",
        many_body=lambda rows: {key: rows},
        variables={"MODEL": file, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"},
        prepare=[[python("mlflow"), "mlflow_save.py", saved]],
    )


def _ray(file: str, one: Callable[[Rows], Any], many: Callable[[Rows], Any], together: bool) -> System:
    return System(
        name="ray-batching" if together else "ray",
        label="Ray Serve, batching 5 ms" if together else "Ray Serve",
        environment="ray",
        command=[python("ray"), "ray_app.py", "{port}"],
        path="/one",
        body=one,
        answers=prediction,
        many_path="/many",
        many_body=many,
        variables={
            "MODEL": file,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_SERVE_LOG_TO_STDERR": "0",
            **({"TOGETHER": "1"} if together else {}),
        },
    )


def as_json(body: Any) -> str:
    """A body on one line."""
    return json.dumps(body, separators=(",", ":"))
