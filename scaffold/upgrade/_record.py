"""What a project was made from, kept in the project: the ancestor of the next merge.

.scaffold/record.json        what was made from what, with the sha256 of every pristine file
.scaffold/pristine.tar.xz    the text of the pristine files; models and pictures by their hash alone
"""

from __future__ import annotations

import dataclasses
import io
import json
import lzma
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scaffold._codec import CodecError, decode, encode
from scaffold._process import Runner, run_command
from scaffold.errors import CommandError, NoRecordError, UpgradeError
from scaffold.spec import LocalSource, MadeWith, ProjectRecord, ProjectSpec, Recording
from scaffold.upgrade._content import Content, Opaque, content_sha256, read_content, read_tree

FOLDER = ".scaffold"
RECORD = f"{FOLDER}/record.json"
PRISTINE = f"{FOLDER}/pristine.tar.xz"
IGNORE = f"{FOLDER}/.gitignore"
LOCK = "requirements.txt"
RECORDED = "tests/recorded.json"
_FORMAT = 1


def write_record(root: Path, record: ProjectRecord, pristine: Path | None = None) -> None:
    """Write the record of a project into `root/.scaffold`.

    Args:
        root: The project.
        record: What it was made from; `files` names the pristine files.
        pristine: Where these lie, if not in `root`.
    """
    tree = read_tree(pristine or root, record.files)
    for path, content in record_files(record, tree).items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(content)


