"""`register`: keep a model, its samples and its run; `store:titanic/1.2.0` then stands for all of them."""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsFloat

from scaffold.base.files import is_file
from scaffold.base.git import revision
from scaffold.base.temporary import TemporaryFolder
from scaffold.base.urls import has_other_query, url_without_credentials
from scaffold.base.who import now_utc, user_and_host
from scaffold.errors import (
    InvalidAliasError,
    InvalidFactError,
    InvalidRegistrationError,
    NestedCallError,
    NoModelToRegisterError,
    NoSuchFileError,
    NotAModelError,
)
from scaffold.find import FoundModel, find_model
from scaffold.spec import JSONValue
from scaffold.verbs._confusion import count_confusions
from scaffold.verbs._inputs import InputFile, choose_samples, object_file, sample_file
from scaffold.verbs._training_data import describe_data
from scaffold.worker import is_inside

if TYPE_CHECKING:
    from scaffold.store import Model, Run

_MOST_NAME, _MOST_VERSION = 63, 128
_TEXTS_OF_MODELS = (".json", ".txt", "")
"""Models of XGBoost and LightGBM are texts too."""
_ALIAS = re.compile(r"(?!latest\Z)[A-Za-z][A-Za-z0-9._-]{0,62}")


def register(
    model: Any,
    name: str,
    *,
    input: Any = None,
    output: Any = None,
    metrics: Mapping[str, SupportsFloat] | None = None,
    params: Mapping[str, object] | None = None,
    data: Any = None,
    confusion_matrix: tuple[Any, Any] | None = None,
    version: str | None = None,
    alias: str | None = None,
    copy: bool = False,
    store: str | None = None,
) -> Model:
    """Record a model, its samples and the run that trained it in the store; return the entry.

    Args:
        model: A path or a URL, as for `new`: the file stays where it is. Or the model in memory, which is
            written into the store's folder of files.
        name: The model's name.
        input: A sample of its input: an object, or the path of a file. It is copied into the folder of files.
            Without it, the sample that the source of the model has.
        output: What the model gives for that input, likewise.
        metrics: What was measured: numbers by name.
        params: The parameters of the training: values of JSON by name.
        data: The training data, a path or a frame. Its hash, number of rows, columns and value counts are
            recorded, no row of it.
        confusion_matrix: The true classes of some rows, and those that the model predicts for them, as in
            `(y_test, model.predict(X_test))`. How often each was taken for which is recorded.
        version: Its version: it can be registered for one model only. Without it the next whole number.
        alias: An alias that stands for this version from now on, such as `staging`.
        copy: Whether a model file is copied into the folder of files, for machines that cannot read its path.
        store: The store's database URL; else `$SCAFFOLD_STORE`, or SQLite in the user's data folder. Where it
            is MLflow, MLflow's package logs the model with its signature and sample: in the active run of
            this script, or in a new one.

    Raises:
        ReadError: There is no such model or sample, or it cannot be written to a file.
        UsageError: The name, version, alias, a metric, a parameter or the confusion matrix is not one that
            the store keeps.
        StoreError: The version is registered for another model, or the store cannot be used.
    """
    from scaffold.store import IN_FILES, MlflowStore, Model, file_name, open_store, sha256_in, tracking_uri

    _check_call(model, name, version, alias)
    run = _record_run(name, params or {}, metrics or {}, data, confusion_matrix)
    with TemporaryFolder("register") as folder, closing(open_store(store)) as opened_store:
        found_model, location = _find(model, Path(folder), copy=copy)
        chosen = choose_samples(found_model.declared, input, output)
        parts = zip(("input", "output"), chosen, strict=True)
        files = [_sample(sample, Path(folder) / part) for part, sample in parts]
        samples = [file.path if file else None for file in files]
        run = _with_libraries(run, found_model, [*filter(None, samples)])
        names = [file_name(path) if path else "" for path in samples]
        model_name = file_name(found_model.path)
        entry = Model(
            name=name,
            version=version or "",
            sha256=sha256_in(model_name),
            location=location or f"{IN_FILES}{model_name}",
            input=names[0],
            output=names[1],
            run=run,
            aliases=(alias,) if alias else (),
            by=run.by,
            at=run.at,
        )
        opened_store.require_free(entry)  # before a file is written
        if isinstance(opened_store, MlflowStore):
            from scaffold.verbs._mlflow_log import mlflow_folder  # which imports what a worker needs

            return opened_store.log_model(entry, mlflow_folder(run, found_model, files, tracking_uri(store)))
        for path, stored_name in zip((*samples, found_model.path), (*names, entry.file), strict=True):
            if path is not None and stored_name:
                opened_store.files.add_file(path, stored_name)
        return opened_store.register_model(entry)


