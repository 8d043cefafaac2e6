"""A model of MLflow: a URI (`models:/`, `runs:/`, `mlflow-artifacts:/`) or a folder with an `MLmodel`.

A server is asked over HTTP, without mlflow. For another store, `sqlite:///mlflow.db` or a folder, mlflow runs
in a process of its own.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.base.facts import commit_in, facts, identifier, version_number
from scaffold.base.files import is_file
from scaffold.base.urls import without_credentials
from scaffold.errors import ModelNotFetchedError
from scaffold.find._mlflow_child import ask_mlflow
from scaffold.find._mlflow_files import model_file
from scaffold.find._mlmodel import DESCRIPTION, declared_by, read_description
from scaffold.find._source import FoundModel, Source, download_folder, local_path, scheme_of
from scaffold.spec import Origin

if TYPE_CHECKING:
    from scaffold.find._tracking import Tracking

_TRACKING = "MLFLOW_TRACKING_URI"
_SCHEMES = ("runs", "models", "mlflow-artifacts")
_REGISTERED = re.compile(r"models:/+(?P<name>[^@]+)(?:/(?P<version>\d{1,18}|latest)|@(?P<alias>.+))")


class MlflowSource(Source):
    """A tracking server, a model registry, or a folder that `save_model` wrote."""

    brings_sample = True

    @property
    def server(self) -> str:
        """The server of `MLFLOW_TRACKING_URI`; empty where that is a database."""
        return without_credentials(_tracking_uri()).rstrip("/") if _is_server() else ""

    def recognises(self, written: str) -> bool:
        """Whether it is a URI of MLflow or a folder with an `MLmodel`."""
        return scheme_of(written) in _SCHEMES or is_file(local_path(written) / DESCRIPTION)

    def fetch(self, written: str) -> FoundModel:
        """Return the model's file and its description in MLflow; the folder if the model has no file.

        Raises:
            ModelNotFetchedError: The server does not give the model, or mlflow is missing where it is needed.
        """
        if scheme_of(written) not in _SCHEMES:
            return _read(local_path(written), written, None)
        if written != without_credentials(written):
            hint = "export MLFLOW_TRACKING_USERNAME=... MLFLOW_TRACKING_PASSWORD=..."
            cause = "a login does not belong into the URI of a model"
            raise ModelNotFetchedError(without_credentials(written), cause, hint)
        folder = download_folder() / "model"
        folder.mkdir()
        if not _is_server():
            answer = ask_mlflow("fetch", written, folder, _tracking_uri())
            model_folder = next((path.parent for path in sorted(folder.rglob(DESCRIPTION))), folder)
            return _read(model_folder, written, _origin(written, answer))
        tracking = _server(written)
        place = tracking.place()
        tracking.download(place.uri, folder)
        run = place.run or read_description(folder).run
        return _read(folder, written, tracking.origin(place, run))

    def follows(self, uri: str) -> bool:
        """Whether it is a URI of MLflow. A folder is a path."""
        return scheme_of(uri) in _SCHEMES

    def newer(self, origin: Origin) -> str | None:
        """Return the next version of a registered model, or its alias if that has moved.

        Raises:
            ModelNotFetchedError: The server does not answer, or `MLFLOW_TRACKING_URI` names none: mlflow
                would open a database of the current folder, which a stranger may have made.
        """
        match = _REGISTERED.fullmatch(origin.uri)
        if match is None:
            return None  # a run and a logged model do not change
        if not _tracking_uri():
            hint = f"export {_TRACKING}=https://...  # or sqlite:///mlflow.db"
            raise ModelNotFetchedError(origin.uri, f"{_TRACKING} names no server", hint)
        version = _version_now(origin.uri, match["name"], match["alias"])
        if match["version"] is None or match["version"] == "latest":
            return origin.uri if version != origin.version else None
        newer = version and int(version) > int(match["version"])
        return f"models:/{match['name']}/{version}" if newer else None


def _tracking_uri() -> str:
    from scaffold.store import tracking_uri

    return os.environ.get(_TRACKING) or tracking_uri()


def _server(uri: str) -> Tracking:
    from scaffold.find._tracking import Tracking  # which imports what HTTP needs

    return Tracking(uri, _tracking_uri())


def _is_server() -> bool:
    return _tracking_uri().startswith(("http://", "https://"))


def _version_now(uri: str, name: str, alias: str | None) -> str:
    """The version of a registered model that an alias names now; the newest version without an alias."""
    if not _is_server():
        return version_number(ask_mlflow("newest", uri, Path(), _tracking_uri()).get("version"))
    server = _server(uri)
    version = server.aliased(name, alias).get("version") if alias else server.newest_version(name)
    return version_number(version)


def _read(folder: Path, written: str, origin: Origin | None) -> FoundModel:
    description = read_description(folder)
    if origin is not None and not (folder / DESCRIPTION).is_file():
        raise ModelNotFetchedError(written, f"it has no file {DESCRIPTION}: it is no model of MLflow", "")
    work = download_folder()
    path, notes = model_file(folder, description, written, work / "code")
    declared = declared_by(folder, description, written, work)
    return FoundModel(
        path=path,
        provenance=_provenance(written, origin),
        origin=origin,
        declared=replace(declared, notes=(*declared.notes, *notes)),
    )


def _provenance(written: str, origin: Origin | None) -> str:
    if origin is None or not origin.version or written.endswith(f"/{origin.version}"):
        return without_credentials(written)
    return f"{written}, version {origin.version}"


def _origin(written: str, answer: dict[str, object]) -> Origin:
    tags = facts(answer.get("tags"))
    return Origin(
        uri=written,
        # No server: the URI may be a path of this machine.
        version=version_number(answer.get("version")),
        run=identifier(answer.get("run")),
        revision=commit_in(tags),
        params=facts(answer.get("params")),
        metrics=facts(answer.get("metrics")),
        tags=tuple((name, value) for name, value in tags if not name.startswith("mlflow.")),
    )
