"""Deployments in MLflow: each is a run of the experiment `deployments`, and its tags say what was done."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

from scaffold.base.facts import as_dict, as_list, identifier, one_line
from scaffold.base.http import RefusedError
from scaffold.store._rows import entry_of, row_of_entry
from scaffold.store._values import Entry

_API = "api/2.0/mlflow"
_EXPERIMENT = "deployments"
_PREFIX = "deployment."
"""Begins the tags."""
_COLUMNS = (
    *("action", "target", "namespace", "name", "image", "url", "at", "live"),
    *("model_sha256", "proof", "git_revision", "by", "approved_by", "reason"),
)
_MOST_CHARACTERS = 2000
_MOST_SERVICES = 1000


class Server(Protocol):
    """What answers the requests of the REST API."""

    def json(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Answer a GET."""

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a POST."""


def write_deployment(server: Server, entry: Entry) -> None:
    """Add a run for a deployment, which has ended.

    Raises:
        RefusedError, NoAnswerError: As for the requests of `server`.
    """
    experiment = _experiment(server)
    if not experiment:
        created = server.post(f"{_API}/experiments/create", {"name": _EXPERIMENT})
        experiment = identifier(created.get("experiment_id"))
    row, now = row_of_entry(entry), int(time.time() * 1000)
    tags = [
        {"key": f"{_PREFIX}{column}", "value": str(value)[:_MOST_CHARACTERS]}
        for column, value in row.items()
        if str(value)
    ]
    body = {
        "experiment_id": experiment,
        "run_name": f"{row['action']} {row['name']} {row['target']}",
        "start_time": now,
        "tags": [*tags, {"key": "mlflow.user", "value": row["by"]}],
    }
    run = as_dict(server.post(f"{_API}/runs/create", body).get("run"))
    run_id = as_dict(run.get("info")).get("run_id")
    server.post(f"{_API}/runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": now})


def read_deployments(server: Server, name: str | None, target: str | None, limit: int) -> tuple[Entry, ...]:
    """Return the history of a service, the newest entry first.

    Args:
        server: Answers the requests.
        name: The service; all services when it is None.
        target: The target; all targets when it is None.
        limit: How many entries at most.

    Raises:
        RefusedError, NoAnswerError: As for the requests of `server`.
    """
    wanted = {"name": name, "target": target}
    conditions = [
        f"tags.`{_PREFIX}{column}` = '{value.replace(chr(39), chr(39) * 2)}'"
        for column, value in wanted.items()
        if value is not None
    ]
    return tuple(map(_entry, _runs(server, " AND ".join(conditions), limit)))


def deployed_services(server: Server) -> tuple[str, ...]:
    """Return the names of the services in the newest deployments."""
    return tuple({entry.deployment.name for entry in map(_entry, _runs(server, "", _MOST_SERVICES))})


def _experiment(server: Server) -> str:
    """The id of the experiment; empty where nothing was deployed yet."""
    try:
        response = server.json(f"{_API}/experiments/get-by-name", {"experiment_name": _EXPERIMENT})
    except RefusedError as error:
        if error.args[0] == 404:
            return ""
        raise
    return identifier(as_dict(response.get("experiment")).get("experiment_id"))


def _runs(server: Server, condition: str, limit: int) -> list[dict[str, Any]]:
    experiment = _experiment(server)
    if not experiment:
        return []
    body = {
        "experiment_ids": [experiment],
        "filter": condition,
        "max_results": limit,
        "order_by": ["attributes.start_time DESC"],
    }
    return [as_dict(run) for run in as_list(server.post(f"{_API}/runs/search", body).get("runs"))]


def _entry(run: Mapping[str, Any]) -> Entry:
    """The deployment of a run. Anyone who can write to MLflow can write this text."""
    listed = map(as_dict, as_list(as_dict(run.get("data")).get("tags")))
    tags = {
        str(tag.get("key")).removeprefix(_PREFIX): one_line(str(tag.get("value")), _MOST_CHARACTERS)
        for tag in listed
        if str(tag.get("key")).startswith(_PREFIX)
    }
    revision = tags.get("revision", "")
    row = {column: tags.get(column, "") for column in _COLUMNS}
    return entry_of({**row, "revision": int(revision) if revision.isdecimal() else 0})
