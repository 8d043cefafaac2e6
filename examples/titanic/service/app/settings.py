"""The settings of this service. Each is read from the environment variable of its name."""

from app.serving.settings import ServingSettings

NAME = "titanic-service"
MODEL_VERSION = "1.0.0"
MODEL_SHA256 = "b323b591caa97ba04ab3101a2985ad8b316d96d0ae3b58d6dbdb968f2b7e4292"


class Settings(ServingSettings):
    """Your own settings. A line `threshold: float = 0.5` adds one; THRESHOLD=0.7 overrides it."""

    # Call the steps of the ColumnTransformer directly: serving/fast_column_transformer.py.
    fast_column_transformer: bool = True


settings = Settings.from_environment()
