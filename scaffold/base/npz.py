"""Write arrays in numpy's `.npz` format, without numpy."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from scaffold.spec import Constant

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of each member: equal arrays give equal bytes."""
_ALIGNMENT = 64


def write_npz(arrays: Mapping[str, Constant]) -> bytes:
    """Return the content of a file that `numpy.load` reads, by the name of each array."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), _header(array) + array.content)
    return made.getvalue()


def _header(array: Constant) -> bytes:
    """Return the header of version 1.0 of the format.

    Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
    """
    words = f"{{'descr': {array.dtype!r}, 'fortran_order': {array.fortran}, 'shape': {array.shape!r}, }}"
    start = b"\x93NUMPY\x01\x00"
    padding = -(len(start) + 2 + len(words) + 1) % _ALIGNMENT
    text = words + " " * padding + "\n"
    return start + len(text).to_bytes(2, "little") + text.encode("latin-1")
