"""Made-up passengers of the Titanic, the answers of a model, and weeks that drift in known ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

from scaffold.base.baseline import baseline_text, columns_of, summarize_columns
from scaffold.spec import Baseline

Rng = np.random.Generator
Passengers = dict[str, Any]
"""A column each: an array."""
FIRST_DAY = datetime(2026, 3, 2, tzinfo=timezone.utc)


def passengers(rng: Rng, count: int) -> Passengers:
    """Return passengers whose columns are distributed much as in the passenger table."""
    pclass = rng.choice([1, 2, 3], count, p=[0.24, 0.21, 0.55])
    family = rng.random(count)
    age = np.clip(rng.normal(38 - 4.5 * (pclass - 1), 13, count), 0.5, 80).round(1)
    return {
        "Pclass": pclass,
        "Sex": rng.choice(["male", "female"], count, p=[0.65, 0.35]),
        "Age": np.where(rng.random(count) < 0.2, np.nan, age),
        "SibSp": np.where(family < 0.68, 0, 1 + rng.poisson(0.5, count)),
        "Parch": np.where(family < 0.6, 0, rng.poisson(0.9, count)),
        "Fare": rng.lognormal(5.2 - pclass, 0.6, count).round(2),
        "Embarked": rng.choice(["S", "C", "Q"], count, p=[0.72, 0.19, 0.09]),
    }


def probabilities(of: Passengers) -> Any:
    """Return the probability that each passenger survives."""
    age = np.nan_to_num(of["Age"], nan=29.0)
    return 1 / (1 + np.exp(-(3.2 - 1.1 * of["Pclass"] + 2.6 * (of["Sex"] == "female") - 0.035 * age)))


def records(of: Passengers) -> list[dict[str, Any]]:
    """Return the passengers as requests have them."""
    columns = {name: [plain(value) for value in column] for name, column in of.items()}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def plain(value: Any) -> Any:
    """Return a value of numpy as JSON has it."""
    value = value.item() if hasattr(value, "item") else value
    return None if value != value else value


def answers(of: Passengers, *, threshold: float = 0.5, power: float = 1.0) -> list[dict[str, Any]]:
    """Return what the model answers; with another threshold or power it is another model."""
    chances = probabilities(of) ** power
    return [{"prediction": int(one > threshold), "probability": round(float(one), 4)} for one in chances]


def baseline_of(seed: int, count: int) -> Baseline:
    """Return the baseline of some passengers, and of the answers to them."""
    trained_on = passengers(np.random.default_rng(seed), count)
    return Baseline(
        rows=count,
        made_from="training.parquet",
        fields=summarize_columns(columns_of(records(trained_on))),
        predictions=summarize_columns(columns_of(answers(trained_on)), labels=["prediction"]),
        predictions_from="training.parquet",
        predicted_rows=count,
    )


def write_project(root: Path, baseline: Baseline) -> Path:
    """Write the part of a project that `drift` reads."""
    (root / "model").mkdir(parents=True, exist_ok=True)
    (root / "model" / "baseline.json").write_text(baseline_text(baseline))
    return root


@dataclass(frozen=True)
class Week:
    """Requests of one week."""

    name: str
    drifts: frozenset[str]
    """The fields and predictions that are changed; what follows from the change is not listed."""
    change: Callable[[Rng, Passengers], Passengers]
    requests: int = 600
    answered: Mapping[str, float] = field(default_factory=dict)

    def lines(self, seed: int, begin: datetime = FIRST_DAY) -> list[str]:
        """Return the log of the week."""
        rng = np.random.default_rng(seed)
        asked = self.change(rng, passengers(rng, self.requests))
        log = zip(records(asked), answers(asked, **self.answered), strict=True)
        step = timedelta(days=7) / self.requests
        return [
            json.dumps(
                {
                    "at": (begin + number * step).isoformat().replace("+00:00", "Z"),
                    "id": f"{seed}-{number}",
                    "input": record,
                    "output": answer,
                }
            )
            for number, (record, answer) in enumerate(log)
        ]


def column(name: str, change: Callable[[Rng, Any], Any]) -> Callable[[Rng, Passengers], Passengers]:
    """Return what changes one column."""
    return lambda rng, of: {**of, name: change(rng, of[name])}


def some(rng: Rng, values: Any, share: float, value: Any) -> Any:
    """Return the values, a share of them replaced."""
    return np.where(rng.random(len(values)) < share, value, values)


def drawn(choices: list[Any], shares: list[float]) -> Callable[[Rng, Any], Any]:
    """Return what draws a column anew."""
    return lambda rng, values: rng.choice(choices, len(values), p=shares)


def drifting(name: str, changed: str, change: Callable[[Rng, Any], Any]) -> Week:
    """Return a week in which one field drifts."""
    return Week(name, frozenset({changed}), column(changed, change))


DRIFTING = (
    drifting("mean: ages are 6 years higher", "Age", lambda rng, age: age + 6),
    drifting("scale: ages spread by 1.6", "Age", lambda rng, age: 33 + 1.6 * (age - 33)),
    drifting("unit: ages in months", "Age", lambda rng, age: age * 12),
    drifting("missing: ages from 20% to 40%", "Age", lambda rng, age: some(rng, age, 0.25, np.nan)),
    drifting("unit: fares in cents", "Fare", lambda rng, fare: fare * 100),
    drifting("mean: fares 50% higher", "Fare", lambda rng, fare: fare * 1.5),
    drifting("missing: fares from 0% to 4%", "Fare", lambda rng, fare: some(rng, fare, 0.04, np.nan)),
    drifting("default: 4% of fares are 9999", "Fare", lambda rng, fare: some(rng, fare, 0.04, 9999.0)),
    drifting("share: women from 35% to 56%", "Sex", drawn(["male", "female"], [0.44, 0.56])),
    drifting("share: first class from 24% to 45%", "Pclass", drawn([1, 2, 3], [0.45, 0.17, 0.38])),
    drifting("new category: 4% embark at H", "Embarked", lambda rng, port: some(rng, port, 0.04, "H")),
    drifting("spelling: ports in lower case", "Embarked", lambda rng, port: np.char.lower(port)),
    drifting("mean: one sibling more for a third", "SibSp", lambda rng, n: n + (rng.random(len(n)) < 0.34)),
    drifting("constant: parents are all 0", "Parch", lambda rng, n: n * 0),
    Week(
        "predictions only: another model",
        frozenset({"probability"}),
        lambda rng, of: of,
        answered={"power": 1.7},
    ),
)
"""One week for each way to drift."""

SAME = tuple(
    Week(f"no drift, {requests} requests", frozenset(), lambda rng, of: of, requests)
    for requests in (120, 150, 200, 250, 300, 400, 500, 600, 600, 600, 800, 1000, 1500, 2500, 4000)
)
"""Weeks in which nothing drifts, of different sizes."""
