"""What goes over HTTP: a record to score, and the answer to it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SkipValidation

Float32 = Annotated[float, Field(ge=-3.4028234663852886e38, le=3.4028234663852886e38)]


class ModelInput(BaseModel):
    """One record to score."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    # Seen: 4.8 to 7.4. The model fails on numbers beyond float32.
    sepal_length_cm: Float32 = Field(alias="sepal length (cm)", examples=[6.1])
    # Seen: 2 to 3.7. The model fails on numbers beyond float32.
    sepal_width_cm: Float32 = Field(alias="sepal width (cm)", examples=[2.9])
    # Seen: 1.3 to 6.1. The model fails on numbers beyond float32.
    petal_length_cm: Float32 = Field(alias="petal length (cm)", examples=[3.7])
    # Seen: 0.2 to 2.5. The model fails on numbers beyond float32.
    petal_width_cm: Float32 = Field(alias="petal width (cm)", examples=[1.35])


class ModelOutput(BaseModel):
    """The answer to one record."""

    # One of the model's classes: setosa, versicolor, virginica.
    prediction: SkipValidation[str]
