"""The root of the error tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from typing import dataclass_transform
else:  # only type checkers read it, and Python 3.10 lacks it

    def dataclass_transform():  # noqa: D103
        return lambda cls: cls


@dataclass_transform()
class ScaffoldError(Exception):
    """Anything that a person can act on; `str()` of it is what they read.

    A subclass annotates its fields, as a dataclass does: they are the parameters of its constructor. `args`
    holds all of them in that order, so that every error pickles.
    """

    _fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._fields = tuple(dict.fromkeys((*cls._fields, *cls.__annotations__)))

    if TYPE_CHECKING:

        def __init__(self) -> None:
            """An error without fields; a type checker derives the others from the annotations."""

    else:

        def __init__(self, *values, **named):
            fields = dict(zip(self._fields, values, strict=False)) | named
            missing = [name for name in self._fields if name not in fields and not hasattr(type(self), name)]
            if missing or len(fields) < len(values) + len(named) or not fields.keys() <= {*self._fields}:
                raise TypeError(f"{type(self).__name__} takes {', '.join(self._fields) or 'no arguments'}")
            vars(self).update(fields)
            super().__init__(*(getattr(self, name) for name in self._fields))
