"""The code that a pickle carries by value, and loading the pickle with replacements for it.

cloudpickle recreates functions and classes by calling `_make_function`, `_make_skeleton_class` and
`_make_skeleton_enum`, in the same order each time a file is loaded. So the first load numbers their results,
and the second replaces them by number.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from scaffold.base.modules import Home, home_of

_CLASS_MAKERS = ("_make_skeleton_class", "_make_skeleton_enum")
_GENERATED = "<string>"


@dataclass(slots=True)
class Carried:
    """The functions and classes that loading one file created, in order."""

    functions: list[FunctionType] = field(default_factory=list)
    classes: list[type] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.functions or self.classes)

    def targets(self) -> list[FunctionType | type]:
        """All classes, then all functions."""
        return [*self.classes, *self.functions]

    def codes(self) -> list[CodeType]:
        """The code objects of the user's functions, without those of `dataclass` and of library wrappers."""
        return [f.__code__ for f in self.functions if not is_foreign(f)]

    def captured(self) -> dict[str, object]:
        """The globals of all functions, by name."""
        values: dict[str, object] = {}
        for function in self.functions:
            values.update(function.__globals__)
        values.pop("__builtins__", None)
        return values


def is_foreign(function: FunctionType) -> bool:
    """Whether the code is generated, or belongs to a library that wraps the user's methods."""
    name = function.__code__.co_filename
    return name == _GENERATED or (Path(name).is_file() and home_of(Path(name)) is not Home.LOCAL)


@contextlib.contextmanager
def record_carried() -> Iterator[Carried]:
    """Record the functions and classes that cloudpickle creates in the block."""
    carried = Carried()

    def function(make: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any) -> Any:
            carried.functions.append(make(*arguments))
            return carried.functions[-1]

        return wrapper

    def kind(make: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any) -> Any:
            carried.classes.append(make(*arguments))
            return carried.classes[-1]

        return wrapper

    with _replaced({"_make_function": function, **dict.fromkeys(_CLASS_MAKERS, kind)}):
        yield carried


@contextlib.contextmanager
def replace_carried(
    functions: Mapping[int, object], classes: Mapping[int, object], main: Mapping[str, object]
) -> Iterator[None]:
    """Load lifted definitions in place of those with these numbers, and of names in `__main__`."""
    ours = {id(value) for value in (*functions.values(), *classes.values())}
    counts = {"functions": 0, "classes": 0}

    def place(table: str, lifted: Mapping[int, object]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def replace(make: Callable[..., Any]) -> Callable[..., Any]:
            def wrapper(*arguments: Any) -> Any:
                number = counts[table]
                counts[table] += 1
                return lifted[number] if number in lifted else make(*arguments)

            return wrapper

        return replace

    def untouched(set_state: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(value: Any, state: Any) -> Any:
            return value if id(value) in ours else set_state(value, state)

        return wrapper

    replacements = {
        "_make_function": place("functions", functions),
        **dict.fromkeys(_CLASS_MAKERS, place("classes", classes)),
        "_function_setstate": untouched,
        "_class_setstate": untouched,
    }
    with _replaced(replacements), _main_holding(main):
        yield


@contextlib.contextmanager
def _replaced(
    replacements: Mapping[str, Callable[[Callable[..., Any]], Callable[..., Any]]],
) -> Iterator[None]:
    import cloudpickle.cloudpickle as module

    before = {name: getattr(module, name) for name in replacements}
    for name, replace in replacements.items():
        setattr(module, name, replace(before[name]))
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


@contextlib.contextmanager
def _main_holding(values: Mapping[str, object]) -> Iterator[None]:
    main = vars(sys.modules["__main__"])
    before = dict(main)
    main.update(values)
    try:
        yield
    finally:
        for name in values:
            if name in before:
                main[name] = before[name]
            else:
                del main[name]
