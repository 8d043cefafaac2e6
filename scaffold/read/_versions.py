"""The versions of Python and of libraries that made a model file, read without running it.

What is read:

- scikit-learn writes `_sklearn_version` into the state of each of its estimators.
- XGBoost writes its version as three numbers at the end of its JSON and UBJSON, in a pickle too.
- CatBoost writes the name of its release into its model.
- Keras writes its version into the archive of a model.
- numpy 2 names `numpy._core` where numpy 1 named `numpy.core`; pandas 2 has no `pandas.core.indexes.numeric`.
- The bytecode of functions tells their Python: see `_bytecode`.

LightGBM, torch, statsmodels and joblib write the versions of their formats only, which later releases read.
"""

from __future__ import annotations

import json
import platform
import re
import zipfile
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

from scaffold.errors import ForeignCodeError, VersionMismatchError
from scaffold.read._bytecode import pythons_of_code
from scaffold.read.gate._keras import METADATA
from scaffold.read.gate._values import Blob, Call, Named, Pairs, Value
from scaffold.spec import GlobalName, MadeWith, ModelFormat

RUNNING = ".".join(platform.python_version_tuple()[:2])
# A version becomes part of a command that a user may copy: nothing else may match.
_VERSION = re.compile(r"\d+(?:\.\d+)+(?:\.?(?:dev|post|rc|a|b)\d+)?")
_XGBOOST_JSON = re.compile(rb'"version":\[(\d+),(\d+),(\d+)\]')
# UBJSON: an array of three, each an integer of eight bits.
_XGBOOST_UBJSON = re.compile(rb"\x07version\[#L\x00{7}\x03[iU](.)[iU](.)[iU](.)", re.DOTALL)
_CATBOOST = re.compile(rb"CatBoost release (\d[\d.]*\d)|Branch: tags/v(\d[\d.]*\d)")
# Modules that only one side of a release has: (how their names start, distribution, its versions).
_LAYOUTS = (
    ("numpy.core.", "numpy", "<2"),
    ("numpy._core.", "numpy", ">=2"),
    ("pandas.core.indexes.numeric.", "pandas", "<2"),
)
_OLDEST_MINOR = 10
# How far from its ends a native file is searched.
_ENDS_BYTES = 1 << 20


class Facts:
    """Collects the versions that the pickles of one file record, while they are followed."""

    def __init__(self) -> None:
        self._versions: dict[str, str] = {}
        self._pythons: set[str] | None = None

    def called(self, call: Call) -> None:
        """A call is followed: that of a code object tells its Python."""
        arguments = _code_arguments(call)
        pythons = pythons_of_code(arguments) if arguments is not None else None
        if pythons is not None:
            self._pythons = set(pythons) if self._pythons is None else self._pythons & set(pythons)

    def built(self, instance: Value, state: Value) -> None:
        """A state is set on an instance."""
        for pairs in _pairs(state):
            version = pairs.get("_sklearn_version")
            if isinstance(version, str):
                self._add("scikit-learn", version)
            library = _library(instance)
            if library == "xgboost" and (blob := _blob(pairs.get("handle"))):
                self._add("xgboost", _xgboost_version(blob.start))
            if library == "catboost" and (blob := _blob(pairs.get("__model"))):
                self._add("catboost", _catboost_version(blob.start))

    def made_with(self, names: Iterable[GlobalName]) -> MadeWith:
        """The collected versions, and those that the names in the file imply."""
        dotted = [name.dotted for name in names]
        return MadeWith(
            pythons=tuple(sorted(self._pythons or (), key=lambda version: int(version.split(".")[1]))),
            carries_code=self._pythons is not None,
            versions=dict(sorted(self._versions.items())),
            bounds={
                distribution: bound
                for start, distribution, bound in _LAYOUTS
                if any(name.startswith(start) for name in dotted)
            },
        )

    def _add(self, distribution: str, version: str) -> None:
        if _VERSION.fullmatch(version):
            self._versions.setdefault(distribution, version)


def native_made_with(path: Path, format: ModelFormat) -> MadeWith:
    """What a file that a model library wrote in its own way says of the version of that library."""
    facts = Facts()
    if format is ModelFormat.KERAS:
        facts._add("keras", _keras_version(path))
    elif format in (ModelFormat.XGBOOST, ModelFormat.CATBOOST):
        with path.open("rb") as file:
            content = file.read(_ENDS_BYTES)
            file.seek(max(_ENDS_BYTES, path.stat().st_size - _ENDS_BYTES))
            content += file.read()
        if format is ModelFormat.XGBOOST:
            facts._add("xgboost", _xgboost_version(content))
        else:
            facts._add("catboost", _catboost_version(content))
    return facts.made_with(())


