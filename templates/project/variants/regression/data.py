"""The data: 442 diabetes patients, and how far the disease went in a year (scikit-learn's bundled set)."""

from __future__ import annotations

import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split


def load() -> tuple[pd.DataFrame, pd.Series]:
    """One row a patient, and the number to predict. Read your own data here."""
    bunch = load_diabetes(as_frame=True, scaled=False)
    return bunch.data, bunch.target.rename("progression")


def split(
    inputs: pd.DataFrame, targets: pd.Series, *, test_share: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
    """Training inputs, test inputs, training targets, test targets."""
    parts: tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series] = tuple(
        train_test_split(inputs, targets, test_size=test_share, random_state=seed)
    )
    return parts
