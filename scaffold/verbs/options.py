"""What a person can say about a model besides giving it and its sample.

Each field carries its own help: the command line makes its options of these, for every verb that takes them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TypedDict

from scaffold.errors import InvalidOptionError, UnsetVariableError
from scaffold.spec import JSONValue, Overrides, Variable

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def _told(help: str, *, flag: str = "", metavar: str = "") -> dict[str, str]:
    """What the command line says of a field; `flag` where that is not the field's name."""
    return {"help": help, "flag": flag, "metavar": metavar}


class ModelOptions(TypedDict, total=False):
    """The fields of `Options` as keywords of `new`, `update` and `inspect`, for type checkers."""

    environment: Sequence[str]
    method: str | None
    trust: Sequence[str]
    nullable: Sequence[str]
    types: Mapping[str, str]
    choices: Sequence[str]
    examples_from_sample: bool
    pin: Sequence[str]
    require: Sequence[str]
    include: Sequence[str | Path]
    source: str | Path | None
    python: str
    gpu: bool
    env: Sequence[str]
    secret: Sequence[str]
    allow_read: Sequence[str | Path]
    allow_network: bool
    memory_limit: str
    time_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a person can say about a model besides giving it and its sample."""

    environment: Sequence[str] = field(
        default=(),
        metadata=_told(
            "The model's environment, if not this one: its folder, requirements.txt, conda.yaml, pylock.toml"
            " or uv.lock, or requirements.",
            metavar="SPEC",
        ),
    )
    method: str | None = field(default=None, metadata=_told("The method to call, where several fit."))
    trust: Sequence[str] = field(
        default=(), metadata=_told("A name that the pickle may load.", metavar="NAME")
    )
    nullable: Sequence[str] = field(default=(), metadata=_told("A field that may be null.", metavar="FIELD"))
    types: Mapping[str, str] = field(
        default_factory=dict,
        metadata=_told("The type of a field: zip=str.", flag="--type", metavar="FIELD=TYPE"),
    )
    choices: Sequence[str] = field(
        default=(), metadata=_told("A field that takes only the values seen.", metavar="FIELD")
    )
    examples_from_sample: bool = field(
        default=False, metadata=_told("Show a row of the sample in the API page.")
    )
    pin: Sequence[str] = field(default=(), metadata=_told("Another version: numpy==2.4.6.", metavar="REQ"))
    require: Sequence[str] = field(default=(), metadata=_told("A distribution to take along.", metavar="REQ"))
    include: Sequence[str | Path] = field(
        default=(), metadata=_told("A file or folder to ship with the service.", metavar="PATH")
    )
    source: str | Path | None = field(
        default=None,
        metadata=_told("The notebook or script that defined the model's classes.", metavar="PATH"),
    )
    python: str = field(default="", metadata=_told("The service's Python, if not the model's: 3.12."))
    gpu: bool = field(default=False, metadata=_told("Take torch with CUDA, as it is installed here."))
    env: Sequence[str] = field(
        default=(),
        metadata=_told(
            "A variable that the model reads: NAME=VALUE, or NAME for the value here.", metavar="NAME[=VALUE]"
        ),
    )
    secret: Sequence[str] = field(
        default=(), metadata=_told("The same for a secret: its value stands in no file.", metavar="NAME")
    )
    allow_read: Sequence[str | Path] = field(
        default=(), metadata=_told("A file or folder that the model may read.", metavar="PATH")
    )
    allow_network: bool = field(
        default=False, metadata=_told("Let the model connect to other machines while it is tried.")
    )
    memory_limit: str = field(
        default="", metadata=_told("Most memory of the process that loads the model: 32G.")
    )
    time_limit: int = field(default=600, metadata=_told("Most seconds for one step of that process."))

    def __post_init__(self) -> None:
        """Check what no later stage can explain.

        Raises:
            UsageError: `python` is no version of Python.
        """
        if self.python and not re.fullmatch(r"3\.\d{1,2}", self.python, re.ASCII):
            raise InvalidOptionError("python", self.python)

    def as_json(self) -> dict[str, JSONValue]:
        """What was said, without what was not; the project's record keeps it for the next model.

        What the model may reach besides its own files is said for one command: a record may be anybody's.
        """
        said: dict[str, JSONValue] = {}
        for option in (each for each in fields(self) if not each.name.startswith("allow_")):
            value = getattr(self, option.name)
            if value and value != option.default:
                said[option.name] = (
                    value
                    if isinstance(value, bool | int | dict)
                    else [str(item) for item in value]
                    if isinstance(value, list | tuple)
                    else str(value)
                )
        if self.env:
            # The value of this shell is written down: the next update may run in another one.
            said["env"] = [f"{name}={value}" for name, value in map(_assigned, self.env)]
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

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The environment variables that the model reads.

        Raises:
            UsageError: One has no value here, or a name that cannot be one.
        """
        plain = [Variable(name=name, value=value) for name, value in map(_assigned, self.env)]
        secrets = [Variable(name=_checked_name(name), secret=True) for name in self.secret]
        for variable in secrets:
            secret_value(variable.name)
        return (*plain, *secrets)

    @property
    def memory_bytes(self) -> int | None:
        """The limit of memory; `None` where nothing was said.

        Raises:
            UsageError: It is no size.
        """
        if not self.memory_limit:
            return None
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?", self.memory_limit.strip(), re.IGNORECASE)
        if match is None:
            raise InvalidOptionError("memory_limit", self.memory_limit)
        return int(float(match[1]) * _UNITS[match[2].upper()])


def secret_value(name: str) -> str:
    """Return the value that a secret has in this environment: the worker and the proof need it.

    Raises:
        UsageError: It has none.
    """
    value = os.environ.get(name)
    if value is None:
        raise UnsetVariableError(name, secret=True)
    return value


def _assigned(text: str) -> tuple[str, str]:
    """`NAME=value`, or the value that `NAME` has here."""
    name, equals, value = text.partition("=")
    _checked_name(name)
    if equals:
        return name, value
    if name not in os.environ:
        raise UnsetVariableError(name)
    return name, os.environ[name]


def _checked_name(name: str) -> str:
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        return name
    raise InvalidOptionError("env", name)
