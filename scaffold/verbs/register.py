"""`register`: keep a model, its samples and its run; `store:titanic/1.2.0` then stands for all of them."""

from __future__ import annotations

import json
import math
import os
import platform
import re
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsFloat

from scaffold.base.files import is_file, sha256_file
from scaffold.base.git import revision
from scaffold.base.temporary import TemporaryFolder
from scaffold.base.who import now_utc, user_and_host
from scaffold.errors import (
    InvalidAliasError,
    InvalidFactError,
    InvalidRegistrationError,
    NestedCallError,
    NoModelToRegisterError,
    NoSuchFileError,
)
from scaffold.find import find_model
from scaffold.spec import JSONValue
from scaffold.verbs._inputs import object_file, sample_file
from scaffold.verbs._training_data import describe_data
from scaffold.worker import is_inside

if TYPE_CHECKING:
    from scaffold.store import Files, Model

_MOST_NAME, _MOST_VERSION = 63, 128
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
    version: str | None = None,
    alias: str | None = None,
    store: str | None = None,
) -> Model:
    """Record a model, its samples and the run that trained it in the store; return the entry.

    Args:
        model: A path or a URL, as for `new`: the file stays where it is. Or the model in memory, which is
            written into the store's folder of files.
        name: The model's name.
        input: A sample of its input: an object, or the path of a file. It is copied into the folder of files.
        output: What the model gives for that input, likewise.
        metrics: What was measured: numbers by name.
        params: The parameters of the training: values of JSON by name.
        data: The training data, a path or a frame. Its hash, number of rows, columns and value counts are
            recorded, no row of it.
        version: Its version: it can be registered for one model only. Without it the next whole number.
        alias: An alias that stands for this version from now on, such as `staging`.
        store: The store's database URL; else `$SCAFFOLD_STORE`, or SQLite in the user's data folder.

    Raises:
        ReadError: There is no such model or sample, or it cannot be written to a file.
        UsageError: The name, version, alias, a metric or a parameter is not one that the store keeps.
        StoreError: The version is registered for another model, or the store cannot be used.
    """
    from scaffold.store import Model, Run, open_store

    if is_inside():
        raise NestedCallError()
    _require_names(model, name, version, alias)
    by, at = user_and_host(), now_utc()
    run = Run(
        name=name,
        params=_params(params or {}),
        metrics=_metrics(metrics or {}),
        data={} if data is None else describe_data(data),
        git_revision=revision(Path.cwd())[:64],
        python=platform.python_version(),
        by=by,
        at=at,
    )
    with TemporaryFolder("register") as folder, closing(open_store(store)) as opened:
        sha256, location = _keep_model(model, Path(folder), opened.files)
        return opened.register_model(
            Model(
                name=name,
                version=version or "",
                sha256=sha256,
                location=location,
                input=_keep_sample(input, Path(folder) / "input", opened.files),
                output=_keep_sample(output, Path(folder) / "output", opened.files),
                run=run,
                aliases=(alias,) if alias else (),
                by=by,
                at=at,
            )
        )


def require_alias(alias: str) -> None:
    """Return if a text can be an alias.

    Raises:
        InvalidAliasError: It cannot.
    """
    if not _ALIAS.fullmatch(alias):
        raise InvalidAliasError(alias)


def _require_names(model: Any, name: str, version: str | None, alias: str | None) -> None:
    shown = os.fspath(model) if isinstance(model, str | os.PathLike) else "model.pkl"
    is_name = name.isprintable() and name.strip() and len(name) <= _MOST_NAME and not {*"/@"} & {*name}
    is_version = version is None or (version.isprintable() and 0 < len(version.strip()) <= _MOST_VERSION)
    if not is_name or not is_version:
        raise InvalidRegistrationError(str(shown), name, version or "")
    if alias is not None:
        require_alias(alias)


def _keep_model(model: Any, folder: Path, files: Files) -> tuple[str, str]:
    """The sha256 of a model and where it is; an object in memory is written into the folder of files."""
    from scaffold.store import IN_FILES

    if not isinstance(model, str | os.PathLike):
        kept = files.put(object_file(model, folder).path)
        return kept.partition(".")[0], f"{IN_FILES}{kept}"
    given = os.fspath(model)
    path = find_model(given).path
    if not path.is_file():
        raise NoModelToRegisterError(given)
    return sha256_file(path), str(path.absolute()) if Path(given).expanduser().exists() else given


def _keep_sample(sample: Any, folder: Path, files: Files) -> str:
    """The name of a sample in the folder of files; empty without one."""
    if sample is None:
        return ""
    if isinstance(sample, os.PathLike) and not is_file(os.fspath(sample)):
        raise NoSuchFileError(os.fspath(sample))
    return files.put(sample_file(sample, folder).path)


def _metrics(metrics: Mapping[str, SupportsFloat]) -> dict[str, float]:
    return {str(name): _metric(str(name), value) for name, value in metrics.items()}


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


def _params(params: Mapping[str, object]) -> dict[str, JSONValue]:
    return {str(name): _param(str(name), value) for name, value in params.items()}


def _param(name: str, value: Any) -> JSONValue:
    """A value of JSON; a scalar of numpy as the number that it is."""
    if type(value).__module__ == "numpy" and hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    try:
        parsed: JSONValue = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        found = repr(value)[:100] if isinstance(value, float) else f"a {type(value).__name__}"
        raise InvalidFactError("params", name, found) from error
    return parsed
