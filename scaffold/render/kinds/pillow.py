"""Images of PIL."""

from __future__ import annotations

from collections.abc import Iterator

from scaffold.render.kinds._kind import Kind, Line
from scaffold.spec import Schema

_IMAGE = Line(
    place=70,
    names=(("base64", "b64encode"), ("io", "BytesIO")),
    modules=(("PIL.Image", ""),),
    text="""    if isinstance(value, PIL.Image.Image):
        file = BytesIO()
        value.save(file, "PNG")
        return b64encode(file.getvalue()).decode()""",
)


class PillowKind(Kind):
    """PIL."""

    def lines(self, schema: Schema) -> Iterator[Line]:
        """Yield the line for an image."""
        yield _IMAGE
