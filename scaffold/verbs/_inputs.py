"""The model and the samples as files: objects in memory are written to files."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from scaffold.base.files import is_file, sha256_file
from scaffold.base.modules import Home, home_of
from scaffold.errors import MissingInputError, NotAModelError, NotASampleError
from scaffold.find import Declared, FoundModel, find_model
from scaffold.read import require_file
from scaffold.spec import Origin
from scaffold.verbs.options import Options

_PIPE = "it is a pipe, a device or a socket"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """A file that holds the model or a sample."""

    path: Path
    provenance: str
    """The origin of the file, as the model card shows it."""
    ours: bool
    """Whether this process wrote it from an object in memory: the gate does not judge its names."""
    origin: Origin | None = None
    """The source of the model, where an update looks for a newer one."""
    declared: Declared = field(default_factory=Declared)
    """The declarations of that source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInputs:
    """The files of a model and of its samples."""

    model: InputFile
    input: InputFile
    output: InputFile | None
    local: tuple[Path, ...]
    """Folders that may hold code of the user."""

    @property
    def paths(self) -> list[Path]:
        """The paths of all the files."""
        return [self.model.path, *self.samples]

    @property
    def samples(self) -> list[Path]:
        """The paths of the files of the samples."""
        return [file.path for file in (self.input, self.output) if file is not None]


def find_inputs(model: Any, input: Any, output: Any, workspace: Path, options: Options) -> ModelInputs:
    """Return the files of the model and the samples. Nothing in them is loaded.

    Args:
        model: The model, or the path, URL or store name of its file.
        input: The input sample: an object, or the path of a file. A string that is not a path is the sample.
            `None` for the sample that the source of the model has.
        output: The output sample, likewise; `None` where there is none, or for the one of the source if
            `input` is that of the source.
        workspace: A folder for objects in memory.
        options: Names the script that defined the model's classes.

    Raises:
        ReadError: There is no such model.
        MissingInputError: No sample is given, and the source has none.
        StoreError: The store does not have it.
        UnpicklableModelError: An object in memory cannot be written to a file.
    """
    file = _model_file(model, workspace)
    sample, answer = choose_samples(file.declared, input, output)
    if sample is None:
        require_file(file.path)
        raise MissingInputError(file.provenance)
    return ModelInputs(
        model=file,
        input=sample_file(sample, workspace / "input"),
        output=None if answer is None else sample_file(answer, workspace / "output"),
        local=tuple(_local_folders(file.path, options)),
    )


def _model_file(model: Any, workspace: Path) -> InputFile:
    if isinstance(model, str | os.PathLike | FoundModel):
        model_file = model if isinstance(model, FoundModel) else find_model(os.fspath(model))
        if _is_pipe(model_file.path):
            raise NotAModelError(str(model_file.path), _PIPE, "Copy its content into a file first.")
        origin = model_file.origin
        if origin is not None and model_file.path.is_file():
            origin = replace(origin, sha256=sha256_file(model_file.path))
        return InputFile(
            path=model_file.path,
            provenance=model_file.provenance,
            ours=False,
            origin=origin,
            declared=model_file.declared,
        )
    return object_file(model, workspace)


def choose_samples(declared: Declared, input: Any, output: Any) -> tuple[Any, Any]:
    """Return the samples of input and output; without an input, those of the source.

    Args:
        declared: What the source of the model has.
        input: The sample of a person; None without one.
        output: Likewise.
    """
    if input is not None:
        return input, output
    return declared.input, declared.output if output is None else output


def sample_file(sample: Any, folder: Path) -> InputFile:
    """Return the file of a sample; one that is in memory is written into `folder`, which is created.

    Raises:
        NotASampleError: It is a pipe.
        UnpicklableModelError: An object in memory cannot be written to a file.
    """
    if isinstance(sample, os.PathLike) or (isinstance(sample, str) and is_file(sample)):
        path = Path(sample)
        if _is_pipe(path):
            raise NotASampleError(str(path), f"{_PIPE}; copy its content into a file first")
        return InputFile(path=path, provenance=str(path), ours=False)
    folder.mkdir()
    sample_in_memory = object_file(sample, folder)
    path = sample_in_memory.path.rename(folder / f"sample_{folder.name}{sample_in_memory.path.suffix}")
    return InputFile(path=path, provenance=sample_in_memory.provenance, ours=True)


def _is_pipe(path: Path) -> bool:
    """Whether it is a pipe, a device or a socket: the worker cannot open `/dev/fd/63` of this process."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def object_file(value: Any, folder: Path) -> InputFile:
    """Write an object that is in memory into `folder` and return its file.

    Raises:
        UnpicklableModelError: It cannot be written to a file.
    """
    from scaffold.read import dump_model

    path = dump_model(value, folder)
    return InputFile(path=path, provenance=f"a {type(value).__name__} in memory", ours=True)


def _local_folders(model: Path, options: Options) -> list[Path]:
    """Return folders that may hold code of the user: beside source and model, the current one, `sys.path`."""
    beside = [Path(options.source).absolute().parent] if options.source else []
    beside += [model.absolute().parent, Path.cwd()]
    places = [place for folder in beside for place in (folder, folder / "src")]
    places += [Path(entry) for entry in sys.path if entry]
    return [place for place in dict.fromkeys(places) if place.is_dir() and home_of(place) is Home.LOCAL]
