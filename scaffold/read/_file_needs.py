"""Which libraries the files of a model and its samples need, before any of them is read by its library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffold.errors import ReadError
from scaffold.read._arrow import needs_no_arrow
from scaffold.read._scan import require_file, scan_file
from scaffold.spec import ModelFormat

_READERS = {
    ModelFormat.JOBLIB: ("joblib",),
    ModelFormat.TORCH: ("torch",),
    ModelFormat.TORCHSCRIPT: ("torch",),
    ModelFormat.ONNX: ("onnxruntime",),
    ModelFormat.XGBOOST: ("xgboost",),
    ModelFormat.LIGHTGBM: ("lightgbm",),
    ModelFormat.CATBOOST: ("catboost",),
    ModelFormat.SKOPS: ("skops",),
    ModelFormat.KERAS: ("keras",),
    ModelFormat.TRANSFORMERS: ("transformers",),
    ModelFormat.SENTENCE_TRANSFORMERS: ("sentence_transformers",),
    ModelFormat.SPACY: ("spacy",),
    ModelFormat.PYTHON_FUNCTION: ("mlflow", "numpy", "pandas"),
}
_BY_ENDING = {
    ".csv": ("pandas",),
    ".tsv": ("pandas",),
    ".tab": ("pandas",),
    ".parquet": ("pandas", "pyarrow"),
    ".feather": ("pandas", "pyarrow"),
    ".npy": ("numpy",),
    ".npz": ("numpy",),
    ".png": ("PIL",),
    ".jpg": ("PIL",),
    ".jpeg": ("PIL",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileNeeds:
    """What an environment needs to load files."""

    modules: tuple[str, ...]
    """The topmost modules that the files name, or that read them."""
    pythons: tuple[str, ...]
    """The minor versions that run the functions in the files; empty where they carry none."""


def needs_of_files(model: Path, samples: Sequence[Path]) -> FileNeeds:
    """Return the modules that the files name, without checking or loading anything.

    A file that cannot be read is skipped: the later read reports the fault.
    """
    modules: dict[str, None] = {}
    pythons: tuple[str, ...] = ()
    for path in (model, *samples):
        modules.update(dict.fromkeys(_BY_ENDING.get(path.suffix.lower(), ())))
        try:
            require_file(path)
            scanned = scan_file(path, (), ours=True)
        except ReadError:
            continue
        modules.update(dict.fromkeys(_READERS.get(scanned.format, ())))
        named_modules = dict.fromkeys(name.module.partition(".")[0] for name in scanned.globals)
        if path in samples and needs_no_arrow(scanned.globals):
            named_modules.pop("pyarrow", None)
        modules.update(named_modules)
        pythons = pythons or scanned.made_with.pythons
    return FileNeeds(modules=tuple(modules), pythons=pythons)
