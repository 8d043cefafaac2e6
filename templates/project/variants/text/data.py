"""The data: `data/messages.csv`, messages to a shop and the desk that each belongs to (made up)."""

from __future__ import annotations

import csv

from sklearn.model_selection import train_test_split

from .params import ROOT


def load() -> tuple[list[str], list[str]]:
    """The texts, and the label of each. Read your own data here."""
    with (ROOT / "data" / "messages.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["desk"] for row in rows]


def split(
    inputs: list[str], targets: list[str], *, test_share: float, seed: int
) -> tuple[list[str], list[str], list[str], list[str]]:
    """Training inputs, test inputs, training targets, test targets; each label in either part."""
    parts: tuple[list[str], list[str], list[str], list[str]] = tuple(
        train_test_split(inputs, targets, test_size=test_share, random_state=seed, stratify=targets)
    )
    return parts
