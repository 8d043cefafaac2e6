"""The data: 178 wines from three growers, and what was measured in them (scikit-learn's bundled set)."""

from __future__ import annotations

import pandas as pd
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split


def load() -> tuple[pd.DataFrame, pd.Series]:
    """One row a wine, and the label to predict. Read your own data here."""
    bunch = load_wine(as_frame=True)
    names = dict(enumerate(str(name) for name in bunch.target_names))
    return bunch.data, bunch.target.map(names).rename("grower")


def split(
    inputs: pd.DataFrame, targets: pd.Series, *, test_share: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
    """Training inputs, test inputs, training targets, test targets; each label in either part."""
    parts: tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series] = tuple(
        train_test_split(inputs, targets, test_size=test_share, random_state=seed, stratify=targets)
    )
    return parts
