"""Names that allow too much, values that no check can read, states that change an object's type, and code."""

from __future__ import annotations

import pickle as P
import zlib
from collections.abc import Callable
from typing import Any
from unittest import mock

import cloudpickle

from tests.attacks.calls import shell
from tests.attacks.case import Case, Place
from tests.attacks.opcodes import call, data, group, instance, integer, listed, mapping, name, text, whole

_SYSTEM = name("posix:system")
_NORM = "scipy.stats._continuous_distns:norm_gen"
_DATA = "statsmodels.base.data:PandasData"
_ESTIMATOR = "sklearn.linear_model._base:LinearRegression"

# --------------------------------------------------------------------------- names

_WIDE = """
    numpy.dtypes:__builtins__ numpy.dtypes:__loader__ numpy.lib._polynomial_impl:functools
    sklearn.tree._tree:np sklearn.tree._tree:csr_matrix sklearn.tree._tree:issparse
    sklearn.tree._tree:__builtins__ sklearn.tree._tree:__loader__ sklearn.neighbors._kd_tree:warnings
    sklearn.utils._cython_blas:__loader__ pandas._libs.lib:Decimal pandas._libs.lib:abc
    pandas._libs.parsers:TextReader pandas._libs.parsers:StringIO pandas._libs.tslibs.offsets:re
    pandas._libs.tslibs.timezones:os scipy.spatial._ckdtree:threading scipy.spatial._ckdtree:os
    scipy.stats._stats:np scipy.interpolate._bspl:__builtins__ pyarrow.lib:os pyarrow.lib:threading
    pyarrow.lib:NativeFile pyarrow.lib:memory_map pyarrow.lib:input_stream pyarrow.lib:_ReadPandasMixin
    _catboost:sys _catboost:_PoolBase lightgbm.basic:ctypes xgboost.core:ctypes xgboost.core:DataIter
    torch._C:_load_library torch.nn.modules.module:warnings sklearn.base:warnings.sys
    sklearn.linear_model._base:LinearRegression.__init__.__globals__ builtins:object.__subclasses__
    builtins:str.format operator:methodcaller logging:getLogger.__globals__ pathlib:Path.write_text
    random:_os re:enum collections:_sys json:codecs typing:sys _pickle:Unpickler pickle:_Unpickler
    joblib.numpy_pickle:NumpyUnpickler cloudpickle.cloudpickle:pickle dill._dill:load
"""


def _named(dotted: str) -> Callable[[Place], bytes]:
    return lambda place: whole(call(name(dotted), text(place.marker("write"))))


def _long_name(place: Place) -> bytes:
    return whole(call(text("posix" + "\0" * 70_000) + text("system") + P.STACK_GLOBAL, text(shell(place))))


def _made_name(place: Place) -> bytes:
    made = call(name("builtins:str"), data(b"posix"), text("ascii"))
    return whole(call(made + text("system") + P.STACK_GLOBAL, text(shell(place))))


def _memo_name(place: Place) -> bytes:
    stored = text("system") + P.MEMOIZE + P.POP + text("posix") + P.MEMOIZE + P.POP
    return whole(stored, call(P.BINGET + b"\1" + P.BINGET + b"\0" + P.STACK_GLOBAL, text(shell(place))))


def _fetched(place: Place) -> bytes:
    return whole(call(call(name("builtins:getattr"), name("os:path"), text("os")), text(shell(place))))


def _ufunc(place: Place) -> bytes:
    return whole(
        call(call(name("numpy._core:_ufunc_reconstruct"), text("posix"), text("system")), text(shell(place)))
    )


def _attributes(place: Place) -> bytes:
    walk = call(name("operator:attrgetter"), text("fit.__globals__"))
    return whole(call(walk, name(_ESTIMATOR)))


def _python2(module: str, qualname: str) -> Callable[[Place], bytes]:
    def content(place: Place) -> bytes:
        found = P.GLOBAL + f"{module}\n{qualname}\n".encode()
        return whole(call(found, text(shell(place))), protocol=2)

    return content


