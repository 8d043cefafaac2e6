"""The allow list: what a pickle may name, and what it may call, without being trusted by name.

Two questions are asked of a name. May it be *mentioned*: a function that a model keeps, such as the
`numpy.log1p` of a FunctionTransformer, only runs when the model predicts. And may it be *called* while the
file loads: only classes and reconstructors may. What is in none of these lists is refused.
"""

from __future__ import annotations

# --------------------------------------------------------------------------- standard library

_CALLED = """
    _codecs.encode _collections.OrderedDict _collections._tuplegetter _decimal.Decimal _random.Random
    _uuid.UUID array._array_reconstructor array.array builtins.ArithmeticError builtins.AttributeError
    builtins.Exception builtins.IndexError builtins.KeyError builtins.NotImplementedError
    builtins.RuntimeError builtins.StopIteration builtins.TypeError builtins.UserWarning
    builtins.ValueError builtins.ZeroDivisionError builtins.bool builtins.bytearray builtins.bytes
    builtins.classmethod builtins.complex builtins.dict builtins.float builtins.frozenset builtins.int
    builtins.list builtins.memoryview builtins.object builtins.property builtins.range builtins.reversed
    builtins.set builtins.slice builtins.staticmethod builtins.str builtins.super builtins.tuple
    collections.ChainMap collections.Counter collections.OrderedDict collections.UserDict
    collections.UserList collections.UserString collections.defaultdict collections.deque
    copyreg.__newobj__ copyreg.__newobj_ex__ copyreg._reconstructor dataclasses.Field
    dataclasses._DataclassParams dataclasses._FIELD_BASE dataclasses._HAS_DEFAULT_FACTORY_CLASS
    dataclasses._KW_ONLY_TYPE dataclasses._MISSING_TYPE datetime.date datetime.datetime datetime.time
    datetime.timedelta datetime.timezone decimal.Context decimal.Decimal fractions.Fraction
    functools.cached_property functools.partial functools.partialmethod ipaddress.IPv4Address
    ipaddress.IPv4Network ipaddress.IPv6Address ipaddress.IPv6Network itertools.count logging.getLogger
    operator.itemgetter pathlib.Path pathlib.PosixPath pathlib.PurePath pathlib.PurePosixPath
    pathlib.PureWindowsPath pathlib.WindowsPath pathlib._local.Path pathlib._local.PosixPath
    pathlib._local.PurePosixPath random.Random re._compile string.Template types.GenericAlias
    types.MappingProxyType types.SimpleNamespace typing.ForwardRef uuid.SafeUUID uuid.UUID
    zoneinfo.ZoneInfo zoneinfo.ZoneInfo._unpickle zoneinfo._unpickle
"""

_MENTIONED = """
    _functools.reduce abc.ABC abc.ABCMeta abc.abstractmethod builtins.Ellipsis builtins.NotImplemented
    builtins.abs builtins.all builtins.any builtins.callable builtins.chr builtins.divmod
    builtins.enumerate builtins.filter builtins.hash builtins.isinstance builtins.issubclass builtins.len
    builtins.map builtins.max builtins.min builtins.ord builtins.pow builtins.print builtins.repr
    builtins.round builtins.sorted builtins.sum builtins.type builtins.zip contextlib.contextmanager
    contextlib.nullcontext contextlib.suppress copy.copy copy.deepcopy dataclasses.FrozenInstanceError
    dataclasses.KW_ONLY dataclasses.MISSING dataclasses._FIELD dataclasses._FIELD_CLASSVAR
    dataclasses._FIELD_INITVAR dataclasses._dataclass_getstate dataclasses._dataclass_setstate
    dataclasses.asdict dataclasses.astuple dataclasses.dataclass dataclasses.field dataclasses.fields
    dataclasses.replace enum.Enum enum.Enum.__format__ enum.Enum.__hash__ enum.Enum.__new__
    enum.Enum.__reduce_ex__ enum.Enum.__repr__ enum.Enum.__str__ enum.Enum._generate_next_value_
    enum.EnumMeta enum.EnumType enum.Flag enum.IntEnum enum.IntFlag enum.StrEnum enum.auto
    functools.lru_cache functools.reduce functools.singledispatch functools.total_ordering functools.wraps
    json.dumps json.loads logging.DEBUG logging.ERROR logging.INFO logging.Logger logging.WARNING
    operator.abs operator.add operator.and_ operator.contains operator.eq operator.floordiv operator.ge
    operator.gt operator.invert operator.le operator.lt operator.mod operator.mul operator.ne operator.neg
    operator.not_ operator.pos operator.pow operator.sub operator.truediv operator.truth operator.xor
    types.BuiltinFunctionType types.FunctionType types.LambdaType types.MethodType types.ModuleType
    types.NoneType types.UnionType typing.Generic typing.NamedTuple typing.NamedTupleMeta typing.Protocol
    typing.TypeVar typing.TypedDict typing._ProtocolMeta typing._TypedDictMeta unicodedata.normalize
    warnings.warn
"""