def require_alias(alias: str) -> None:
    """Return if a text can be an alias.

    Raises:
        InvalidAliasError: It cannot.
    """
    if not _ALIAS.fullmatch(alias):
        raise InvalidAliasError(alias)


def _check_call(model: Any, name: str, version: str | None, alias: str | None) -> None:
    if is_inside():
        raise NestedCallError()
    model_name = os.fspath(model) if isinstance(model, str | os.PathLike) else "model.pkl"
    is_name = name.isprintable() and name.strip() and len(name) <= _MOST_NAME and not {*"/@"} & {*name}
    is_version = version is None or (version.isprintable() and 0 < len(version.strip()) <= _MOST_VERSION)
    if not is_name or not is_version:
        raise InvalidRegistrationError(str(model_name), name, version or "")
    if alias is not None:
        require_alias(alias)


def _record_run(
    name: str,
    params: Mapping[str, object],
    metrics: Mapping[str, SupportsFloat],
    data: Any,
    confusion_matrix: tuple[Any, Any] | None,
) -> Run:
    """Return the run, with the user, the time and the git revision of this process."""
    from scaffold.store import Run

    return Run(
        name=name,
        params={str(key): _param(str(key), value) for key, value in params.items()},
        metrics={str(key): _metric(str(key), value) for key, value in metrics.items()},
        data={} if data is None else describe_data(data),
        confusion_matrix={} if confusion_matrix is None else count_confusions(confusion_matrix),
        git_revision=revision(Path.cwd())[:64],
        by=user_and_host(),
        at=now_utc(),
    )


def _find(model: Any, folder: Path, *, copy: bool) -> tuple[FoundModel, str]:
    """A model, and its location; none if it is to be copied into the folder of files."""
    if not isinstance(model, str | os.PathLike):
        return FoundModel(path=object_file(model, folder).path, provenance=""), ""
    location = os.fspath(model)
    found_model = find_model(location)
    if not found_model.path.is_file():
        raise NoModelToRegisterError(location)
    _refuse_data(found_model.path, location)
    if copy or location.startswith("store:") or has_other_query(location):
        return found_model, ""
    is_here = Path(location).expanduser().exists()
    return found_model, str(found_model.path.absolute()) if is_here else url_without_credentials(location)


def _refuse_data(path: Path, location: str) -> None:
    """Raise NotAModelError for a table, an array or an image in place of the model."""
    from scaffold.read import holds_data

    if path.suffix.lower() not in _TEXTS_OF_MODELS and holds_data(path):
        advice = "Give the model's file first, and its sample after --input"
        raise NotAModelError(url_without_credentials(location), "it is a table, an array or an image", advice)


def _with_libraries(run: Run, model: FoundModel, samples: list[Path]) -> Run:
    """The run with the libraries of its training: for a model in memory, those that are installed here."""
    if not model.provenance:
        needed = _requirements(model.path, samples)
        return replace(run, requirements=needed, python=platform.python_version())
    return replace(run, requirements=model.declared.requirements, python=model.declared.python)


def _requirements(model: Path, samples: list[Path]) -> tuple[str, ...]:
    """The known libraries that the files name, in the versions that are installed here."""
    from scaffold.read import DISTRIBUTIONS, needs_of_files

    requirements = []
    for module in needs_of_files(model, samples).modules:
        with contextlib.suppress(metadata.PackageNotFoundError):
            name = DISTRIBUTIONS.get(module, "")
            requirements += [f"{name}=={metadata.version(name)}"] if name else []
    return tuple(sorted(requirements))


def _sample(sample: Any, folder: Path) -> InputFile | None:
    """The file of a sample; None without one."""
    if sample is None:
        return None
    if isinstance(sample, os.PathLike) and not is_file(os.fspath(sample)):
        raise NoSuchFileError(os.fspath(sample))
    return sample_file(sample, folder)


def _metric(name: str, value: Any) -> float:
    """A number, also one of numpy's; whole numbers stay whole."""
    if isinstance(value, str | bytes | bool):
        raise InvalidFactError("metrics", name, repr(value)[:100])
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidFactError("metrics", name, f"a {type(value).__name__}") from error
    if not math.isfinite(number):
        raise InvalidFactError("metrics", name, repr(number))
    return value if isinstance(value, int) else number


def _param(name: str, value: Any) -> JSONValue:
    """A value of JSON; a scalar of numpy as the number that it is."""
    if type(value).__module__ == "numpy" and hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    try:
        parsed: JSONValue = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        description = repr(value)[:100] if isinstance(value, float) else f"a {type(value).__name__}"
        raise InvalidFactError("params", name, description) from error
    return parsed
