"""Layers laid over one another, and never outside of their folder."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from scaffold.image._unpacked import _unpack

PLAIN = "application/vnd.oci.image.layer.v1.tar"


def layer(path: Path, *members: tuple[str, str | bytes | None, bytes]) -> Path:
    """Write a tar of (name, content or the target of a link, kind)."""
    with tarfile.open(path, "w") as tar:
        for name, content, kind in members:
            member = tarfile.TarInfo(name)
            member.type, member.mode = kind, 0o755
            if isinstance(content, str):
                member.linkname = content
                content = None
            member.size = len(content or b"")
            tar.addfile(member, io.BytesIO(content or b""))
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_text("as it was")
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    "members",
    [
        [("../outside/kept", b"evil", tarfile.REGTYPE)],
        [("a/../../outside/kept", b"evil", tarfile.REGTYPE)],
        [("way", "../outside", tarfile.SYMTYPE), ("way/kept", b"evil", tarfile.REGTYPE)],
        [("way", "../outside", tarfile.SYMTYPE), ("way/.wh.kept", b"", tarfile.REGTYPE)],
        [("way", "../outside", tarfile.SYMTYPE), ("way/.wh..wh..opq", b"", tarfile.REGTYPE)],
        [("kept", "../outside/kept", tarfile.LNKTYPE), ("kept", b"evil", tarfile.REGTYPE)],
        [("../outside/.wh.kept", b"", tarfile.REGTYPE)],
    ],
)
def test_nothing_outside_is_touched(root: Path, members: list[tuple[str, str | bytes | None, bytes]]) -> None:
    _unpack(layer(root.parent / "layer", *members), PLAIN, root)
    assert (root.parent / "outside" / "kept").read_text() == "as it was"
    assert [path.name for path in (root.parent / "outside").iterdir()] == ["kept"]


def test_a_path_from_the_root_is_one_of_the_image(root: Path) -> None:
    name = f"{root.parent}/outside/kept"
    _unpack(layer(root.parent / "layer", (name, b"theirs", tarfile.REGTYPE)), PLAIN, root)
    assert (root.parent / "outside" / "kept").read_text() == "as it was"
    assert (root / name.lstrip("/")).read_text() == "theirs"


def test_a_later_layer_replaces_and_hides(root: Path) -> None:
    first = [
        ("etc", None, tarfile.DIRTYPE),
        ("etc/old", b"1", tarfile.REGTYPE),
        ("etc/changed", b"1", tarfile.REGTYPE),
        ("gone", None, tarfile.DIRTYPE),
        ("gone/file", b"1", tarfile.REGTYPE),
        ("emptied", None, tarfile.DIRTYPE),
        ("emptied/file", b"1", tarfile.REGTYPE),
        ("etc/link", "changed", tarfile.SYMTYPE),
    ]
    second = [
        ("etc/.wh.old", b"", tarfile.REGTYPE),
        ("etc/changed", b"2", tarfile.REGTYPE),
        (".wh.gone", b"", tarfile.REGTYPE),
        ("emptied/.wh..wh..opq", b"", tarfile.REGTYPE),
        ("emptied/new", b"2", tarfile.REGTYPE),
        ("etc/link", b"a file now", tarfile.REGTYPE),
    ]
    _unpack(layer(root.parent / "first", *first), PLAIN, root)
    _unpack(layer(root.parent / "second", *second), PLAIN, root)
    found = {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}
    assert found == {"etc/changed": "2", "etc/link": "a file now", "emptied/new": "2"}
