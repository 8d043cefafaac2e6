"""The settings of this service. Each is read from the environment variable of its name."""

from app.serving.settings import ServingSettings

NAME = "titanic"
MODEL_VERSION = "1.0.0"
MODEL_SHA256 = "3e4f28fe35166c93095bb3fce0904c7b30b4db1e8a3e424e2ab8b6e6cbe42215"


class Settings(ServingSettings):
    """Add your own settings here: `threshold: float = 0.5` is read from THRESHOLD."""

    # Call the steps of the ColumnTransformer directly: serving/fast_column_transformer.py.
    fast_column_transformer: bool = True


settings = Settings.from_environment()
