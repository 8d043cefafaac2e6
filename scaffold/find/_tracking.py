"""MLflow's REST API: from a URI to the place of a model's files.

Source: MLflow's documentation, "REST API"; the answers in tests/find/mlflow/ are those of a server of 3.17.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold.base.facts import as_dict, as_list, commit_in, facts, identifier, one_line, version_number
from scaffold.base.http import NoAnswerError, RefusedError, Server, mlflow_server
from scaffold.base.nearest import nearest
from scaffold.errors import ModelNotFetchedError
from scaffold.errors.wording import invocation
from scaffold.find._artifacts import download_artifacts, not_fetched
from scaffold.spec import Origin

_REGISTRY = "MLFLOW_REGISTRY_URI"
_API = "api/2.0/mlflow"
_MODEL_ID = re.compile(r"m-[0-9a-f]{8,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the files of a model are."""

    uri: str
    version: str = ""
    run: str = ""
    model_id: str = ""


class Tracking:
    """Client for one model of a tracking server, over HTTP."""

    def __init__(self, written: str, url: str) -> None:
        """Take what a person typed, and the URL of the server; MLflow's variables name registry and login.

        Raises:
            ModelNotFetchedError: A variable has a value that cannot be used.
        """
        self._written = written
        registry = os.environ.get(_REGISTRY, "")
        try:
            self._server = mlflow_server(url)
            self._registry = (
                mlflow_server(registry) if registry.startswith(("http://", "https://")) else self._server
            )
        except NoAnswerError as error:
            raise ModelNotFetchedError(written, str(error), "") from error

    @property
    def url(self) -> str:
        """The tracking server, without credentials."""
        return self._server.url

    def place(self) -> Place:
        """Return where the files of the model are.

        Raises:
            ModelNotFetchedError: The server does not have it, or does not answer.
        """
        scheme, _, rest = self._written.partition(":")
        rest = rest.lstrip("/")
        if scheme == "mlflow-artifacts":
            return Place(uri=self._written)
        if scheme == "runs":
            return self._of_run(*rest.partition("/")[::2])
        if _MODEL_ID.fullmatch(rest):
            return self._logged_model(rest)
        return self._registered_model(rest)

    def origin(self, place: Place, run: str) -> Origin:
        """Return the origin of the model, with the parameters, metrics and tags of its run."""
        data: dict[str, Any] = {}
        if run:
            response = self._get(self._server, "runs/get", {"run_id": run}, f"run {run}")
            data = as_dict(as_dict(response.get("run")).get("data"))
        tags = facts(_pairs(data.get("tags")))
        return Origin(
            uri=self._written,
            server=self.url,
            version=place.version or place.model_id,
            run=run,
            revision=commit_in(tags),
            params=facts(_pairs(data.get("params"))),
            metrics=facts(_pairs(data.get("metrics"))),
            tags=tuple((name, value) for name, value in tags if not name.startswith("mlflow.")),
        )

    def newest_version(self, name: str) -> int:
        """Return the number of the newest version of a registered model that is ready."""
        return max(self._versions(name), default=0)

    def aliased(self, name: str, alias: str) -> Mapping[str, Any]:
        """Return the version of a registered model that an alias names.

        Raises:
            ModelNotFetchedError: The model or the alias does not exist; the message has the nearest names.
        """
        try:
            query = {"name": name, "alias": alias}
            return as_dict(
                self._request(self._registry, "registered-models/alias", query).get("model_version")
            )
        except RefusedError as error:
            model = self._model(name)
            aliases = [str(as_dict(each).get("alias")) for each in as_list(model.get("aliases"))]
            raise self._absent(f"alias '{alias}' of {name}", aliases, alias) from error

    def download(self, uri: str, folder: Path) -> None:
        """Copy the files at an artifact URI into an empty folder.

        Raises:
            ModelNotFetchedError: They lie where the server does not give them, or a name leads elsewhere.
        """
        download_artifacts(self._server, self._written, uri, folder)

    # ------------------------------------------------------------------ places

    def _of_run(self, run: str, path: str) -> Place:
        response = self._get(self._server, "runs/get", {"run_id": run}, f"run {run}")
        outputs = as_dict(as_dict(response.get("run")).get("outputs"))
        for output in as_list(outputs.get("model_outputs")):
            model_id = str(as_dict(output).get("model_id"))
            if _MODEL_ID.fullmatch(model_id):
                logged = self._get(self._server, f"logged-models/{model_id}", {}, model_id)
                logged_info = as_dict(as_dict(logged.get("model")).get("info"))
                if logged_info.get("name") == path:
                    return Place(uri=str(logged_info.get("artifact_uri")), run=run, model_id=model_id)
        info = as_dict(as_dict(response.get("run")).get("info"))
        return Place(uri=f"{info.get('artifact_uri')}/{path}".rstrip("/"), run=run)

    def _logged_model(self, model_id: str) -> Place:
        response = self._get(self._server, f"logged-models/{model_id}", {}, f"model {model_id}")
        info = as_dict(as_dict(response.get("model")).get("info"))
        return Place(
            uri=str(info.get("artifact_uri")), run=identifier(info.get("source_run_id")), model_id=model_id
        )

    def _registered_model(self, rest: str) -> Place:
        name, at, alias = rest.partition("@")
        if at:
            version = version_number(self.aliased(name, alias).get("version"))
        else:
            name, _, version = rest.rpartition("/")
            if version == "latest":
                version = str(self.newest_version(name))
            elif not version_number(version):
                raise self._no_version(rest)
        query = {"name": name, "version": version}
        try:
            registered = as_dict(
                self._request(self._registry, "model-versions/get", query).get("model_version")
            )
        except RefusedError as error:
            versions = [str(each) for each in self._versions(name)]
            raise self._absent(f"version {version} of {name}", versions, version) from error
        uri = self._get(self._registry, "model-versions/get-download-uri", query, "its files")
        model_id = str(registered.get("source", "")).rpartition("/")[2]
        return Place(
            uri=str(uri.get("artifact_uri")),
            version=version_number(registered.get("version")),
            run=identifier(registered.get("run_id")),
            model_id=model_id if _MODEL_ID.fullmatch(model_id) else "",
        )

    def _no_version(self, rest: str) -> ModelNotFetchedError:
        """Return the error for a name without a version, or with a stage of MLflow in its place."""
        name, _, stage = rest.rstrip("/").partition("/")
        version = self.newest_version(name) if name else 0
        cause = (
            f"'{one_line(stage)}' is no version; a stage of MLflow is not read"
            if stage
            else "it names no version"
        )
        hint = invocation("new", f"models:/{name or 'NAME'}/{version or 1}", ...)
        return ModelNotFetchedError(self._written, cause, hint)

    def _versions(self, name: str) -> list[int]:
        self._model(name)
        escaped = name.replace("'", "''")
        query = {"filter": f"name='{escaped}'", "max_results": "1000"}
        response = self._get(self._registry, "model-versions/search", query, f"model {name}")
        versions = map(as_dict, as_list(response.get("model_versions")))
        ready = [each for each in versions if each.get("status", "READY") == "READY"]
        return sorted(int(number) for each in ready if (number := version_number(each.get("version"))))

    def _model(self, name: str) -> Mapping[str, Any]:
        try:
            response = self._request(self._registry, "registered-models/get", {"name": name})
            return as_dict(response.get("registered_model"))
        except RefusedError as error:
            query = {"max_results": "200"}
            listed = self._get(self._registry, "registered-models/search", query, f"model {name}")
            names = [str(as_dict(each).get("name")) for each in as_list(listed.get("registered_models"))]
            raise self._absent(f"model '{name}'", names, name) from error

    # ------------------------------------------------------------------ requests

    def _get(self, server: Server, path: str, query: Mapping[str, str], what: str) -> dict[str, Any]:
        try:
            return self._request(server, path, query)
        except RefusedError as error:
            raise self._request_error(error, what) from error

    def _request(self, server: Server, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Return the response; a `RefusedError` is for the caller, unless the login or the server failed."""
        try:
            return server.json(f"{_API}/{path}", query)
        except NoAnswerError as error:
            raise self._request_error(error, path) from error
        except RefusedError as error:
            if error.args[0] in (401, 403) or error.args[0] >= 500:
                raise self._request_error(error, path) from error
            raise

    def _request_error(self, error: RefusedError | NoAnswerError, what: str) -> ModelNotFetchedError:
        return not_fetched(error, self._written, self.url, what)

    def _absent(self, what: str, candidates: Sequence[str], wanted: str) -> ModelNotFetchedError:
        shown = nearest(wanted, [one_line(each) for each in candidates])
        suggestion = f"; nearest: {', '.join(shown)}" if shown else "; it has none"
        return ModelNotFetchedError(self._written, f"{self.url} has no {what}{suggestion}", "")


def _pairs(listed: Any) -> list[tuple[Any, Any]]:
    return [(each.get("key"), each.get("value")) for each in map(as_dict, as_list(listed))]
