"""`alias`: let an alias such as `staging` or `production` stand for another version of a model."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from scaffold.base.who import now_utc, user_and_host
from scaffold.verbs.register import require_alias

if TYPE_CHECKING:
    from scaffold.store import Model


def alias(model: str, alias: str, *, store: str | None = None) -> Model:
    """Let an alias stand for a registered model from now on; return the model.

    Args:
        model: `titanic/1.2.0`, `titanic@staging`, or `titanic` for the version that was registered last.
        alias: The alias, which may stand for another version until now.
        store: The store's database URL; else `$SCAFFOLD_STORE`, or SQLite in the user's data folder.

    Raises:
        InvalidAliasError: No alias can have this name.
        StoreError: The store has no such model, or cannot be used.
    """
    from scaffold.store import open_store, parse_reference

    require_alias(alias)
    with closing(open_store(store)) as opened_store:
        entry = opened_store.require_model(parse_reference(model))
        opened_store.move_alias(alias, replace(entry, by=user_and_host(), at=now_utc()))
        return replace(entry, aliases=tuple(sorted({*entry.aliases, alias})))