NAMES = [
    *(Case(f"wide name {dotted}", "write", _named(dotted)) for dotted in _WIDE.split()),
    Case("a name that is too long", "program", _long_name),
    Case("a name that is made", "program", _made_name),
    Case("a name from the memo", "program", _memo_name),
    Case("a name through getattr", "program", _fetched),
    Case("a name as a ufunc", "program", _ufunc),
    Case("a walk along attributes", "program", _attributes),
    Case("a name of Python 2", "program", _python2("commands", "getoutput")),
    Case("eval of Python 2", "write", _python2("__builtin__", "eval")),
    Case("an extension", "program", lambda place: whole(P.EXT1 + b"\1")),
    Case("a persistent id", "program", lambda place: whole(text("x") + P.BINPERSID)),
    Case(
        "an old instance", "program", lambda p: P.MARK + text(shell(p)) + P.INST + b"posix\nsystem\n" + P.STOP
    ),
]

# --------------------------------------------------------------------------- texts that are evaluated


def _evil(place: Place) -> str:
    return f"__import__('os').system({shell(place)!r})"


def _template(place: Place) -> str:
    names = ("_parse_args", "_parse_args_rvs", "_parse_args_stats")
    return "\n".join(f"def {each}(self, x={_evil(place)}): pass" for each in names)


def _in_scipy(value: Callable[[Place], bytes]) -> Callable[[Place], bytes]:
    return lambda place: whole(instance(_NORM, _parse_arg_template=value(place)))


def _in_formula(value: Callable[[Place], bytes]) -> Callable[[Place], bytes]:
    def content(place: Place) -> bytes:
        frame = name("pandas.core.frame:DataFrame") + P.EMPTY_TUPLE + P.REDUCE
        return whole(instance(_DATA, restore_model_spec=P.NEWTRUE, formula=value(place), frame=frame))

    return content


TEXTS = [
    Case("scipy's template", "program", _in_scipy(lambda p: text(_template(p)))),
    Case("scipy's template as bytes", "program", _in_scipy(lambda p: data(_template(p).encode()))),
    Case(
        "scipy's template made",
        "program",
        _in_scipy(lambda p: call(name("builtins:str"), text(_template(p)))),
    ),
    Case("scipy's template, long", "program", _in_scipy(lambda p: text(_template(p) + "#" * 70_000))),
    Case("a formula", "program", _in_formula(lambda p: text("y ~ " + _evil(p)))),
    Case(
        "a formula made",
        "program",
        _in_formula(lambda p: call(name("builtins:str"), text("y ~ " + _evil(p)))),
    ),
    Case("a formula, long", "program", _in_formula(lambda p: text("y ~ " + _evil(p) + " " * 70_000))),
    Case("a quoted formula", "program", _in_formula(lambda p: text("`a` ~ {" + _evil(p) + "}"))),
    Case(
        "a factor",
        "program",
        lambda p: whole(call(name("formulaic.parser.types.factor:Factor"), text(_evil(p)))),
    ),
    Case("patsy", "program", lambda p: whole(instance("patsy.eval:EvalFactor", code=text(_evil(p))))),
    Case(
        "a query",
        "program",
        lambda p: whole(call(name("pandas.core.frame:DataFrame.query"), P.NONE, text(_evil(p)))),
    ),
    Case("an annotation", "program", lambda p: whole(call(name("typing:ForwardRef"), text(_evil(p))))),
    Case(
        "a part of a type",
        "program",
        lambda p: whole(call(name("operator:getitem"), name("typing:List"), text(_evil(p)))),
    ),
]

# --------------------------------------------------------------------------- states

_MEMORY = {"data": group(integer(1 << 20), P.NEWFALSE), "shape": group(integer(8)), "typestr": text("|u1")}


def _protocol(attribute: str) -> Callable[[Place], bytes]:
    def content(place: Place) -> bytes:
        value = mapping(**_MEMORY, version=integer(3)) if "array" in attribute else name("builtins:len")
        return whole(call(name("numpy:array"), instance(_ESTIMATOR, **{attribute: value})))

    return content


