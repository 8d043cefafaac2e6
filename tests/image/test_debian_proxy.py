"""The proxy to an archive of Debian packages: from the environment, and from apt's settings in the base."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from scaffold.errors import DownloadError
from scaffold.image.debian._base import Debian
from scaffold.image.debian._download import apt_proxies
from tests.image.conftest import Bench
from tests.image.test_debian import Archive, archive, build

__all__ = ["archive"]  # a fixture

MIRROR = "http://mirror.example.invalid/debian"


class Proxy(ThreadingHTTPServer):
    """A proxy that has the files of one archive at each address."""

    asked: list[str]


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Proxy)
        self.server.asked.append(self.path)
        self.path = urlsplit(self.path).path.removeprefix("/debian")
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def proxy(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a proxy; the archive is the mirror that only the proxy reaches."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    archive.add("libgomp1", "12-1", {"./usr/lib/libgomp.so.1": "ELF"})
    archive.url = MIRROR
    with Proxy(("127.0.0.1", 0), partial(Handler, directory=str(archive.root))) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
    assert all(url.startswith(MIRROR) for url in server.asked)


def packed(bench: Bench, archive: Archive, apt_conf: str = "") -> bool:
    files = {"etc/apt/apt.conf.d/80proxy": apt_conf.encode()} if apt_conf else {}
    return "usr/lib/libgomp.so.1" in build(bench, archive, "libgomp1", files=files).getnames()


def through(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the proxy of the environment, and leave the registry of the test alone."""
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_the_proxy_of_the_environment_is_used(
    bench: Bench, archive: Archive, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    through(proxy, monkeypatch)
    assert packed(bench, archive)


@pytest.mark.parametrize(
    "settings",
    [
        'Acquire::http::Proxy "PROXY";',
        '// of the company\nAcquire {\n  Retries "3";\n  http { Proxy "PROXY"; Pipeline-Depth "0"; };\n};',
        'Acquire::http::Proxy "http://127.0.0.1:1";\nAcquire::HTTP::proxy::mirror.example.invalid "PROXY";',
    ],
    ids=["one line", "blocks", "for one host"],
)
def test_the_proxy_of_apt_in_the_base_wins(
    bench: Bench, archive: Archive, proxy: str, monkeypatch: pytest.MonkeyPatch, settings: str
) -> None:
    through("http://127.0.0.1:1", monkeypatch)
    assert packed(bench, archive, settings.replace("PROXY", proxy))


def test_no_proxy_wins_over_apt(
    bench: Bench, archive: Archive, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1,mirror.example.invalid")
    with pytest.raises(DownloadError, match=r"cannot be fetched: ConnectionError\.\nSet http_proxy"):
        packed(bench, archive, f'Acquire::http::Proxy "{proxy}";')


def test_apt_may_ask_for_a_direct_connection(
    bench: Bench, archive: Archive, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    through(proxy, monkeypatch)
    with pytest.raises(DownloadError):
        packed(bench, archive, 'Acquire::http::Proxy::mirror.example.invalid "DIRECT";')


def test_a_proxy_that_does_not_answer_is_named_without_its_password(
    bench: Bench, archive: Archive, proxy: str
) -> None:
    assert proxy
    with pytest.raises(DownloadError, match=r"through 127\.0\.0\.1:1, which apt\.conf") as caught:
        packed(bench, archive, 'Acquire::http::Proxy "http://ada:lovelace@127.0.0.1:1";')
    assert "lovelace" not in str(caught.value)


def test_settings_with_comments_and_later_files_are_read() -> None:
    files = {
        "etc/apt/apt.conf": b'Acquire::https::Proxy "http://last:1";',
        "etc/apt/apt.conf.d/10": b'# Acquire::http::Proxy "no";\n/* Acquire::http::Proxy "no"; */\nAPT::x;',
        "etc/apt/apt.conf.d/20": b'Acquire::http { Proxy http://two:1; }; Acquire::https::Proxy "http://x:1";',
    }
    found = apt_proxies(Debian(files=files, links={}))
    assert found == {"http": "http://two:1", "https": "http://last:1"}
