"""Classes of a user, as in a module next to a model."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from typing import NamedTuple, Optional

import pydantic


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Flat:
    area: float
    rooms: int
    district: Optional[str] = None  # noqa: UP045 (as people write it)


@dataclasses.dataclass
class House:
    flats: list[Flat]
    colour: Colour


class Line(pydantic.BaseModel):
    sku: str
    count: int


class Order(pydantic.BaseModel):
    id: int
    when: datetime.datetime | None = None
    lines: list[Line] = []


class Point(NamedTuple):
    x: int
    label: str
