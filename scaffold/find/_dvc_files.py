"""What a `.dvc` file or a `dvc.lock` says of a file that DVC keeps. Both are read as data."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaffold.base.facts import as_dict, as_list, identifier
from scaffold.base.files import is_file, is_folder
from scaffold.base.yaml_text import yaml_document

LOCK, STAGES = "dvc.lock", "dvc.yaml"
_MOST_BYTES = 10_000_000
_MOST_METRICS = 5
"""The most files of metrics of one stage that are read."""
_FOLDER = ".dir"
"""What DVC writes after the md5 of a folder's listing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file that DVC tracks, and the file that describes it."""

    path: Path
    described_in: Path
    """The `.dvc` file or the `dvc.lock`."""
    target: str
    """The target for `dvc pull` in that folder."""
    md5: str = ""
    """With `.dir` at its end for that of a folder's listing."""
    is_plain: bool = False
    """Whether it is the md5 of the bytes: DVC 2 took text files without their carriage returns."""
    stage: Mapping[str, Any] = field(default_factory=dict)
    stage_folder: str = ""
    """The folder from which the stage names its files, as a path from the lock; empty for the lock's own."""


def kept_at(path: Path) -> Kept | None:
    """Return the DVC entry of the file, the folder or the `.dvc` file at `path`; None if it has none."""
    pointer = path if path.suffix == ".dvc" else path.parent / f"{path.name}.dvc"
    if is_file(pointer):
        out = as_dict(next(iter(as_list(_read(pointer).get("outs"))), {}))
        name = out.get("path")
        file_name = name if isinstance(name, str) and Path(name).name == name else pointer.stem
        return Kept(
            path=pointer.parent / file_name,
            described_in=pointer,
            target=pointer.name,
            md5=_md5(out),
            is_plain=out.get("hash") == "md5",
        )
    return next(_made_by_stages(path), None)


def _made_by_stages(path: Path) -> Iterator[Kept]:
    """What a stage in the nearest `dvc.lock` makes at `path`."""
    place = path.absolute()
    lock = next((folder / LOCK for folder in place.parents if is_file(folder / LOCK)), None)
    if lock is None:
        return
    target = place.relative_to(lock.parent).as_posix()
    declared = as_dict(_read(lock.with_name(STAGES)).get("stages"))
    for name, stage in as_dict(_read(lock).get("stages")).items():
        folder = _folder_of(as_dict(declared.get(str(name).partition("@")[0])))
        for out in map(as_dict, as_list(as_dict(stage).get("outs"))):
            if posixpath.normpath(posixpath.join(folder, str(out.get("path")))) == target:
                yield Kept(
                    path=path,
                    described_in=lock,
                    target=target,
                    md5=_md5(out),
                    is_plain=out.get("hash") == "md5",
                    stage=stage,
                    stage_folder=folder,
                )


def _folder_of(stage: Mapping[str, Any]) -> str:
    """The `wdir` of a stage in `dvc.yaml`, which its paths start from; the lock has only these paths."""
    wdir = stage.get("wdir", as_dict(stage.get("do")).get("wdir"))  # `do` of a stage with `foreach`
    return wdir if isinstance(wdir, str) else ""


def _md5(out: Mapping[str, Any]) -> str:
    """The md5 of an output; with `.dir` at its end for a folder, and empty where there is none."""
    text = str(out.get("md5", ""))
    end = _FOLDER if text.endswith(_FOLDER) else ""
    return f"{identifier(text.removesuffix(_FOLDER))}{end}"


def is_as_kept(kept: Kept) -> bool:
    """Whether the content at the path matches the hash of DVC, as far as that can be checked."""
    if not kept.path.exists():
        return False
    if not (kept.is_plain and kept.md5):
        return True
    if kept.md5.endswith(_FOLDER) is not is_folder(kept.path):
        return False
    return _md5_of(kept.path) == kept.md5.removesuffix(_FOLDER)


def _md5_of(path: Path) -> str:
    """The md5 of a file, or of the listing of a folder as DVC writes it.

    Source: `Tree.as_bytes` of `dvc_data.hashfile.tree`.
    """
    if not is_folder(path):
        digest = hashlib.md5(usedforsecurity=False)
        with path.open("rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
        return digest.hexdigest()
    names = sorted(each.relative_to(path).parts for each in path.rglob("*") if each.is_file())
    listed = [{"md5": _md5_of(path.joinpath(*name)), "relpath": "/".join(name)} for name in names]
    return hashlib.md5(json.dumps(listed, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def params_of(kept: Kept) -> Iterator[tuple[str, Any]]:
    """Yield the parameters of the stage that made it."""
    for values in as_dict(kept.stage.get("params")).values():
        yield from as_dict(values).items()


def metrics_of(kept: Kept) -> Iterator[tuple[str, Any]]:
    """Yield the numbers in the JSON files beside the lock that the stage makes."""
    for name in metric_files(kept):
        for metric, value in _read(kept.described_in.parent / name).items():
            if isinstance(value, int | float):
                yield metric, value


def metric_files(kept: Kept) -> list[str]:
    """Return the JSON files that the stage makes, by their paths from the lock."""
    outs = [as_dict(out).get("path") for out in as_list(kept.stage.get("outs"))]
    names = [name for name in outs if isinstance(name, str) and name.endswith(".json")][:_MOST_METRICS]
    return [posixpath.normpath(posixpath.join(kept.stage_folder, name)) for name in names]


def _read(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML or JSON file; empty if the file holds none."""
    import yaml

    try:
        if path.stat().st_size > _MOST_BYTES:
            return {}
        text = path.read_text()
        return as_dict(json.loads(text) if path.suffix == ".json" else yaml_document(text))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return {}
