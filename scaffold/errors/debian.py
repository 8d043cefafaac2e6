"""The Debian packages of an image cannot be had."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from scaffold.errors.branches import ImageError
from scaffold.errors.wording import either, invocation


class DebianError(ImageError):
    """The Debian packages of the image cannot be installed."""


class NoDebianSourceError(DebianError):
    """The base names no archive of Debian packages."""

    def __str__(self) -> str:
        return "The base names no source of Debian packages in /etc/apt, so none can be fetched."


class NoSuchPackageError(DebianError):
    """No source of the base has a package."""

    package: str

    def __str__(self) -> str:
        return f"The sources of the base have no Debian package for '{self.package}'."


class UnreadablePackageError(DebianError):
    """A package is packed in an unknown way."""

    package: str

    def __str__(self) -> str:
        return f"The Debian package {self.package} is packed in a way that cannot be read here."


class DownloadError(DebianError):
    """A file of an archive cannot be downloaded.

    Args:
        url: The file.
        cause: A status, or the kind of error.
        proxy: The proxy that apt's settings in the base name; empty where they name none.
    """

    url: str
    cause: str
    proxy: str = ""

    def __str__(self) -> str:
        through = (
            f" through {self.proxy.rpartition('@')[2]}, which apt.conf of the base names"
            if self.proxy
            else ""
        )
        return (
            f"{self.url} cannot be fetched{through}: {self.cause}.\n"
            "Set http_proxy or https_proxy if this machine needs a proxy, no_proxy if that host needs none,"
            " or name a base whose /etc/apt has a mirror that answers here:\n"
            f"  {invocation('build', ..., base='registry.example.org/python:3.11-slim')}"
        )


class WrongHashError(DebianError):
    """A file of an archive has another hash than the archive says.

    Args:
        name: The name of a package, or the URL of a list of packages.
        package: Whether it is a package.
    """

    name: str
    package: bool

    def __str__(self) -> str:
        what = f"The Debian package {self.name} that came" if self.package else self.name
        return f"{what} has another hash than its archive says."


class UnsignedListError(DebianError):
    """A list of packages is not signed by a key that the base trusts."""

    archive: str

    def __str__(self) -> str:
        return f"The package list of {self.archive} is not signed by a key of the base."


class WrongListError(DebianError):
    """A list of packages is of another suite."""

    place: str
    found: Sequence[str]
    suite: str

    def __str__(self) -> str:
        return f"{self.place} is a list of {' or '.join(self.found)}, not of {self.suite}."


class ListDateError(DebianError):
    """The date of a list of packages cannot be read, has expired, or lies in the future.

    Args:
        place: Where the list is.
        date: What it says.
        clock: The time here, where the list is newer than that.
        expired: Whether the date is the last one that the list was valid on.
    """

    place: str
    date: datetime | str
    clock: datetime | None = None
    expired: bool = False

    def __str__(self) -> str:
        if isinstance(self.date, str):
            return f"{self.place} has a date that cannot be read: {self.date[:80]}"
        if self.expired:
            newer = either("another base", "--base")
            return (
                f"{self.place} was valid until {self.date:%Y-%m-%d}:"
                " the archive is stale, or an old list was sent.\n"
                f"Name a newer base with {newer}, or let the base's sources say Check-Valid-Until: no."
            )
        return (
            f"{self.place} is of {self.date:%Y-%m-%d %H:%M} UTC,"
            f" and the clock here says {self.clock:%Y-%m-%d %H:%M}. Set it."
        )
