"""Downloads from package archives, through the proxy that apt in the base would use.

As in apt, the settings of the base in /etc/apt/apt.conf win over `http_proxy` and `https_proxy`, and
`no_proxy` wins over both. Source: apt.conf(5), apt-transport-http(1) and apt-transport-https(1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.utils import should_bypass_proxies

from scaffold.errors import DownloadError
from scaffold.image.debian._base import Debian
from scaffold.image.registry._tls import TlsAdapter, tls_context

_TOKEN = re.compile(r'"([^"]*)"|(?://|#)[^\n]*|/\*.*?\*/|([{};])|([^\s{};"]+)', re.DOTALL)
_RETRIES = 3


class Archives:
    """The archives of a base, over HTTP."""

    def __init__(self, base: Debian, ca_bundle: Path | None) -> None:
        self._proxies = apt_proxies(base)
        self._session = requests.Session()
        self._session.mount("http://", requests.adapters.HTTPAdapter(max_retries=_RETRIES))
        self._session.mount("https://", TlsAdapter(tls_context("", ca_bundle), max_retries=_RETRIES))

    def fetch(self, url: str) -> bytes:
        """Return the bytes at a URL of an archive.

        Raises:
            DownloadError: The download failed.
        """
        proxies = None if should_bypass_proxies(url, None) else _for_requests(self._proxies, url)
        try:
            with self._session.get(url, timeout=60, proxies=proxies) as response:
                response.raise_for_status()
                return response.content
        except requests.RequestException as error:
            status = error.response.status_code if error.response is not None else None
            cause = f"status {status}" if status else type(error).__name__
            raise DownloadError(url, cause, (proxies or {}).get("all", "")) from error

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


def apt_proxies(base: Debian) -> Mapping[str, str]:
    """Return the proxies of apt's settings by `http`, `https`, `http::HOST` or `https::HOST`."""
    proxies: dict[str, str] = {}
    for name in sorted(base.files, key=lambda name: (name == "etc/apt/apt.conf", name)):
        if name.startswith("etc/apt/apt.conf"):
            for key, value in _settings(base.files[name].decode("utf-8", "replace")):
                if match := re.fullmatch(r"acquire::(https?)::proxy(::.+)?", key):
                    proxies[f"{match[1]}{match[2] or ''}"] = value
    return proxies


def _settings(text: str) -> Iterator[tuple[str, str]]:
    """Yield settings as (`acquire::http::proxy`, value), written as `a::b "c";` or as `a { b "c"; };`."""
    outer: list[str] = []
    words: list[str] = []
    for quoted, mark, word in (match.groups() for match in _TOKEN.finditer(text)):
        if mark == "{":
            outer.append("::".join(words))
        elif mark == "}":
            del outer[-1:]
        elif mark == ";" and len(words) == 2:
            yield "::".join((*outer, words[0])).lower(), words[1]
        if mark:
            words = []
        elif quoted is not None or word is not None:
            words.append(quoted if word is None else word)


def _for_requests(proxies: Mapping[str, str], url: str) -> dict[str, str] | None:
    """Return the proxy of a URL as requests takes it; None where apt has no setting for it."""
    parts = urlsplit(url)
    for key in (f"{parts.scheme}::{parts.hostname}", parts.scheme, "http"):
        if proxies.get(key):
            direct = proxies[key].upper() in ("DIRECT", "FALSE")
            return dict.fromkeys((parts.scheme, "all"), "" if direct else proxies[key])
    return None
