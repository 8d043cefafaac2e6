"""Paragraphs of Debian's control files: fields, relations, versions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

STATUS = "var/lib/dpkg/status"
_NEEDED = re.compile(r"([a-z0-9][a-z0-9+.-]*)(?::\w+)?\s*(?:\(\s*(<<|<=|=|>=|>>)\s*([^)\s]+)\s*\))?")

Fields = Mapping[str, str]


def read_alternatives(group: str) -> Iterator[tuple[str, str, str]]:
    """`a (>= 1) | b` as names, relations and versions."""
    for alternative in group.split("|"):
        if match := _NEEDED.match(alternative.strip()):
            yield match[1], match[2] or "", match[3] or ""


def is_met(needed: tuple[str, str, str], installed: Mapping[str, Fields]) -> bool:
    """Whether an installed package satisfies a dependency, by name or by `Provides`."""
    name, relation, version = needed
    if name in installed:
        return version_fits(installed[name]["Version"], relation, version)
    return any(
        name == provided
        for package in installed.values()
        if name in package.get("Provides", "")
        for provided, *_ in read_alternatives(package["Provides"].replace(",", "|"))
    )


def version_fits(version: str, relation: str, bound: str) -> bool:
    """Whether `version` satisfies `relation` to `bound`."""
    if not relation:
        return True
    left, right = version_key(version), version_key(bound)
    return {
        "<<": left < right,
        "<=": left <= right,
        "=": left == right,
        ">=": left >= right,
        ">>": left > right,
    }[relation]


def version_key(version: str) -> tuple[Any, ...]:
    """Return a sort key in dpkg's order: `1.0~rc1` is before `1.0`, letters are before other signs."""
    epoch, colon, without_epoch = version.partition(":")
    if not colon:
        epoch, without_epoch = "0", version
    upstream, dash, revision = without_epoch.rpartition("-")
    parts = (upstream, revision) if dash else (without_epoch, "")
    orders = {"~": -1}
    return int(epoch), *(
        [
            ([*(orders.get(c, ord(c) + 256 * (not c.isalpha())) for c in signs), 0], int(digits or 0))
            for signs, digits in re.findall(r"(\D*)(\d*)", part)
        ]
        for part in parts
    )


def read_fields(paragraph: bytes) -> dict[str, str]:
    """Return the fields by name; a line that starts with a space continues the field before."""
    text = re.sub(r"\n[ \t]+", " ", paragraph.decode("utf-8", "replace").strip())
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, colon, value in pairs if colon}
