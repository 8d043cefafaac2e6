"""Tricks against the gate: computed names, calls of calls, states that are code, nested pickles."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression

from scaffold.errors import CarriedCodeError, NotAModelError, TruncatedFileError, UntrustedCodeError
from scaffold.read import read_artifact

P = pickle


@pytest.fixture(autouse=True)
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every payload would create PWNED in the current directory: it may never exist."""
    monkeypatch.chdir(tmp_path)
    yield
    assert not list(tmp_path.rglob("PWNED*"))


class Reduced:
    """An object that pickles as a given call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def text(value: str) -> bytes:
    data = value.encode()
    return P.SHORT_BINUNICODE + bytes([len(data)]) + data


def named(module: str, qualname: str) -> bytes:
    return text(module) + text(qualname) + P.STACK_GLOBAL


def called(function: bytes, *arguments: bytes) -> bytes:
    return function + P.MARK + b"".join(arguments) + P.TUPLE + P.REDUCE


def dict_of(**values: bytes) -> bytes:
    return P.EMPTY_DICT + P.MARK + b"".join(text(key) + value for key, value in values.items()) + P.SETITEMS


def whole(*body: bytes) -> bytes:
    return P.PROTO + b"\x04" + b"".join(body) + P.STOP


def read(content: bytes, name: str = "model.pkl", **more: Any) -> Any:
    path = Path.cwd() / name
    path.write_bytes(content)
    return read_artifact(path, **more)


def refused(content: bytes, **more: Any) -> list[str]:
    with pytest.raises(UntrustedCodeError) as caught:
        read(content, **more)
    return [name for name, _, _ in caught.value.names]


TOUCH = text("touch PWNED")
TRAP = whole(called(named("posix", "system"), TOUCH))
REGRESSION = named("sklearn.linear_model._base", "LinearRegression")
INSTANCE = REGRESSION + P.EMPTY_TUPLE + P.NEWOBJ
UFUNC = named("numpy._core", "_ufunc_reconstruct")
MAKE_FUNCTION = named("cloudpickle.cloudpickle", "_make_function")
SKELETON = called(
    named("cloudpickle.cloudpickle", "_make_skeleton_class"),
    named("builtins", "type"),
    text("Trap"),
    P.EMPTY_TUPLE,
    P.EMPTY_DICT,
    P.NONE,
    P.NONE,
)
FILE = P.PROTO + b"\x02" + P.GLOBAL

MEMOISED = (
    text("system")
    + P.MEMOIZE
    + P.POP
    + text("posix")
    + P.MEMOIZE
    + P.POP
    + P.BINGET
    + b"\x01"
    + P.BINGET
    + b"\x00"
    + P.STACK_GLOBAL
    + TOUCH
    + P.TUPLE1
    + P.REDUCE
)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (MEMOISED, "posix.system"),
        (called(named("builtins", "getattr"), named("os", "path"), text("os")), "os.path"),
        (called(named("builtins", "getattr"), INSTANCE, text("__init__")), "builtins.getattr"),
        (called(named("builtins", "getattr"), REGRESSION, text("fit")), "builtins.getattr"),
        (called(UFUNC, text("os"), text("system")), "os.system"),
        (called(called(UFUNC, text("posix"), text("system")), TOUCH), "posix.system"),
        (called(named("numpy", "log"), P.NONE), "numpy.log"),
        (called(named("numpy", "memmap"), TOUCH), "numpy.memmap"),
        (called(named("joblib.memory", "Memory"), TOUCH), "joblib.memory.Memory"),
        (INSTANCE + dict_of(memory=named("joblib.memory", "Memory")) + P.BUILD, "joblib.memory.Memory"),
        (
            called(named("sklearn.metrics._regression", "mean_squared_error"), P.NONE),
            "sklearn.metrics._regression.mean_squared_error",
        ),
        (called(named("functools", "partial"), named("os", "system"), TOUCH), "os.system"),
        (
            called(called(named("functools", "partial"), named("numpy", "log")), P.NONE),
            "functools.partial(...)",
        ),
        (called(named("operator", "attrgetter"), text("__class__.__init__")), "operator.attrgetter"),
        (
            called(named("operator", "itemgetter"), P.NONE) + P.NONE + P.TUPLE1 + P.REDUCE,
            "operator.itemgetter(...)",
        ),
        (called(named("operator", "getitem"), INSTANCE, text("x")), "operator.getitem"),
        (called(named("builtins", "type"), text("X"), P.EMPTY_TUPLE, P.EMPTY_DICT), "builtins.type"),
        (called(named("builtins", "zip"), P.NONE), "builtins.zip"),
        (called(named("builtins", "print"), TOUCH), "builtins.print"),
        (called(named("builtins", "map"), named("numpy", "log"), P.NONE), "builtins.map"),
        (called(named("functools", "reduce"), named("numpy", "log"), P.NONE), "functools.reduce"),
        (called(named("copyreg", "__newobj__"), named("subprocess", "Popen")), "subprocess.Popen"),
        (called(named("copyreg", "_reconstructor"), named("numpy", "log"), P.NONE, P.NONE), "numpy.log"),
        (named("subprocess", "Popen") + P.EMPTY_TUPLE + P.NEWOBJ, "subprocess.Popen"),
        (P.INST + b"posix\nsystem\n", "posix.system"),
        (P.MARK + named("posix", "system") + TOUCH + P.OBJ, "posix.system"),
        (named("posix", "system") + TOUCH + P.TUPLE1 + P.EMPTY_DICT + P.NEWOBJ_EX, "posix.system"),
        (P.EXT1 + b"\x01", "copyreg extension"),
        (REGRESSION + dict_of(fit=P.NONE) + P.BUILD, "sklearn.linear_model._base.LinearRegression"),
        (
            INSTANCE + P.NONE + dict_of(__class__=REGRESSION) + P.TUPLE2 + P.BUILD,
            "sklearn.linear_model._base.LinearRegression(...)",
        ),
        (
            INSTANCE
            + P.NONE
            + called(named("collections", "OrderedDict"))
            + text("__class__")
            + P.NONE
            + P.SETITEM
            + P.TUPLE2
            + P.BUILD,
            "sklearn.linear_model._base.LinearRegression(...)",
        ),
        (named("numpy", "log") + P.NONE + P.APPEND, "numpy.log"),
        (named("types", "CodeType") + P.EMPTY_TUPLE + P.REDUCE, "types.CodeType"),
        (
            called(named("cloudpickle.cloudpickle", "subimport"), text("subprocess")),
            "cloudpickle.cloudpickle.subimport",
        ),
        (
            called(named("cloudpickle.cloudpickle", "_builtin_type"), text("Popen")),
            "cloudpickle.cloudpickle._builtin_type",
        ),
        (
            called(named("cloudpickle.cloudpickle", "_function_setstate"), named("numpy", "log"), P.NONE),
            "cloudpickle.cloudpickle._function_setstate",
        ),
        (
            called(named("cloudpickle.cloudpickle", "_class_setstate"), REGRESSION, P.NONE),
            "cloudpickle.cloudpickle._class_setstate",
        ),
        (
            called(called(MAKE_FUNCTION, P.NONE, P.NONE, P.NONE, P.NONE, P.NONE)),
            "cloudpickle.cloudpickle._make_function",
        ),
        (
            SKELETON + dict_of(__setstate__=P.NONE) + P.BUILD,
            "cloudpickle.cloudpickle._make_skeleton_class",
        ),
        (
            called(
                named("torch._tensor", "_rebuild_from_type_v2"),
                named("torch", "relu"),
                P.NONE,
                P.NONE,
                P.NONE,
            ),
            "torch._tensor._rebuild_from_type_v2",
        ),
        (
            called(named("torch.storage", "_load_from_bytes"), P.SHORT_BINBYTES + bytes([len(TRAP)]) + TRAP),
            "posix.system",
        ),
        (called(named("torch.storage", "_load_from_bytes"), text("PK")), "torch.storage._load_from_bytes"),
        (
            called(named("joblib.numpy_pickle", "NumpyArrayWrapper"), P.NONE),
            "joblib.numpy_pickle.NumpyArrayWrapper",
        ),
        (
            named("joblib.numpy_pickle_compat", "ZNDArrayWrapper") + P.EMPTY_TUPLE + P.NEWOBJ,
            "joblib.numpy_pickle_compat.ZNDArrayWrapper",
        ),
        (called(named("lightgbm.basic", "Booster"), P.NONE, P.NONE, TOUCH), "lightgbm.basic.Booster"),
        (called(P.NONE), "None"),
        (
            called(
                named("cloudpickle.cloudpickle", "_make_skeleton_class"),
                named("builtins", "print"),
                text("x"),
            ),
            "cloudpickle.cloudpickle._make_skeleton_class",
        ),
    ],
)
def test_a_trick_is_refused_by_the_name_that_it_comes_to(body: bytes, name: str) -> None:
    assert name in refused(whole(body), confined=False)


def test_a_name_that_cannot_be_determined_is_refused() -> None:
    long = "x" * 70_000
    body = P.BINUNICODE + struct.pack("<I", len(long)) + long.encode() + text("system") + P.STACK_GLOBAL
    assert refused(whole(body)) == ["?.?"]


def test_names_of_python_2_are_read_as_python_3_finds_them() -> None:
    assert refused(P.PROTO + b"\x02" + P.GLOBAL + b"__builtin__\neval\n.") == ["builtins.eval"]
    assert refused(P.GLOBAL + b"commands\ngetoutput\n.") == ["subprocess.getoutput"]


@pytest.mark.parametrize("wrap", [gzip.compress, bz2.compress, lzma.compress, zlib.compress])
def test_a_compressed_trap_is_refused_too(wrap: Callable[[bytes], bytes]) -> None:
    assert refused(wrap(TRAP)) == ["posix.system"]


def test_lzma_and_lz4_are_unpacked() -> None:
    import lz4.frame

    assert refused(lzma.compress(TRAP, format=lzma.FORMAT_ALONE)) == ["posix.system"]
    assert refused(lz4.frame.compress(TRAP)) == ["posix.system"]


def test_every_pickle_of_a_sequence_is_checked() -> None:
    assert refused(whole(P.NONE) + TRAP) == ["posix.system"]
    assert read(whole(P.NONE) + b"\x80tail").format.value == "pickle"


def test_a_trap_before_a_fault_of_the_file_is_reported() -> None:
    assert refused(TRAP[:-1] + b"\xff") == ["posix.system"]


def test_the_arrays_of_joblib_hide_nothing() -> None:
    inside = np.array([Reduced(os.system, "touch PWNED")], dtype=object)
    joblib.dump({"x": np.arange(5.0), "trap": inside, "y": np.arange(3)}, "model.joblib")
    with pytest.raises(UntrustedCodeError) as caught:
        read_artifact(Path("model.joblib"))
    assert [name for name, _, _ in caught.value.names] == ["posix.system"]


@pytest.mark.parametrize("compress", [0, 3, "gzip", "bz2", "xz", "lzma", "lz4"])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4),
        np.asfortranarray(np.arange(12, dtype="i2").reshape(3, 4)),
        np.array(["a", "bcd"]),
        np.array([b"a", b"bc"]),
        np.array(["2024-01-01"], dtype="M8[D]"),
        np.array([(1, 2.5, "x")], dtype=[("a", "i4"), ("b", "f8"), ("c", "U3")]),
        np.array([(1, ["x"])], dtype=[("a", "i4"), ("b", "O")]),
        np.array([{"a": 1}, None], dtype=object),
        np.array(3.0),
        np.zeros((0, 3)),
        np.array([1 + 2j], dtype=">c16"),
        np.array([True, False]),
    ],
    ids=lambda array: str(array.dtype),
)
def test_the_opcodes_go_on_behind_every_array_of_joblib(array: np.ndarray[Any, Any], compress: Any) -> None:
    value = [array, array[:1] if array.ndim else array, Reduced(os.system, "touch PWNED")]
    joblib.dump(value, "model.joblib", compress=compress)
    with pytest.raises(UntrustedCodeError) as caught:
        read_artifact(Path("model.joblib"))
    assert [name for name, _, _ in caught.value.names] == ["posix.system"]


def test_an_archive_of_torch_is_checked() -> None:
    torch.save({"trap": Reduced(os.system, "touch PWNED"), "weights": torch.zeros(3)}, "model.pt")
    with pytest.raises(UntrustedCodeError, match=r"posix\.system at byte \d+ of model/data\.pkl"):
        read_artifact(Path("model.pt"))


def test_the_old_format_of_torch_is_checked() -> None:
    value = {"trap": Reduced(os.system, "touch PWNED"), "weights": torch.zeros(3)}
    torch.save(value, "model.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(UntrustedCodeError, match=r"posix\.system"):
        read_artifact(Path("model.pt"))


def test_an_archive_with_two_members_of_one_name_is_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(1, 1), "model.pt")
    with zipfile.ZipFile("model.pt", "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("model/data.pkl", TRAP)
    with pytest.raises(NotAModelError, match="two members of one name"):
        read_artifact(Path("model.pt"))


def test_a_second_pickle_in_an_archive_is_checked_under_any_name() -> None:
    torch.save(torch.nn.Linear(1, 1), "model.pt")
    with zipfile.ZipFile("model.pt", "a") as archive:
        archive.writestr("model/other", TRAP)
    with pytest.raises(UntrustedCodeError, match=r"of model/other"):
        read_artifact(Path("model.pt"))


def by_value(source: str, name: str) -> bytes:
    """The pickle of what `name` is after `source` ran as a script of its own."""
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "train.py", "exec"), space)
    return cloudpickle.dumps(space[name])


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("def model(x):\n    import os\n    os.system('touch PWNED')", "train.py:model"),
        ("def model(x):\n    return eval(x)", "train.py:model"),
        (
            "class model:\n    def __setstate__(self, s):\n        __import__('os').system('touch PWNED')",
            "train.py:__setstate__",
        ),
        ("import torch\ndef model(x):\n    return torch.load(x, weights_only=False)", "train.py:model"),
        ("import random\ndef model(x):\n    return getattr(random, '_o' + 's')", "train.py:model"),
        (
            "import socket\nclass model:\n    def predict(self, x):\n        return socket.socket()",
            "train.py:predict",
        ),
    ],
)
def test_code_that_the_file_carries_needs_confinement_or_trust(source: str, place: str) -> None:
    content = by_value(source, "model")
    assert place in refused(content, confined=False)
    for trusted in (["by-value"], [place]):
        assert read(content, confined=False, trusted=trusted) == read(content)


def test_the_message_lists_every_function_and_what_to_type() -> None:
    source = "def scale(x):\n    return x * 2\ndef model(x):\n    return scale(x) + 1"
    with pytest.raises(CarriedCodeError) as caught:
        read(by_value(source, "model"), confined=False)
    assert re.sub(r"at byte \d+", "at byte N", str(caught.value)) == (
        "Refused as unsafe: model.pkl carries code, which would run here without confinement.\n"
        "  train.py:model at byte N\n"
        "  train.py:scale at byte N\n"
        "If you made this file: scaffold new ... --trust by-value"
    )


def test_names_next_to_code_by_value_are_judged_as_usual() -> None:
    source = "from os import system\ndef model(x):\n    return system(x)"
    assert refused(by_value(source, "model")) == ["posix.system"]


def test_code_by_value_may_store_library_objects_but_not_call_them_while_loading() -> None:
    kept = "from sklearn.datasets import fetch_openml\ndef model(x):\n    return fetch_openml(x)"
    read(by_value(kept, "model"))
    assert refused(whole(named("sklearn.datasets", "fetch_openml"))) == ["sklearn.datasets.fetch_openml"]


def test_names_for_code_by_value_are_refused_without_such_code() -> None:
    assert refused(whole(named("functools", "wraps"))) == ["functools.wraps"]


@pytest.mark.parametrize(
    "source",
    [
        "import re\nimport math\ndef model(x):\n    return re.sub('a', 'b', x), math.sqrt(2)",
        "import os\ndef model(x):\n    return os.path.join(x, os.environ.get('HOME', ''))",
        "import numpy as np\nimport pandas as pd\ndef model(x):\n    return pd.Series(x).eval(), np.log(x)",
        "def model(x):\n    with open('x.csv') as f:\n        return f.read().replace(x, '')",
        "import logging\nlog = logging.getLogger('x')\ndef model(x):\n    log.info('x')",
        (
            "from dataclasses import dataclass, field\n@dataclass\nclass model:\n    a: int = 1\n"
            "    b: list[int] = field(default_factory=list)"
        ),
        "import enum\nclass Color(enum.Enum):\n    RED = 1\nmodel = {Color.RED: Color}",
        "from typing import NamedTuple, Optional\nclass model(NamedTuple):\n    b: Optional[str] = None",
        (
            "import abc\nclass Base(abc.ABC):\n    @abc.abstractmethod\n    def predict(self, x): ...\n"
            "class model(Base):\n    def predict(self, x):\n        return super().__class__.__name__"
        ),
        "import functools\ndef f(x, k):\n    return x + k\nmodel = functools.partial(f, k=2)",
        (
            "import torch\nclass Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.layer = torch.nn.Linear(2, 1)\n    def forward(self, x):\n"
            "        return torch.relu(self.layer(x))\nmodel = Net().eval()"
        ),
        (
            "from decimal import Decimal\nfrom datetime import datetime, timezone\nimport uuid\n"
            "model = [Decimal('1'), datetime.now(timezone.utc), uuid.UUID(int=1), {1}, 1j, b'x']"
        ),
        (
            "from sklearn.preprocessing import FunctionTransformer as F\nimport numpy as np\n"
            "model = [F(np.log1p), F(lambda x: x), F(len)]"
        ),
        (
            "from collections import defaultdict, Counter, OrderedDict, deque\n"
            "model = [defaultdict(list), Counter('aa'), OrderedDict(a=1), deque([1])]"
        ),
        "import operator\nmodel = [operator.itemgetter(1)]",
        "import re, pathlib\nmodel = [re.compile('a'), pathlib.Path('x')]",
    ],
)
def test_code_as_people_write_it_passes_and_loads(source: str) -> None:
    content = by_value(source, "model")
    read(content)
    assert pickle.loads(content) is not None


def test_scipy_evaluates_no_text_of_the_file() -> None:
    from scipy import stats

    content = pickle.dumps(stats.gamma(2.0))
    read(content)
    found = content.index(b"_parse_args_rvs")
    evil = content[:found] + b"eval('PWNED_')\n" + content[found + 15 :]
    assert refused(evil) == ["scipy.stats._continuous_distns.gamma_gen(...)"]


def test_a_formula_is_not_a_program() -> None:
    import statsmodels.formula.api as smf

    frame = __import__("pandas").DataFrame({"y": [1.0, 2, 3, 5], "x": [1.0, 2, 4, 7]})
    read(pickle.dumps(smf.ols("y ~ np.log(x)", frame).fit()))
    instance = named("statsmodels.base.data", "ModelData") + P.EMPTY_TUPLE + P.NEWOBJ
    body = instance + dict_of(formula=text("y ~ __import__('os').system('touch PWNED')")) + P.BUILD
    assert "__import__" in refused(whole(body))


def test_a_bomb_is_refused_before_it_fills_the_memory() -> None:
    head = P.PROTO + b"\x04" + P.BINBYTES8 + struct.pack("<Q", 64 << 30)
    zeros = gzip.compress(bytes(16 << 20), 9)
    with pytest.raises(
        NotAModelError, match="it unpacks to more than 256 MiB, far more than a model of its size"
    ):
        read(gzip.compress(head) + zeros * 20)


def test_a_length_beyond_the_end_allocates_nothing() -> None:
    with pytest.raises(TruncatedFileError):
        read(P.PROTO + b"\x04" + P.BINBYTES8 + struct.pack("<Q", 1 << 60) + b"x")


def test_a_genuine_model_with_a_trap_in_an_attribute_is_refused() -> None:
    model = LinearRegression()
    model.helper_ = Reduced(os.system, "touch PWNED")
    buffer = io.BytesIO()
    pickle.dump(model, buffer)
    assert refused(buffer.getvalue()) == ["posix.system"]
