"""What the model sees of a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image
from sklearn.preprocessing import FunctionTransformer

SIDE = 8
"""Every picture is brought to this many pixels, either way."""


def build_features() -> FunctionTransformer:
    """Pictures of any size become rows of brightness."""
    return FunctionTransformer(to_rows)


def to_rows(pictures: Sequence[Image.Image]) -> np.ndarray:
    """The brightness of each pixel, 0 to 1: an array of shape `(n, SIDE * SIDE)`."""
    grey = [picture.convert("L").resize((SIDE, SIDE)) for picture in pictures]
    return np.stack([np.asarray(picture, dtype=float).ravel() for picture in grey]) / 255
