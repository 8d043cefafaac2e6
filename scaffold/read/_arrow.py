"""Read the text columns of a pickled pandas sample without pyarrow.

Where pyarrow is installed, pandas keeps its default text dtype `str` in Arrow arrays, and a pickle names the
functions of pyarrow that make them. The service has no pyarrow unless the model needs it, and pandas keeps
`str` as Python objects there. The stand-ins here give the sample that the service would have.

Source: "Variable-size Binary Layout" and "Validity bitmaps" in the Arrow columnar format,
https://arrow.apache.org/docs/format/Columnar.html; `_restore_array` in pyarrow's array.pxi for the order of
the parts; `ArrowExtensionArray.__getstate__` in pandas.
"""

from __future__ import annotations

import importlib.util
import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from scaffold.errors import DamagedSampleError, MissingLibraryError
from scaffold.spec import GlobalName

_CLASSES = frozenset(
    {
        ("pandas.arrays", "ArrowStringArray"),  # pandas 3
        ("pandas.core.arrays.string_arrow", "ArrowStringArrayNumpySemantics"),  # pandas 2.3
    }
)
_DTYPES = (("pandas", "StringDtype"), ("pandas.core.arrays.string_", "StringDtype"))
_OF_PYARROW = ("_restore_array", "chunked_array", "py_buffer", "type_for_alias")
# These make another dtype: `string`, with NA for missing values; pandas before 2.3 has no `str`.
_OF_OTHERS = frozenset(
    {
        ("pandas", "NA"),
        ("pandas._libs.missing", "NA"),
        ("copyreg", "_reconstructor"),
        ("copy_reg", "_reconstructor"),
    }
)
_OFFSETS = {"string": "=i4", "large_string": "=i8"}
_STATE = frozenset({"_pa_array", "_dtype", "_cache", "_readonly"})

REPLACED = frozenset(f"pyarrow.lib.{name}" for name in _OF_PYARROW)
"""The names of pyarrow that have a stand-in."""


def needs_no_arrow(names: Iterable[GlobalName]) -> bool:
    """Whether the file that names these uses Arrow only for the default text dtype of pandas.

    The names alone do not exclude everything else: `ArrowTexts` raises for the rest.
    """
    global_names = {(name.module, name.qualname) for name in names}
    arrow = {
        (module, qualname)
        for module, qualname in global_names
        if module.partition(".")[0] == "pyarrow" or (module.startswith("pandas") and "Arrow" in qualname)
    }
    supported = _CLASSES | {("pyarrow.lib", name) for name in _OF_PYARROW}
    return not arrow.isdisjoint(_CLASSES) and arrow <= supported and global_names.isdisjoint(_OF_OTHERS)


# What the stand-ins make. No state can be set on them: they hold none besides their value.


class _Type(str):
    __slots__ = ()


class _Buffer(bytes):
    __slots__ = ()


class _Texts(tuple[Any, ...]):
    """Texts, and `nan` for missing ones."""

    __slots__ = ()


_StandIn = TypeVar("_StandIn", _Type, _Buffer, _Texts)


