"""The record of a project, stored in the project: the ancestor of the next merge.

.scaffold/record.json        what was made from what, with the sha256 of every pristine file
.scaffold/pristine.tar.xz    the text of the pristine files; models and pictures by their hash alone
.scaffold/.gitattributes     keeps git from merging these two files, and from changing line ends
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from scaffold.base.checked import checked_path, path_below, read_below
from scaffold.base.codec import decode, encode
from scaffold.base.files import sha256_file
from scaffold.base.layout import (
    FAST_LOCK,
    LOCK,
    MODEL_FOLDER,
    MODEL_FOLDERS,
    PRISTINE,
    RECORD,
    RECORDED,
    STATE_ATTRIBUTES,
    STATE_IGNORE,
)
from scaffold.base.lockfile import from_model_lock
from scaffold.base.markers import marked_lines
from scaffold.base.process import Runner, run_command
from scaffold.base.recording import parse_recording
from scaffold.errors import (
    DamagedRecordError,
    MarkedRecordError,
    NewerRecordError,
    NoRecordError,
    UnsafePathError,
    UpgradeError,
)
from scaffold.spec import LocalSource, MadeWith, ProjectRecord, ProjectSpec, Recording
from scaffold.upgrade._content import Content, Opaque, content_sha256, read_content, read_tree, walk_files
from scaffold.upgrade._migrate import from_format_1
from scaffold.upgrade._pristine import pack_pristine, pristine_in_git, unpack_pristine

_FORMAT = 2
_ATTRIBUTES = (
    b"# Both files belong together: git merges neither, and leaves their line ends as they are.\n"
    b"record.json -merge -text\npristine.tar.xz -merge -text\n"
)


def write_record(
    root: Path, record: ProjectRecord, pristine: Path | None = None, *, keep_pristine: bool = False
) -> None:
    """Write the record of a project into `root/.scaffold`.

    Args:
        root: The project.
        record: The record; `files` names the pristine files.
        pristine: Where these lie, if not in `root`.
        keep_pristine: Write only the record, and leave the pristine files as they are.
    """
    tree = {} if keep_pristine else read_tree(pristine or root, record.files, known_hashes=record.files)
    for path, content in record_files(record, tree).items():
        if keep_pristine and path != RECORD:
            continue
        target = path_below(root, path)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)


def record_files(record: ProjectRecord, tree: Mapping[str, Content]) -> dict[str, bytes]:
    """Return the files of a record by path; equal records give equal bytes."""
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
        PRISTINE: pack_pristine(tree),
        STATE_ATTRIBUTES: _ATTRIBUTES,
        STATE_IGNORE: b"# The last update, until the next one: what `scaffold undo` needs.\nundo/\nupdate/\n",
    }


def read_record(
    root: Path,
    *,
    rebuild: Callable[[ProjectRecord], Mapping[str, Content]] | None = None,
    run: Runner = run_command,
) -> tuple[ProjectRecord, dict[str, Content]]:
    """Return the record of the project in `root` and its pristine tree.

    Lost pristine files are restored from git, or from `rebuild`, which renders them again, or from the
    project itself if the owner did not change them. Of the other files only the hash is known.

    Args:
        root: The project.
        rebuild: Renders the pristine files again; without it, lost files may be known by hash only.
        run: Runs git.

    Raises:
        NoRecordError: There is no record.
        UpgradeError: The record cannot be read.
        UnsafePathError: It names a path that leads out of the project.
    """
    record = _read_document(root)
    files = record.files
    packed = _unpack_file(root, files) or pristine_in_git(root, files, run) or {}
    tree = {
        path: packed.get(path) or _as_left(path_below(root, path, link=True), digest)
        for path, digest in files.items()
    }
    record = dataclasses.replace(record, spec=_refill(record.spec, root, tree))
    if rebuild and not packed:
        tree |= {path: new for path, new in rebuild(record).items() if files.get(path) == content_sha256(new)}
    return record, tree


def _read_document(root: Path) -> ProjectRecord:
    """Return the JSON of the record, without the parts that other files of the project contain."""
    try:
        document = json.loads(read_below(root, RECORD))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoRecordError(str(root)) from error
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, ValueError) and _has_markers(root):
            raise MarkedRecordError(str(root), str(root / RECORD)) from error
        raise _damaged_error(root, error) from error
    if not isinstance(document, dict) or document.get("format") not in (1, _FORMAT):
        generator = document.get("generator") if isinstance(document, dict) else "unknown"
        raise NewerRecordError(str(root / RECORD), str(generator))
    try:
        spec = document["spec"]
        if document["format"] == 1:
            spec = from_format_1(spec)
        record = ProjectRecord(
            spec=decode("ProjectSpec", spec),
            template=document["template"],
            options=document["options"],
            verification=decode("Verification | None", document["proof"]),
            files=dict(document["files"]),
        )
        sources = [source.path for source in record.spec.dependencies.sources]
        name = str(record.spec.artifact.path)
        if not isinstance(record.template, str) or not isinstance(record.options, dict):
            raise TypeError("the template or the options are of another type")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _damaged_error(root, error) from error
    for path in [*record.files, *sources, name]:
        checked_path(root, path)
    if "/" in name:
        raise UnsafePathError(str(root), name, "is no plain name of a model's file")
    return record


def _has_markers(root: Path) -> bool:
    """Whether the record contains the markers of a git merge."""
    return bool(marked_lines(read_below(root, RECORD).decode("utf-8", "replace")))


def _damaged_error(root: Path, error: Exception) -> UpgradeError:
    """Return the error for a record that cannot be read, with the cause."""
    return DamagedRecordError(str(root), str(root / RECORD), f"{type(error).__name__}: {error}")


def _slim(spec: ProjectSpec) -> ProjectSpec:
    """Return the spec without the lock, the sample, local code and the data of the model's file."""
    provenance = spec.artifact.provenance
    name = Path(provenance).name if Path(provenance).is_absolute() else provenance
    sources = tuple(dataclasses.replace(source, content=b"") for source in spec.dependencies.sources)
    return dataclasses.replace(
        spec,
        artifact=dataclasses.replace(spec.artifact, provenance=name, made_with=MadeWith()),
        dependencies=dataclasses.replace(spec.dependencies, lock="", sources=sources),
        recording=Recording(requests=(), answers=()),
        code={},
        fast=None,
        own_imports={},
    )