_PROTOCOL_NAMES = """
    __array_interface__ __array_struct__ __array__ __setstate__ __reduce_ex__ __class__ __dict__x__
    __call__ __del__ __getattr__ __annotations__ __iter__ __next__
"""
_PROTOCOLS = _PROTOCOL_NAMES.split()

STATES = [
    *(Case(f"an attribute {attribute}", "memory access", _protocol(attribute)) for attribute in _PROTOCOLS),
    Case("a state on a name", "program", lambda p: whole(name("builtins:len") + mapping(x=P.NONE) + P.BUILD)),
    Case("items on a name", "program", lambda p: whole(name("builtins:len") + P.NONE + P.APPEND)),
    Case(
        "a pickle in bytes",
        "program",
        lambda p: whole(
            instance("skorch.classifier:NeuralNetClassifier", __cuda_dependent_attributes__=data(b"x"))
        ),
    ),
    Case(
        "a class made",
        "program",
        lambda p: whole(
            call(name("builtins:type"), text("X"), group(name("builtins:object")), mapping(__del__=_SYSTEM))
        ),
    ),
]


def _numpy_text(value: str) -> bytes:
    """A text of numpy, which is equal to one of Python."""
    dtype = call(name("numpy:dtype"), text(f"U{len(value)}"), P.NEWFALSE, P.NEWTRUE)
    return call(name("numpy._core.multiarray:scalar"), dtype, data(value.encode("utf-32-le")))


def _keyed(key: bytes) -> Callable[[Place], bytes]:
    def content(place: Place) -> bytes:
        made = name(_DATA) + P.EMPTY_TUPLE + P.NEWOBJ
        state = (
            P.EMPTY_DICT
            + P.MARK
            + text("restore_model_spec")
            + P.NEWTRUE
            + key
            + text(_evil(place))
            + P.SETITEMS
        )
        return whole(made + state + P.BUILD)

    return content


def _spread(place: Place) -> bytes:
    """Attributes as keywords that a class takes."""
    memory = mapping(__array_interface__=mapping(**_MEMORY, version=integer(3)))
    made = name("functools:partial") + name("types:SimpleNamespace") + P.TUPLE1 + P.NEWOBJ
    made += group(name("types:SimpleNamespace"), P.EMPTY_TUPLE, memory, P.NONE) + P.BUILD
    return whole(call(name("collections:defaultdict"), made))


STATES += [
    Case("a key of numpy", "program", _keyed(_numpy_text("formula"))),
    Case("a key that is made", "program", _keyed(call(name("builtins:str"), text("formula")))),
    Case("a key that is too long", "program", _keyed(text("formula" * 10_000))),
    Case("attributes as keywords", "memory access", _spread),
]

# --------------------------------------------------------------------------- no end, no room


def _nested(opcode: bytes, depth: int) -> bytes:
    return P.EMPTY_TUPLE + opcode * depth


def _doubled(depth: int) -> bytes:
    return P.EMPTY_TUPLE + (P.DUP + P.TUPLE2) * depth


