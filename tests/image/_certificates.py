"""Authorities and certificates for the tests, made by openssl."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: Path
    key: Path


def make_authority(folder: Path, name: str = "ca") -> Pair:
    """Make an authority whose certificate no system knows."""
    pair = Pair(folder / f"{name}.crt", folder / f"{name}.key")
    _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
        *("-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        *("-keyout", pair.key, "-out", pair.certificate),
    )
    return pair


def issue(folder: Path, authority: Pair, name: str, *, names: str = "IP:127.0.0.1,DNS:localhost") -> Pair:
    """Issue a certificate.

    Args:
        folder: Where the files go.
        authority: Signs it.
        name: Of the files and of the subject.
        names: The `subjectAltName`.
    """
    pair = Pair(folder / f"{name}.cert", folder / f"{name}.key")
    _openssl(
        *("req", "-x509", "-CA", authority.certificate, "-CAkey", authority.key, "-newkey", "ec"),
        *("-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}"),
        *("-addext", f"subjectAltName={names}", "-addext", "basicConstraints=critical,CA:FALSE"),
        *("-keyout", pair.key, "-out", pair.certificate),
    )
    return pair


def _openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
