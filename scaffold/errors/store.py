"""The record of models and deployments cannot be read or written."""

from __future__ import annotations

from scaffold.errors.base import ScaffoldError


class StoreError(ScaffoldError):
    """The record of models and deployments cannot be read or written."""
