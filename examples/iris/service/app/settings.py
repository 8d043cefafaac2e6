"""The settings of this service. Each is read from the environment variable of its name."""

from app.serving.settings import ServingSettings

NAME = "iris-service"
MODEL_VERSION = "1.0.0"
MODEL_SHA256 = "7c75511fd78b3812679a5cfa67d5dd583ccb7e44f5ec9ac5823abeedd8d64a79"


class Settings(ServingSettings):
    """Your own settings. A line `threshold: float = 0.5` adds one; THRESHOLD=0.7 overrides it."""


settings = Settings.from_environment()
