"""Bytes to an Artifact: sha256, format, the names that the opcodes mention; the trust gate; loading.

The gate is an allow list: `_allowed` has the list, `_gate` enforces it.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path

from scaffold.read._arrow import REPLACED
from scaffold.read._dump import dump_model
from scaffold.read._file_needs import needs_of_files
from scaffold.read._load import load_error, load_model
from scaffold.read._samples import holds_data, read_sample, sample_modules
from scaffold.read._scan import require_file, scan_file
from scaffold.read._versions import version_mismatch, version_notes
from scaffold.read.gate._libraries import DISTRIBUTIONS
from scaffold.spec import Artifact

__all__ = [
    "DISTRIBUTIONS",
    "dump_model",
    "holds_data",
    "load_error",
    "load_model",
    "needs_of_files",
    "read_artifact",
    "read_sample",
    "require_file",
    "sample_modules",
    "version_mismatch",
    "version_notes",
]


def read_artifact(
    path: Path,
    *,
    trusted: Sequence[str] = (),
    provenance: str = "",
    ours: bool = False,
    confined: bool = True,
    sample: bool = False,
) -> Artifact:
    """Describe a model file without running anything in it, and refuse it if it names what is not allowed.

    Args:
        path: The file.
        trusted: Dotted names that are allowed besides those on the list.
        provenance: Where the file came from, in words; the path when empty.
        ours: Whether this process wrote it from an object in memory: its code has run here already, so
            its names are listed and not checked.
        confined: Whether the process that loads it is confined, so that code which the file carries by value
            may run. If not, that code has to be trusted: `by-value`, or each function as `train.py:ratio`.
        sample: Whether it is a sample, which may hold texts of Arrow where pyarrow is not installed.

    Raises:
        NoSuchFileError: There is no such file.
        NotAModelError: It is none of the formats that are read.
        TruncatedFileError: It ends before what it holds does.
        ForeignCodeError: It carries functions that another minor version of Python compiled.
        UntrustedCodeError: It names what is on no allow list and not trusted.
        CarriedCodeError: It carries code by value, which may not run.
        MissingLibraryError: It names a module that is not installed.
        BrokenInstallError: It names a module whose editable install leads nowhere.
        VersionMismatchError: It names what the installed version of a library does not have.
    """
    require_file(path)
    replaced = REPLACED if sample else ()
    scanned = scan_file(path, trusted, ours=ours, confined=confined, replaced=replaced)
    return Artifact(
        path=path,
        sha256=scanned.sha256,
        size_bytes=path.stat().st_size,
        format=scanned.format,
        compression=scanned.compression,
        globals=scanned.globals,
        provenance=provenance or str(path),
        written=_day(path),
        made_with=scanned.made_with,
        task=scanned.task,
    )


def _day(path: Path) -> str:
    """The day when the file was written; `SOURCE_DATE_EPOCH` says otherwise, as for reproducible builds."""
    moment = os.environ.get("SOURCE_DATE_EPOCH", "")
    written = float(moment) if moment.isdigit() else path.stat().st_mtime
    return dt.datetime.fromtimestamp(written, dt.timezone.utc).date().isoformat()
