"""What goes over HTTP: a record to score, and the answer to it."""

from pydantic import BaseModel, ConfigDict, Field


class ModelInput(BaseModel):
    """One record to score."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    # Seen: 4.8 to 7.4.
    sepal_length_cm: float = Field(alias="sepal length (cm)", examples=[6.1])
    # Seen: 2 to 3.7.
    sepal_width_cm: float = Field(alias="sepal width (cm)", examples=[2.9])
    # Seen: 1.3 to 6.1.
    petal_length_cm: float = Field(alias="petal length (cm)", examples=[3.7])
    # Seen: 0.2 to 2.5.
    petal_width_cm: float = Field(alias="petal width (cm)", examples=[1.35])


class ModelOutput(BaseModel):
    """The answer to one record."""

    # One of the model's classes: setosa, versicolor, virginica.
    prediction: str
