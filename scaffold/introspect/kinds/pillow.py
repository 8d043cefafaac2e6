"""Images of PIL."""

from __future__ import annotations

import base64
import io
from typing import Any

from scaffold.errors import UnsupportedSampleError
from scaffold.introspect._kin import kin
from scaffold.introspect.kinds._kind import Describe, Describer, Kind, Seen
from scaffold.spec import Picture, Schema


class PillowKind(Kind):
    """PIL."""

    def claims(self, value: object) -> bool:
        """Whether it is an image."""
        return kin(value, "PIL.Image")

    def describer(self, path: str, value: object) -> Describer:
        """Return what describes images."""
        return self._image

    def count(self, value: object) -> int | None:
        """Return that an image is one record."""
        return None

    def _image(self, seen: Seen, describe: Describe) -> Schema:
        return Picture()


def picture(value: Any, path: str) -> str:
    """Return an image as a file without loss: PNG, or TIFF for what PNG cannot hold."""
    file = io.BytesIO()
    try:
        value.save(file, "PNG" if value.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16") else "TIFF")
    except OSError as error:
        found = f"no file holds an image of mode {value.mode} without loss"
        raise UnsupportedSampleError(path, found, 'Give it as image.convert("RGB").') from error
    return base64.b64encode(file.getvalue()).decode("ascii")
