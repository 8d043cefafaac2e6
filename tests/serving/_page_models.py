"""The models of the services that the tests of the page try."""

from typing import Any

import numpy as np
import pandas as pd
from PIL import Image


def area(rows: pd.DataFrame) -> Any:
    """Return a number and shares of one for each row."""
    areas = rows["length"] * rows["width"].fillna(1)
    share = (areas / (1 + areas)).tolist()
    return [
        {"area": size, "odds": {"large": each, "small": 1 - each}}
        for size, each in zip(areas, share, strict=True)
    ]


def shades(image: Image.Image) -> dict[str, float]:
    """Return how bright an image is."""
    light = float(np.asarray(image.convert("L")).mean()) / 255
    return {"bright": light, "dark": 1 - light}


def words(texts: list[str]) -> list[int]:
    """Return the number of words of each text."""
    return [len(text.split()) for text in texts]


def total(grids: Any) -> Any:
    """Return the sum of each grid."""
    return grids.sum(axis=(1, 2))
