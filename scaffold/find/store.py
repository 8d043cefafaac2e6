"""A registered model: `store:NAME` (registered last), `store:NAME/VERSION` or `store:NAME@ALIAS`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.base.facts import as_list, facts, identifier, one_line
from scaffold.base.files import sha256_file
from scaffold.base.urls import without_credentials
from scaffold.errors import ModelMovedError, ModelNotFetchedError
from scaffold.find._source import Declared, FoundModel, Source, download_folder
from scaffold.spec import JSONValue, Origin

if TYPE_CHECKING:
    from scaffold.store import Model, Reference, Store

_SCHEME = "store:"
_VERSION = re.compile(r"3\.\d{1,2}(\.\d{1,2})?", re.ASCII)
_MOST_CHARACTERS = 200
_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}==[A-Za-z0-9.+!_]{1,50}")
"""A name with a version, as `register` writes it: no URL, no option."""


class StoreSource(Source):
    """The store has the place and the hash of a model, its samples, and the run that trained it."""

    brings_sample = True

    def __init__(self, find: Callable[[str], FoundModel]) -> None:
        self._find = find

    @property
    def server(self) -> str:
        """The server of MLflow, where that is the store."""
        from scaffold.store import tracking_uri

        uri = without_credentials(tracking_uri()).rstrip("/")
        return uri if uri.startswith(("http://", "https://")) else ""

    def recognises(self, written: str) -> bool:
        """Whether the text names a registered model."""
        return written.startswith(_SCHEME)

    def fetch(self, written: str) -> FoundModel:
        """Copy the samples, and the model or fetch it from the place that was registered.

        Raises:
            StoreError: The store has no such model, or its file is not the one that was registered.
        """
        from scaffold.store import open_store, tracking_uri

        with closing(open_store()) as store:
            model = store.require_model(_reference(written))
            if tracking_uri():
                return self._of_mlflow(written, model)
            path = self._model_file(store, model)
            declared = _copy_samples(store, model)
        named = one_line(f"{_SCHEME}{model.name}/{model.version}")
        return FoundModel(path=path, provenance=named, origin=_origin(written, model), declared=declared)

    def newer(self, origin: Origin) -> str | None:
        """Return the URI of the aliased version, else of the newest, if that version changed."""
        from scaffold.store import open_store

        reference = _reference(origin.uri)
        with closing(open_store()) as store:
            model = store.require_model(replace(reference, version=""))
        if model.version == origin.version:
            return None
        return f"{_SCHEME}{model.name}/{model.version}" if reference.version else origin.uri

    def _of_mlflow(self, written: str, model: Model) -> FoundModel:
        """The model of MLflow, with the typed URI as its origin."""
        from scaffold.store import tracking_uri

        if os.environ.get("MLFLOW_TRACKING_URI") not in (None, "", tracking_uri()):
            cause = "MLFLOW_TRACKING_URI names another MLflow than SCAFFOLD_STORE"
            raise ModelNotFetchedError(written, cause, "unset MLFLOW_TRACKING_URI")
        fetched = self._find(f"models:/{model.name}/{model.version}")
        assert fetched.origin is not None
        return replace(fetched, origin=replace(fetched.origin, uri=written))

    def _model_file(self, store: Store, model: Model) -> Path:
        if model.location.startswith(_SCHEME):  # which `register` never writes: it might lead in a circle
            raise _changed_error(model)
        if model.file:
            path = store.files.get(model.file, download_folder(), "model")
        else:
            path = self._find(model.location).path
        if not path.is_file() or sha256_file(path) != model.sha256:
            raise _changed_error(model)
        return path


def _reference(written: str) -> Reference:
    from scaffold.store import parse_reference

    return parse_reference(written)


def _changed_error(model: Model) -> ModelMovedError:
    texts = (model.name, model.version, model.by, model.at, model.location)
    return ModelMovedError(*map(one_line, texts))


def _copy_samples(store: Store, model: Model) -> Declared:
    """The samples, copied into a folder of their own: the worker may read what lies beside them."""
    folder = download_folder()
    samples = [
        store.files.get(name, folder, stem) if name else None
        for name, stem in ((model.input, "sample_input"), (model.output, "sample_output"))
    ]
    if model.run is None:
        return Declared(input=samples[0], output=samples[1])
    return Declared(
        input=samples[0],
        output=samples[1],
        requirements=tuple(line for line in model.run.requirements if _PINNED.fullmatch(line)),
        python=".".join(model.run.python.split(".")[:2]) if _VERSION.fullmatch(model.run.python) else "",
    )


def _origin(written: str, model: Model) -> Origin:
    """The record of the training. Anyone who can write to the database can write this text."""
    run = model.run
    if run is None:
        return Origin(uri=written, version=one_line(model.version))
    rows, sha256 = run.data.get("rows"), run.data.get("sha256")
    described = [f"{rows} rows"] if isinstance(rows, int) else []
    described += [f"sha256 {sha256}"] if isinstance(sha256, str) else []
    tags = {"training data": ", ".join(described), "confusion matrix": _confusions(run.confusion_matrix)}
    return Origin(
        uri=written,
        version=one_line(model.version),
        run=identifier(str(run.id)),
        revision=one_line(run.git_revision),
        params=facts(list(run.params.items())),
        metrics=facts(list(run.metrics.items())),
        tags=facts([(name, text) for name, text in tags.items() if text]),
    )


def _confusions(matrix: Mapping[str, JSONValue]) -> str:
    """A small confusion matrix in one line: `0: 90 as 0, 10 as 1; 1: ...`; empty for a large one."""
    classes, counts = as_list(matrix.get("classes")), as_list(matrix.get("counts"))
    rows = [
        f"{true}: "
        + ", ".join(f"{count} as {each}" for count, each in zip(as_list(row), classes, strict=False))
        for true, row in zip(classes, counts, strict=False)
    ]
    text = "; ".join(rows)
    return text if len(text) <= _MOST_CHARACTERS else ""
