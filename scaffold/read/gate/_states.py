"""What a state may set on an object: no protocol of Python, nothing that cannot be read."""

from __future__ import annotations

from scaffold.read.gate import _allowed
from scaffold.read.gate._arguments import described, is_name
from scaffold.read.gate._arrays import is_numeric_dtype
from scaffold.read.gate._libraries import EVALUATING, INPUTS, READING
from scaffold.read.gate._policy import Policy
from scaffold.read.gate._report import Report
from scaffold.read.gate._texts import Texts
from scaffold.read.gate._values import Call, Items, Named, Opaque, Pairs, Value, is_plain


class States:
    """Checks the states and attributes of one pickle."""

    def __init__(self, policy: Policy, report: Report, texts: Texts) -> None:
        self._policy = policy
        self._refuse = report.refuse
        self._member = report.member
        self._texts = texts

    def check(self, instance: Call, state: Value, offset: int) -> None:
        """Refuse a state that changes what an object is, or that cannot be read."""
        # What Python takes for attributes is a dict, or a pair of dicts.
        pair = isinstance(state, tuple) and len(state) == 2
        is_partial = is_name((instance.maker,), _allowed.PARTIAL)
        keywords = state[2:] if is_partial and isinstance(state, tuple) else ()
        for part in state if isinstance(state, tuple) else (state,):
            match part:
                case Pairs():
                    self.check_attributes(instance, part.values, offset)
                    if not part.whole:
                        self._refuse(described(instance), offset, "its state is too long to be read")
                    part.closed = True
                case Call(content=Pairs(values=values, whole=True)) if _is_filled_dict(part):
                    self.check_attributes(instance, values, offset)
                case Call() if (pair or part is state or part in keywords) and not _is_no_dict(part):
                    self._refuse(described(instance), offset, "its state is the result of a call")
        if self._is_of(instance, EVALUATING) and _may_hold_pairs(state):
            self._refuse(described(instance), offset, "its state is no dict, and may set attributes as one")

    def check_attributes(self, instance: Value, pairs: list[tuple[Value, Value]], offset: int) -> None:
        """Refuse attributes that change what an object is, or whose names cannot be read."""
        for key, value in pairs:
            if isinstance(key, Call) and not _is_no_text(key):
                self._refuse(described(instance), offset, "the name of an attribute is the result of a call")
            elif isinstance(key, Opaque):
                self._refuse(described(instance), offset, "the name of an attribute cannot be read")
            elif isinstance(key, str) and _is_protocol(key) and (value is None or not is_plain(value)):
                self._refuse(described(instance), offset, f"its '{key}' is replaced")
            elif isinstance(key, str) and key in _ADDING and isinstance(instance, Call):
                instance.replaces = instance.replaces or key
            elif isinstance(key, str) and key in INPUTS and self._is_of(instance, READING):
                if not isinstance(value, str) or value not in INPUTS[key]:
                    self._refuse(described(instance), offset, "it reads the files that its input names")
            elif isinstance(key, str) and key == _allowed.SCIPY_TEMPLATE:
                self._texts.check_template(described(instance), value, offset, self._member)

    def _is_of(self, instance: Value, places: tuple[str, ...]) -> bool:
        root = instance.root() if isinstance(instance, Call) else None
        return root is not None and self._policy.is_defined_in(root.module, root.qualname, places)


def _is_filled_dict(call: Call) -> bool:
    """Whether the dict was created empty, and all of its items were set one by one."""
    return call.content is not None and not call.arguments and call.state is None


def _may_hold_pairs(state: Value) -> bool:
    """Whether `dict.update` may take a state that is no dict, as a sequence of pairs.

    Many classes do `self.__dict__.update(state)`. What a list holds is not known: it may change through an
    object that was made of it. A tuple with a value that cannot be iterated raises TypeError.
    """
    if isinstance(state, tuple):
        return not any(_is_no_iterable(value) for value in state)
    return isinstance(state, Opaque | Items) or (isinstance(state, Call) and not _is_filled_dict(state))


def _is_no_iterable(value: Value) -> bool:
    if isinstance(value, Call):
        return isinstance(value.maker, Named) and value.maker.module.startswith("numpy.random.")
    return value is None or isinstance(value, bool | int | float)


def _is_no_dict(call: Call) -> bool:
    """Whether the result of a call is certainly not a dict that Python accepts as attributes."""
    root = call.root()
    return root is not None and root.module.partition(".")[0] in _allowed.NO_DICTS


def _is_no_text(call: Call) -> bool:
    """Whether the result of a call certainly equals no `str`. A numpy string equals a Python one."""
    if is_name((call.maker,), _allowed.NUMPY_SCALARS):
        return bool(call.arguments) and is_numeric_dtype(call.arguments[0])
    return is_name((call.maker,), _allowed.NO_TEXTS)


_ADDING = frozenset({"append", "extend", "add", "update", "__setitem__"})


def _is_protocol(name: str) -> bool:
    """Whether Python or a library looks up an attribute of this name to learn what to do with an object."""
    return name.startswith("__") and name.endswith("__") and name not in _allowed.ATTRIBUTES