class ArrowTexts:
    """Stand-ins for the names of Arrow in one sample.

    Each of them raises MissingLibraryError where the file uses Arrow for something else than the default text
    dtype, and DamagedSampleError where an array contradicts itself.
    """

    def __init__(self, path: Path) -> None:
        """Make stand-ins for the sample in `path`, which `needs_no_arrow`."""
        self._path = path
        self._unused: dict[int, object] = {}

    def stand_ins(self) -> Mapping[tuple[str, str], Any]:
        """Return what to look up in place of names; nothing where pyarrow can be imported."""
        import pandas as pd  # requests pyarrow first, so that the trace names pandas

        if importlib.util.find_spec("pyarrow") is not None:
            return {}
        functions: dict[str, Callable[..., Any]] = {
            "_restore_array": self._restore_array,
            "chunked_array": self._join_chunks,
            "py_buffer": self._py_buffer,
            "type_for_alias": self._type_for_alias,
        }
        array = self._array_class(pd.StringDtype("python", na_value=math.nan))
        return {
            **{("pyarrow.lib", name): function for name, function in functions.items()},
            **dict.fromkeys(_CLASSES, array),
            **dict.fromkeys(_DTYPES, self._string_dtype),
        }

    def require_all_used(self) -> None:
        """Raise MissingLibraryError if the sample holds something of Arrow outside of a text column."""
        if self._unused:
            raise self._missing()

    def _array_class(self, dtype: Any) -> Any:
        """Return a class whose instances become text arrays of Python objects when their state is set."""
        import pandas as pd

        kind: Any = dtype.construct_array_type()
        values_of = self._values_of

        class TextArray(kind):  # type: ignore[misc]
            def __setstate__(self, state: Any) -> None:
                array = pd.array(values_of(state), dtype=dtype)
                self.__class__ = kind
                self.__setstate__(array.__reduce_ex__(2)[2])

        return TextArray

    def _values_of(self, state: Any) -> list[Any]:
        import pandas as pd

        if type(state) is not dict or not state.keys() <= _STATE:
            raise self._missing()
        texts, dtype = state.get("_pa_array"), state.get("_dtype")
        if type(dtype) is not pd.StringDtype or dtype.storage != "python" or dtype.na_value is pd.NA:
            raise self._missing()
        return list(self._take(texts, _Texts))

    def _string_dtype(self, *arguments: Any) -> Any:
        import pandas as pd

        match arguments:
            case ("pyarrow", float(missing)) if math.isnan(missing):
                return pd.StringDtype("python", na_value=missing)
            case ("python", _):
                return pd.StringDtype(*arguments)
        raise self._missing()

    def _type_for_alias(self, *arguments: Any) -> _Type:
        match arguments:
            case (str(name),) if name in _OFFSETS:
                return self._track(_Type(name))
        raise self._missing()

    def _py_buffer(self, *arguments: Any) -> _Buffer:
        match arguments:
            case (bytes(data) | bytearray(data),):
                return self._track(_Buffer(data))
        raise self._missing()

    def _join_chunks(self, *arguments: Any) -> _Texts:
        match arguments:
            case (list(chunks), kind):
                self._take(kind, _Type)
                return self._track(_Texts(text for chunk in chunks for text in self._take(chunk, _Texts)))
        raise self._missing()

    def _restore_array(self, *arguments: Any) -> _Texts:
        match arguments:
            case ((kind, int(length), int(), int(offset), [validity, offsets, data], [], None),):
                itself = self._take(kind, _Type)
                buffers = [
                    None if buffer is None else self._take(buffer, _Buffer)
                    for buffer in (validity, offsets, data)
                ]
                return self._track(_Texts(self._decode(itself, length, offset, *buffers)))
        raise self._missing()

    def _decode(
        self,
        kind: _Type,
        length: int,
        offset: int,
        validity: bytes | None,
        offsets: bytes | None,
        data: bytes | None,
    ) -> list[Any]:
        """Return the texts of an array, `nan` for missing ones.

        Args:
            kind: Its type.
            length: How many texts it has.
            offset: How many texts of the buffers stand before its first one.
            validity: A bit for each text, the lowest of a byte first: 0 where it is missing.
            offsets: Where each text starts in `data`, and where the last one ends.
            data: The texts in UTF-8.
        """
        import numpy as np

        width = np.dtype(_OFFSETS[kind]).itemsize
        if length < 0 or offset < 0:
            raise self._damage_error("a text column has a negative length")
        if length == 0:
            return []
        data = data or b""
        if (offset + length + 1) * width > len(offsets or b""):
            raise self._damage_error("a text column has fewer texts than it says")
        bounds = np.frombuffer(offsets or b"", _OFFSETS[kind], length + 1, offset * width)
        # In this order they cannot overlap either: all the texts are no longer than the data.
        if bounds[0] < 0 or bounds[-1] > len(data) or bool((bounds[1:] < bounds[:-1]).any()):
            raise self._damage_error("a text of a column lies outside the column's data")
        places = bounds.tolist()
        try:
            texts: list[Any] = [data[start:end].decode() for start, end in itertools.pairwise(places)]
        except UnicodeDecodeError as error:
            raise self._damage_error("a text of a column is not UTF-8") from error
        if validity is not None:
            if offset + length > 8 * len(validity):
                raise self._damage_error("a text column does not say which of its texts are missing")
            used = np.frombuffer(validity[offset // 8 : (offset + length + 7) // 8], np.uint8)
            bits = np.unpackbits(used, bitorder="little")[offset % 8 :][:length]
            for place in np.flatnonzero(bits == 0).tolist():
                texts[place] = math.nan
        return texts

    def _track(self, value: _StandIn) -> _StandIn:
        self._unused[id(value)] = value
        return value

    def _take(self, value: Any, kind: type[_StandIn]) -> _StandIn:
        if type(value) is not kind:
            raise self._missing()
        # Each array once: many small references to a large array would exhaust memory.
        if kind is not _Type and id(value) not in self._unused:
            raise self._missing()
        self._unused.pop(id(value), None)
        return value

    def _missing(self) -> MissingLibraryError:
        return MissingLibraryError(self._path.name, "pyarrow", "loading the file", "pyarrow")

    def _damage_error(self, fault: str) -> DamagedSampleError:
        return DamagedSampleError(str(self._path), fault)
