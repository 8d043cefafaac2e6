"""A file that DVC keeps: what a `.dvc` file or a stage in a `dvc.lock` describes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaffold.base.facts import as_dict, as_list, facts, identifier
from scaffold.base.files import is_file, is_folder
from scaffold.base.git import revision
from scaffold.base.process import Runner, run_command
from scaffold.base.yaml_text import yaml_document
from scaffold.errors import CommandError, ModelNotFetchedError
from scaffold.find._folder import model_in
from scaffold.find._source import Declared, FoundModel, Source, line_of, local_path
from scaffold.spec import Origin

_MISSING_COMMAND = 127
"""The exit status of a command that is not installed."""
_LOCK = "dvc.lock"
_MOST_BYTES = 10_000_000
_MOST_METRICS = 5
"""The most files of metrics of one stage that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A file of DVC's, and what describes it."""

    path: Path
    described_in: Path
    """The `.dvc` file or the `dvc.lock`."""
    target: str
    """What `dvc pull` is given in that folder."""
    md5: str = ""
    stage: Mapping[str, Any] = field(default_factory=dict)


class DvcSource(Source):
    """What `dvc pull` brings, with the parameters and metrics of the stage that made it."""

    def __init__(self, *, run: Runner = run_command) -> None:
        self._run = run

    def recognises(self, written: str) -> bool:
        """Whether DVC keeps the file: a `.dvc` file is beside it, or a stage in a `dvc.lock` makes it."""
        return _kept(local_path(written)) is not None

    def follows(self, uri: str) -> bool:  # noqa: ARG002
        """Never: a file of DVC is a path."""
        return False

    def fetch(self, written: str) -> FoundModel:
        """Return the file as it is here, or pull it where it is not.

        Raises:
            ModelNotFetchedError: The command `dvc` is missing, or its remote does not have the file.
        """
        kept = _kept(local_path(written))
        assert kept is not None
        if not kept.path.exists():
            self._pull(written, kept)
        origin = Origin(
            uri="",
            version=kept.md5,
            revision=revision(kept.described_in.parent, self._run),
            params=facts(list(_params(kept))),
            metrics=facts(list(_metrics(kept))),
        )
        path, declared = model_in(kept.path) if is_folder(kept.path) else (kept.path, Declared())
        return FoundModel(path=path, provenance=written, origin=origin, declared=declared)

    def _pull(self, written: str, kept: _Kept) -> None:
        folder = kept.described_in.parent
        try:
            self._run(["dvc", "pull", kept.target], cwd=folder)
        except CommandError as error:
            if error.status == _MISSING_COMMAND:
                missing = "the command dvc is missing"
                raise ModelNotFetchedError(written, missing, "pip install dvc") from error
            again = f"dvc pull {folder / kept.target}"
            raise ModelNotFetchedError(written, _cause(error), again) from error


def _cause(error: CommandError) -> str:
    """Return what DVC says first of its error; advice follows it."""
    told = [line for line in str(error).splitlines() if line.startswith("ERROR: ")]
    return told[0].rstrip(":") if told else line_of(error, -1)


def _kept(path: Path) -> _Kept | None:
    pointer = path if path.suffix == ".dvc" else path.parent / f"{path.name}.dvc"
    if is_file(pointer):
        out = as_dict(next(iter(as_list(_read(pointer).get("outs"))), {}))
        name = out.get("path")
        there = name if isinstance(name, str) and Path(name).name == name else pointer.stem
        return _Kept(
            path=pointer.parent / there,
            described_in=pointer,
            target=pointer.name,
            md5=identifier(out.get("md5")),
        )
    return next(_made_by_stages(path), None)


def _made_by_stages(path: Path) -> Iterator[_Kept]:
    """What a stage in the nearest `dvc.lock` makes at `path`."""
    place = path.absolute()
    lock = next((folder / _LOCK for folder in place.parents if is_file(folder / _LOCK)), None)
    if lock is None:
        return
    target = place.relative_to(lock.parent).as_posix()
    for stage in as_dict(_read(lock).get("stages")).values():
        for out in map(as_dict, as_list(as_dict(stage).get("outs"))):
            if out.get("path") == target:
                yield _Kept(
                    path=path, described_in=lock, target=target, md5=identifier(out.get("md5")), stage=stage
                )


def _params(kept: _Kept) -> Iterator[tuple[str, Any]]:
    for values in as_dict(kept.stage.get("params")).values():
        yield from as_dict(values).items()


def _metrics(kept: _Kept) -> Iterator[tuple[str, Any]]:
    """The numbers in the JSON files beside the lock that the stage makes."""
    outs = [as_dict(out).get("path") for out in as_list(kept.stage.get("outs"))]
    names = [name for name in outs if isinstance(name, str) and name.endswith(".json")]
    for name in names[:_MOST_METRICS]:
        for metric, value in _read(kept.described_in.parent / name).items():
            if isinstance(value, int | float):
                yield metric, value


def _read(path: Path) -> dict[str, Any]:
    """Return a file of YAML or JSON; empty where it is neither, or holds no mapping."""
    import yaml

    try:
        if path.stat().st_size > _MOST_BYTES:
            return {}
        text = path.read_text()
        return as_dict(json.loads(text) if path.suffix == ".json" else yaml_document(text))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return {}
