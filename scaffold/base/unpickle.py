"""Load a pickle so that only the names that the gate saw can be looked up.

Pickle, joblib, cloudpickle and torch all look names up by one method, `find_class`. All readers here have the
same one, those of nested pickles too: no file can show one name to the gate and another to a loader.
The file is opened once: what is hashed is what is loaded.

Standard library only at import; each library is imported where the format asks for it.
"""

from __future__ import annotations

import _compat_pickle
import importlib
import io
import pickle
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from scaffold.base.streams import CHUNK_BYTES, BorrowedFile, canonical_archive
from scaffold.errors import UnseenNameError
from scaffold.errors.worker import CALLING
from scaffold.spec import GlobalName

LEGACY_TORCH_START = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
_ARRAYS = frozenset(
    {
        ("joblib.numpy_pickle", "NumpyArrayWrapper"),
        ("sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper"),
    }
)


def python3_name(module: str, qualname: str) -> tuple[str, str]:
    """The name that Python 3 looks up where a pickle of Python 2 gives this one."""
    if (module, qualname) in _compat_pickle.NAME_MAPPING:
        return _compat_pickle.NAME_MAPPING[module, qualname]
    return _compat_pickle.IMPORT_MAPPING.get(module, module), qualname


on_lookup: Callable[[str], None] | None = None
"""Called with each name before its lookup, so that the report of a crash can name it."""


def note_loaded() -> None:
    """Report to `on_lookup` that loading is complete."""
    if on_lookup is not None:
        on_lookup(CALLING)


class Names:
    """The names that may be looked up while one file loads."""

    def __init__(
        self,
        path: Path,
        allowed: Sequence[GlobalName] | None,
        stand_ins: Mapping[tuple[str, str], Any] | None = None,
    ) -> None:
        """Take the names that were seen in `path`; None for a file that this process wrote itself.

        `stand_ins` are replacements for objects that the file names, by module and name.
        """
        self._path = path
        self._stand_ins = stand_ins or {}
        self._allowed = (
            None if allowed is None else frozenset((name.module, name.qualname) for name in allowed)
        )

    def find_all(self) -> list[str]:
        """Look up every name, and return all as `module.qualname`, sorted.

        Raises:
            UnseenNameError, AttributeError: As for `find`.
        """
        for module, qualname in self._allowed or ():
            self.find(module, qualname)
        return sorted(f"{module}.{qualname}" for module, qualname in self._allowed or ())

    def find(self, module: str, qualname: str) -> Any:
        """Return the object of a name.

        Raises:
            UnseenNameError: The gate did not see the name, or the module has it from elsewhere.
            AttributeError: The module does not have it.
        """
        name = (module, qualname)
        if self._allowed is not None and name not in self._allowed:
            name = python3_name(module, qualname)
        if self._allowed is not None and name not in self._allowed:
            raise UnseenNameError(str(self._path), f"{module}.{qualname}")
        if on_lookup is not None:
            on_lookup(".".join(name))
        if name in self._stand_ins:
            return self._stand_ins[name]
        if name == ("torch.storage", "_load_from_bytes"):
            return self._load_storage
        value = self._lookup(*name)
        if isinstance(value, types.ModuleType) or _is_foreign(value, name[0]):
            raise UnseenNameError(str(self._path), ".".join(name), "the module has it from another")
        return value

    def _lookup(self, module: str, qualname: str) -> Any:
        if module not in sys.modules and "." in module:
            # Some libraries make modules while they are imported, such as `torch._C._nn`.
            importlib.import_module(module.partition(".")[0])
        __import__(module)
        value: Any = sys.modules[module]
        for place, part in enumerate(qualname.split(".")):
            # A name with dots is that of a class inside a class, or of a method. Through what a module
            # imports it would reach anything: `re.enum.bltns.eval`.
            if place and not isinstance(value, type):
                reason = f"'{part}' is an attribute of something else than a class"
                raise UnseenNameError(str(self._path), f"{module}.{qualname}", reason)
            try:
                value = getattr(value, part)
            except AttributeError:
                message = f"Can't get attribute '{qualname}' on {sys.modules[module]!r}"
                raise AttributeError(message, name=qualname, obj=sys.modules[module]) from None
        return value

    def _load_storage(self, content: bytes) -> Any:
        """Load a storage as `torch.storage._load_from_bytes` does, with the names of the file around it."""
        if not isinstance(content, bytes) or not content.startswith(LEGACY_TORCH_START):
            raise UnseenNameError(
                str(self._path), "torch.storage._load_from_bytes", "other bytes than torch's"
            )
        return load_torch(io.BytesIO(content), self)


def _is_foreign(value: Any, module: str) -> bool:
    """Whether a compiled module re-exports an object of another library."""
    file = getattr(sys.modules[module], "__file__", None)
    if not isinstance(file, str) or file.endswith(".py"):
        return False
    home = getattr(value, "__module__", None)
    return isinstance(home, str) and home.partition(".")[0] not in (module.partition(".")[0], "builtins")


class _Unpickler(pickle.Unpickler):
    names: Names

    def find_class(self, module: str, name: str) -> Any:
        return self.names.find(module, name)


def load_pickle(file: BinaryIO, names: Names) -> Any:
    """Return the object of a pickle, also of cloudpickle."""
    unpickler = _Unpickler(file)
    unpickler.names = names
    return unpickler.load()


