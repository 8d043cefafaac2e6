"""Classes of a user with rules: aliases, bounds, patterns, datetimes with time zones."""

import dataclasses
import datetime
import enum
from typing import Annotated, Any, Literal, NamedTuple, Optional, TypedDict, Union

import pydantic
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field


class Basket(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    item_count: int = Field(alias="itemCount", ge=1)
    net_price: float = Field(alias="netPrice")
    coupon: Optional[str] = None  # noqa: UP045


class Camel(BaseModel):
    model_config = ConfigDict(
        alias_generator=lambda name: name.title().replace("_", ""), populate_by_name=True
    )

    order_id: int
    line_items: list[Basket]


class Choices(BaseModel):
    one: int = Field(validation_alias=AliasChoices(AliasPath("more", 0), "first", "uno"))
    two: int = Field(validation_alias=AliasPath("names", 1, "n"))
    three: int = Field(validation_alias="in", serialization_alias="out")


class NamesOnly(BaseModel):
    model_config = ConfigDict(validate_by_alias=False, validate_by_name=True)

    size: int = Field(alias="SIZE")


@dataclasses.dataclass
class Parcel:
    weight: Annotated[float, Field(alias="weight kg", gt=0)]
    label: str = dataclasses.field(default="", init=False)


@pydantic.dataclasses.dataclass
class Crate:
    parcels: list[Parcel]
    code: str = Field(alias="crateCode", pattern=r"^[A-Z]{2}-\d{3,}$")


class Priced(BaseModel):
    total: float = Field(serialization_alias="totalPrice")
    when: datetime.datetime
    inner: Basket

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def rounded(self) -> int:
        return round(self.total)

    @pydantic.field_serializer("when")
    def day(self, value: datetime.datetime) -> str:
        return value.date().isoformat()


class Grade(enum.Enum):
    LOW = 3
    HIGH = 9


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(ge=1, le=9)


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: Annotated[list[str], Field(min_length=2)]


class Owner(BaseModel):
    pet: Annotated[Union[Cat, Dog], Field(discriminator="kind")]  # noqa: UP007
    grade: Grade
    phone: str = Field(pattern=r"^\+\d{1,3} [0-9 ]{6,}$", max_length=20)
    name: str = Field(min_length=12)
    age: Annotated[int, Field(ge=18, multiple_of=7)]
    share: float = Field(gt=0.25, lt=0.5)
    friend: Optional["Owner"] = None


class Span(BaseModel):
    """Has a rule in code that no schema contains."""

    start: int
    end: int

    @pydantic.model_validator(mode="after")
    def ordered(self) -> "Span":
        if self.end <= self.start or self.end % self.start:
            raise ValueError("should be a greater multiple of the start")
        return self


@dataclasses.dataclass
class Stay:
    place: str
    arrived: datetime.datetime
    left: Optional[datetime.datetime] = None  # noqa: UP045


class Visit(BaseModel):
    at: datetime.datetime = Field(alias="visitedAt")
    stays: list[Stay] = []
    notes: dict[str, datetime.datetime] = {}


class Tick(NamedTuple):
    at: datetime.datetime
    value: float


class Event(TypedDict):
    at: datetime.datetime
    what: str


class Lines(pydantic.RootModel[list[Basket]]):
    pass


class Totals(pydantic.RootModel[dict[str, float]]):
    pass


class Ranks(pydantic.RootModel[list[int]]):
    pass


Payload = dict[str, Any]
