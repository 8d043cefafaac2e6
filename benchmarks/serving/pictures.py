"""A model on images: the digit on each."""

from typing import Any

import numpy as np
from PIL import Image


class Digits:
    """Reads a digit."""

    def __init__(self, classifier: Any) -> None:
        self.classifier = classifier  # of rows of 64 numbers

    def predict(self, images: list[Image.Image]) -> Any:
        """The digit on each image."""
        return self.classifier.predict(np.stack([pixels(image) for image in images]))


def pixels(image: Image.Image) -> Any:
    """The grey values of 8 by 8 pixels in a row."""
    return np.asarray(image.convert("L").resize((8, 8)), dtype=float).ravel()
