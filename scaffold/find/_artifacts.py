"""The files of a model on a tracking server of MLflow. Their list is input of somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from scaffold.base.checked import is_safe_path
from scaffold.base.facts import as_dict, as_list, one_line
from scaffold.base.http import NoAnswerError, RefusedError, Server
from scaffold.base.urls import without_credentials
from scaffold.errors import ModelNotFetchedError
from scaffold.errors.wording import invocation

_FILES = "api/2.0/mlflow-artifacts/artifacts"
_MOST_ENTRIES = 5000
_MOST_URI = 2000


def download_artifacts(server: Server, written: str, uri: str, folder: Path) -> None:
    """Copy the files at an artifact URI into an empty folder.

    Args:
        server: The tracking server.
        written: What a person typed for the model, for messages.
        uri: `mlflow-artifacts:/1/models/m-0123/artifacts`, as the server says.
        folder: The folder.

    Raises:
        ModelNotFetchedError: They lie where the server does not give them, or a name leads elsewhere.
    """
    where = without_credentials(one_line(uri, _MOST_URI))
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise ModelNotFetchedError(written, f"its files are at {where!r}", "") from error
    if parts.scheme != "mlflow-artifacts":
        cause = f"{server.url} does not serve its files, which are in {where}"
        raise ModelNotFetchedError(written, cause, invocation("new", f"{where}/FILE", ...))
    root = parts.path.strip("/")
    if not is_safe_path(root) or parts.netloc not in ("", urlsplit(server.url).netloc):
        raise ModelNotFetchedError(written, f"its files are at {where!r}", "")
    names = list(_list_files(server, written, root))
    if not names:
        raise ModelNotFetchedError(written, f"{server.url} has no files of it", "")
    for name in names:
        target = folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            server.download(f"{_FILES}/{root}/{name}", target)
        except (RefusedError, NoAnswerError) as error:
            raise not_fetched(error, written, server.url, name) from error
        except OSError as error:
            cause = f"its file {name[:100]!r} cannot be written: {error.strerror}"
            raise ModelNotFetchedError(written, cause, "") from error


def not_fetched(
    error: RefusedError | NoAnswerError, written: str, url: str, what: str
) -> ModelNotFetchedError:
    """Return the error for an answer of a tracking server.

    Args:
        error: What the server did.
        written: What a person typed for the model.
        url: The server, without credentials.
        what: What was asked for.
    """
    if isinstance(error, NoAnswerError):
        return ModelNotFetchedError(written, str(error), "")
    status, message = error.args
    if status in (401, 403):
        hint = "export MLFLOW_TRACKING_USERNAME=... MLFLOW_TRACKING_PASSWORD=...  # or MLFLOW_TRACKING_TOKEN"
        return ModelNotFetchedError(written, f"{url} wants a login ({status})", hint)
    return ModelNotFetchedError(written, f"{url} does not give {what} ({message})", "")


def _list_files(server: Server, written: str, root: str) -> Iterator[str]:
    """The files below a folder of the server, each by its path there."""
    folders, count = [""], 0
    while folders:
        below = folders.pop()
        path = f"{root}/{below}" if below else root
        try:
            listing = server.json(_FILES, {"path": path})
        except (RefusedError, NoAnswerError) as error:
            raise not_fetched(error, written, server.url, path) from error
        for entry in map(as_dict, as_list(listing.get("files"))):
            name = entry.get("path")
            if not isinstance(name, str) or not is_safe_path(name):
                raise ModelNotFetchedError(written, f"it has a file {str(name)[:100]!r}", "")
            count += 1
            if count > _MOST_ENTRIES:
                raise ModelNotFetchedError(written, f"it has more than {_MOST_ENTRIES} files and folders", "")
            name = f"{below}/{name}" if below else name
            if entry.get("is_dir"):
                folders.append(name)
            else:
                yield name
