"""What a person can say about a model besides giving it and its sample."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from scaffold.errors import UsageError
from scaffold.spec import JSONValue, Overrides

RUNNING_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a person can say about a model besides giving it and its sample."""

    method: str | None = None
    trust: Sequence[str] = ()
    nullable: Sequence[str] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    choices: Sequence[str] = ()
    examples_from_sample: bool = False
    pin: Sequence[str] = ()
    require: Sequence[str] = ()
    include: Sequence[str | Path] = ()
    source: str | Path | None = None
    python: str = RUNNING_PYTHON
    gpu: bool = False

    def __post_init__(self) -> None:
        """Check what no later stage can explain.

        Raises:
            UsageError: `python` is no version of Python.
        """
        if not re.fullmatch(r"3\.\d{1,2}", self.python, re.ASCII):
            raise UsageError(
                f"{self.python!r} is no version of Python that a service can run on.\n"
                f"  --python {RUNNING_PYTHON}"
            )

    def as_json(self) -> dict[str, JSONValue]:
        """What was said, without what was not; the project's record keeps it for the next model."""
        said: dict[str, JSONValue] = {}
        for option in fields(self):
            value = getattr(self, option.name)
            if value and value != option.default:
                said[option.name] = (
                    value
                    if isinstance(value, bool | dict)
                    else [str(item) for item in value]
                    if isinstance(value, list | tuple)
                    else str(value)
                )
        return said

    @property
    def overrides(self) -> Overrides:
        """What was said about the fields."""
        return Overrides(
            nullable=tuple(self.nullable),
            types=dict(self.types),
            choices=tuple(self.choices),
            examples_from_sample=self.examples_from_sample,
        )
