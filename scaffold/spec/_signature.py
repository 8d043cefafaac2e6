"""How a model is called: what goes in, what comes out, and the sample as it goes over HTTP."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field

from scaffold.spec._call import Call
from scaffold.spec._children import without_evidence
from scaffold.spec._json import JSONValue
from scaffold.spec._schema import Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What a person said about the fields where the sample did not show it; kept in the project's record."""

    nullable: tuple[str, ...] = ()
    """Fields that may be `null`."""
    types: MappingABC[str, str] = field(default_factory=dict)
    """The type of a field by its name: `str`, `int`, `float`, `bool`, `datetime`, `date`, `Decimal`."""
    choices: tuple[str, ...] = ()
    """Text fields that take the values seen and no others."""
    examples_from_sample: bool = False
    """Whether the API page may show values of the sample's first row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What goes in, what comes out, and how the model is called in between."""

    input: Schema
    output: Schema
    call: Call
    one_row: bool = False
    """Not batched: the model answers a record with a container of one row, and that row is the answer."""
    notes: tuple[str, ...] = ()
    """Notes for the user: "one row is little evidence: ..."."""

    def without_evidence(self) -> Signature:
        """Return the signature without the reasons for it: what a service does depends on the rest."""
        return dataclasses.replace(
            self,
            input=without_evidence(self.input),
            output=without_evidence(self.output),
            call=dataclasses.replace(self.call, evidence=""),
            notes=(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The sample as it goes over HTTP: one request body and one answer per record, in order."""

    requests: tuple[JSONValue, ...]
    answers: tuple[JSONValue, ...]
