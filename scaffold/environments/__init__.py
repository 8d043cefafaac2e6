"""The Python that loads a model: this one, one that is there, or one that uv makes."""

from scaffold.environments._environment import Environment, running_environment
from scaffold.environments._open import open_environment

__all__ = ["Environment", "open_environment", "running_environment"]
