"""The options for a model: everything about it except the model itself and its samples.

Each field has its help text: the command line creates the options of every verb from these fields.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TypedDict

from scaffold.errors import InvalidOptionError, UnsetVariableError
from scaffold.spec import Accelerate, JSONValue, Overrides, Profile, Variable

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def _cli(
    help: str, *, flag: str = "", metavar: str = "", choices: Sequence[str] = ()
) -> dict[str, str | Sequence[str]]:
    """Return a field's metadata for the command line; `flag` is the option if it is not the field's name."""
    return {"help": help, "flag": flag, "metavar": metavar, "choices": choices}


class ModelOptions(TypedDict, total=False):
    """The fields of `Options` as keywords of `new`, `update` and `inspect`, for type checkers."""

    profile: str
    accelerate: str
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
    baseline: str | Path | None
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
    """The options for a model: everything about it except the model itself and its samples."""

    profile: str = field(
        default=Profile.FAST.value,
        metadata=_cli(
            "The code that serves the model: fast, or plain, which is shorter and slower.",
            choices=[profile.value for profile in Profile],
        ),
    )
    accelerate: str = field(
        default=Accelerate.OFF.value,
        metadata=_cli(
            "Compute what the model computes without its library, where that is proven equal: in numpy, the"
            " last step in onnx, by auto in the faster of both; or off.",
            choices=[way.value for way in Accelerate],
        ),
    )
    environment: Sequence[str] = field(
        default=(),
        metadata=_cli(
            "The model's environment, if not this one: its folder, requirements.txt, conda.yaml, pylock.toml"
            " or uv.lock, or requirements.",
            metavar="SPEC",
        ),
    )
    method: str | None = field(default=None, metadata=_cli("The method to call, if several fit."))
    trust: Sequence[str] = field(
        default=(), metadata=_cli("A name that the pickle may load.", metavar="NAME")
    )
    nullable: Sequence[str] = field(default=(), metadata=_cli("A field that may be null.", metavar="FIELD"))
    types: Mapping[str, str] = field(
        default_factory=dict,
        metadata=_cli("The type of a field: zip=str.", flag="--type", metavar="FIELD=TYPE"),
    )
    choices: Sequence[str] = field(
        default=(), metadata=_cli("A field that takes only the values seen.", metavar="FIELD")
    )
    examples_from_sample: bool = field(
        default=False, metadata=_cli("Show a row of the sample in the API page.")
    )
    pin: Sequence[str] = field(default=(), metadata=_cli("Another version: numpy==2.4.6.", metavar="REQ"))
    require: Sequence[str] = field(default=(), metadata=_cli("A distribution to add.", metavar="REQ"))
    include: Sequence[str | Path] = field(
        default=(), metadata=_cli("A file or folder to ship with the service.", metavar="PATH")
    )
    source: str | Path | None = field(
        default=None,
        metadata=_cli("The notebook or script that defined the model's classes.", metavar="PATH"),
    )
    baseline: str | Path | None = field(
        default=None,
        metadata=_cli(
            "Training data that the service compares its requests with, a column for each field: Parquet or"
            " CSV. It implies --answer drift=true.",
            metavar="PATH",
        ),
    )
    python: str = field(default="", metadata=_cli("The service's Python, if not the model's: 3.12."))
    gpu: bool = field(default=False, metadata=_cli("Keep the installed torch with CUDA."))
    env: Sequence[str] = field(
        default=(),
        metadata=_cli(
            "A variable that the model reads: NAME=VALUE, or NAME for the value here.", metavar="NAME[=VALUE]"
        ),
    )
    secret: Sequence[str] = field(
        default=(), metadata=_cli("The same for a secret: its value is written to no file.", metavar="NAME")
    )
    allow_read: Sequence[str | Path] = field(
        default=(), metadata=_cli("A file or folder that the model may read.", metavar="PATH")
    )
    allow_network: bool = field(
        default=False, metadata=_cli("Let the model connect to other machines while it is tried.")
    )
    memory_limit: str = field(
        default="", metadata=_cli("The memory limit of the process that loads the model: 32G.")
    )
    time_limit: int = field(
        default=600, metadata=_cli("The seconds after which a step of that process is stopped.")
    )

    def __post_init__(self) -> None:
        """Check the options that no later stage could explain.

        Raises:
            UsageError: `python` is not a version of Python, or there is no such profile.
        """
        if self.profile not in {profile.value for profile in Profile}:
            raise InvalidOptionError("profile", self.profile)
        if self.accelerate not in {way.value for way in Accelerate}:
            raise InvalidOptionError("accelerate", self.accelerate)
        if self.python and not re.fullmatch(r"3\.\d{1,2}", self.python, re.ASCII):
            raise InvalidOptionError("python", self.python)

    def as_json(self) -> dict[str, JSONValue]:
        """Return the options that were given; the project's record keeps them for the next model.

        Options that widen the confinement apply to one command only: a stranger may have written the record.
        """
        values: dict[str, JSONValue] = {}
        for option in (each for each in fields(self) if not each.name.startswith("allow_")):
            value = getattr(self, option.name)
            if value and value != option.default:
                values[option.name] = (
                    value
                    if isinstance(value, bool | int | dict)
                    else [str(item) for item in value]
                    if isinstance(value, list | tuple)
                    else str(value)
                )
        if self.env:
            # Record the value of this shell: the next update may run in another shell.
            values["env"] = [f"{name}={value}" for name, value in map(_name_and_value, self.env)]
        return values

    @property
    def overrides(self) -> Overrides:
        """The options for the fields of the schema."""
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
            UsageError: A variable has no value here, or an invalid name.
        """
        plain = [Variable(name=name, value=value) for name, value in map(_name_and_value, self.env)]
        secrets = [Variable(name=_checked_name(name), secret=True) for name in self.secret]
        for variable in secrets:
            secret_value(variable.name)
        return (*plain, *secrets)

    @property
    def memory_bytes(self) -> int | None:
        """The memory limit; `None` without one.

        Raises:
            UsageError: The limit is not a size.
        """
        if not self.memory_limit:
            return None
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?", self.memory_limit.strip(), re.IGNORECASE)
        if match is None:
            raise InvalidOptionError("memory_limit", self.memory_limit)
        return int(float(match[1]) * _UNITS[match[2].upper()])


def secret_value(name: str) -> str:
    """Return the value of a secret in this environment, for the worker and the proof.

    Raises:
        UsageError: The variable is not set.
    """
    value = os.environ.get(name)
    if value is None:
        raise UnsetVariableError(name, secret=True)
    return value


def _name_and_value(text: str) -> tuple[str, str]:
    """Return the name and the value of `NAME=value`; for `NAME`, its value in this environment."""
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
