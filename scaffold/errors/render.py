"""The project cannot be written."""

from __future__ import annotations

from scaffold.errors.base import ScaffoldError


class RenderError(ScaffoldError):
    """The project cannot be written."""
