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
    """Yield the names of carried objects that differ from those of the lifted module.

    Args:
        carried: What the pickles carry by value.
        lifted: Returns the lifted definition of a carried object, or None.
        names: The globals of the lifted module.
        script: The script of the lifted definitions.
    """
    comparison = _Comparison(script)
    for kind in carried.classes:
        lifted_object = lifted(kind)
        if isinstance(lifted_object, type):
            yield from (f"{kind.__qualname__}.{name}" for name in comparison.attributes(kind, lifted_object))
            # A base class that stays in the file differs from the class in the module.
            yield from (
                base.__qualname__ for base in kind.__bases__ if base in carried.classes and not lifted(base)
            )
        elif lifted_object is not None:
            yield kind.__qualname__
    for function in carried.functions:
        lifted_object = lifted(function)
        # A decorator may have replaced the function by a wrapper that holds it.
        if lifted_object is not None and not any(
            comparison.same(function, wrapped) for wrapped in _unwrap_functions(lifted_object)
        ):
            yield function.__qualname__
    for name, value in carried.captured().items():
        if name in names and not name.startswith("__") and not comparison.same(value, names[name]):
            yield name


class _Comparison:
    """Compares values. A pair that was compared before counts as equal: values may contain themselves."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._compared: dict[tuple[int, int], tuple[object, object]] = {}

    def attributes(self, left: type, right: type) -> Iterator[str]:
        """Yield the names of the attributes in which two classes differ: methods and plain values."""
        ours, theirs = vars(left), vars(right)
        for name, value in ours.items():
            special = name.startswith("__")
            # cloudpickle stores no slots, only their default.
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

    def same(self, left: Any, right: Any) -> bool:
        """Whether two values do the same; of objects of other classes only the classes are compared."""
        if left is right or (id(left), id(right)) in self._compared:
            return True
        self._compared[id(left), id(right)] = left, right
        if isinstance(left, FunctionType):
            return isinstance(right, FunctionType) and self._same_function(left, right)
        if isinstance(left, type):
            return isinstance(right, type) and left.__name__ == right.__name__
        if type(left).__qualname__ != type(right).__qualname__:
            return False
        if isinstance(left, _PLAIN):
            return bool(left == right) or repr(left) == repr(right)
        for kind, parts in _PARTS:
            if isinstance(left, kind):
                return all(self.same(getattr(left, part), getattr(right, part)) for part in parts)
        return self._same_content(left, right)

    def _same_content(self, left: Any, right: Any) -> bool:
        if isinstance(left, dict):
            return left.keys() == right.keys() and all(self.same(left[key], right[key]) for key in left)
        if isinstance(left, list | tuple):
            return len(left) == len(right) and all(map(self.same, left, right))
        if isinstance(left, set | frozenset):
            return len(left) == len(right) and (left == right or not all(isinstance(x, _PLAIN) for x in left))
        wrapped = inspect.getattr_static(left, "__wrapped__", None)
        if wrapped is not None:
            return self.same(wrapped, inspect.getattr_static(right, "__wrapped__", None))
        if type(left).__module__.partition(".")[0] == "numpy" and hasattr(left, "tobytes"):
            equal = left.dtype == right.dtype and left.shape == right.shape
            return bool(equal and (left.dtype.hasobject or left.tobytes() == right.tobytes()))
        return True

    def _same_function(self, left: FunctionType, right: FunctionType) -> bool:
        if not self._same_code(left.__code__, right.__code__):
            return False
        theirs = _cells(right)
        return (
            self.same(left.__defaults__, right.__defaults__)
            and self.same(left.__kwdefaults__, right.__kwdefaults__)
            and all(self.same(value, theirs[name]) for name, value in _cells(left).items() if name in theirs)
        )

    def _same_code(self, left: CodeType, right: CodeType) -> bool:
        if left == right or self._script.are_alike(left, right):
            return True
        # A lambda became a function, or a class that its own methods close over a global.
        is_moved = left.co_name in ("<lambda>", right.co_name) and (
            left.co_name == "<lambda>" or left.co_freevars != right.co_freevars
        )
        return is_moved and _moved_code(left) == _moved_code(right)


def _moved_code(code: CodeType) -> tuple[object, ...]:
    """What stays of code that moved into a module: names of the function around it are global there."""
    constants = tuple(
        _moved_code(each) if isinstance(each, CodeType) else (type(each).__name__, repr(each))
        for each in code.co_consts
    )
    names = frozenset({*code.co_names, *code.co_freevars} - {"__class__"})
    return names, constants, code.co_argcount, code.co_kwonlyargcount


def _unwrap_functions(value: object) -> list[object]:
    """Return a value and the functions that it wraps, at any depth."""
    objects = [value]
    for obj in objects:
        inner = [inspect.getattr_static(obj, "__wrapped__", None)]
        inner += _cells(obj).values() if isinstance(obj, FunctionType) else ()
        objects += [
            wrapped for wrapped in inner if isinstance(wrapped, FunctionType) and wrapped not in objects
        ]
    return objects


def _cells(function: FunctionType) -> dict[str, object]:
    """Return the values in the closure of a function; a cell may be empty."""
    values = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            values[name] = cell.cell_contents
        except ValueError:
            continue
    values.pop("__class__", None)
    return values
