"""The settings of one experiment: `params.toml`, changed by a file of `experiments/` where one is named."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Params:
    """Everything that a training run depends on besides the data."""

    seed: int
    test_share: float
    """How much of the data is held back for the evaluation, between 0 and 1."""
    model: dict[str, Any]
    """Arguments of `build_model`."""
    limits: dict[str, float]
    """The least that each metric must reach; a model below is not saved."""


def load_params(experiment: str | None = None, root: Path = ROOT) -> Params:
    """The settings of `params.toml`; those in `experiments/<experiment>.toml` take their place."""
    settings = tomllib.loads((root / "params.toml").read_text())
    if experiment is not None:
        changes = tomllib.loads((root / "experiments" / f"{experiment}.toml").read_text())
        settings = _changed(settings, changes)
    return Params(**settings)


def _changed(settings: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(settings)
    for name, value in changes.items():
        inner = merged.get(name)
        both = isinstance(inner, dict) and isinstance(value, dict)
        merged[name] = _changed(inner, value) if both else value
    return merged
