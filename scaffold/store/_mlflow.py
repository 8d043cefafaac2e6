"""MLflow as the store, a server or a database: its registered models, their runs and aliases.

A server is asked over HTTP, without mlflow. A database is asked through mlflow in a process of its own, which
also logs the models that are registered.

Source: MLflow's documentation, "REST API".
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.base.facts import as_dict, as_list, commit_in, facts, identifier, one_line, version_number
from scaffold.base.http import NoAnswerError, RefusedError, Server, mlflow_server
from scaffold.base.urls import without_credentials
from scaffold.errors import MlflowStoreError, StoreUnusableError
from scaffold.store._mlflow_deployments import deployed_services, read_deployments, write_deployment
from scaffold.store._mlflow_local import LocalMlflow, is_mlflow_installed
from scaffold.store._mlflow_tags import data_in, python_in, run_of_model, sha256_in_tags
from scaffold.store._store import URL_VARIABLE, Store
from scaffold.store._values import Entry, Model, Reference, Run

_API = "api/2.0/mlflow"
_MOST_MODELS, _MOST_VERSIONS = 200, 100
"""How many are listed: each version is a request for its run."""
_ABSENT = 404
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")


class MlflowStore(Store):
    """The models of a registry, each version with its run."""

    def __init__(self, uri: str) -> None:
        """Take the URL of the server, or the URI of its database.

        Raises:
            StoreError: It is neither, or mlflow is not installed where a database needs it.
        """
        self._uri = uri
        scheme = uri.partition(":")[0]
        if scheme in ("http", "https"):
            try:
                self._server: Server | LocalMlflow = mlflow_server(uri)
            except NoAnswerError as error:
                raise StoreUnusableError(without_credentials(uri), str(error), URL_VARIABLE) from error
        elif scheme.partition("+")[0] in _DATABASES:
            self._server = self._local()
        else:
            raise MlflowStoreError(without_credentials(uri), "server")

    def log_model(self, model: Model, folder: Mapping[str, Any]) -> Model:
        """Log a run with a model, register the model, and return it.

        Args:
            model: What is registered, with its run.
            folder: What the folder of the model holds, as `_mlflow_child` takes it.

        Raises:
            StoreError: mlflow is not installed, or refuses.
        """
        self._aliases(model.name)  # an unreachable server is reported within seconds
        local = self._server if isinstance(self._server, LocalMlflow) else self._local()
        try:
            with self._convert_errors(absent=False):
                version = local.log({**run_of_model(model), **folder})
        finally:
            if local is not self._server:
                local.close()
        return self.require_model(Reference(name=model.name, version=version))

    def find_model(self, reference: Reference) -> Model | None:
        """Return a version of a model; the newest without a version or an alias."""
        aliases = self._aliases(reference.name)
        if aliases is None:
            return None
        if not reference.version and not reference.alias:
            return next(iter(self._versions(reference.name, aliases, 1)), None)
        version = version_number(reference.version) or dict(aliases).get(reference.alias)
        if not version:
            return None
        query = {"name": reference.name, "version": version}
        version_entity = self._get("model-versions/get", query).get("model_version")
        return self._model(version_entity, aliases) if version_entity else None

    def models(self, name: str | None = None) -> tuple[Model, ...]:
        """Return the versions of a model, the newest first; without a name, the last version of each."""
        if name is not None:
            aliases = self._aliases(name)
            return () if aliases is None else self._versions(name, aliases, _MOST_VERSIONS)
        listed = self._get("registered-models/search", {"max_results": str(_MOST_MODELS)})
        names = [str(as_dict(each).get("name")) for each in as_list(listed.get("registered_models"))]
        return tuple(filter(None, (self.find_model(Reference(name=each)) for each in names)))

    def runs(self, name: str) -> tuple[Run, ...]:
        """Return the runs of the versions of a model, the newest first."""
        trained = {each.run.id: each.run for each in self.models(name) if each.run is not None}
        return tuple(trained.values())

    def move_alias(self, alias: str, model: Model) -> None:
        """Make an alias of the model's name stand for this version."""
        with self._convert_errors():
            body = {"name": model.name, "alias": alias, "version": model.version}
            self._server.post(f"{_API}/registered-models/alias", body)

    def require_free(self, model: Model) -> bool:
        """Return True: MLflow gives each model that is registered the next number.

        Raises:
            MlflowStoreError: A version is wanted, or MLflow's package is not installed.
        """
        if model.version:
            raise MlflowStoreError(self._server.url, "version")
        self._local()
        return True

    def record_deployment(self, entry: Entry) -> None:
        """Add a run to the experiment of deployments."""
        with self._convert_errors(absent=False):
            write_deployment(self._server, entry)

    def history(
        self, name: str | None = None, target: str | None = None, *, limit: int = 50
    ) -> tuple[Entry, ...]:
        """Return the history of the service `name`, the newest entry first."""
        with self._convert_errors(absent=False):
            return read_deployments(self._server, name, target, limit)

    def services(self) -> tuple[str, ...]:
        """Return the names of the services in the history."""
        with self._convert_errors(absent=False):
            return deployed_services(self._server)

    def close(self) -> None:
        """End the process, if there is one."""
        if isinstance(self._server, LocalMlflow):
            self._server.close()

    def _local(self) -> LocalMlflow:
        # Where no server is, that of the package answers.
        if not is_mlflow_installed(with_server=not self._uri.startswith(("http:", "https:"))):
            raise MlflowStoreError(without_credentials(self._uri), "package")
        return LocalMlflow(self._uri)

    def _aliases(self, name: str) -> list[tuple[str, str]] | None:
        """The aliases of a model with their versions; None if the model does not exist."""
        model = self._get("registered-models/get", {"name": name}).get("registered_model")
        if not model:
            return None
        listed = map(as_dict, as_list(as_dict(model).get("aliases")))
        return [(str(each.get("alias")), version_number(each.get("version"))) for each in listed]

    def _versions(self, name: str, aliases: list[tuple[str, str]], most: int) -> tuple[Model, ...]:
        escaped = name.replace("'", "''")
        query = {"filter": f"name='{escaped}'", "max_results": "1000"}
        listed = map(as_dict, as_list(self._get("model-versions/search", query).get("model_versions")))
        numbered = {int(version_number(each.get("version")) or 0): each for each in listed}
        newest = sorted(numbered, reverse=True)[:most]
        return tuple(self._model(numbered[number], aliases) for number in newest)

    def _model(self, version_entity: Any, aliases: list[tuple[str, str]]) -> Model:
        version = as_dict(version_entity)
        number = version_number(version.get("version"))
        run_id = identifier(version.get("run_id"))
        run = self._run(str(version.get("name")), run_id) if run_id else None
        return Model(
            name=str(version.get("name")),
            version=number,
            sha256=sha256_in_tags(facts(_pairs(version.get("tags")))),
            location=without_credentials(str(version.get("source"))),
            by=run.by if run else "",
            at=_time(version.get("creation_timestamp")),
            run=run,
            aliases=tuple(sorted(alias for alias, of in aliases if of == number)),
        )

    def _run(self, name: str, run_id: str) -> Run:
        run = as_dict(self._get("runs/get", {"run_id": run_id}).get("run"))
        info, data = as_dict(run.get("info")), as_dict(run.get("data"))
        metrics = (
            (each.get("key"), each.get("value")) for each in map(as_dict, as_list(data.get("metrics")))
        )
        tags = facts(_pairs(data.get("tags")))
        return Run(
            id=run_id,
            name=name,
            params=dict(facts(_pairs(data.get("params")))),
            metrics={str(key): value for key, value in metrics if isinstance(value, int | float)},
            data=data_in(tags),
            git_revision=commit_in(tags),
            python=python_in(tags),
            by=one_line(str(dict(tags).get("mlflow.user") or info.get("user_id") or "")),
            at=_time(info.get("end_time") or info.get("start_time")),
        )

    def _get(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        """The response of the server; empty if the requested entity does not exist."""
        try:
            with self._convert_errors():
                return self._server.json(f"{_API}/{path}", query)
        except RefusedError:
            return {}

    @contextlib.contextmanager
    def _convert_errors(self, *, absent: bool = True) -> Iterator[None]:
        """Convert errors of the client to errors of the store.

        Raises:
            RefusedError: The requested entity does not exist; raised only if `absent` is set.
            StoreUnusableError: Anything else.
        """
        try:
            yield
        except NoAnswerError as error:
            raise StoreUnusableError(self._server.url, str(error), URL_VARIABLE) from error
        except RefusedError as error:
            status, message = error.args
            if status == _ABSENT and absent:
                raise
            wants = "it wants a login: MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
            cause = wants if status in (401, 403) else message
            raise StoreUnusableError(self._server.url, cause, URL_VARIABLE) from error


def _pairs(listed: Any) -> list[tuple[Any, Any]]:
    return [(each.get("key"), each.get("value")) for each in map(as_dict, as_list(listed))]


def _time(milliseconds: Any) -> str:
    """A time in the format of the store; empty if the value is not a time."""
    try:
        moment = dt.datetime.fromtimestamp(int(milliseconds) / 1000, dt.timezone.utc)
    except (TypeError, ValueError, OverflowError, OSError):
        return ""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
