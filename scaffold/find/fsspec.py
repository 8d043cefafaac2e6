"""A file at a URL that fsspec opens: `s3://`, `gs://`, `https://`, `sftp://`."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scaffold.base.facts import one_line
from scaffold.base.urls import has_other_query, url_without_credentials, without_credentials
from scaffold.errors import ModelNotFetchedError
from scaffold.errors.wording import invocation
from scaffold.find._patience import StalledError, returned_in_time
from scaffold.find._source import FoundModel, Source, download_folder, imported, line_of, scheme_of
from scaffold.spec import Origin

_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "http": "aiohttp",
    "https": "aiohttp",
    "sftp": "paramiko",
    "ssh": "paramiko",
    "hf": "huggingface_hub",
}

_CREDENTIALS = {
    "http": """FSSPEC_HTTP: '{"headers": {"Authorization": "Bearer ..."}}'""",
    "sftp": "FSSPEC_SFTP_USERNAME and FSSPEC_SFTP_PASSWORD",
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
    "hf": "HF_TOKEN",
}
"""The variables that hold credentials, by one of the schemes of a package."""

_LEFT_OUT = "..."
"""Ends the URI of a record that lacks a query: it may name another file, or hold a login."""

_ANSWER_S = 10.0
"""The time limit for the login and the metadata of one file."""
_STALL_S = 60.0
"""How long no byte may come: some libraries write a part of 32 MiB at once."""

_VERSION_KEYS = ("VersionId", "version_id", "generation", "ETag", "etag", "e_tag")
"""What filesystems call the version of a file, the surest first."""


class FsspecSource(Source):
    """A URL of any scheme that no other source takes."""

    def recognises(self, written: str) -> bool:
        """Whether the text is a URL; `file://` is a path."""
        return scheme_of(written) not in ("", "file")

    def fetch(self, written: str) -> FoundModel:
        """Copy the file into a folder of its own.

        Raises:
            ModelNotFetchedError: fsspec or the package for this scheme is missing, or the copy failed.
        """
        shown = url_without_credentials(written)
        path, version = _copy(written, shown, scheme_of(written))
        query = f"{'&' if '?' in shown else '?'}{_LEFT_OUT}" if has_other_query(written) else ""
        return FoundModel(path=path, provenance=shown, origin=Origin(uri=f"{shown}{query}", version=version))

    def follows(self, uri: str) -> bool:
        """Whether it is one URL of a service on the network: no file of this machine, no chain."""
        return scheme_of(uri) in _PACKAGES and "::" not in uri

    def newer(self, origin: Origin) -> str | None:
        """Return the URL if the version of its file changed or is unknown.

        Raises:
            ModelNotFetchedError: The server does not answer, or the record lacks a part of the URL.
        """
        if origin.uri.endswith(_LEFT_OUT):
            cause = "the record has the URL without its query, which may hold a login"
            raise ModelNotFetchedError(origin.uri, cause, invocation("update", "PROJECT", model=origin.uri))
        scheme = scheme_of(origin.uri)
        filesystem, place = _filesystem(origin.uri, origin.uri, scheme)
        with _convert_errors(origin.uri, scheme):
            version = _version(_details(filesystem, place))
        return None if version and version == origin.version else origin.uri


def _copy(url: str, shown: str, scheme: str) -> tuple[Path, str]:
    """The file at a URL, copied, and its version; `shown` is the URL without credentials."""
    target = download_folder() / (shown.partition("?")[0].rstrip("/").rpartition("/")[2] or "model")
    filesystem, place = _filesystem(url, shown, scheme)
    with _convert_errors(shown, scheme):
        details = _details(filesystem, place)
        if details.get("type") == "directory":
            raise ModelNotFetchedError(
                shown, "it is a folder", invocation("new", f"{shown.rstrip('/')}/FILE", ...)
            )
        fetch = functools.partial(filesystem.get_file, place, str(target))
        returned_in_time(fetch, _STALL_S, lambda: target.stat().st_size if target.is_file() else 0)
    return target, _version(details)


def _filesystem(url: str, shown: str, scheme: str) -> tuple[Any, str]:
    # What it logs would stand beside our message where nobody set up logging.
    logging.getLogger(_PACKAGES.get(scheme, "fsspec")).addHandler(logging.NullHandler())
    fsspec = imported("fsspec", shown, " ".join(dict.fromkeys(["fsspec", _PACKAGES.get(scheme, "fsspec")])))
    with _convert_errors(shown, scheme):  # some log in where they are made
        filesystem, place = returned_in_time(functools.partial(fsspec.core.url_to_fs, url), _ANSWER_S)
    return filesystem, place


def _details(filesystem: Any, place: str) -> dict[str, Any]:
    """What the server says of a file; empty if it says nothing.

    Raises:
        StalledError: The server does not answer. Another error is reported where the file is fetched.
    """

    def file_details() -> dict[str, Any]:
        filesystem.invalidate_cache()  # an earlier call may have listed the folder
        return dict(filesystem.info(place))

    try:
        return returned_in_time(file_details, _ANSWER_S)
    except StalledError:
        raise
    except Exception:
        return {}


def _version(details: dict[str, Any]) -> str:
    """The version or the ETag of a file; empty if the server has neither."""
    version = next((details[key] for key in _VERSION_KEYS if details.get(key)), "")
    return one_line(str(version).strip('"'))


@contextlib.contextmanager
def _convert_errors(shown: str, scheme: str) -> Iterator[None]:
    """Raise ModelNotFetchedError for whatever a filesystem raises."""
    try:
        yield
    except ImportError as error:
        package = _PACKAGES.get(scheme, error.name)
        if not package:  # fsspec says what to install
            raise ModelNotFetchedError(shown, line_of(error).rstrip("."), "") from error
        raise ModelNotFetchedError(shown, f"{scheme}:// needs {package}", f"pip install {package}") from error
    except ModelNotFetchedError:
        raise
    except Exception as error:
        # Every filesystem has errors of its own; some of them name the URL.
        cause = without_credentials(_answer_of(error) or line_of(error)).rstrip(".:")
        if isinstance(error, FileNotFoundError):
            cause = "there is no such file"
        if _is_refusal(error) or (isinstance(error, StalledError) and not _has_credentials(scheme)):
            cause += _where_credentials_stand(scheme)
        raise ModelNotFetchedError(shown, cause, "") from error


def _answer_of(error: Exception) -> str:
    """What a web server answered; empty for another error. aiohttp's own text repeats the URL."""
    if not hasattr(error, "request_info"):
        return ""
    status, message = getattr(error, "status", 0), one_line(str(getattr(error, "message", "")))
    return f"the server answers {status} {message}".rstrip() if status else "the server redirects without end"


def _is_refusal(error: Exception) -> bool:
    """Whether a login is missing or refused; each library says so in its own way."""
    status = getattr(error, "status_code", getattr(error, "status", None))
    told = f"{type(error).__name__} {error}".lower()
    words = ("credential", "authentication")
    return isinstance(error, PermissionError) or status in (401, 403) or any(word in told for word in words)


def _has_credentials(scheme: str) -> bool:
    """Whether a variable with credentials is set, or the server would refuse them at once.

    Without a variable some libraries ask a server that only the cloud has; gcsfs tries a refused login again.
    """
    names = re.findall(r"[A-Z_]{5,}", _variables(scheme))
    package = _PACKAGES.get(scheme)
    if package in ("aiohttp", "paramiko"):
        return True
    return package != "gcsfs" and any(os.environ.get(name) for name in names)


def _where_credentials_stand(scheme: str) -> str:
    names = _variables(scheme)
    return f"; {_PACKAGES[scheme]} reads the credentials from {names}" if names else ""


def _variables(scheme: str) -> str:
    """The entry of `_CREDENTIALS`, which has one of the schemes of each package."""
    package = _PACKAGES.get(scheme)
    return next((names for other, names in _CREDENTIALS.items() if _PACKAGES[other] == package), "")
