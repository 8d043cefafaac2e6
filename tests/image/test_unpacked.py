"""Layers are unpacked over one another, and never outside their folder."""

from __future__ import annotations

import io
import stat
import tarfile
from pathlib import Path

import pytest

from scaffold.image.layers._unpacked import _unpack

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
        [(".wh...", b"", tarfile.REGTYPE)],
        [("a/.wh...", b"", tarfile.REGTYPE), (".wh..", b"", tarfile.REGTYPE), (".wh.", b"", tarfile.REGTYPE)],
        [("way", "../outside", tarfile.SYMTYPE), ("way", None, tarfile.DIRTYPE)],
        [("way", "../outside", tarfile.SYMTYPE), ("way/sub", None, tarfile.DIRTYPE)],
        [("link", "../outside/kept", tarfile.SYMTYPE), ("hard", "link", tarfile.LNKTYPE)],
        [("way", "../outside", tarfile.SYMTYPE), ("hard", "way/kept", tarfile.LNKTYPE)],
        [("a", "b", tarfile.SYMTYPE), ("b", "a", tarfile.SYMTYPE), ("a/x", b"evil", tarfile.REGTYPE)],
        [("way", "../../../../../..", tarfile.SYMTYPE), ("way/tmp/planted", b"evil", tarfile.REGTYPE)],
        [
            ("device", None, tarfile.CHRTYPE),
            ("pipe", None, tarfile.FIFOTYPE),
            ("disk", None, tarfile.BLKTYPE),
        ],
        [
            ("kept\0/x", b"evil", tarfile.REGTYPE),
            ("", b"evil", tarfile.REGTYPE),
            ("/", None, tarfile.DIRTYPE),
        ],
    ],
)
def test_nothing_outside_is_touched(root: Path, members: list[tuple[str, str | bytes | None, bytes]]) -> None:
    outside = root.parent / "outside"
    before = [(path.stat().st_mode, path.stat().st_nlink) for path in (outside, outside / "kept")]
    _unpack(layer(root.parent / "layer", *members), PLAIN, root)
    assert (outside / "kept").read_text() == "as it was"
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert [(path.stat().st_mode, path.stat().st_nlink) for path in (outside, outside / "kept")] == before
    assert sorted(path.name for path in root.parent.iterdir()) == ["layer", "outside", "root"]
    assert not Path("/tmp/planted").exists()
    kinds = {path.lstat().st_mode & 0o170000 for path in root.rglob("*")}
    assert kinds <= {stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK}


def test_a_link_from_the_root_of_the_image_leads_into_the_image(root: Path) -> None:
    members: list[tuple[str, str | bytes | None, bytes]] = [
        ("usr/lib", None, tarfile.DIRTYPE),
        ("lib", "/usr/lib", tarfile.SYMTYPE),
        ("lib/libc.so", b"1", tarfile.REGTYPE),
        ("lib/libm.so", "lib/libc.so", tarfile.LNKTYPE),
    ]
    _unpack(layer(root.parent / "layer", *members), PLAIN, root)
    assert (root / "usr/lib/libc.so").read_text() == (root / "usr/lib/libm.so").read_text() == "1"
    assert (root / "lib").is_symlink()


def test_no_file_is_setuid_or_setgid(root: Path) -> None:
    path = root.parent / "layer"
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo("su")
        member.mode, member.uid, member.mtime = 0o6755, 0, 1700000000
        tar.addfile(member, io.BytesIO())
    _unpack(path, PLAIN, root)
    assert (root / "su").stat().st_mode & 0o7777 == 0o755
    assert (root / "su").stat().st_mtime == 1700000000


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
