"""The allow list of the standard library, and the names whose calls are checked.

A name is on the list if it is harmless to call it with any arguments. It is not enough that a file only
mentions a name: a `partial`, a `defaultdict` or a method of a library may call it later. Other names have
rules of their own:

- `CONDITIONAL` names are harmless only for certain arguments. A file may call them at once, with arguments
  that can be read and pass a check. It may not store them, so that nothing else can call them.
- `FUNCTIONS` are harmless too, but no model calls them while it loads: a file that does is refused.
- `BY_VALUE` names make functions and classes by value. That is code in the file, which no list can check:
  it runs confined or not at all.
- Names in none of these lists are refused.
"""

from __future__ import annotations

# --------------------------------------------------------------------------- standard library

_CLASSES = """
    _collections.OrderedDict _collections._tuplegetter _decimal.Decimal _io.BytesIO _random.Random _uuid.UUID
    array._array_reconstructor array.array builtins.ArithmeticError builtins.AttributeError
    builtins.Exception builtins.IndexError builtins.KeyError builtins.NotImplementedError
    builtins.RuntimeError builtins.StopIteration builtins.TypeError builtins.UserWarning
    builtins.ValueError builtins.ZeroDivisionError builtins.bool builtins.complex builtins.dict
    builtins.float builtins.frozenset builtins.int builtins.list builtins.object builtins.set
    builtins.slice builtins.str builtins.tuple collections.ChainMap collections.Counter
    collections.OrderedDict collections.UserDict collections.UserList collections.UserString
    collections.defaultdict collections.deque datetime.date datetime.datetime datetime.time
    datetime.timedelta datetime.timezone decimal.Context decimal.Decimal functools.partial
    ipaddress.IPv4Address ipaddress.IPv4Network ipaddress.IPv6Address ipaddress.IPv6Network
    operator.itemgetter pathlib.Path pathlib.PosixPath pathlib.PurePath pathlib.PurePosixPath
    pathlib.PureWindowsPath pathlib.WindowsPath pathlib._local.Path pathlib._local.PosixPath
    pathlib._local.PurePosixPath random.Random re.RegexFlag re._compile types.GenericAlias
    types.MappingProxyType types.SimpleNamespace uuid.SafeUUID uuid.UUID zoneinfo.ZoneInfo
    zoneinfo.ZoneInfo._unpickle zoneinfo._unpickle
"""
CLASSES = frozenset(_CLASSES.split())
"""Classes and reconstructors: harmless to call, and each call makes an object of its own."""

_FUNCTIONS = """
    builtins.Ellipsis builtins.NotImplemented builtins.abs builtins.all builtins.any builtins.callable
    builtins.chr builtins.divmod builtins.hash builtins.isinstance builtins.issubclass builtins.len
    builtins.max builtins.min builtins.ord builtins.repr builtins.round builtins.sorted builtins.sum
    math.acos math.acosh math.asin math.asinh math.atan math.atan2 math.atanh math.ceil math.copysign
    math.cos math.cosh math.degrees math.dist math.e math.erf math.erfc math.exp math.expm1 math.fabs
    math.floor math.fmod math.frexp math.fsum math.gamma math.gcd math.hypot math.inf math.isclose
    math.isfinite math.isinf math.isnan math.isqrt math.ldexp math.lgamma math.log math.log10 math.log1p
    math.log2 math.modf math.nan math.pi math.radians math.remainder math.sin math.sinh math.sqrt math.tan
    math.tanh math.tau math.trunc statistics.fmean statistics.mean statistics.median statistics.pstdev
    statistics.stdev types.NoneType types.UnionType unicodedata.normalize
"""
_OPERATORS = "abs add and_ contains eq floordiv ge gt invert le lt ne neg not_ pos sub truediv truth xor"
_TYPE_NAMES = """
    AbstractSet Any AnyStr Callable ClassVar Collection Container Dict Final FrozenSet Generator Hashable
    Iterable Iterator List Literal Mapping MutableMapping MutableSequence Optional Sequence Set Sized Text
    Tuple Type Union
"""
_ABSTRACT = """
    Callable Collection Container Generator Hashable Iterable Iterator Mapping MutableMapping
    MutableSequence MutableSet Sequence Set Sized
"""
FUNCTIONS = (
    frozenset(_FUNCTIONS.split())
    | {f"{module}.{name}" for module in ("operator", "_operator") for name in _OPERATORS.split()}
    | {f"typing.{name}" for name in _TYPE_NAMES.split()}
    | {f"{module}.{name}" for module in ("collections.abc", "_collections_abc") for name in _ABSTRACT.split()}
)
"""Functions and types that a model keeps; harmless to call, with anything."""

