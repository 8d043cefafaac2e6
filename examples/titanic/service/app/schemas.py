"""What goes over HTTP: a record to score, and the answer to it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SkipValidation

Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class ModelInput(BaseModel):
    """One record to score."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    Pclass: Int64 = Field(
        examples=[2],
        description="Known to OneHotEncoder in the model: 1, 2, 3. Any other value counts as "
        "unknown.",
    )
    Sex: str = Field(
        examples=["male"],
        description="Known to OneHotEncoder in the model: female, male. Any other value counts as "
        "unknown.",
    )
    Age: float | None = Field(
        examples=[36.0], description="Missing (null) in 22 of 100 sample rows. Seen: 0.83 to 71."
    )
    SibSp: Int64 = Field(examples=[2], description="Seen: 0 to 5.")
    Parch: Int64 = Field(examples=[4], description="Seen: 0 to 5.")
    Fare: float = Field(examples=[140.0], description="Seen: 7.225 to 263.")
    Embarked: str | None = Field(
        examples=["Q"],
        description="Missing (null) in 1 of 100 sample rows. Known to OneHotEncoder in the model: "
        "C, Q, S. Any other value counts as unknown.",
    )


class ModelOutput(BaseModel):
    """The answer to one record."""

    prediction: SkipValidation[int] = Field(description="One of the model's classes: 0, 1.")


EXAMPLE = ModelInput(Pclass=2, Sex="male", Age=36.0, SibSp=2, Parch=4, Fare=140.0, Embarked="Q")