def _refill(spec: ProjectSpec, root: Path, tree: Mapping[str, Content]) -> ProjectSpec:
    """Return the spec with the lock, the sample, the local code and the model's path from its project."""
    path = FAST_LOCK if FAST_LOCK in tree else LOCK
    lock = tree.get(path)
    if not isinstance(lock, bytes) and path_below(root, path).is_file():  # lost, and edited
        lock = read_below(root, path)
    if path == FAST_LOCK and isinstance(lock, bytes):
        lock = from_model_lock(lock.decode()).encode()
    sources = tuple(_with_content(source, root, tree) for source in spec.dependencies.sources)
    place = path_below(root, _model_place(spec, root, tree))
    return dataclasses.replace(
        spec,
        artifact=dataclasses.replace(spec.artifact, path=place),
        dependencies=dataclasses.replace(
            spec.dependencies, lock=lock.decode() if isinstance(lock, bytes) else "", sources=sources
        ),
        recording=_read_recording(root, tree.get(RECORDED)),
    )


def _model_place(spec: ProjectSpec, root: Path, tree: Mapping[str, Content]) -> str:
    """Return where the model file is, or should be; the owner may have put its folder below another one."""
    sha256, size_bytes = spec.artifact.sha256, spec.artifact.size_bytes
    places = [path for path, content in tree.items() if content_sha256(content) == sha256]
    folders = [folder for folder in MODEL_FOLDERS if path_below(root, folder).is_dir()]
    places.append(f"{(folders or [MODEL_FOLDER])[0]}/{spec.artifact.path}")
    if not path_below(root, places[0]).is_file():
        moved = (
            folder_path
            for folder in MODEL_FOLDERS
            for folder_path in root.glob(f"*/{folder}/{spec.artifact.path}")
        )
        places[:0] = [path.relative_to(root).as_posix() for path in moved][:1] or [
            path
            for path in walk_files(root)
            if not (root / path).is_symlink()
            and (root / path).stat().st_size == size_bytes
            and sha256_file(root / path) == sha256
        ]
    return places[0]


def _with_content(source: LocalSource, root: Path, tree: Mapping[str, Content]) -> LocalSource:
    content = tree.get(source.path)
    if isinstance(content, bytes):
        return dataclasses.replace(source, content=content)
    place = path_below(root, source.path)  # weights beside a model may be larger than any text
    return dataclasses.replace(source, content=place.read_bytes() if place.is_file() else b"")


def _read_recording(root: Path, pristine: Content | None) -> Recording:
    try:
        return parse_recording(pristine if isinstance(pristine, bytes) else read_below(root, RECORDED))
    except (OSError, ValueError):
        return Recording(requests=(), answers=())


def _unpack_file(root: Path, files: Mapping[str, str]) -> dict[str, Content] | None:
    return (
        unpack_pristine(read_below(root, PRISTINE), files) if path_below(root, PRISTINE).is_file() else None
    )


def _as_left(path: Path, digest: str) -> Content:
    """Return a pristine file that is not packed: the project's file if it is unchanged, else its hash."""
    if path.is_file() and not path.is_symlink():
        content = read_content(path)
        if content_sha256(content) == digest:
            return content
    return Opaque(digest)
