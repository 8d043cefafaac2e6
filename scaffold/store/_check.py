"""Whether the store can be used, without creating or migrating it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from scaffold.base.urls import without_credentials
from scaffold.errors import StoreError
from scaffold.errors.wording import shell_line
from scaffold.spec import Prerequisite, State
from scaffold.store._mlflow import MlflowStore
from scaffold.store._open import make_engine, newest_version, table_version, tracking_uri
from scaffold.store._store import URL_VARIABLE
from scaffold.store._values import Reference


def check_store(url: str | None = None) -> Prerequisite:
    """Return which database keeps the store, and whether it answers. Nothing is created.

    Args:
        url: As for `open_store`.

    Raises:
        MissingExtraError: The `store` extra is not installed.
        StoreError: The URL is invalid, or its driver is not installed.
    """
    if uri := tracking_uri(url):
        return _check_mlflow(uri)
    engine = make_engine(url, make_folder=False)
    from sqlalchemy.exc import SQLAlchemyError

    place = engine.url.render_as_string(hide_password=True)
    file = engine.url.database if engine.url.get_backend_name() == "sqlite" else ""
    if file and not Path(file).exists():
        return Prerequisite(name="store", state=State.OK, found=f"{place}, created when it is first used")
    try:
        version = table_version(engine)
    except SQLAlchemyError as error:
        cause = " ".join(str(getattr(error, "orig", None) or error).split())
        fix = f"export {URL_VARIABLE}=sqlite:///path/to/store.db"
        return Prerequisite(name="store", state=State.UNREACHABLE, found=f"{place}: {cause}", fix=fix)
    finally:
        engine.dispose()
    if version > newest_version():
        description = f"{place}: a newer version of this package wrote it"
        fix = shell_line("pip", "install", "--upgrade", "model-scaffold[store]")
        return Prerequisite(name="store", state=State.MISSING, found=description, fix=fix)
    note = "" if version == newest_version() else ", migrated when it is first used"
    return Prerequisite(name="store", state=State.OK, found=f"{place}{note}")


def _check_mlflow(uri: str) -> Prerequisite:
    """Ask MLflow for a model. A database is not opened: MLflow would create it."""
    place = without_credentials(uri)
    is_server = uri.startswith(("http://", "https://"))
    try:
        with contextlib.closing(MlflowStore(uri)) as store:
            if is_server:
                store.find_model(Reference(name="scaffold"))
    except StoreError as error:
        cause = " ".join(str(error).split())
        fix = f"curl {place}/health" if is_server else "pip install mlflow"
        return Prerequisite(name="store", state=State.UNREACHABLE, found=cause, fix=fix)
    return Prerequisite(name="store", state=State.OK, found=f"MLflow at {place}")
