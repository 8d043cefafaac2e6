"""Compare what a pickle carries by value with what was lifted for it.

Other code may have changed a class or a function after the script defined it, and the text of the script does
not show a patch by another module.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType, MemberDescriptorType, MethodType
from typing import Any

from scaffold.resolve.lift._carried import Carried
from scaffold.resolve.lift._script import Script

_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_METHODS = (FunctionType, classmethod, staticmethod, property)
_PARTS = (
    (classmethod, ("__func__",)),
    (staticmethod, ("__func__",)),
    (MethodType, ("__func__",)),
    (property, ("fget", "fset", "fdel")),
    (functools.cached_property, ("func",)),
    (functools.partial, ("func", "args", "keywords")),
    (functools.partialmethod, ("func", "args", "keywords")),
)
"""Where objects that wrap functions keep them."""


def differences(
    carried: Carried,
    lifted: Callable[[FunctionType | type], object],
    names: Mapping[str, object],
    script: Script,
) -> Iterator[str]:
    """Yield the names of what was carried and is another object in the lifted module.

    Args:
        carried: What the pickles carry by value.
        lifted: Returns the definition that was lifted for one of it; None where there is none.
        names: The globals of the lifted module.
        script: The script that they were lifted from.
    """
    comparison = _Comparison(script)
    for kind in carried.classes:
        own = lifted(kind)
        if isinstance(own, type):
            yield from (f"{kind.__qualname__}.{name}" for name in comparison.attributes(kind, own))
            # A base that stays in the file is another class than the one in the module.
            yield from (
                base.__qualname__ for base in kind.__bases__ if base in carried.classes and not lifted(base)
            )
        elif own is not None:
            yield kind.__qualname__
    for function in carried.functions:
        own = lifted(function)
        # A decorator may have put another function in its place, which holds it.
        if own is not None and not any(comparison.same(function, each) for each in _held_by(own)):
            yield function.__qualname__
    for name, value in carried.captured().items():
        if name in names and not name.startswith("__") and not comparison.same(value, names[name]):
            yield name


class _Comparison:
    """Compares values. A pair that was met before counts as the same: values may contain themselves."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._met: dict[tuple[int, int], tuple[object, object]] = {}

    def attributes(self, one: type, other: type) -> Iterator[str]:
        """Yield the names of the attributes in which two classes differ: methods and plain values."""
        ours, theirs = vars(one), vars(other)
        for name, value in ours.items():
            special = name.startswith("__")
            # cloudpickle keeps no slots: it has the default in place of one.
            is_slot = isinstance(theirs.get(name), MemberDescriptorType)
            if is_slot or (special and not isinstance(value, _METHODS)):
                continue
            if name in theirs:
                if not self.same(value, theirs[name]):
                    yield name
            elif not special or isinstance(value, _METHODS):
                yield name
        for name, value in theirs.items():
            if name not in ours and not name.startswith("__") and isinstance(value, (*_METHODS, *_PLAIN)):
                yield name

    def same(self, one: Any, other: Any) -> bool:
        """Whether two values do the same; of objects of other classes only the classes are compared."""
        if one is other or (id(one), id(other)) in self._met:
            return True
        self._met[id(one), id(other)] = one, other
        if isinstance(one, FunctionType):
            return isinstance(other, FunctionType) and self._same_function(one, other)
        if isinstance(one, type):
            return isinstance(other, type) and one.__name__ == other.__name__
        if type(one).__qualname__ != type(other).__qualname__:
            return False
        if isinstance(one, _PLAIN):
            return bool(one == other) or repr(one) == repr(other)
        for kind, parts in _PARTS:
            if isinstance(one, kind):
                return all(self.same(getattr(one, part), getattr(other, part)) for part in parts)
        return self._same_content(one, other)

    def _same_content(self, one: Any, other: Any) -> bool:
        if isinstance(one, dict):
            return one.keys() == other.keys() and all(self.same(one[key], other[key]) for key in one)
        if isinstance(one, list | tuple):
            return len(one) == len(other) and all(map(self.same, one, other))
        if isinstance(one, set | frozenset):
            return len(one) == len(other) and (one == other or not all(isinstance(x, _PLAIN) for x in one))
        wrapped = inspect.getattr_static(one, "__wrapped__", None)
        if wrapped is not None:
            return self.same(wrapped, inspect.getattr_static(other, "__wrapped__", None))
        if type(one).__module__.partition(".")[0] == "numpy" and hasattr(one, "tobytes"):
            equal = one.dtype == other.dtype and one.shape == other.shape
            return bool(equal and (one.dtype.hasobject or one.tobytes() == other.tobytes()))
        return True

    def _same_function(self, one: FunctionType, other: FunctionType) -> bool:
        if not self._same_code(one.__code__, other.__code__):
            return False
        theirs = _cells(other)
        return (
            self.same(one.__defaults__, other.__defaults__)
            and self.same(one.__kwdefaults__, other.__kwdefaults__)
            and all(self.same(value, theirs[name]) for name, value in _cells(one).items() if name in theirs)
        )

    def _same_code(self, one: CodeType, other: CodeType) -> bool:
        if one == other or self._script.are_alike(one, other):
            return True
        # A lambda became a function, or a class that its own methods close over a global.
        is_moved = one.co_name in ("<lambda>", other.co_name) and (
            one.co_name == "<lambda>" or one.co_freevars != other.co_freevars
        )
        return is_moved and _moved_code(one) == _moved_code(other)


def _moved_code(code: CodeType) -> tuple[object, ...]:
    """What stays of code that moved into a module: names of the function around it are global there."""
    constants = tuple(
        _moved_code(each) if isinstance(each, CodeType) else (type(each).__name__, repr(each))
        for each in code.co_consts
    )
    names = frozenset({*code.co_names, *code.co_freevars} - {"__class__"})
    return names, constants, code.co_argcount, code.co_kwonlyargcount


def _held_by(value: object) -> list[object]:
    """Return a value and the functions that it wraps, at any depth."""
    found = [value]
    for each in found:
        inner = [inspect.getattr_static(each, "__wrapped__", None)]
        inner += _cells(each).values() if isinstance(each, FunctionType) else ()
        found += [one for one in inner if isinstance(one, FunctionType) and one not in found]
    return found


def _cells(function: FunctionType) -> dict[str, object]:
    """What a function keeps from the function around it; a cell may be empty still."""
    values = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            values[name] = cell.cell_contents
        except ValueError:
            continue
    values.pop("__class__", None)
    return values
