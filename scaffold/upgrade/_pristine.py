"""The archive of a project's pristine files, in the project and in the history of its git repository."""

from __future__ import annotations

import io
import lzma
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from scaffold.base.git import run_git
from scaffold.base.layout import PRISTINE, RECORD
from scaffold.base.process import Runner, run_command
from scaffold.base.temporary import TemporaryFolder
from scaffold.errors import CommandError
from scaffold.upgrade._content import Content, content_sha256

_LARGEST_TREE_BYTES = 256 << 20
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)
_MERGE_STAGES = (":2:", ":3:")
"""What git calls our version and their version of a file during a merge."""


def pack_pristine(tree: Mapping[str, Content]) -> bytes:
    """Return the archive of the texts in a tree; equal trees give equal bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content in sorted(tree.items()):
            if isinstance(content, bytes):
                member = tarfile.TarInfo(path)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return lzma.compress(buffer.getvalue(), preset=6)


def unpack_pristine(packed: bytes, files: Mapping[str, str]) -> dict[str, Content] | None:
    """Return the files of an archive that match the recorded hashes; None if it is damaged or outdated."""
    tree: dict[str, Content] = {}
    try:
        # A few kilobytes can expand to gigabytes: unpack no more than a project has.
        decompressor = lzma.LZMADecompressor()
        unpacked = decompressor.decompress(packed, _LARGEST_TREE_BYTES)
        if not decompressor.eof:
            return None
        with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
            for member in archive:
                tree[member.name] = _content_of(archive, member)
    except (lzma.LZMAError, tarfile.TarError, EOFError, ValueError):
        return None
    same = all(files.get(path) == content_sha256(content) for path, content in tree.items())
    return tree if same else None


def pristine_in_git(root: Path, files: Mapping[str, str], run: Runner) -> dict[str, Content] | None:
    """Return the pristine files from the last commit of any branch that has them."""
    for commit in _commits(root, PRISTINE, run):
        packed = _read_archive(root, commit, run)
        if packed and (tree := unpack_pristine(packed, files)):
            return tree
    return None


def records_in_git(root: Path, run: Runner = run_command) -> Iterator[str]:
    """Yield the text of each known version of the record: both sides of a merge, then those of commits."""
    stages = [f"{stage}./{RECORD}" for stage in _MERGE_STAGES]
    for place in (*stages, *(f"{commit}:./{RECORD}" for commit in _commits(root, RECORD, run))):
        try:
            yield run_git(root, "show", place, run=run)
        except CommandError:
            continue  # the file was deleted there, or there is no merge


def _commits(root: Path, path: str, run: Runner) -> list[str]:
    """Return the commits that changed a file, also those of merged branches; empty without git."""
    try:
        return run_git(root, "log", "--all", "--full-history", "--format=%H", "--", path, run=run).split()
    except CommandError:
        return []


def _read_archive(root: Path, commit: str, run: Runner) -> bytes:
    """Return the archive of pristine files in a commit; empty if the commit has none."""
    try:
        with TemporaryFolder("record") as folder:
            exported = Path(folder) / "pristine.tar"
            target = f"--output={exported}"
            # Not `git show`: run_git returns text, and this file is binary.
            run_git(root, "archive", target, "--format=tar", commit, "--", PRISTINE, run=run)
            with tarfile.open(exported) as archive:
                return _content_of(archive, archive.getmember(PRISTINE))
    except (CommandError, OSError, KeyError, tarfile.TarError):
        return b""


def _content_of(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """Return the content of a regular file.

    Links can form a cycle, and a sparse file can claim any size: both are refused.

    Raises:
        tarfile.TarError: The member is not a regular file.
    """
    file = archive.extractfile(member) if member.type in _PLAIN and not member.issparse() else None
    if file is None:
        raise tarfile.ReadError(f"{member.name} is not a regular file")
    return file.read()
