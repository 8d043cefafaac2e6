"""The environment that loads a model: this one, an existing one, or one that uv creates."""

from scaffold.environments._environment import Environment, running_environment
from scaffold.environments._open import open_environment
from scaffold.environments._tools import environment_folder, install_tools

__all__ = ["Environment", "environment_folder", "install_tools", "open_environment", "running_environment"]
