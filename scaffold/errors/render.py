"""The project cannot be written."""

from __future__ import annotations

from scaffold.errors.branches import RenderError


class BadTemplateError(RenderError):
    """A template is invalid."""

    template: str
    cause: str

    def __str__(self) -> str:
        return f"The template {self.template} cannot be rendered: {self.cause}"