class _Array:
    """joblib's header of an array, with its length. Filled by BUILD."""

    subclass: Any
    shape: Any
    order: Any
    dtype: Any
    numpy_array_alignment_bytes: Any = None


_PythonUnpickler: Any = pickle._Unpickler


class _JoblibUnpickler(_PythonUnpickler):  # type: ignore[misc]
    """The pickle machine in Python, which can read arrays from between the opcodes.

    Source: `NumpyUnpickler` and `NumpyArrayWrapper` in joblib's numpy_pickle.py.
    """

    dispatch: ClassVar[dict[int, Any]] = dict(_PythonUnpickler.dispatch)

    def __init__(self, file: BinaryIO, names: Names, *, arrays: bool = True) -> None:
        super().__init__(file)
        self._file, self._names, self._arrays = file, names, arrays

    def find_class(self, module: str, name: str) -> Any:
        if self._arrays and (module, name) in _ARRAYS:
            return _Array
        return self._names.find(module, name)

    def load_build(self) -> None:
        super().load_build()
        if type(self.stack[-1]) is _Array:
            self.stack[-1] = self._read_array(self.stack[-1])

    dispatch[pickle.BUILD[0]] = load_build

    def _read_array(self, array: _Array) -> Any:
        import numpy as np

        if not isinstance(array.dtype, np.dtype) or type(array.shape) is not tuple:
            raise pickle.UnpicklingError("an array without a description")
        if array.dtype.hasobject != _holds_objects(array.dtype):
            raise pickle.UnpicklingError("an array whose dtype contradicts itself")
        if array.dtype.hasobject:
            value = _JoblibUnpickler(self._file, self._names, arrays=False).load()
            return self._native(value) if isinstance(value, np.ndarray) else value
        if array.numpy_array_alignment_bytes is not None:
            self._read_exactly(self._read_exactly(1)[0])
        value = np.empty(array.shape, dtype=array.dtype, order="F" if array.order == "F" else "C")
        if value.dtype != array.dtype:
            raise pickle.UnpicklingError("an array of arrays")
        # Arrays lie in the file as they lie in memory: by columns where the order is F.
        flat = (value.T if array.order == "F" else value).reshape(-1)
        step = max(CHUNK_BYTES // max(array.dtype.itemsize, 1), 1)
        for start in range(0, flat.size, step):
            count = min(step, flat.size - start)
            chunk = self._read_exactly(count * array.dtype.itemsize)
            if chunk:
                flat[start : start + count] = np.frombuffer(chunk, dtype=array.dtype, count=count)
        return self._native(_as_subclass(value, array.subclass))

    def _native(self, value: Any) -> Any:
        """The array in the byte order of this machine, as joblib gives it."""
        kinds = [field[0] for field in (value.dtype.fields or {"": (value.dtype,)}).values()]
        if all(kind.isnative for kind in kinds):
            return value
        return value.byteswap(inplace=False).view(value.dtype.newbyteorder("="))

    def _read_exactly(self, count: int) -> bytes:
        parts = []
        while count:
            part = self._file.read(count)
            if not part:
                raise EOFError("an array breaks off")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def _holds_objects(dtype: Any) -> bool:
    if dtype.subdtype is not None:
        return _holds_objects(dtype.subdtype[0])
    fields = dtype.fields or {}
    return dtype.kind == "O" or any(_holds_objects(field[0]) for field in fields.values())


def _as_subclass(value: Any, subclass: Any) -> Any:
    import numpy as np

    # joblib keeps the subclass with numpy 1 only.
    plain = not hasattr(value, "__array_prepare__") or subclass in (np.ndarray, np.memmap)
    return value if plain or not isinstance(subclass, type) else value.view(subclass)


def load_joblib(file: BinaryIO, names: Names) -> Any:
    """Return the object of a pickle with arrays between its opcodes."""
    return _JoblibUnpickler(file, names).load()


def load_torch(file: BinaryIO, names: Names) -> Any:
    """Return what `torch.save` wrote, on the CPU."""
    import torch

    if file.read(2) == b"PK":
        file.seek(0)
        with canonical_archive(file) as archive:
            return torch.load(
                archive, map_location="cpu", weights_only=False, pickle_module=_pickle_of(names)
            )
    file.seek(0)
    # torch takes a file with a file number for a tar archive first.
    plain = io.BufferedReader(BorrowedFile(file))
    return torch.load(plain, map_location="cpu", weights_only=False, pickle_module=_pickle_of(names))


def _pickle_of(names: Names) -> Any:
    """Return the object that torch uses in place of the module `pickle`."""

    class Unpickler(_Unpickler):
        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            super().__init__(*arguments, **keywords)
            self.names = names

        def __setattr__(self, name: str, value: Any) -> None:
            # torch compares the source of a class with the one in the file, and may write a patch beside it.
            super().__setattr__(name, _without_source(value) if name == "persistent_load" else value)

    module = types.ModuleType("pickle")
    module.Unpickler = Unpickler  # type: ignore[attr-defined]
    module.load = lambda file, **keywords: Unpickler(file, **keywords).load()  # type: ignore[attr-defined]
    return module


def _without_source(load: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def persistent_load(key: Any) -> Any:
        if type(key) is tuple and len(key) > 1 and key[0] in ("module", b"module"):
            return key[1]
        return load(key)

    return persistent_load
