"""URLs and logins over HTTP. Standard library only."""

from __future__ import annotations

import base64
import re

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://\S+")
_LOGIN = re.compile(
    # A password may hold any character; digits before a slash are a port.
    r"(?<=://)[^/?#@:\[]*:(?!:|[0-9]{1,5}([/?#]|\Z))((?!://).)*@"
    r"|(?<!abfs://)(?<!abfss://)(?<!wasb://)(?<!wasbs://)(?<=://)[^/?#]*@"
)
"""User and password. Before the `@` of Azure's schemes stands the container: `abfs://models@team...`."""
_ALLOWED_PARAMETERS = re.compile(
    r"(versionid|version_id|generation|snapshot)=[A-Za-z0-9._:-]*", re.IGNORECASE
)
_SCP = r"([A-Za-z0-9._-]+@)?[A-Za-z0-9][A-Za-z0-9.-]*:[A-Za-z0-9._~%+-]+(/[A-Za-z0-9._~%+-]+)*/?"
REPOSITORY = re.compile(
    r"(https?://|ssh://([A-Za-z0-9._-]+@)?)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?"
    rf"(/[A-Za-z0-9._~%+-]+)+/?|{_SCP}"
)
"""The address of a git repository without a password: a URL, or `git@host:team/titanic.git`."""


def without_credentials(text: str) -> str:
    """Return `text` with user, password and query removed from each URL.

    The query of a signed URL holds the signature. Parameters that name a version stay: `?versionId=...`.
    """
    return _URL.sub(lambda match: _cleaned(match[0]), text)


def url_without_credentials(url: str) -> str:
    """Return a URL, in which there may be spaces, with user, password and query removed as above."""
    return _cleaned(url) if "://" in url else url


def has_other_query(url: str) -> bool:
    """Whether the URL without credentials lacks a query or a fragment, and so may be that of another file."""
    return url_without_credentials(url) != _LOGIN.sub("", url)


def repository_url(remote: str) -> str:
    """Return the URL of a git remote without a password; empty for a remote that is no URL, such as a folder.

    `git@host:team/titanic.git` becomes `ssh://git@host/team/titanic.git`, which every tool takes.
    """
    url = without_credentials(remote) if remote.startswith(("http:", "https:")) else remote
    if not REPOSITORY.fullmatch(url):
        return ""
    return url if "://" in url else f"ssh://{url.replace(':', '/', 1)}"


def encoded_login(user: str, password: str) -> str:
    """Return user and password as `Authorization: Basic` and Docker's configuration have them, in UTF-8."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def _cleaned(url: str) -> str:
    place, _, query = _LOGIN.sub("", url).partition("#")[0].partition("?")
    allowed = "&".join(part for part in query.split("&") if _ALLOWED_PARAMETERS.fullmatch(part))
    return f"{place}?{allowed}" if allowed else place
