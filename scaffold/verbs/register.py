"""Models that the store knows by name: `store:titanic/1.2.0` stands where a model's path may stand.

Here two rooms meet: `store` remembers where a model is, `find` brings it.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.base.files import sha256_file
from scaffold.base.who import now_utc, user_and_host
from scaffold.errors import (
    InvalidRegistrationError,
    ModelMovedError,
    NoModelToRegisterError,
    UnknownModelError,
)
from scaffold.find import find_model

if TYPE_CHECKING:
    from scaffold.store import Model


SCHEME = "store:"


def register(model: str | Path, *, name: str, version: str, store: str | None = None) -> Model:
    """Write down in the store where a model is and what it weighs; return what is written there.

    Args:
        model: A path or a URL, as for `new`. The file stays where it is.
        name: The model's name.
        version: Its version, which never names other bytes.
        store: The store's database URL; else `$SCAFFOLD_STORE`, or SQLite in the user's data folder.

    Raises:
        ReadError: There is no such model.
        UsageError: The name or the version is empty, or cannot stand in `store:NAME/VERSION`.
        StoreError: The name and version stand for other bytes already, or the store cannot be used.
    """
    from scaffold.store import Model, open_store

    if not name.strip() or not version.strip() or "/" in name:
        raise InvalidRegistrationError(str(model), name, version)
    given = os.fspath(model)
    path = find_model(given)
    if not path.is_file():
        raise NoModelToRegisterError(given)
    entry = Model(
        name=name,
        version=version,
        sha256=sha256_file(path),
        location=str(path.absolute()) if Path(given).expanduser().exists() else given,
        by=user_and_host(),
        at=now_utc(),
    )
    with closing(open_store(store)) as opened:
        opened.register_model(entry)
    return entry


def registered_file(source: str) -> Path:
    """Return the file of `store:NAME` (the version that was registered last) or `store:NAME/VERSION`.

    Raises:
        StoreError: The store has no such model, or its file holds other bytes than the ones registered.
    """
    from scaffold.store import open_store

    name, _, version = source.removeprefix(SCHEME).partition("/")
    with closing(open_store()) as opened:
        found = opened.find_model(name, version or None)
    if found is None:
        raise UnknownModelError(name, version)
    path = find_model(found.location)
    if not path.is_file() or sha256_file(path) != found.sha256:
        raise ModelMovedError(name, found.version, found.by, found.at, found.location)
    return path