_BY_VALUE = """
    _functools.reduce abc.ABC abc.ABCMeta abc.abstractmethod builtins.bytearray builtins.classmethod
    builtins.enumerate builtins.filter builtins.map builtins.memoryview builtins.pow builtins.print
    builtins.property builtins.reversed builtins.staticmethod builtins.super builtins.zip
    contextlib.contextmanager contextlib.nullcontext contextlib.suppress copy.copy copy.deepcopy
    dataclasses.Field dataclasses.FrozenInstanceError dataclasses.KW_ONLY dataclasses.MISSING
    dataclasses._DataclassParams dataclasses._FIELD dataclasses._FIELD_BASE dataclasses._FIELD_CLASSVAR
    dataclasses._FIELD_INITVAR dataclasses._HAS_DEFAULT_FACTORY_CLASS dataclasses._KW_ONLY_TYPE
    dataclasses._MISSING_TYPE dataclasses._dataclass_getstate dataclasses._dataclass_setstate
    dataclasses.asdict dataclasses.astuple dataclasses.dataclass dataclasses.field dataclasses.fields
    dataclasses.replace enum.Enum enum.Enum.__format__ enum.Enum.__hash__ enum.Enum.__new__
    enum.Enum.__reduce_ex__ enum.Enum.__repr__ enum.Enum.__str__ enum.Enum._generate_next_value_
    enum.EnumMeta enum.EnumType enum.Flag enum.IntEnum enum.IntFlag enum.StrEnum enum.auto
    functools.cached_property functools.lru_cache functools.partialmethod functools.singledispatch
    functools.total_ordering functools.wraps itertools.count json.dumps json.loads logging.DEBUG
    logging.ERROR logging.INFO logging.Logger logging.WARNING operator.attrgetter operator.mod
    operator.mul operator.pow string.Template types.BuiltinFunctionType types.FunctionType
    types.LambdaType types.MethodType types.ModuleType typing.ForwardRef typing.Generic
    typing.NamedTuple typing.NamedTupleMeta typing.Protocol typing.TypeVar typing.TypedDict
    typing._ProtocolMeta typing._TypedDictMeta warnings.warn
"""
BY_VALUE = frozenset(_BY_VALUE.split())
"""What classes by value are made of, and what the code of functions by value names as globals."""
_BY_VALUE_MODULES = """
    _collections_abc bisect cmath collections.abc datetime decimal heapq html itertools math re
    statistics string textwrap typing
"""
BY_VALUE_MODULES = frozenset(_BY_VALUE_MODULES.split())
"""Modules of which code by value may name anything public."""
NEVER = frozenset({"typing.get_type_hints"})

# --------------------------------------------------------------------------- checked by their arguments

