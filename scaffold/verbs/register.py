"""`register`: record in the store where a model is; `store:titanic/1.2.0` then stands for its path."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.base.files import sha256_file
from scaffold.base.who import now_utc, user_and_host
from scaffold.errors import InvalidRegistrationError, NoModelToRegisterError
from scaffold.find import find_model

if TYPE_CHECKING:
    from scaffold.store import Model


def register(model: str | Path, *, name: str, version: str, store: str | None = None) -> Model:
    """Record the place and the hash of a model in the store; return the entry.

    Args:
        model: A path or a URL, as for `new`. The file stays where it is.
        name: The model's name.
        version: Its version: it can be registered for one file only.
        store: The store's database URL; else `$SCAFFOLD_STORE`, or SQLite in the user's data folder.

    Raises:
        ReadError: There is no such model.
        UsageError: The name or the version is empty, or cannot stand in `store:NAME/VERSION`.
        StoreError: The name and version are registered for another file, or the store cannot be used.
    """
    from scaffold.store import Model, open_store

    if not name.strip() or not version.strip() or "/" in name:
        raise InvalidRegistrationError(str(model), name, version)
    given = os.fspath(model)
    path = find_model(given).path
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
