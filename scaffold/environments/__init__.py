"""The environment that loads a model: this one, an existing one, or one that uv creates."""

from scaffold.environments._environment import Environment, running_environment
from scaffold.environments._open import open_environment

__all__ = ["Environment", "open_environment", "running_environment"]
