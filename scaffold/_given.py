"""What a person gives: a model and its sample, as files or as objects in memory, and the code they need."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scaffold._options import Options
from scaffold.errors import NotAModelError
from scaffold.spec import Artifact, LocalSource

_PLAIN_LIBRARIES = frozenset({"numpy", "pandas", "polars", "pyarrow", "scipy", "torch", "PIL"})
"""Samples of their classes hold no code of the user's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The model's file, the sample, and the local code that both need."""

    artifact: Artifact
    model: Any
    """The model in memory; `None` where its file is to be loaded."""
    input: Any
    output: Any
    search: tuple[Path, ...]
    """Folders where local code may lie, the lifted code's first."""
    sources: tuple[LocalSource, ...]
    notes: tuple[str, ...]


def read_given(model: Any, input: Any, output: Any, workspace: Path, options: Options) -> Given:
    """Read what was given, without running anything that it names but is not trusted.

    Code that a script or notebook defines is lifted into a module below `workspace`, the files are written
    anew to name it, and what is in memory is read back: model and sample are then of the same classes.

    Raises:
        ReadError: A file cannot be read as what it is said to be, or names what is not trusted.
        ResolutionError: Code that it needs is not to be found.
    """
    from scaffold.read import read_artifact
    from scaffold.resolve import collect_sources

    path, provenance = _model_file(model, workspace)
    ours = not isinstance(model, str | os.PathLike)
    artifact = read_artifact(path, trusted=options.trust, provenance=provenance, ours=ours)
    samples = [
        _Sample.of(each, workspace / name, options) for each, name in ((input, "input"), (output, "output"))
    ]
    folder = workspace / "code"
    folder.mkdir()
    search = (folder, *_search_path(path, options))
    collected = collect_sources(
        [artifact, *(sample.artifact for sample in samples if sample.artifact)],
        folder=folder,
        search=search,
        source=Path(options.source) if options.source else None,
        include=[Path(each) for each in options.include],
    )
    in_memory = model if ours else None
    if collected.moved:
        in_memory = None
        moved = collected.moved.get(path, path)
        artifact = read_artifact(moved, trusted=options.trust, provenance=provenance, ours=ours)
        samples = [sample.moved(collected.moved) for sample in samples]
    sample_input, sample_output = (sample.read(options) for sample in samples)
    return Given(
        artifact=artifact,
        model=in_memory,
        input=sample_input,
        output=sample_output,
        search=search,
        sources=collected.sources,
        notes=collected.notes,
    )


@dataclass(frozen=True, slots=True)
class _Sample:
    """A sample as a file or as an object in memory."""

    value: Any
    path: Path | None
    artifact: Artifact | None
    """The file, where it is a pickle; an object that may hold code of the user's is written to one."""
    in_memory: bool

    @classmethod
    def of(cls, sample: Any, folder: Path, options: Options) -> _Sample:
        """Take what was given as a sample; a text that names no file is one itself."""
        if isinstance(sample, os.PathLike) or (isinstance(sample, str) and _names_file(sample)):
            path = Path(sample)
            return cls(None, path, _artifact(path, options, ours=False), in_memory=False)
        if sample is None or type(sample).__module__.partition(".")[0] in _PLAIN_LIBRARIES:
            return cls(sample, None, None, in_memory=True)
        from scaffold.read import dump_model

        folder.mkdir()
        written = dump_model(sample, folder)
        path = written.rename(folder / f"sample_{folder.name}{written.suffix}")
        return cls(sample, path, _artifact(path, options, ours=True), in_memory=True)

    def moved(self, places: Mapping[Path, Path]) -> _Sample:
        """The sample of the file that was written anew in place of this one's, if there is one."""
        if self.path is None or self.path not in places:
            return self
        return replace(self, path=places[self.path], in_memory=False)

    def read(self, options: Options) -> Any:
        """The sample itself."""
        from scaffold.read import read_sample

        if self.in_memory:
            return self.value
        assert self.path is not None
        return read_sample(self.path, trusted=options.trust)


def _artifact(path: Path, options: Options, *, ours: bool) -> Artifact | None:
    """What a pickled sample names; `None` for a file that holds data alone."""
    from scaffold.read import read_artifact

    try:
        return read_artifact(path, trusted=options.trust, ours=ours)
    except NotAModelError:
        return None


def _model_file(model: Any, workspace: Path) -> tuple[Path, str]:
    """The file of a model, and where it came from: an object in memory is written to `workspace`."""
    from scaffold._registered import SCHEME, registered_file
    from scaffold.find import find_model
    from scaffold.read import dump_model

    if isinstance(model, str) and model.startswith(SCHEME):
        return registered_file(model), model
    if isinstance(model, str | os.PathLike):
        return find_model(os.fspath(model)), os.fspath(model)
    return dump_model(model, workspace), f"a {type(model).__name__} in memory"


def _names_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _search_path(model: Path, options: Options) -> list[Path]:
    """Where local code may lie: beside the source and the model, in the current folder, on `sys.path`."""
    beside = [Path(options.source).absolute().parent] if options.source else []
    beside += [model.absolute().parent, Path.cwd()]
    places = [place for folder in beside for place in (folder, folder / "src")]
    places += [Path(entry) for entry in sys.path if entry]
    standard = Path(os.__file__).parent
    return [
        place for place in dict.fromkeys(places) if place.is_dir() and standard not in (place, *place.parents)
    ]
