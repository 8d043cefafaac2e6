"""Train the model and leave behind what its service is made from.

`python -m <package>.train` writes to `artifacts/`: `model.pkl`, a sample of its input and of its output, and
`metrics.json`. With `--experiment NAME` the settings of `experiments/NAME.toml` are used.
"""

from __future__ import annotations

import argparse
import json
import pickle
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .data import load, split
from .evaluation import evaluate
from .model import build_model
from .params import ROOT, Params, load_params

SAMPLE_ROWS = 50


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A fitted model, what it reached, and records of the held-back part."""

    model: Any
    metrics: dict[str, float]
    sample_input: Any
    sample_output: Any


def train(params: Params) -> Trained:
    """Fit the model on one part of the data and judge it on the other."""
    inputs, targets = load()
    train_inputs, test_inputs, train_targets, test_targets = split(
        inputs, targets, test_share=params.test_share, seed=params.seed
    )
    model = build_model(seed=params.seed, **params.model)
    model.fit(train_inputs, train_targets)
    predictions = model.predict(test_inputs)
    return Trained(
        model=model,
        metrics=evaluate(test_targets, predictions),
        sample_input=test_inputs[:SAMPLE_ROWS],
        sample_output=predictions[:SAMPLE_ROWS],
    )


def shortfalls(metrics: dict[str, float], limits: dict[str, float]) -> list[str]:
    """The metrics that are below their limit, as a person would say it."""
    return [
        f"{name} is {metrics[name]:.3f}, at least {limit} is wanted"
        for name, limit in limits.items()
        if metrics[name] < limit
    ]


def save(trained: Trained, folder: Path) -> None:
    """Write the model, its sample and its metrics."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in (
        ("model.pkl", trained.model),
        ("sample_input.pkl", trained.sample_input),
        ("sample_output.pkl", trained.sample_output),
    ):
        (folder / name).write_bytes(pickle.dumps(value))
    (folder / "metrics.json").write_text(json.dumps(trained.metrics, indent=2) + "\n")


def main() -> None:
    """Train, and save the model if it is good enough."""
    parser = argparse.ArgumentParser(description="Train the model.")
    parser.add_argument("--experiment", help="a file of experiments/, without .toml")
    parser.add_argument("--output", type=Path, default=ROOT / "artifacts")
    arguments = parser.parse_args()
    params = load_params(arguments.experiment)
    trained = train(params)
    for name, value in trained.metrics.items():
        print(f"{name:<10} {value:.3f}")
    problems = shortfalls(trained.metrics, params.limits)
    if problems:
        sys.exit("The model is not good enough, and was not saved:\n  " + "\n  ".join(problems))
    save(trained, arguments.output)


if __name__ == "__main__":
    main()