# Modules of which anything may be mentioned, and that code which the file carries may import.
_HARMLESS = """
    __future__ abc array base64 binascii bisect calendar cmath collections collections.abc contextlib copy
    dataclasses datetime decimal difflib enum fractions functools hashlib heapq html itertools json
    logging math numbers operator random re statistics string textwrap time typing unicodedata uuid
    warnings zoneinfo
"""
_MENTIONED_WHOLE = frozenset(
    {"cmath", "heapq", "bisect", "math", "re", "statistics", "string", "textwrap", "typing"}
)
_MENTIONED_WHOLE |= {
    "collections.abc",
    "_collections_abc",
    "_operator",
    "html",
    "datetime",
    "decimal",
    "itertools",
}

CALLED = frozenset(_CALLED.split())
MENTIONED = frozenset(_MENTIONED.split())
IMPORTED = frozenset(_HARMLESS.split())
WATCHED = frozenset(
    {
        "_thread",
        "os",
        "os.path",
        "posixpath",
        "pathlib",
        "io",
        "sys",
        "csv",
        "glob",
        "pickle",
        "threading",
        "types",
    }
)
"""Modules that the user's own code may import, as long as it uses nothing of `DANGEROUS_ATTRIBUTES`."""


def is_mentioned_module(module: str) -> bool:
    """Whether anything of this standard module may be mentioned."""
    return module in _MENTIONED_WHOLE


NEVER_MENTIONED = frozenset({"operator.methodcaller", "_operator.methodcaller", "typing.get_type_hints"})

# --------------------------------------------------------------------------- decided by arguments

GETATTR = frozenset({"builtins.getattr"})
# What cloudpickle fetches for a class that inherits it; all of it is harmless, and none of it is called.
BASES = frozenset(
    f"builtins.{name}" for name in ("object", "int", "float", "str", "tuple", "dict", "list", "type")
)
SLOTS = frozenset(
    {"__new__", "__init__", "__repr__", "__str__", "__format__", "__hash__", "__eq__", "__reduce_ex__"}
)
ATTRGETTER = frozenset({"operator.attrgetter", "_operator.attrgetter"})
TYPE = frozenset({"builtins.type"})
GETITEM = frozenset({"operator.getitem", "_operator.getitem", "operator.or_", "_operator.or_"})
# Whose texts are evaluated: as annotations of a class that is made, or as types by name.
ANNOTATED = frozenset({"pydantic._internal._model_construction.ModelMetaclass"})
TYPE_FORMS = frozenset({"typing.ForwardRef", "types.GenericAlias"})
LITERAL = frozenset({"typing.Literal", "typing_extensions.Literal"})
FILLED = frozenset(
    f"builtins.{name}" for name in ("list", "tuple", "set", "frozenset", "bytes", "bytearray", "dict")
)
UFUNC = frozenset({"numpy._core._ufunc_reconstruct", "numpy.core._ufunc_reconstruct"})
TORCH_BYTES = frozenset({"torch.storage._load_from_bytes"})
TORCH_CALL = frozenset({"torch._tensor._rebuild_from_type_v2"})
JOBLIB_ARRAY = frozenset(
    {"joblib.numpy_pickle.NumpyArrayWrapper", "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper"}
)
JOBLIB_OLD = frozenset(
    {f"joblib.numpy_pickle_compat.{name}" for name in ("NDArrayWrapper", "ZNDArrayWrapper")}
)
REDUCE = frozenset({"functools.reduce", "_functools.reduce"})
BY_ARGUMENTS = (
    REDUCE | GETATTR | ATTRGETTER | TYPE | GETITEM | UFUNC | TORCH_BYTES | TORCH_CALL | JOBLIB_ARRAY
)

# --------------------------------------------------------------------------- cloudpickle

CLOUDPICKLE_MODULES = (
    "cloudpickle.cloudpickle",
    "joblib.externals.cloudpickle.cloudpickle",
)
_CLOUDPICKLE = """
    _builtin_type _class_setstate _empty_cell_value _function_setstate _gen_ellipsis _gen_not_implemented
    _get_dataclass_field_type_sentinel _make_cell _make_dict_items _make_dict_keys _make_dict_values
    _make_empty_cell _make_function _make_skeleton_class _make_skeleton_enum _make_typevar
    dynamic_subimport subimport
"""
CLOUDPICKLE = frozenset(_CLOUDPICKLE.split())
METACLASSES = frozenset(
    {
        "builtins.type",
        "abc.ABCMeta",
        "enum.EnumMeta",
        "enum.EnumType",
        "typing.NamedTupleMeta",
        "typing._ProtocolMeta",
        "typing._TypedDictMeta",
    }
)
CLOUDPICKLE_TYPES = frozenset(
    {
        "CodeType",
        "FunctionType",
        "LambdaType",
        "MethodType",
        "CellType",
        "ModuleType",
        "GeneratorType",
        "MappingProxyType",
        "BuiltinFunctionType",
        "BuiltinMethodType",
        "NoneType",
        "EllipsisType",
        "NotImplementedType",
        "SimpleNamespace",
        "GenericAlias",
        "UnionType",
        "DynamicClassAttribute",
    }
)
