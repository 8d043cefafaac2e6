"""What goes over HTTP: a record to score, and the answer to it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SkipValidation

Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class ModelInput(BaseModel):
    """One record to score."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    Pclass: Int64 = Field(
        examples=[2],
        description="Known to OneHotEncoder in the model: 1, 2, 3. Others count as none of these.",
    )
    Sex: str = Field(
        examples=["male"],
        description="Known to OneHotEncoder in the model: female, male. Others count as none of "
        "these.",
    )
    Age: float | None = Field(
        examples=[30.0],
        description="Missing in 3 of 20 sample rows. Seen: 2 to 58, whole numbers only.",
    )
    SibSp: Int64 = Field(examples=[2], description="Seen: 0 to 4.")
    Parch: Int64 = Field(examples=[3], description="Seen: 0 to 5.")
    Fare: float = Field(examples=[39.0], description="Seen: 7.225 to 71.2833.")
    Embarked: str = Field(
        examples=["Q"],
        description="Known to OneHotEncoder in the model: C, Q, S. Others count as none of these.",
    )


class ModelOutput(BaseModel):
    """The answer to one record."""

    prediction: SkipValidation[int] = Field(description="One of the model's classes: 0, 1.")


EXAMPLE = ModelInput(Pclass=2, Sex="male", Age=30.0, SibSp=2, Parch=3, Fare=39.0, Embarked="Q")
