"""The settings of this service. Each is read from the environment variable of its name."""

from app.serving.settings import ServingSettings

NAME = "iris-service"
MODEL_VERSION = "1.0.0"
MODEL_SHA256 = "ca9a31a50f90e7d78458f1cf9056121731b4b4ade3e4d8fa4ace81746659ebd4"


class Settings(ServingSettings):
    """Your own settings. A line `threshold: float = 0.5` adds one; THRESHOLD=0.7 overrides it."""


settings = Settings.from_environment()
