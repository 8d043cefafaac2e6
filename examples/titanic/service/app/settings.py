"""The settings of this service. Each is read from the environment variable of its name."""

from app.serving.settings import ServingSettings

NAME = "titanic-service"
MODEL_VERSION = "1.0.0"
MODEL_SHA256 = "d5a46907322e195db22d9260ad7c2dfe3a0d76b4f1e9562ea7083023c0c3c65c"


class Settings(ServingSettings):
    """Your own settings. A line `threshold: float = 0.5` adds one; THRESHOLD=0.7 overrides it."""

    # Call the steps of the ColumnTransformer directly: serving/fast_column_transformer.py.
    fast_column_transformer: bool = True


settings = Settings.from_environment()
