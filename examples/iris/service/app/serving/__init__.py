"""Micro-batching, limits, errors, metrics, logs and startup: README.md has a picture of it."""

from app.serving.batching import Batcher
from app.serving.errors import ERROR_RESPONSES
from app.serving.startup import install, lifespan

__all__ = ["ERROR_RESPONSES", "Batcher", "install", "lifespan"]
