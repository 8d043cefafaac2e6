"""Images of PIL."""

from __future__ import annotations

import base64
import io
from typing import Any

from scaffold.errors import UnsupportedSampleError
from scaffold.introspect._types import is_a
from scaffold.introspect.kinds._kind import Describe, Describer, Kind, PathValues
from scaffold.spec import Picture, Schema


class PillowKind(Kind):
    """PIL."""

    def claims(self, value: object) -> bool:
        """Whether `value` is an image."""
        return is_a(value, "PIL.Image")

    def describer(self, path: str, value: object) -> Describer:
        """Return the function that describes images."""
        return self._image

    def count(self, value: object) -> int | None:
        """Return `None`: an image is one record."""
        return None

    def _image(self, pairs: PathValues, describe: Describe) -> Schema:
        return Picture()


def picture(value: Any, path: str) -> str:
    """Encode an image as a lossless file: PNG, or TIFF for modes that PNG lacks."""
    file = io.BytesIO()
    try:
        value.save(file, "PNG" if value.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16") else "TIFF")
    except OSError as error:
        reason = f"no file holds an image of mode {value.mode} without loss"
        raise UnsupportedSampleError(path, reason, 'Give it as image.convert("RGB").') from error
    return base64.b64encode(file.getvalue()).decode("ascii")
