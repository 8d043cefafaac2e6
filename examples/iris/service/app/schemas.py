"""What goes over HTTP: a record to score, and the answer to it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SkipValidation

Float32 = Annotated[float, Field(ge=-3.4028234663852886e38, le=3.4028234663852886e38)]


class ModelInput(BaseModel):
    """One record to score."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    sepal_length_cm: Float32 = Field(
        alias="sepal length (cm)",
        examples=[6.1],
        description="Seen: 4.8 to 7.4. The model fails on numbers beyond float32.",
    )
    sepal_width_cm: Float32 = Field(
        alias="sepal width (cm)",
        examples=[2.9],
        description="Seen: 2 to 3.7. The model fails on numbers beyond float32.",
    )
    petal_length_cm: Float32 = Field(
        alias="petal length (cm)",
        examples=[3.7],
        description="Seen: 1.3 to 6.1. The model fails on numbers beyond float32.",
    )
    petal_width_cm: Float32 = Field(
        alias="petal width (cm)",
        examples=[1.35],
        description="Seen: 0.2 to 2.5. The model fails on numbers beyond float32.",
    )


class ModelOutput(BaseModel):
    """The answer to one record."""

    prediction: SkipValidation[str] = Field(
        description="One of the model's classes: setosa, versicolor, virginica."
    )


EXAMPLE = ModelInput.model_validate(
    {
        "sepal length (cm)": 6.1,
        "sepal width (cm)": 2.9,
        "petal length (cm)": 3.7,
        "petal width (cm)": 1.35,
    },
    strict=False,
)
