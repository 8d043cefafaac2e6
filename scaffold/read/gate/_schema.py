"""The schema of a skops file as the pickle that builds the same object.

Source: the classes `...Node` of `skops.io`, protocol 2; a method is named after the node that it follows.
"""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Callable, Mapping
from typing import Any

from scaffold.read._streams import MalformedError
from scaffold.read.gate._digests import Digests
from scaffold.read.gate._opcodes import Opcodes, text_of

_KEY_TYPES = {"builtins.str": str, "builtins.int": int, "builtins.float": float}
_KEY_TYPES |= {"numpy.str_": str, "numpy.int64": int, "numpy.int32": int, "numpy.float64": float}
_BIT_GENERATORS = frozenset({"MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"})
_MOST_BYTES = 1 << 30
# Their compiled classes take their state as a tuple, by `__setstate__`.
_TUPLE_STATES = frozenset(
    {"sklearn.neighbors._kd_tree", "sklearn.neighbors._ball_tree", "sklearn.metrics._dist_metrics"}
)
_Node = Mapping[str, Any]


class SchemaPickle(Opcodes):
    """Opcodes that build what a schema describes."""

    def __init__(self, members: frozenset[str], read: Callable[[str], bytes]) -> None:
        super().__init__()
        self._members = members
        self._read = read
        self._seen: dict[int, bytes] = {}
        self._digests = Digests()

    def pickle_of(self, schema: _Node) -> bytes:
        """Return a pickle that builds the same object as skops does from a schema."""
        root = {key: value for key, value in schema.items() if key not in ("protocol", "_skops_version")}
        self._digests.add(root)
        self._node(root)
        return bytes(self.out) + pickle.STOP

    def _node(self, node: _Node) -> None:
        number = node["__id__"]
        if not isinstance(number, int) or isinstance(number, bool):
            raise MalformedError(0, "a node without a number")
        # skops resolves a repeated id to the first node with that id, whatever the later node holds.
        digest = self._digests.of(node)
        if self._seen.setdefault(number, digest) != digest:
            raise MalformedError(0, "two different nodes of one number")
        translate = self._loaders.get(node["__loader__"])
        if translate is None:
            raise MalformedError(
                0, f"a node of the type {str(node['__loader__'])[:60]!r}, which is not known"
            )
        translate(self, node)

    # ------------------------------------------------------------------ opcodes

    def _class(self, node: _Node) -> None:
        self.name(node["__module__"], node["__class__"])

    def _nodes(self, nodes: list[_Node], closing: bytes, opening: bytes = b"") -> None:
        self.out += opening + pickle.MARK
        for each in nodes:
            self._node(each)
        self.out += closing

    def _array(self, *extra: _Node) -> None:
        """An array without objects; `extra` is what is read beside it."""
        for each in extra:
            self._node(each)
            self.out += pickle.POP
        self.name("numpy", "ndarray")
        self.plain(0)
        self.out += pickle.TUPLE1 + pickle.NEWOBJ

    def _plain_arrays(self, *nodes: _Node) -> None:
        """Arrays whose protocols numpy asks; it would ask any other object too."""
        if any(each["__loader__"] != "NdArrayNode" for each in nodes):
            raise MalformedError(0, "another object where an array is expected")
        self._array(*nodes)

    def _member(self, node: _Node) -> None:
        if node["file"] not in self._members:
            raise MalformedError(0, "a node whose file is not in the archive")

    # ------------------------------------------------------------------ nodes

    def _json(self, node: _Node) -> None:
        self.plain(json.loads(text_of(node["content"])))

    def _dict(self, node: _Node) -> None:
        if _dotted_name(node) == "builtins.dict":
            self.out += pickle.EMPTY_DICT
        else:
            self._class(node)
            self.out += pickle.EMPTY_TUPLE + pickle.REDUCE
        self._items(node)

    def _items(self, node: _Node) -> None:
        """The items of a dict: skops calls the type of each key on its text."""
        types = node["key_types"]
        if types["__loader__"] != "ListNode" or _dotted_name(types) != "builtins.list":
            raise MalformedError(0, "keys whose types are no list")
        self._node(types)
        self.out += pickle.POP + pickle.MARK
        for kind, (key, value) in zip(types["content"], node["content"].items(), strict=True):
            convert = _KEY_TYPES.get(_dotted_name(kind))
            if convert is None or kind["__loader__"] != "TypeNode":
                raise MalformedError(0, f"a key of the type {_dotted_name(kind)[:60]!r}")
            self.plain(convert(key))
            self._node(value)
        self.out += pickle.SETITEMS

    def _default_dict(self, node: _Node) -> None:
        content = node["content"]
        self.name("collections", "defaultdict")
        self._node(content["default_factory"])
        self.out += pickle.TUPLE1 + pickle.REDUCE
        self._node(content["main"])
        self.out += pickle.POP

    def _sequence(self, node: _Node) -> None:
        """A list, a set or a tuple; skops calls any other class on a list, or on the items."""
        kind, content = _dotted_name(node), node["content"]
        if kind == "builtins.tuple":
            self._nodes(content, pickle.TUPLE)
        elif kind == "builtins.list":
            self._nodes(content, pickle.APPENDS, pickle.EMPTY_LIST)
        elif kind == "builtins.set":
            self._nodes(content, pickle.ADDITEMS, pickle.EMPTY_SET)
        elif node["__loader__"] == "TupleNode":
            self._class(node)
            self._nodes(content, pickle.TUPLE)
            self.out += pickle.REDUCE
        else:
            self._class(node)
            self._nodes(content, pickle.APPENDS, pickle.EMPTY_LIST)
            self.out += pickle.TUPLE1 + pickle.REDUCE

    def _partial(self, node: _Node) -> None:
        content = node["content"]
        self.name("functools", "partial")
        self._node(content["func"])
        self.out += pickle.TUPLE1 + pickle.REDUCE
        self._nodes([content[part] for part in ("func", "args", "kwds", "namespace")], pickle.TUPLE)
        self.out += pickle.BUILD

    def _method(self, node: _Node) -> None:
        self.name("builtins", "getattr")
        self._node(node["content"]["obj"])
        self.plain(text_of(node["content"]["func"]))
        self.out += pickle.TUPLE2 + pickle.REDUCE

    def _slice(self, node: _Node) -> None:
        self.name("builtins", "slice")
        for part in ("start", "stop", "step"):
            self.plain(node["content"][part])
        self.out += pickle.TUPLE3 + pickle.REDUCE

    def _object(self, node: _Node) -> None:
        self._class(node)
        self.out += pickle.EMPTY_TUPLE + pickle.NEWOBJ
        state = node.get("content")
        if state is not None:
            # Python would take a list of pairs for attributes too.
            kinds = {"DictNode": "builtins.dict", "JsonNode": _dotted_name(state)}
            if node["__module__"] in _TUPLE_STATES:
                kinds["TupleNode"] = "builtins.tuple"
            if _dotted_name(state) != kinds.get(state["__loader__"]):
                raise MalformedError(0, "a state that is no dict")
            if state["__loader__"] == "JsonNode" and isinstance(json.loads(state["content"]), list | str):
                raise MalformedError(0, "a state that is no dict")
            self._node(state)
            self.out += pickle.BUILD

    def _constructor(self, node: _Node) -> None:
        self._class(node)
        self._node(node["content"])
        self.out += pickle.REDUCE

    def _reduced(self, node: _Node) -> None:
        """`ReduceNode`; its class is fixed by its subclass, but for losses, which name it."""
        if node["__loader__"] == "TreeNode":
            self.name("sklearn.tree._tree", "Tree")
        else:
            self._class(node)
        self._node(node["__reduce__"]["args"])
        self.out += pickle.REDUCE
        self._node(node["content"])
        self.out += pickle.BUILD

    def _ndarray(self, node: _Node) -> None:
        if node["type"] == "json":
            self._node(node["shape"])
            self.out += pickle.POP
            self._nodes(node["content"], pickle.APPENDS, pickle.EMPTY_LIST)
            return
        self._member(node)
        if node["type"] != "numpy":
            raise MalformedError(0, "an array of an unknown form")
        if _dotted_name(node) == "numpy.ndarray":
            self._array()
            return
        self._class(node)
        self._array()
        self.out += pickle.TUPLE1 + pickle.REDUCE

    def _masked(self, node: _Node) -> None:
        self._plain_arrays(node["content"]["data"], node["content"]["mask"])

    def _dtype(self, node: _Node) -> None:
        self._class(node)
        self.out += pickle.POP
        self._plain_arrays(node["content"])

    def _sparse(self, node: _Node) -> None:
        self._member(node)
        self._class(node)
        self.out += pickle.POP
        self._array()

    def _random_state(self, node: _Node) -> None:
        if _dotted_name(node) not in ("numpy.random.mtrand.RandomState", "numpy.random.RandomState"):
            raise MalformedError(0, "a state of random numbers that numpy does not have")
        self._array(node["content"])

    def _generator(self, node: _Node) -> None:
        content = node["content"]
        state = content["bit_generator"]
        generator_name = state["content"]["bit_generator"]
        if (state["__loader__"], _dotted_name(state), generator_name["__loader__"]) != (
            "DictNode",
            "builtins.dict",
            "JsonNode",
        ):
            raise MalformedError(0, "a state of random numbers that cannot be read")
        name = json.loads(generator_name["content"])
        if name not in _BIT_GENERATORS or _dotted_name(node) != "numpy.random._generator.Generator":
            raise MalformedError(0, "a generator of random numbers that numpy does not have")
        self._array(content["bit_generator"], content["seed_seq"])

    def _bytes(self, node: _Node) -> None:
        self._member(node)
        data = self._read(node["file"])
        if len(self.out) + len(data) > _MOST_BYTES:
            raise MalformedError(0, f"nodes that hold more than {_MOST_BYTES >> 20} MiB of bytes")
        self.out += pickle.BINBYTES8 + struct.pack("<Q", len(data)) + data

    def _operator(self, node: _Node) -> None:
        self.name("operator", node["__class__"])
        self._node(node["attrs"])
        self.out += pickle.REDUCE

    _loaders: Mapping[str, Callable[[SchemaPickle, _Node], None]] = {
        "JsonNode": _json,
        "DictNode": _dict,
        "DefaultDictNode": _default_dict,
        "ListNode": _sequence,
        "SetNode": _sequence,
        "TupleNode": _sequence,
        "FunctionNode": _class,
        "TypeNode": _class,
        "PartialNode": _partial,
        "MethodNode": _method,
        "SliceNode": _slice,
        "ObjectNode": _object,
        "ConstructorFromReduceNode": _constructor,
        "TreeNode": _reduced,
        "LossNode": _reduced,
        "NdArrayNode": _ndarray,
        "MaskedArrayNode": _masked,
        "DTypeNode": _dtype,
        "SparseMatrixNode": _sparse,
        "RandomStateNode": _random_state,
        "RandomGeneratorNode": _generator,
        "BytesNode": _bytes,
        "BytearrayNode": _bytes,
        "OperatorFuncNode": _operator,
    }


def _dotted_name(node: _Node) -> str:
    return f"{text_of(node['__module__'])}.{text_of(node['__class__'])}"