ENDLESS = [
    Case(
        "a deep key", "loop", lambda p: whole(P.EMPTY_DICT + _nested(P.TUPLE1, 20_000) + P.NONE + P.SETITEM)
    ),
    Case("a doubled key", "loop", lambda p: whole(P.EMPTY_DICT + _doubled(60) + P.NONE + P.SETITEM)),
    Case(
        "a doubled item of a set", "loop", lambda p: whole(P.EMPTY_SET + P.MARK + _doubled(60) + P.ADDITEMS)
    ),
    Case("a doubled item of a frozen set", "loop", lambda p: whole(P.MARK + _doubled(60) + P.FROZENSET)),
    Case("a fraction", "loop", lambda p: whole(call(name("fractions:Fraction"), text("1e99999999")))),
    Case(
        "a count",
        "loop",
        lambda p: whole(call(name("builtins:list"), call(name("itertools:count"), integer(1)))),
    ),
    Case(
        "a cycle",
        "loop",
        lambda p: whole(call(name("builtins:all"), call(name("itertools:cycle"), listed(P.NEWTRUE)))),
    ),
    Case(
        "a sum",
        "loop",
        lambda p: whole(call(name("builtins:sum"), call(name("builtins:range"), integer(1 << 60)))),
    ),
    Case("a factorial", "loop", lambda p: whole(call(name("math:factorial"), integer(1 << 31)))),
    Case("a power", "loop", lambda p: whole(call(name("builtins:pow"), integer(9), integer(1 << 34)))),
    Case("a sleep", "loop", lambda p: whole(call(name("time:sleep"), integer(1 << 30)))),
    Case("an input", "loop", lambda p: whole(call(name("builtins:input")))),
    Case(
        "a list",
        "memory",
        lambda p: whole(call(name("builtins:list"), call(name("builtins:range"), integer(1 << 40)))),
    ),
    Case("bytes", "memory", lambda p: whole(call(name("builtins:bytearray"), integer(1 << 44)))),
    Case(
        "a repetition",
        "memory",
        lambda p: whole(call(name("operator:mul"), text("x" * 99), integer(1 << 40))),
    ),
    Case("a far memo", "memory", lambda p: whole(P.NONE + P.LONG_BINPUT + b"\xff\xff\xff\x7f")),
    Case(
        "a long length", "memory", lambda p: P.PROTO + b"\4" + P.BINBYTES8 + (1 << 60).to_bytes(8, "little")
    ),
    Case("a huge number", "loop", lambda p: whole(call(integer(1 << 200)))),
    Case("a number of digits", "loop", lambda p: P.INT + b"9" * 60_000 + b"\n" + P.STOP),
    Case("no object", "loop", lambda p: P.PROTO + b"\4" + P.STOP),
    Case("too many marks", "loop", lambda p: whole(P.MARK * 100_000)),
]

# --------------------------------------------------------------------------- code by value


def _carried(source: str, variable: str = "model") -> Callable[[Place], bytes]:
    def content(place: Place) -> bytes:
        space: dict[str, Any] = {"__name__": "__main__"}
        code = source.format(
            shell=shell(place), write=place.marker("write"), secret=str(place.secret), port=place.port
        )
        exec(compile(code, "train.py", "exec"), space)
        # Its ids of classes are random otherwise; a process keeps one class for each.
        known = f"{zlib.crc32(source.encode()):x}"
        with mock.patch(
            "cloudpickle.cloudpickle._get_or_create_tracker_id", lambda kind: known + kind.__name__
        ):
            return cloudpickle.dumps(space[variable])

    return content


_REDUCED = """
def payload():
    {body}
class Trap:
    def __reduce__(self):
        return payload, ()
model = Trap()
"""
_BODIES = {
    "program": "import os; os.system({shell!r})",
    "write": "open({write!r}, 'w').close()",
    "connect": "import socket; socket.create_connection(('127.0.0.1', {port}), 1)",
    "secret": "open({write!r}, 'wb').write(open({secret!r}, 'rb').read())",
    "loop": "\n    while True: pass",
    "memory": "bytearray(1 << 44)",
}

CODE = [
    *(
        Case(f"code by value: {kind}", kind, _carried(_REDUCED.replace("{body}", body)), by_value=True)
        for kind, body in _BODIES.items()
    ),
    Case(
        "a state by value",
        "program",
        _carried(
            "class Trap:\n    def __setstate__(self, state):\n        import os; os.system({shell!r})\n"
            "    def __getstate__(self):\n        return 1\nmodel = Trap()"
        ),
        by_value=True,
    ),
    Case(
        "a destructor by value",
        "program",
        _carried(
            "class Trap:\n    def __del__(self):\n        import os; os.system({shell!r})\nmodel = Trap"
        ),
        by_value=True,
    ),
    Case(
        "a module by value",
        "program",
        lambda p: whole(call(name("cloudpickle.cloudpickle:subimport"), text("antigravity"))),
        by_value=True,
    ),
    Case(
        "a type by value",
        "program",
        lambda p: whole(call(name("cloudpickle.cloudpickle:_make_skeleton_class"), _SYSTEM, text(shell(p)))),
    ),
]

VALUES = [*NAMES, *TEXTS, *STATES, *ENDLESS, *CODE]