def _keras_version(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive, archive.open(METADATA) as metadata_file:
            return str(dict(json.loads(metadata_file.read(_ENDS_BYTES))).get("keras_version"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError, zipfile.BadZipFile):
        return ""


# --------------------------------------------------------------------------- comparison


def installed_version(distribution: str) -> str | None:
    """The version of a distribution in the environment of this process."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def require_python(name: str, made_with: MadeWith, python: str) -> None:
    """Raise ForeignCodeError if the file `name` carries functions that the minor version `python` cannot run.

    An interpreter does not check the bytecode that it is given: foreign bytecode may end the process.
    """
    if made_with.carries_code and python not in made_with.pythons:
        raise ForeignCodeError(name, made_with.pythons, python, environment_like(made_with, python))


def version_mismatch(
    name: str,
    made_with: MadeWith,
    cause: str,
    *,
    library: str = "",
    installed: Callable[[str], str | None] = installed_version,
) -> VersionMismatchError | None:
    """Return the error that names both versions, if the file records another version than is installed.

    For a model that does not load, or that loads and then cannot be called. None if the versions agree.

    Args:
        name: The file.
        made_with: The versions that the file records.
        cause: What failed, in one line.
        library: The distribution whose code raised the error, if known; it is named first.
        installed: The version of a distribution where the model is loaded.
    """
    mismatches = differences(made_with, installed)
    if not mismatches:
        return None
    distribution, written, here = next((one for one in mismatches if one[0] == library), mismatches[0])
    return VersionMismatchError(
        name,
        (),
        distribution,
        here,
        cause,
        written=written,
        python=made_with.python or "",
        environment=environment_like(made_with),
    )


def differences(
    made_with: MadeWith, installed: Callable[[str], str | None] = installed_version
) -> tuple[tuple[str, str, str], ...]:
    """(distribution, version in the file, version here), where their first two numbers differ."""
    versions = ((name, written, installed(name)) for name, written in made_with.versions.items())
    return tuple(
        (name, written, here)
        for name, written, here in versions
        if here is not None and written.split(".")[:2] != here.split(".")[:2]
    )


def version_notes(
    name: str, made_with: MadeWith, installed: Callable[[str], str | None] = installed_version
) -> tuple[str, ...]:
    """What to tell of a file that loads in another version of a library than its own: a note for each.

    Args:
        name: The file, as a person knows it.
        made_with: What it was made with.
        installed: Returns the version of a distribution that is installed here; None where it is not.
    """
    return tuple(
        f"{name} was made with {distribution} {written}; here is {here}. To have that one: "
        f"--environment '{distribution}=={written}'"
        for distribution, written, here in differences(made_with, installed)
    )


def environment_like(made_with: MadeWith, python: str = RUNNING) -> tuple[str, ...]:
    """What an environment like that of the file needs: `python==3.11`, `scikit-learn==1.3.2`.

    A Python is among them where the minor version `python` cannot run the functions in the file and a version
    that this package supports can.
    """
    supported = [version for version in made_with.pythons if int(version.split(".")[1]) >= _OLDEST_MINOR]
    other = supported[-1:] if python not in made_with.pythons else []
    versions = made_with.versions.items()
    return (
        *(f"python=={version}" for version in other),
        *(f"{name}=={version}" for name, version in versions),
    )


# --------------------------------------------------------------------------- version records in a pickle


def _code_arguments(call: Call) -> tuple[Value, ...] | None:
    """The arguments of a code object, if the call makes one: by cloudpickle, by dill, or by its type."""
    match call.maker:
        case Call(maker=Named(qualname="_builtin_type" | "_load_type"), arguments=("CodeType",)):
            return call.arguments
        case Named(module="types", qualname="CodeType"):
            return call.arguments
        case Named(module="dill._dill" | "dill.dill", qualname="_create_code"):
            # From Python 3.10 on dill puts the line table of older versions before them.
            return call.arguments[0 if isinstance(call.arguments[0], int) else 1 :]
    return None


def _pairs(state: Value) -> list[Pairs]:
    parts = state if isinstance(state, tuple) else (state,)
    return [part for part in parts if isinstance(part, Pairs)]


def _library(instance: Value) -> str:
    root = instance.root() if isinstance(instance, Call) else None
    if root is None:
        return ""
    if root.module.startswith("copyreg") and isinstance(instance, Call) and instance.arguments:
        first = instance.arguments[0]
        root = first if isinstance(first, Named) else root
    return root.module.partition(".")[0]


def _blob(value: Value) -> Blob | None:
    """Bytes, or the bytes that a `bytearray` is made of."""
    if isinstance(value, Call) and len(value.arguments) == 1:
        value = value.arguments[0]
    return value if isinstance(value, Blob) else None


def _xgboost_version(content: bytes) -> str:
    if match := _XGBOOST_JSON.search(content):
        return b".".join(match.groups()).decode()
    if match := _XGBOOST_UBJSON.search(content):
        return ".".join(str(ord(part)) for part in match.groups())
    return ""


def _catboost_version(content: bytes) -> str:
    match = _CATBOOST.search(content)
    return (match[1] or match[2]).decode() if match else ""
