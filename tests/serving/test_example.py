"""A made-up record is valid for any schema."""

import datetime
import decimal
import enum
import uuid
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import AwareDatetime, Base64Bytes, BaseModel, ConfigDict, Field, RootModel

from tests.serving._load import load


class Plan(enum.Enum):
    BASIC = "basic"


class Item(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    count: Annotated[int, Field(ge=-(2**63), lt=2**63)]
    plan: Plan
    grade: Annotated[int, Field(ge=5, le=10)]
    share: Annotated[float, Field(gt=0, lt=1)]


class Nested(BaseModel):
    items: list[Item]
    pair: tuple[int, str]
    by_name: dict[str, float]


Row = Annotated[list[float], Field(min_length=3, max_length=3)]


class Tensor(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    data: Annotated[list[Row], Field(min_length=2, max_length=2)]


class Unusual(BaseModel):
    column: int = Field(alias="sepal length (cm)", ge=5)
    kind: Literal["a", "b"]
    when: datetime.datetime
    aware: AwareDatetime
    day: datetime.date
    clock: datetime.time
    span: datetime.timedelta
    number: uuid.UUID
    price: decimal.Decimal
    image: Base64Bytes
    text: Annotated[str, Field(min_length=4)]
    negative: Annotated[int, Field(le=-3)]
    anything: Any
    missing: float | None


class Texts(RootModel[list[str]]):
    pass


@pytest.mark.parametrize("kind", [Item, Nested, Tensor, Unusual, Texts, RootModel[dict[str, int]]])
def test_a_made_up_record_is_of_the_type_asked_for(project: Path, kind: type[BaseModel]) -> None:
    assert isinstance(load(project / "app" / "example.py").make_record(kind), kind)


def test_an_example_is_taken_where_there_is_one(project: Path) -> None:
    class Shown(BaseModel):
        name: str = Field(examples=["Ada"])

    assert load(project / "app" / "example.py").make_record(Shown) == Shown(name="Ada")