def record_files(record: ProjectRecord, tree: Mapping[str, Content]) -> dict[str, bytes]:
    """The files of a record, by path; the same bytes for the same record."""
    proof = record.verification and dataclasses.replace(record.verification, openapi="")
    document = {
        "format": _FORMAT,
        "generator": record.spec.generator,
        "template": record.template,
        "options": encode(record.options),
        "proof": encode(proof),
        "files": dict(sorted(record.files.items())),
        "spec": encode(_slim(record.spec)),
    }
    return {
        RECORD: (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode(),
        PRISTINE: _pack(tree),
        IGNORE: b"# The last update, until the next one: what `scaffold undo` needs.\nundo/\nupdate/\n",
    }


def read_record(
    root: Path,
    *,
    rebuild: Callable[[ProjectRecord], Mapping[str, Content]] | None = None,
    run: Runner = run_command,
) -> tuple[ProjectRecord, dict[str, Content]]:
    """The record of the project in `root` and its pristine tree.

    Where the pristine files are lost they come from git; or from `rebuild`, which renders them anew; or
    from the project itself, as far as the owner left them alone. What is not to be had is known by hash.

    Raises:
        NoRecordError: There is no record.
        UpgradeError: The record cannot be read.
    """
    document = _read_document(root)
    files: dict[str, str] = document["files"]
    packed = _unpack_file(root / PRISTINE, files) or _unpack_from_git(root, files, run) or {}
    tree = {path: packed.get(path) or _as_left(root / path, digest) for path, digest in files.items()}
    try:
        record = ProjectRecord(
            spec=_refilled(decode("ProjectSpec", document["spec"]), root, tree),
            template=document["template"],
            options=document["options"],
            verification=decode("Verification | None", document["proof"]),
            files=files,
        )
    except CodecError as error:
        raise UpgradeError(f"{root / RECORD} names {error}.") from error
    if rebuild and not packed:
        tree |= {path: new for path, new in rebuild(record).items() if files.get(path) == content_sha256(new)}
    return record, tree


def _read_document(root: Path) -> dict[str, Any]:
    try:
        document = json.loads((root / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NoRecordError(str(root)) from error
    except (OSError, ValueError) as error:
        raise UpgradeError(
            f"{root / RECORD} cannot be read: {error}\nRestore it from version control."
        ) from error
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise UpgradeError(
            f"{root / RECORD} was written by another version of model-scaffold"
            f" ({document.get('generator') if isinstance(document, dict) else 'unknown'}).\n"
            "Update this one:  pip install --upgrade model-scaffold"
        )
    return document


def _slim(spec: ProjectSpec) -> ProjectSpec:
    """The spec without what its files hold already: the lock, the sample, local code, what the model says."""
    provenance = spec.artifact.provenance
    name = Path(provenance).name if Path(provenance).is_absolute() else provenance
    sources = tuple(dataclasses.replace(source, content=b"") for source in spec.dependencies.sources)
    return dataclasses.replace(
        spec,
        artifact=dataclasses.replace(spec.artifact, provenance=name, made_with=MadeWith()),
        dependencies=dataclasses.replace(spec.dependencies, lock="", sources=sources),
        recording=Recording(requests=(), answers=()),
    )


def _refilled(spec: ProjectSpec, root: Path, tree: Mapping[str, Content]) -> ProjectSpec:
    """The spec with the lock, the sample and the local code of its project, and the model's place in it."""
    lock = tree.get(LOCK)
    if not isinstance(lock, bytes) and (root / LOCK).is_file():  # lost, and edited
        lock = (root / LOCK).read_bytes()
    sources = tuple(_with_content(source, root, tree) for source in spec.dependencies.sources)
    places = [path for path, content in tree.items() if content_sha256(content) == spec.artifact.sha256]
    return dataclasses.replace(
        spec,
        artifact=dataclasses.replace(spec.artifact, path=root / places[0]) if places else spec.artifact,
        dependencies=dataclasses.replace(
            spec.dependencies, lock=lock.decode() if isinstance(lock, bytes) else "", sources=sources
        ),
        recording=_read_recording(root, tree.get(RECORDED)),
    )


def _with_content(source: LocalSource, root: Path, tree: Mapping[str, Content]) -> LocalSource:
    content = tree.get(source.path)
    if isinstance(content, bytes):
        return dataclasses.replace(source, content=content)
    path = root / source.path
    return dataclasses.replace(source, content=path.read_bytes() if path.is_file() else b"")


def _read_recording(root: Path, pristine: Content | None) -> Recording:
    try:
        text = pristine if isinstance(pristine, bytes) else (root / RECORDED).read_bytes()
        recorded = json.loads(text)
        return Recording(requests=tuple(recorded["requests"]), answers=tuple(recorded["answers"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Recording(requests=(), answers=())


def _pack(tree: Mapping[str, Content]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content in sorted(tree.items()):
            if isinstance(content, bytes):
                member = tarfile.TarInfo(path)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return lzma.compress(buffer.getvalue(), preset=6)


def _unpack_file(path: Path, files: Mapping[str, str]) -> dict[str, Content] | None:
    return _unpack(path.read_bytes(), files) if path.is_file() else None


def _unpack_from_git(root: Path, files: Mapping[str, str], run: Runner) -> dict[str, Content] | None:
    """The pristine files of the last commit that has them."""
    try:
        commits = run(["git", "log", "--format=%H", "--", PRISTINE], cwd=root).stdout.split()
        with tempfile.TemporaryDirectory(prefix="scaffold-") as folder:
            exported = Path(folder) / "pristine.tar"
            for commit in commits:
                run(
                    ["git", "archive", f"--output={exported}", "--format=tar", commit, "--", PRISTINE],
                    cwd=root,
                )
                with tarfile.open(exported) as archive:
                    member = archive.extractfile(PRISTINE)
                    packed = member.read() if member else b""
                if tree := _unpack(packed, files):
                    return tree
    except (CommandError, OSError, KeyError, tarfile.TarError):
        return None
    return None


def _unpack(packed: bytes, files: Mapping[str, str]) -> dict[str, Content] | None:
    """The files of an archive whose hash is the recorded one; none where it is damaged or of another time."""
    tree: dict[str, Content] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(lzma.decompress(packed))) as archive:
            for member in archive:
                file = archive.extractfile(member)
                tree[member.name] = file.read() if file else b""
    except (lzma.LZMAError, tarfile.TarError, EOFError):
        return None
    same = all(files.get(path) == content_sha256(content) for path, content in tree.items())
    return tree if same else None


def _as_left(path: Path, digest: str) -> Content:
    """A pristine file that is not packed: the project's own where nobody changed it, else its hash."""
    if path.is_file() and not path.is_symlink():
        content = read_content(path)
        if content_sha256(content) == digest:
            return content
    return Opaque(digest)
