"""The data: 1797 handwritten digits, each a grey picture of 8 by 8 pixels (scikit-learn's bundled set)."""

from __future__ import annotations

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def load() -> tuple[list[Image.Image], list[str]]:
    """The pictures, and the label of each. Read your own data here."""
    bunch = load_digits()
    pictures = [Image.fromarray(np.uint8(pixels * 255 / 16)) for pixels in bunch.images]
    return pictures, [str(label) for label in bunch.target]


def split(
    inputs: list[Image.Image], targets: list[str], *, test_share: float, seed: int
) -> tuple[list[Image.Image], list[Image.Image], list[str], list[str]]:
    """Training inputs, test inputs, training targets, test targets; each label in either part."""
    parts: tuple[list[Image.Image], list[Image.Image], list[str], list[str]] = tuple(
        train_test_split(inputs, targets, test_size=test_share, random_state=seed, stratify=targets)
    )
    return parts
