"""The origin of an installed distribution, and the requirement by which the service gets the same one."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import zipfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from scaffold.base.layout import WHEELS
from scaffold.errors import BrokenInstallError
from scaffold.resolve._distributions import Installed
from scaffold.spec import LocalSource

_LEFT_OUT = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
_EPOCH = (1980, 1, 1, 0, 0, 0)


def specifier_of(installed: Installed) -> tuple[str, LocalSource | None]:
    """Return the version or URL part of a requirement for an installed distribution, and its packed wheel.

    A distribution from an index is required by its version, one from a URL by that URL. One from a file or
    folder of this machine is packed into a wheel for the service; so is one from git, because a lock with
    hashes cannot hold a commit and an image has no git. The reason names the origin.

    Raises:
        BrokenInstallError: The distribution cannot be packed because some of its files are missing.

    Source: PEP 610.
    """
    url = str(installed.origin.get("url", ""))
    if installed.is_from_index or installed.is_editable:
        return f"=={installed.version}", None
    if url.startswith("file:") or "vcs_info" in installed.origin:
        wheel = pack_wheel(installed)
        return f" @ ./{wheel.path}", wheel
    folder = installed.origin.get("subdirectory")
    fragment = f"#subdirectory={folder}" if folder else ""
    return f" @ {_public(url)}{fragment}", None


def pack_wheel(installed: Installed) -> LocalSource:
    """Return a wheel with the files that are installed: the same bytes for the same files.

    Raises:
        BrokenInstallError: The metadata lists no files, or some files are missing.

    Source: the binary distribution format, PEP 427.
    """
    record = installed.metadata.read_text("RECORD")
    tags = re.findall(r"(?m)^Tag: *(\S+)", installed.metadata.read_text("WHEEL") or "")
    if record is None or not tags:
        raise BrokenInstallError(installed.name, installed.version, "its metadata does not list its files")
    paths = sorted(row[0] for row in csv.reader(io.StringIO(record)) if row and _belongs(row[0]))
    lines: list[str] = []
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            try:
                content = Path(str(installed.metadata.locate_file(path))).read_bytes()
            except OSError as error:
                raise BrokenInstallError(installed.name, installed.version, f"{path} is gone") from error
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            lines.append(f"{path},sha256={digest},{len(content)}")
            archive.writestr(_member(path), content)
        folder = next(path.partition("/")[0] for path in paths if path.endswith(".dist-info/METADATA"))
        archive.writestr(_member(f"{folder}/RECORD"), "\n".join([*lines, f"{folder}/RECORD,,", ""]))
    parts = (".".join(dict.fromkeys(tag.split("-")[part] for tag in tags)) for part in range(3))
    name = "-".join([installed.name.replace("-", "_"), installed.version, *parts])
    return LocalSource(path=f"{WHEELS}/{name}.whl", content=buffer.getvalue(), reason=_packed_from(installed))


def _belongs(path: str) -> bool:
    return not (
        path.startswith(("..", "/"))
        or path.endswith(".pyc")
        or (".dist-info/" in path and path.rpartition("/")[2] in _LEFT_OUT)
    )


def _member(path: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(path, _EPOCH)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    return member


def _public(url: str) -> str:
    """The URL without a password or token; the name of an ssh user stays."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    keep = f"{user.partition(':')[0]}{at}" if parts.scheme == "ssh" else ""
    return urlunsplit(parts._replace(netloc=keep + host))


def _packed_from(installed: Installed) -> str:
    """Return the origin of a packed wheel; of a local path, only its last part."""
    url = _public(str(installed.origin.get("url", "")))
    if url.startswith("file:"):
        url = f"a local {url.rstrip('/').rpartition('/')[2]}"
    if not (commit := installed.origin.get("vcs_info")):
        return f"packed from {url}"
    folder = installed.origin.get("subdirectory")
    fragment = f"#subdirectory={folder}" if folder else ""
    return f"packed from {commit['vcs']}+{url}@{commit['commit_id']}{fragment}"