GETATTR = frozenset({"builtins.getattr"})
BASES = frozenset(
    f"builtins.{name}" for name in ("object", "int", "float", "str", "tuple", "dict", "list", "type")
)
TYPE = frozenset({"builtins.type"})
GETITEM = frozenset({"operator.getitem", "_operator.getitem", "operator.or_", "_operator.or_"})
REDUCE = frozenset({"functools.reduce", "_functools.reduce"})
UFUNC = frozenset({"numpy._core._ufunc_reconstruct", "numpy.core._ufunc_reconstruct"})
TORCH_BYTES = frozenset({"torch.storage._load_from_bytes"})
TORCH_CALL = frozenset({"torch._tensor._rebuild_from_type_v2"})
TORCH_STATE = frozenset({"torch._utils._rebuild_parameter_with_state"})
JOBLIB_ARRAY = frozenset(
    {"joblib.numpy_pickle.NumpyArrayWrapper", "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper"}
)
COPYREG = frozenset({"copyreg.__newobj__", "copyreg.__newobj_ex__", "copyreg._reconstructor"})
TEXT_OF_BYTES = frozenset({"_codecs.encode"})
FILLED = frozenset({"builtins.bytes", "builtins.bytearray"})
RANGE = frozenset({"builtins.range"})
FRACTION = frozenset({"fractions.Fraction"})
LOGGER = frozenset({"logging.getLogger"})
CONDITIONAL = (
    GETATTR
    | TYPE
    | GETITEM
    | REDUCE
    | UFUNC
    | TORCH_BYTES
    | TORCH_CALL
    | TORCH_STATE
    | JOBLIB_ARRAY
    | COPYREG
    | TEXT_OF_BYTES
    | FILLED
    | RANGE
    | FRACTION
    | LOGGER
)
PARTIAL = frozenset({"functools.partial"})
TAKING_NAMES = GETITEM | REDUCE | TORCH_CALL | frozenset({"types.GenericAlias", "numpy.vectorize"})
"""Names besides `partial` that take functions and types without calling them."""
OF_CLASS = dict.fromkeys(
    (
        "pandas.core.indexes.base._new_Index",
        "pandas.core.indexes.datetimes._new_DatetimeIndex",
        "pandas.core.indexes.interval._new_IntervalIndex",
        "pandas.core.indexes.period._new_PeriodIndex",
        "pandas.core.indexes.timedeltas._new_TimedeltaIndex",
    ),
    "pandas.",
)
"""Reconstructors that call methods of their first argument, and the library whose class it must be."""
DICTS = frozenset(
    {"builtins.dict", "types.MappingProxyType", "types.SimpleNamespace", "_collections.OrderedDict"}
    | {f"collections.{name}" for name in ("ChainMap", "Counter", "OrderedDict", "UserDict", "defaultdict")}
)
"""What makes a dict, or attributes, of its arguments."""
READING_STATE = ("random.", "_random.", "numpy.random.", "numpy.dtype", "pandas.")
"""Where classes iterate or index what their state holds, as a call does with its arguments."""
STATE_OF = dict.fromkeys(TORCH_CALL | TORCH_STATE, 3)
"""Which argument is a state, of the functions that set one on what they make."""
FIRST_OF = {
    "numpy.core.multiarray._reconstruct": frozenset({"numpy.memmap"}),
    "numpy._core.multiarray._reconstruct": frozenset({"numpy.memmap"}),
    # Makes a bare instance of it, as the function of the same name in scikit-learn does.
    "hdbscan.dist_metrics.newObj": frozenset(
        f"hdbscan.dist_metrics.{name}Distance"
        for name in ("Chebyshev", "Euclidean", "Hamming", "Haversine", "Manhattan", "Minkowski", "SEuclidean")
    ),
} | dict.fromkeys(REDUCE, GETITEM)
"""Conditional names that may be the first argument of a call, by the name that is called."""
NO_DICTS = frozenset({"numpy", "pandas", "pyarrow", "polars", "torch"})
"""Libraries on the list of whose classes none is a dict."""
NUMPY_SCALARS = frozenset({"numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar"})
_NO_TEXTS = """
    builtins.frozenset builtins.complex datetime.date datetime.datetime datetime.time datetime.timedelta
    decimal.Decimal fractions.Fraction torch._utils._rebuild_parameter torch._utils._rebuild_tensor_v2
    uuid.UUID _uuid.UUID
"""
NO_TEXTS = frozenset(_NO_TEXTS.split())
"""What makes keys of a dict that are no texts."""
FORMULA_MAKERS = frozenset({"formulaic", "patsy"})
"""Libraries whose objects are formulas, and whose texts are checked one by one."""
SCIPY_TEMPLATE = "_parse_arg_template"
"""The attribute of a distribution that scipy evaluates when its state is set, also in a copy of it."""

MOST_FILLED = 1 << 24
"""The longest range that a file may make: a loop over it ends within a second."""

_ATTRIBUTES = """
    __dict__ __doc__ __fields_set__ __module__ __name__ __networkx_cache__ __orig_class__
    __pydantic_extra__ __pydantic_fields_set__ __pydantic_private__ __qualname__
"""
ATTRIBUTES = frozenset(_ATTRIBUTES.split())
"""Attributes with two underscores that libraries keep in a state. No protocol of Python looks for them."""

# --------------------------------------------------------------------------- code by value

CODE_MODULES = frozenset(
    {"cloudpickle.cloudpickle", "joblib.externals.cloudpickle.cloudpickle", "dill._dill"}
)
_CLOUDPICKLE = """
    _builtin_type _class_setstate _empty_cell_value _function_setstate _gen_ellipsis _gen_not_implemented
    _get_dataclass_field_type_sentinel _make_cell _make_dict_items _make_dict_keys _make_dict_values
    _make_empty_cell _make_function _make_skeleton_class _make_skeleton_enum _make_typevar
    dynamic_subimport subimport
"""
_DILL = """
    _create_array _create_cell _create_code _create_function _create_namedtuple _create_type _get_attr
    _import_module _load_type _setattr
"""
CODE_MAKERS = frozenset(f"{module}.{name}" for module in CODE_MODULES for name in _CLOUDPICKLE.split()) | {
    f"dill._dill.{name}" for name in _DILL.split()
}
CODE_OBJECT = frozenset({"_create_code", "CodeType"})
IMPORTERS = frozenset({"subimport", "_import_module"})
TRUST_BY_VALUE = "by-value"
"""What `--trust` takes for all code that the file carries."""
