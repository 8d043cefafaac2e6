"""State that a model keeps outside its own object: in modules, classes, closures, defaults and caches.

A copy of the model shares that state. It is saved before the first call, for the user's own code, and
restored before a copy is called, which then answers as at the first call.
"""

from __future__ import annotations

import collections
import contextlib
import copy
import functools
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import Any

from scaffold.base.modules import Home, home_of
from scaffold.introspect import _checks

_MOST_OBJECTS = 1_000
_MOST_PARTS = 100
_MOST_ITEMS = 1_000
"""The largest container that is saved: a larger one is data, not state."""
_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_CODE = (ModuleType, FunctionType, BuiltinFunctionType, type)


class ExternalState:
    """A snapshot of the plain values in the model's modules, classes, closures and caches."""

    def __init__(self, model: object) -> None:
        self._undo: list[Callable[[], None]] = []
        self._own: dict[str, bool] = {}
        self._globals: set[int] = set()
        seen: dict[int, Any] = {}
        # Each object with whether it is part of the model: a copy of the model has its own copy of its parts.
        waiting = collections.deque([(model, True)])
        while waiting and len(seen) < _MOST_OBJECTS:
            value, is_part = waiting.popleft()
            if id(value) in seen or isinstance(value, _PLAIN):
                continue
            seen[id(value)] = value
            with contextlib.suppress(Exception):  # user-defined attribute access may raise
                waiting.extend(self._visit(value, is_part))

    def restore(self) -> None:
        """Restore all saved values."""
        for undo in self._undo:
            with contextlib.suppress(Exception):
                undo()

    def _visit(self, value: object, is_part: bool) -> Iterator[tuple[object, bool]]:
        """Save the state in `value`; yield the objects that it references."""
        if isinstance(value, (list, tuple, dict)):
            items = value.values() if isinstance(value, dict) else value
            yield from [(item, is_part) for item in itertools.islice(items, _MOST_PARTS)]
        elif isinstance(value, functools.partial):
            yield from ((part, is_part) for part in (value.func, value.args, value.keywords))
        elif isinstance(value, MethodType):
            yield from ((value.__self__, is_part), (value.__func__, False))
        elif isinstance(value, (staticmethod, classmethod, property)):
            yield (value.fget if isinstance(value, property) else value.__func__, False)
        elif isinstance(value, (ModuleType, type, FunctionType)) or hasattr(type(value), "cache_clear"):
            if self._is_own(value.__name__ if isinstance(value, ModuleType) else value.__module__):
                yield from ((inner, False) for inner in self._visit_code(value))
        elif isinstance(value, CellType):
            self._note_cell(value)
            yield (value.cell_contents, False)
        else:
            yield (type(value), False)
            names = getattr(value, "__dict__", {})
            if not is_part and self._is_own(type(value).__module__):
                self._note(names, names.__setitem__, names.__delitem__)
            yield from ((item, is_part) for item in list(names.values()))

    def _note_cell(self, cell: CellType) -> None:
        before, refill = cell.cell_contents, _refill(cell.cell_contents)

        def undo() -> None:
            cell.cell_contents = before
            if refill is not None:
                refill()

        self._undo.append(undo)

    def _visit_code(self, value: Any) -> Iterator[object]:
        """Save the state of a module, class, function or cache; yield the objects that it references."""
        if isinstance(value, type):
            names: Mapping[str, Any] = vars(value)
            self._note(names, functools.partial(setattr, value), functools.partial(delattr, value))
            yield from value.__mro__[1:]
        elif isinstance(value, (ModuleType, FunctionType)):
            names = vars(value) if isinstance(value, ModuleType) else value.__globals__
            if id(names) in self._globals:
                names = {}
            else:
                self._globals.add(id(names))
                self._note(names, names.__setitem__, names.__delitem__)
        else:  # made by `functools.lru_cache`
            self._undo.append(value.cache_clear)
            names = {"": value.__wrapped__}
        if isinstance(value, FunctionType):
            attributes, defaults = vars(value), [*(value.__defaults__ or ())]
            self._note(attributes, attributes.__setitem__, attributes.__delitem__)
            self._note(dict(enumerate([*defaults, *(value.__kwdefaults__ or {}).values()])))
            yield from value.__closure__ or ()
        yield from list(names.values())

    def _note(
        self,
        names: Mapping[Any, Any],
        bind: Callable[[Any, Any], Any] = lambda _name, _value: None,
        unbind: Callable[[Any], Any] = lambda _name: None,
    ) -> None:
        """Save the values of a namespace; `bind` and `unbind` set and delete a name in it."""
        before = {name: value for name, value in names.items() if not _is_special(name)}
        refills = [refill for value in before.values() if (refill := _refill(value)) is not None]

        def undo() -> None:
            for name in [name for name, value in names.items() if name not in before]:
                if not _is_special(name) and not isinstance(names[name], _CODE):
                    unbind(name)
            for name, value in before.items():
                if not isinstance(value, _CODE) and names.get(name) is not value:
                    bind(name, value)
            for refill in refills:
                refill()

        self._undo.append(undo)

    def _is_own(self, module: str | None) -> bool:
        """Whether a module is the user's own, or was created by unpickling."""
        if not module or module.partition(".")[0] in (*sys.stdlib_module_names, "scaffold"):
            return False
        if module not in self._own:
            file = getattr(sys.modules.get(module), "__file__", None)
            self._own[module] = file is None or home_of(Path(file)) is Home.LOCAL
        return self._own[module]


def _is_special(name: object) -> bool:
    return isinstance(name, str) and name.startswith("__")


def _refill(value: Any) -> Callable[[], None] | None:
    """Return a function that restores the contents of a container of plain values, or `None`."""
    if _checks.is_a(value, "numpy.ndarray") and value.size <= _MOST_ITEMS and value.dtype.kind in "biufc":
        numbers = value.copy()
        return lambda: value.__setitem__(..., numbers)
    if not isinstance(value, (dict, list, set, collections.deque)) or not _is_plain(value):
        return None
    contents = copy.deepcopy(value)

    def refill() -> None:
        value.clear()
        fill = value.extend if isinstance(value, (list, collections.deque)) else value.update
        fill(copy.deepcopy(contents))

    return refill


def _is_plain(value: object, depth: int = 3) -> bool:
    """Whether a container and its nested containers have plain values only."""
    if isinstance(value, _PLAIN):
        return True
    if depth == 0 or not isinstance(value, (dict, list, set, tuple, collections.deque)):
        return False
    items = [*value, *value.values()] if isinstance(value, dict) else value
    return len(value) <= _MOST_ITEMS and all(_is_plain(item, depth - 1) for item in items)
