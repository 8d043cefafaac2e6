"""Load a model that has passed the gate, and explain why one does not load."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from scaffold.base import model as base_model
from scaffold.errors import LoadFailedError, MissingLibraryError, ReadError, VersionMismatchError
from scaffold.errors.wording import beside_the_code, in_one_line, invocation
from scaffold.read._folders import importing, own_folders
from scaffold.read._versions import version_mismatch
from scaffold.read.gate._libraries import DISTRIBUTIONS
from scaffold.spec import Artifact, GlobalName, MadeWith, ModelFormat

_MOST_CHARACTERS = 300
_STATE_DICT = """The file holds weights without their network. Save the module itself and give that file:
  torch.save(model, "model.pt")"""
_SCRIPT = """The class was defined in the script or notebook that saved the model. Name that file:
  scaffold new ... --source train.py"""


def load_model(artifact: Artifact) -> Any:
    """Return the model. What the file names is imported and run: `read_artifact` must have let it pass.

    Modules in the file's folder and the current one are imported if the file names them.

    Raises:
        MissingLibraryError: A module that loading imports is not installed.
        VersionMismatchError: A library is too old or too new for the file.
        UnseenNameError: It looks up what `read_artifact` did not see.
        FileChangedError: The file has changed since `read_artifact` read it.
        LoadFailedError: Anything else that failed, with the message of the exception.
    """
    model = load_enforced(
        artifact.path, artifact.format, artifact.globals, artifact.sha256, artifact.made_with
    )
    if isinstance(model, Mapping) and model and all(_is_tensor(value) for value in model.values()):
        raise LoadFailedError(
            artifact.path.name, f"a state_dict of {len(model)} tensors is no model", _STATE_DICT
        )
    return model


def load_enforced(
    path: Path,
    format: ModelFormat,
    names: Sequence[GlobalName],
    sha256: str,
    made_with: MadeWith,
    stand_ins: Callable[[], Mapping[tuple[str, str], Any]] = dict,
) -> Any:
    """Return the object in a file, looking up no name but `names`.

    `stand_ins` returns replacements for objects that the file names, by module and name.

    Raises:
        ReadError: As for `load_model`.
    """
    with importing(own_folders(path.parent), names):
        try:
            return base_model.load(path, format, names, sha256, stand_ins())
        except ReadError:
            raise
        except Exception as error:
            raise load_error(path, error, made_with) from error


def load_error(path: Path, error: Exception, made_with: MadeWith) -> ReadError:
    """Return what an exception that a file raised while it was loaded means to a person.

    Args:
        path: The file.
        error: The exception, with its traceback.
        made_with: What the file says of the versions that made it.
    """
    detail = _first_line(error)
    match error:
        case ModuleNotFoundError(name=str(name)) if not (made_with.versions and _is_installed(name)):
            top = name.partition(".")[0]
            return MissingLibraryError(path.name, name, "loading the file", DISTRIBUTIONS.get(top, ""))
        case AttributeError(name=str(name), obj=ModuleType(__name__="__main__")):
            return LoadFailedError(path.name, f"it needs '{name}' of the script that saved it", _SCRIPT)
        case ImportError(name=str(name)) if _is_installed(name):
            return _mismatch(path, name, error)
        case FileNotFoundError(filename=str(file)) if not Path(file).is_absolute():
            return LoadFailedError(path.name, detail, beside_the_code(file))
        case RecursionError():
            advice = "Raise the limit in a module that the model imports: sys.setrecursionlimit(10_000)"
            return LoadFailedError(path.name, "its objects are nested too deeply (RecursionError)", advice)
        case _ if mismatch := version_mismatch(path.name, made_with, detail, library=_distribution_of(error)):
            return mismatch
        case AttributeError() if library := _library_without(error):
            return _mismatch(path, library, error)
        case pickle.UnpicklingError() | EOFError():
            return LoadFailedError(path.name, f"the pickle is damaged: {error}")
    return LoadFailedError(path.name, detail, _advice_for_library(_distribution_of(error), made_with))


def _mismatch(path: Path, module: str, error: Exception) -> ReadError:
    top = module.partition(".")[0]
    distribution = DISTRIBUTIONS.get(top, top)
    version = metadata.version(distribution)
    return VersionMismatchError(path.name, (), distribution, version, _first_line(error))


def _first_line(error: Exception) -> str:
    """The type and the first line of the message of an exception of the model's, whatever its class does."""
    with contextlib.suppress(Exception):  # of its `__str__`
        lines = str(error).strip().splitlines()
        return f"{type(error).__name__}: {lines[0][:_MOST_CHARACTERS]}" if lines else type(error).__name__
    return in_one_line(error)


def _distribution_of(error: Exception) -> str:
    library = _library_of(error) or ""
    return DISTRIBUTIONS.get(library, library)


def _is_installed(module: str) -> bool:
    top = module.partition(".")[0]
    try:
        metadata.version(DISTRIBUTIONS.get(top, top))
    except metadata.PackageNotFoundError:
        return False
    return True


def _library_without(error: AttributeError) -> str | None:
    """The installed library whose module or class lacks the attribute, so that its version does not fit."""
    match error.obj:
        case ModuleType(__name__=module) | type(__module__=module) if _is_installed(module):
            return module
    return None


def _advice_for_library(distribution: str, made_with: MadeWith) -> str:
    """The advice for the distribution whose code raised the error; empty if there is none."""
    if not distribution:
        return ""
    raised = f"The error is raised by {distribution} {metadata.version(distribution)}."
    if distribution in made_with.versions:
        return raised
    example = invocation("new", ..., environment=[f"{distribution}==VERSION"])
    return f"{raised} If another version made the file, name that version:\n  {example}"


def _library_of(error: Exception) -> str | None:
    """The model library in whose code the error was raised."""
    trace = error.__traceback__
    library = None
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        if module in DISTRIBUTIONS and module != "joblib" and _is_installed(module):
            library = module
        trace = trace.tb_next
    return library


def _is_tensor(value: object) -> bool:
    return type(value).__module__.partition(".")[0] == "torch" and hasattr(value, "shape")
