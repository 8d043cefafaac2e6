"""Read the object that a sample file holds."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from scaffold.errors import MissingLibraryError, NotAModelError, NotASampleError, ReadError
from scaffold.read import _formats
from scaffold.read._arrow import REPLACED, ArrowTexts, needs_no_arrow
from scaffold.read._load import load_enforced
from scaffold.read._scan import Scanned, require_file, scan_file
from scaffold.read._streams import BombError, require_no_bomb
from scaffold.spec import Artifact

_IMAGES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"RIFF")
_TEXT_ENDINGS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}


def read_sample(
    path: Path,
    *,
    trusted: Sequence[str] = (),
    ours: bool = False,
    confined: bool = True,
    scanned: Artifact | None = None,
) -> Any:
    """Return the object in `path`: a pickle's, a frame, an array, an image, or what JSON says.

    The format is detected by content; for text formats the suffix decides. A pickle passes the gate like a
    model; `trusted` and `confined` are those of `read_artifact`.

    Args:
        path: The file.
        trusted: Dotted names that are allowed besides those on the list.
        ours: Whether this package wrote it from an object in memory: its names are not checked.
        confined: Whether the process is confined, so that code which the file carries by value may run.
        scanned: What `read_artifact` found in this very file; without it the file is scanned here.

    Raises:
        FileChangedError: The file has changed since it was scanned.
        NotASampleError: It holds none of these.
        ReadError: As for a model file.
    """
    try:
        require_file(path)
    except NotAModelError as error:
        raise NotASampleError(error.path, error.found) from error
    head = _formats.head_of(path)
    reader = _binary_reader(head) or _text_reader(path, head)
    if reader is None:
        if scanned is not None:
            return _load(path, scanned)
        return _read_pickle(path, trusted, ours=ours, confined=confined)
    try:
        return reader(path)
    except ReadError:
        raise
    except ModuleNotFoundError as error:
        raise MissingLibraryError(
            path.name, error.name or "", f"a {path.suffix} sample", _provider(error)
        ) from error
    except BombError as error:
        raise NotASampleError(
            str(path), f"it unpacks to {error.args[0] >> 20} MiB, far more than its size"
        ) from error
    except Exception as error:
        cause = str(error).strip().splitlines()
        raise NotASampleError(str(path), cause[0] if cause else type(error).__name__) from error


def holds_data(path: Path) -> bool:
    """Whether a sample is of a format that names no code: CSV, JSON, npy, parquet, an image."""
    if not path.is_file():
        return False
    head = _formats.head_of(path)
    return (_binary_reader(head) or _text_reader(path, head)) is not None


def sample_modules(path: Path, pickled: Artifact | None) -> list[str]:
    """Return the topmost modules outside the standard library that a sample needs, that of its class first.

    Args:
        path: A file that `read_sample` takes.
        pickled: What a pickle names; `None` for a file that holds data alone.
    """
    if pickled is not None:
        named = dict.fromkeys(name.module.partition(".")[0] for name in pickled.globals)
        passed_over = {*sys.stdlib_module_names, *(["pyarrow"] if needs_no_arrow(pickled.globals) else ())}
        return [module for module in named if module not in passed_over]
    head = _formats.head_of(path)
    if path.suffix.lower() in _TEXT_ENDINGS:
        return ["pandas"]
    return list(_LIBRARIES.get(_binary_reader(head), ()))


def _provider(error: ModuleNotFoundError) -> str:
    return {"PIL": "pillow"}.get(error.name or "", error.name or "")


def _binary_reader(head: bytes) -> Callable[[Path], Any] | None:
    if head.startswith(b"\x93NUMPY"):
        return _read_npy
    if head.startswith(b"PAR1"):
        return _read_parquet
    if head.startswith((b"ARROW1", b"FEA1")):
        return _read_feather
    if head.startswith(_IMAGES):
        return _read_image
    if head.startswith(b"PK\x03\x04") and b".npy" in head[:64]:
        return _read_npz
    return None


def _text_reader(path: Path, head: bytes) -> Callable[[Path], Any] | None:
    ending = path.suffix.lower()
    if head[:1] == b"\x80" or not _is_text(head):
        return None
    if ending in _TEXT_ENDINGS:
        return lambda p: _read_csv(p, _TEXT_ENDINGS[ending])
    if ending == ".jsonl" or ending == ".ndjson":
        return lambda p: [json.loads(line) for line in _text(p).splitlines() if line.strip()]
    if ending == ".txt":
        return lambda p: _text(p).removesuffix("\n")
    if ending == ".json" or head.lstrip()[:1] in (b"{", b"["):
        return lambda p: json.loads(_text(p))
    return None


def _is_text(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The head may end inside a character.
        return error.start > len(head) - 4 and len(head) == _formats.HEAD_BYTES
    return b"\x00" not in head


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig")


def _read_pickle(path: Path, trusted: Sequence[str], *, ours: bool, confined: bool) -> Any:
    try:
        scanned = scan_file(path, trusted, ours=ours, confined=confined, replaced=REPLACED)
    except NotAModelError as error:
        raise NotASampleError(error.path, error.found) from error
    return _load(path, scanned)


def _load(path: Path, scanned: Scanned | Artifact) -> Any:
    file = (path, scanned.format, scanned.globals, scanned.sha256, scanned.made_with)
    if not needs_no_arrow(scanned.globals):
        return load_enforced(*file)
    texts = ArrowTexts(path)
    sample = load_enforced(*file, texts.stand_ins)
    texts.require_all_used()
    return sample


def _read_npy(path: Path) -> Any:
    import numpy as np

    return np.load(path, allow_pickle=False)


def _read_npz(path: Path) -> Any:
    import numpy as np

    with zipfile.ZipFile(path) as archive:
        require_no_bomb(archive)
    with np.load(path, allow_pickle=False) as arrays:
        named = {name: arrays[name] for name in arrays.files}
    return named["arr_0"] if list(named) == ["arr_0"] else named


def _read_csv(path: Path, separator: str) -> Any:
    import pandas as pd

    frame = pd.read_csv(path, sep=separator)
    numbers = list(frame.select_dtypes("number"))
    written = pd.read_csv(path, sep=separator, dtype=dict.fromkeys(numbers, str))
    for column in numbers:
        # 00501 is a code, not the number 501.
        if written[column].str.fullmatch(r"0\d+", na=False).any():
            frame[column] = written[column]
    return frame


def _read_parquet(path: Path) -> Any:
    import pandas as pd

    return pd.read_parquet(path)


def _read_feather(path: Path) -> Any:
    import pandas as pd

    return pd.read_feather(path)


def _read_image(path: Path) -> Any:
    from PIL import Image

    # Held in memory, so that the image outlives the file and pickles.
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        image.load()
        return image


_LIBRARIES: dict[Callable[[Path], Any] | None, tuple[str, ...]] = {
    _read_npy: ("numpy",),
    _read_npz: ("numpy",),
    _read_parquet: ("pandas", "pyarrow"),
    _read_feather: ("pandas", "pyarrow"),
    _read_image: ("PIL",),
}
"""What reads files that are no text."""
