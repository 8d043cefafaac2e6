"""The findings in a file: its names, and the refused names with their positions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from scaffold.read._versions import Facts
from scaffold.read.gate._code import Code
from scaffold.read.gate._policy import Policy
from scaffold.read.gate._values import Value
from scaffold.spec import GlobalName


@dataclass(frozen=True, slots=True)
class Refusal:
    """A name that needs `--trust`, and its position in the file."""

    name: str
    offset: int
    member: str | None
    reason: str = ""


@dataclass(slots=True)
class Findings:
    """The findings in all pickles of one file."""

    names: dict[tuple[str, str, str | None], GlobalName] = field(default_factory=dict)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    missing: dict[str, GlobalName] = field(default_factory=dict)
    changed: dict[str, GlobalName] = field(default_factory=dict)
    carried: dict[str, Refusal] = field(default_factory=dict)
    """Functions that the file carries by value, as `train.py:ratio`."""
    makes_code: bool = False
    """Whether the file creates functions or classes by value."""
    by_value: dict[str, Refusal] = field(default_factory=dict)
    """What is allowed only beside code by value, where that may run."""
    formulas: list[tuple[str, Value, int, str | None]] = field(default_factory=list)
    """Texts that a library may evaluate: the key, the text and its position."""
    methods: list[tuple[str, Value, int, str | None]] = field(default_factory=list)
    """Names of methods that some library may call, likewise."""
    templates: list[tuple[Value, int, str | None]] = field(default_factory=list)
    """Texts that scipy runs, likewise: also in a dict that may become a state in other ways than by BUILD."""
    has_kept: bool = False
    """Whether it has what nothing may call while it loads: a function, or an instance of a `BARE` class."""
    arrays: bool = False
    """Whether joblib's arrays lie between the opcodes."""
    facts: Facts = field(default_factory=Facts)
    """What the file says of its versions."""


class Report:
    """Records the findings in one pickle of a file."""

    def __init__(self, policy: Policy, findings: Findings, member: str | None) -> None:
        self._policy = policy
        self.findings = findings
        self.member = member
        """The archive's member that holds the pickle."""

    def refuse(self, name: str, offset: int, reason: str = "") -> None:
        """Refuse a name, unless it is trusted."""
        if not self._policy.trusts(name):
            self.findings.refusals.setdefault(name, Refusal(name, offset, self.member, reason))

    def only_by_value(self, name: str, offset: int, reason: str = "") -> None:
        """Refuse a name where code by value may not run."""
        self.findings.by_value.setdefault(name, Refusal(name, offset, self.member, reason))

    def carry(self, code: Code, offset: int) -> None:
        """Record a function that the file carries by value, and what it imports."""
        self.findings.carried.setdefault(code.place, Refusal(code.place, offset, self.member))
        for module in code.imports:
            self.imports(module, offset)

    def imports(self, module: Value, offset: int) -> None:
        """Record a module that code by value imports: the service needs it too."""
        if isinstance(module, str) and re.fullmatch(r"\w+(\.\w+)*", module):
            global_name = GlobalName(module=module, qualname="", offset=offset, member=self.member)
            self.findings.names.setdefault((module, "", self.member), global_name)
