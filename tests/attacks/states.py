"""States that are no dict, for classes that do `self.__dict__.update(state)`: pairs that set attributes."""

from __future__ import annotations

import pickle as P
from collections.abc import Callable

from tests.attacks.case import Case, Place
from tests.attacks.opcodes import call, group, integer, listed, mapping, name, text, whole

_BARE = P.EMPTY_TUPLE + P.NEWOBJ


def _pair(place: Place) -> tuple[bytes, bytes]:
    """The name and the text of what scipy runs when the state of a distribution is set."""
    names = ("_parse_args", "_parse_args_rvs", "_parse_args_stats")
    code = f"open({place.marker('write')!r}, 'w').close()\n"
    return text("_parse_arg_template"), text(code + "".join(f"def {each}(self): pass\n" for each in names))


def _of_distribution(
    state: Callable[[bytes, bytes], bytes],
    before: Callable[[bytes, bytes], bytes] = lambda key, value: b"",
    kind: str = "scipy.stats._distn_infrastructure:rv_continuous",
) -> Callable[[Place], bytes]:
    def content(place: Place) -> bytes:
        pair = _pair(place)
        return whole(before(*pair), name(kind), _BARE, state(*pair), P.BUILD)

    return content


def _array(key: bytes, value: bytes) -> bytes:
    """An array of objects with one row of two."""
    made = call(
        name("numpy._core.multiarray:_reconstruct"),
        name("numpy:ndarray"),
        group(integer(0)),
        P.SHORT_BINBYTES + b"\1b",
    )
    dtype = call(name("numpy:dtype"), text("O8"), P.NEWFALSE, P.NEWTRUE)
    shape = group(integer(1), integer(2))
    return made + group(integer(1), shape, dtype, P.NEWFALSE, listed(key, value)) + P.BUILD


def _chained(key: bytes, value: bytes) -> bytes:
    """A mapping that was given a dict which a call made, and one item more."""
    inner = call(name("builtins:dict"), listed(group(key, value)))
    items = P.MARK + text("a") + text("b") + P.SETITEMS
    return name("collections:ChainMap") + _BARE + mapping(maps=listed(inner)) + P.BUILD + items


def _filled_later(key: bytes, value: bytes) -> bytes:
    """A list in the memo that grows through a `UserList` of it."""
    shared = P.EMPTY_DICT + text("data") + P.EMPTY_LIST + P.MEMOIZE + P.SETITEM + P.BUILD
    return name("collections:UserList") + _BARE + shared + P.MARK + group(key, value) + P.APPENDS + P.POP


def _two_keys(key: bytes, value: bytes) -> bytes:
    """Two dicts with two keys each, which are pairs too."""
    first = P.EMPTY_DICT + P.MARK + key + text("") + value + P.NONE + P.SETITEMS
    second = P.EMPTY_DICT + P.MARK + text("a") + P.NONE + text("b") + P.NONE + P.SETITEMS
    return group(first, second)


_OTHER_LIBRARY = "statsmodels.sandbox.distributions.extras:SkewNorm_gen"

PAIRS: list[Case] = [
    Case(f"a state that is {label}", "write", content)
    for label, content in {
        "a list of pairs": _of_distribution(lambda key, value: listed(group(key, value))),
        "a list of pairs, in another library": _of_distribution(
            lambda key, value: listed(group(key, value)), kind=_OTHER_LIBRARY
        ),
        "a tuple of lists": _of_distribution(lambda key, value: group(listed(key, value))),
        "an array of pairs": _of_distribution(_array),
        "a chain of dicts": _of_distribution(_chained),
        "a list filled later": _of_distribution(
            lambda key, value: P.BINGET + b"\0",
            before=_filled_later,
        ),
        "two dicts of two keys": _of_distribution(_two_keys),
    }.items()
]
