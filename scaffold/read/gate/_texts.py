"""Texts that libraries evaluate, and names of methods that they call, in states and calls."""

from __future__ import annotations

from scaffold.read.gate import _allowed
from scaffold.read.gate._arguments import described, dotted_in
from scaffold.read.gate._formulas import fault_of_formula, fault_of_scipy_template
from scaffold.read.gate._libraries import CALLED_BY_NAME, CHOICES_OF_METHODS, EVALUATED, METHODS
from scaffold.read.gate._policy import Policy, Verdict
from scaffold.read.gate._report import Refusal, Report
from scaffold.read.gate._values import OPAQUE, Call, Items, Named, Pairs, Value, is_plain


class Texts:
    """Checks texts: at once in a call, at the end where it depends on the libraries that the file names."""

    def __init__(self, policy: Policy, report: Report) -> None:
        self._policy = policy
        self._findings = report.findings
        self._member = report.member

    def note(self, key: Value, value: Value, offset: int) -> None:
        """Note a text that a library may evaluate, or call the method of that name: checked at the end."""
        if not isinstance(key, str):
            return
        if key in EVALUATED:
            self._findings.formulas.append((key, value, offset, self._member))
        elif key in CALLED_BY_NAME:
            self._findings.methods.append((key, value, offset, self._member))
        elif key == _allowed.SCIPY_TEMPLATE:
            self._findings.templates.append((value, offset, self._member))

    def check_template(self, name: str, value: Value, offset: int, member: str | None) -> None:
        """Refuse a text that scipy runs unless it is an argument parser as scipy writes it."""
        fault = fault_of_scipy_template(value) if isinstance(value, str) else described(value)
        if fault is not None and not self._policy.trusts(name):
            reason = f"the text that it evaluates holds {fault}"
            self._findings.refusals.setdefault(name, Refusal(name, offset, member, reason))

    def check_call(self, name: Named, call: Call, offset: int) -> None:
        """Refuse a call of a class that evaluates its texts unless every one of them is a formula."""
        for value in _leaves((*call.arguments, call.keywords)):
            self._check_formula(value, offset, self._member, name.dotted)

    def _check_formula(self, value: Value, offset: int, member: str | None, where: str) -> None:
        root = value.root() if isinstance(value, Call) else None
        if root is not None and root.module.partition(".")[0] in _allowed.FORMULA_MAKERS:
            return  # it was checked when it was made
        if is_plain(value) and not isinstance(value, str):
            return
        if isinstance(value, Call) and self._is_checked(value.maker):
            return
        fault = fault_of_formula(value) if isinstance(value, str) else described(value)
        if fault is not None and not self._policy.trusts(fault):
            name = dotted_in(fault)
            self._findings.refusals.setdefault(
                name, Refusal(name, offset, member, f"in a text that {where} evaluates")
            )

    def _is_checked(self, maker: Value) -> bool:
        """Whether the texts of an object are checked when `maker` creates the object."""
        return isinstance(maker, Named) and (
            self._policy.judge(maker.module, maker.qualname) is Verdict.TEXTS
        )

    def finish(self) -> None:
        """Check what depends on all names of the file."""
        tops = {module.partition(".")[0] for module, _, _ in self._findings.names}
        for key, value, offset, member in self._findings.formulas:
            if tops & EVALUATED[key]:
                self._check_formula(value, offset, member, f"'{key}'")
        for value, offset, member in [] if self._findings.refusals else self._findings.templates:
            self.check_template("scipy", value, offset, member)
        for key, value, offset, member in self._findings.methods:
            fault = _fault_of_methods(value) if tops & CALLED_BY_NAME[key] else None
            if fault is not None and not self._policy.trusts(fault):
                reason = f"the method that '{key}' names"
                self._findings.refusals.setdefault(fault, Refusal(fault, offset, member, reason))


def _leaves(values: tuple[Value, ...]) -> list[Value]:
    """The values in nested containers; a container whose items were not all kept counts as a value."""
    leaves: list[Value] = []
    waiting = list(values)
    while waiting and len(leaves) < _MOST_LEAVES:
        match waiting.pop():
            case Items(values=inner, whole=True):
                waiting += inner
            case Pairs(values=pairs, whole=True):
                waiting += [each for pair in pairs for each in pair]
            case tuple() as inner:
                waiting += inner
            case Call() | Named():
                pass  # checked when it was made
            case value:
                leaves.append(value)
    return [OPAQUE] if waiting else leaves


_MOST_LEAVES = 10_000


def _fault_of_methods(value: Value) -> str | None:
    """What is no name of a method that a model may have called; None if all are."""
    match value:
        case None:
            return None
        case str():
            return None if value in METHODS | CHOICES_OF_METHODS else value[:60]
        case tuple() | Items(whole=True):
            values = value if isinstance(value, tuple) else value.values
            return next((fault for each in values if (fault := _fault_of_methods(each))), None)
        case _:
            return described(value)
