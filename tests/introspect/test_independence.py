"""Rows go into one call only if each gets the same prediction alone and with any other rows."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scaffold.errors import UnstableModelError
from scaffold.introspect._rows import count_rows, take
from scaffold.introspect.call._calls import find_call
from scaffold.introspect.call._made_up import with_made_up

RNG = np.random.default_rng(5)
# In the order of a time series, each customer once: what a model does to other orders does not show.
FRAME = pd.DataFrame(
    {
        "day": pd.date_range("2025-03-01", periods=20),
        "customer": np.arange(100, 120),
        "shop": ["north", "south", "east", "west"] * 5,
        "spent": RNG.gamma(2, 30, 20).round(2),
        "visits": RNG.integers(0, 9, 20),
        "rate": np.linspace(0.1, 0.9, 20),
    }
)


def own(X: pd.DataFrame) -> np.ndarray:
    return (X["spent"] * 2 + X["visits"] - X["rate"]).to_numpy()


def reordered(column: str, ascending: bool) -> Callable[[pd.DataFrame], Any]:
    return lambda X: own(X.sort_values(column, ascending=ascending, kind="stable"))


def grouped(keys: list[str], how: Any) -> Callable[[pd.DataFrame], Any]:
    value = "visits" if "spent" in keys else "spent"
    return lambda X: own(X) + X.groupby(keys)[value].transform(how).to_numpy()


def without_repeats(keys: list[str] | None) -> Callable[[pd.DataFrame], Any]:
    return lambda X: own(X.drop_duplicates(keys))


def merged(key: str) -> Callable[[pd.DataFrame], Any]:
    return lambda X: own(X.merge(X[[key]], on=key))


def accumulated(how: str) -> Callable[[pd.DataFrame], Any]:
    return lambda X: getattr(X["visits"], how)().to_numpy() + own(X)


def by_place(weight: float) -> Callable[[pd.DataFrame], Any]:
    return lambda X: own(X) + weight * np.arange(len(X))


def first_seen(key: str) -> Callable[[pd.DataFrame], Any]:
    """The first row of each key decides for the others."""
    return lambda X: own(X)[[list(X[key]).index(value) for value in X[key]]]


def scaled(size: float) -> Callable[[pd.DataFrame], Any]:
    """Normalised by the batch, very slightly."""
    return lambda X: own(X) * (1 + size * X["spent"].std(ddof=0))


def outliers_left_out(deviations: float) -> Callable[[pd.DataFrame], Any]:
    def model(X: pd.DataFrame) -> Any:
        far = (X["spent"] - X["spent"].mean()).abs() > deviations * X["spent"].std(ddof=0) + 1e-9
        return np.where(far, 0, own(X))

    return model


def in_large_batches(most: int) -> Callable[[pd.DataFrame], Any]:
    return lambda X: own(X) if len(X) <= most else own(X) * 1.01


def in_some_batches(least: int) -> Callable[[pd.DataFrame], Any]:
    """Changes its algorithm with the number of rows, twice."""
    return lambda X: own(X) * (1.01 if least <= len(X) <= 2 * least else 1)


def filled(column: str, how: str) -> Callable[[pd.DataFrame], Any]:
    """Missing values are filled from the other rows."""
    return lambda X: own(X.assign(**{column: X[column].fillna(X[column].agg(how))}))


def filled_forward(X: pd.DataFrame) -> Any:
    return own(X.ffill().fillna(0))


def keeping(key: str, where: dict[Any, float]) -> Callable[[pd.DataFrame], Any]:
    """All later rows with a key get the first prediction for that key."""
    return lambda X: [where.setdefault(k, a) for k, a in zip(X[key], own(X).tolist(), strict=True)]


def first_of_all(column: str) -> Callable[[pd.DataFrame], Any]:
    """The first value that is ever seen is kept, by the function itself."""

    def model(X: pd.DataFrame) -> Any:
        vars(model).setdefault("first", float(X[column].iloc[0]))
        return own(X) - vars(model)["first"]

    return model


def after_the_call_before(X: pd.DataFrame) -> Any:
    """Keeps state of a call for the next call, in a class."""

    class_ = Remaining
    answer = own(X) + class_.last
    class_.last = float(X["spent"].iloc[-1])
    return answer


def in_batches_of(rows: int) -> Callable[[pd.DataFrame], Any]:
    return lambda X: own(X) + (len(X) == rows)


class Remaining:
    last = 0.0


def from_a_call_on(calls: int) -> Callable[[pd.DataFrame], Any]:
    asked = itertools.count()
    counts = [0]

    def model(X: pd.DataFrame) -> Any:
        counts[0] = next(asked)
        return own(X) + (counts[0] > calls)

    return model


def dependent(chance: random.Random) -> tuple[Callable[[pd.DataFrame], Any], tuple[str, ...]]:
    """Return a random model that depends on other rows or calls, and the fields that may be null."""
    filling = chance.choice(["spent", "visits", "rate"])
    if chance.random() < 0.2:
        how = chance.choice(["mean", "median", "max"])
        return chance.choice([filled(filling, how), filled_forward]), (filling,)
    column = chance.choice(["day", "customer", "spent", "visits", "rate"])
    key = chance.choice(["customer", "shop", "day", "spent"])
    nullable = (filling,) if chance.random() < 0.2 else ()
    model = chance.choice(
        [
            reordered(column, chance.random() < 0.5),
            grouped([key], chance.choice(["mean", "size", "max", "rank", "cumsum"])),
            grouped(
                chance.sample(["customer", "shop", "day"], 2), chance.choice(["size", "cumsum", "count"])
            ),
            without_repeats([key]),
            without_repeats(None),
            merged(key),
            accumulated(chance.choice(["cumsum", "rank", "diff", "cummax"])),
            by_place(10.0 ** -chance.randint(0, 4)),
            first_seen(key),
            scaled(10.0 ** -chance.randint(3, 6)),
            outliers_left_out(chance.uniform(1, 4)),
            in_large_batches(chance.randint(40, 200)),
            in_some_batches(chance.randint(3, 128)),
            in_batches_of(chance.choice([3, 4, 7, 8, 9, 11, 13, 16, 17])),
            keeping(chance.choice(["shop", "customer"]), {}),
            first_of_all(chance.choice(["spent", "rate"])),
            after_the_call_before,
            from_a_call_on(chance.randint(1, 30)),
        ]
    )
    return model, nullable


@pytest.mark.parametrize("seed", range(int(os.environ.get("SCAFFOLD_EXAMPLES", "60"))))
def test_a_model_whose_rows_depend_on_each_other_is_never_batched(seed: int) -> None:
    chance = random.Random(seed)
    model, nullable = dependent(chance)
    sample = FRAME.head(chance.choice([1, 2, 7, 20]))
    with contextlib.suppress(UnstableModelError):
        assert not find_call(model, sample, nullable=nullable).call.batched


class Cached:
    """Caches the prediction for a key, and returns it for every row with the same key."""

    def __init__(self, key: str) -> None:
        self.key, self.answers = key, dict[Any, float]()

    def predict(self, X: pd.DataFrame) -> list[float]:
        return [self.answers.setdefault(k, a) for k, a in zip(X[self.key], own(X).tolist(), strict=True)]


class WarmingUp:
    """Changes its predictions from the n-th call on."""

    def __init__(self, calls: int) -> None:
        self.calls, self.asked = calls, 0

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        self.asked += 1
        return own(X) + (self.asked > self.calls)


class FittedAtFirstCall:
    """Keeps the mean of its first input."""

    def __init__(self) -> None:
        self.mean: float | None = None

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        self.mean = float(X["spent"].mean()) if self.mean is None else self.mean
        return own(X) - self.mean


@pytest.mark.parametrize("rows", [1, 3, 20])
@pytest.mark.parametrize(
    "make",
    [
        lambda: Cached("shop"),
        lambda: Cached("customer"),
        lambda: WarmingUp(2),
        lambda: WarmingUp(9),
        lambda: WarmingUp(30),
        FittedAtFirstCall,
    ],
    ids=["by shop", "by customer", "after 2 calls", "after 9 calls", "after 30 calls", "at the first call"],
)
def test_a_model_that_changes_with_each_call_is_refused(make: Callable[[], Any], rows: int) -> None:
    with pytest.raises(UnstableModelError, match="No service of it can be proven"):
        find_call(make(), FRAME.head(rows))


def row_wise(chance: random.Random) -> tuple[Callable[[Any], Any], Any, tuple[str, ...]]:
    """Return a random model with independent rows, its sample, and the fields that may be null."""
    numbers = np.random.default_rng(chance.randrange(10**6))
    rows, width = chance.choice([1, 2, 5, 30]), chance.choice([1, 3, 8, 40])
    dtype = chance.choice(["float64", "float64", "float32", "int64"])
    size = 10.0 ** chance.randint(-3, 5)
    X = (numbers.normal(size=(rows, width)) * size).astype(dtype)
    weights = (numbers.normal(size=(width, 3)) / size).astype("float32" if dtype == "float32" else "float64")
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(width)])
    frame["kind"] = [chance.choice("abc") for _ in range(rows)]

    def linear(X: np.ndarray) -> np.ndarray:
        return X @ weights

    def hidden(X: np.ndarray) -> np.ndarray:
        return np.tanh(X @ weights) @ np.eye(3, 2, dtype=weights.dtype)

    def softmax(X: np.ndarray) -> np.ndarray:
        powers = np.exp(X @ weights - (X @ weights).max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def labels(X: np.ndarray) -> np.ndarray:
        return np.array(["low", "mid", "high"])[(X @ weights).argmax(axis=1)]

    def of_frame(F: pd.DataFrame) -> pd.Series:
        return F["x0"] * F["kind"].map({"a": 1, "b": 2, "c": 3}) / (1 + F.filter(like="x").abs().sum(axis=1))

    def of_dicts(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {"score": record["x0"] / (1 + abs(record["x0"])), "kind": record["kind"]} for record in records
        ]

    def of_parts(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return X.sum(axis=1), X @ weights

    def filled_with_zero(F: pd.DataFrame) -> pd.Series:
        return of_frame(F.fillna({**dict.fromkeys(F.filter(like="x"), 0.0), "kind": "a"}))

    def refusing_nulls(F: pd.DataFrame) -> pd.Series:
        if F.isna().to_numpy().any():
            raise ValueError("Input contains NaN")
        return of_frame(F)

    @functools.cache
    def doubled(value: float) -> float:
        return value * 2

    known: dict[str, int] = {}

    def remembering(F: pd.DataFrame) -> list[float]:
        """Keeps state that is the same for every row."""
        return [
            doubled(x) + known.setdefault(kind, ord(kind)) for x, kind in zip(F["x0"], F["kind"], strict=True)
        ]

    of_frames = [of_frame, filled_with_zero, refusing_nulls, remembering]
    model: Any = chance.choice([linear, hidden, softmax, labels, of_dicts, of_parts, *of_frames])
    samples: dict[Any, Any] = {of_dicts: frame.to_dict("records"), **dict.fromkeys(of_frames, frame)}
    holed = model in (filled_with_zero, of_frame) and chance.random() < 0.5
    if holed and dtype != "int64":
        frame["x0"] = frame["x0"].where(np.array([chance.random() < 0.7 for _ in range(rows)]))
    nullable: tuple[str, ...] = ("x0", "kind") if model in (filled_with_zero, refusing_nulls) else ()
    return model, samples.get(model, X), nullable


@pytest.mark.parametrize("column", ["spent", "rate"])
def test_a_model_that_keeps_what_it_saw_first_is_found_beside_missing_values(column: str) -> None:
    with pytest.raises(UnstableModelError):
        find_call(first_of_all(column), FRAME.head(2), nullable=("visits",))


@pytest.mark.parametrize("trials", [50, pytest.param(250, marks=pytest.mark.slow)])
def test_independent_rows_are_always_batched(trials: int) -> None:
    chance = random.Random(11)
    for trial in range(trials):
        model, sample, nullable = row_wise(chance)
        found = find_call(model, sample, nullable=nullable)
        assert found.call.batched, (trial, model.__name__, found.call.evidence)


@pytest.mark.parametrize("width", [1, 64, 300])
def test_a_float32_network_with_batch_dependent_rounding_is_batched(width: int) -> None:
    import torch

    torch.manual_seed(width)
    layers = [torch.nn.Linear(width, 256), torch.nn.ReLU(), torch.nn.Linear(256, 64), torch.nn.Tanh()]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(64, 2)).eval()
    assert find_call(model, torch.randn(12, width)).call.batched


def test_batch_normalisation_that_was_left_in_training_is_found() -> None:
    import torch

    class Normalising(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.batch_norm(x, None, None, training=True) if len(x) > 1 else x

    assert not find_call(Normalising(), torch.randn(12, 3)).call.batched


def test_the_evidence_names_the_number_of_tested_rows() -> None:
    one, some = find_call(own, FRAME.head(1)).call.evidence, find_call(own, FRAME).call.evidence
    assert one.endswith(
        "a row gets the same answer alone and in a batch: 1 row of the sample and 25 made-up rows"
    )
    assert some.endswith(": 16 rows of the sample and 10 made-up rows")


def test_the_evidence_names_the_arrangement_that_showed_the_dependence() -> None:
    found = find_call(reordered("day", True), FRAME)
    said = re.search(
        r"; one record at a time: with the rows in reverse order row (\d+) gets ([\d.]+), alone ([\d.]+)$",
        found.call.evidence,
    )
    assert said is not None
    assert float(said[3]) == pytest.approx(own(FRAME)[int(said[1])])
    assert float(said[2]) != pytest.approx(float(said[3]))
    assert "depends on the records that go in with it" in found.notes[0]


def test_equal_rows_that_cannot_be_varied_prove_nothing() -> None:
    class Sealed:
        def __deepcopy__(self, memo: Any) -> Any:
            return self

    same = Sealed()
    assert not find_call(lambda records: [1.0 for _ in records], [same, same, same]).call.batched


CONTAINERS: dict[str, Any] = {
    "frame": FRAME,
    "array": RNG.normal(size=(5, 3)),
    "float32": RNG.normal(size=(5, 3)).astype("float32"),
    "images": RNG.integers(0, 255, (3, 4, 4)).astype("uint8"),
    "numbers": RNG.normal(size=5),
    "texts": ["a red ball", "two blue cars", "nothing"],
    "dicts": FRAME.to_dict("records"),
    "lists": [[1, 2.5, "x"], [3, 4.5, "y"]],
    "arguments": {"a": RNG.normal(size=(4, 2)), "b": np.arange(4)},
    "tuple": (RNG.normal(size=(4, 2)), np.arange(4)),
}


@pytest.mark.parametrize("kind", CONTAINERS)
@pytest.mark.parametrize("rows", [1, None])
def test_rows_are_made_up_in_the_container_of_the_sample(kind: str, rows: int | None) -> None:
    sample = CONTAINERS[kind] if rows is None else take(CONTAINERS[kind], range(rows))
    made, count = with_made_up(sample, [0], 12)
    assert count > 6
    assert count_rows(made) == 1 + count
    assert type(made) is type(sample)
    assert str(take(made, [0])) == str(take(sample, [0]))
    assert len({str(take(made, [i])) for i in range(1 + count)}) > 2


def test_made_up_rows_stay_within_what_was_seen() -> None:
    made, _ = with_made_up(FRAME, range(20), 200)
    assert made.dtypes.equals(FRAME.dtypes)
    assert set(made["shop"]) == set(FRAME["shop"])
    for column in ("day", "customer", "spent", "visits", "rate"):
        assert made[column].between(FRAME[column].min(), FRAME[column].max()).all()


def test_a_made_up_row_that_the_model_refuses_alone_is_dropped() -> None:
    def known(X: pd.DataFrame) -> np.ndarray:
        if not X["customer"].isin(FRAME["customer"][:3]).all():
            raise ValueError("who is that?")
        return own(X)

    found = find_call(known, FRAME.head(3))
    assert found.call.batched
    assert "25 made-up" not in found.call.evidence


@pytest.mark.parametrize("container", ["frame", "array", "dicts"])
def test_small_numbers_are_compared_next_to_large_ones(container: str) -> None:
    def predict(X: pd.DataFrame) -> Any:
        found = pd.DataFrame({"amount": 1.5e6 + X["spent"] * 1000, "p": X["spent"].rank(pct=True)})
        shapes = {"frame": found, "array": found.to_numpy(), "dicts": found.to_dict("records")}
        return shapes[container]

    sample = pd.DataFrame({"spent": [40.0, 10.0, 75.5, 20.0, 33.0]})
    assert not find_call(predict, sample).call.batched


def test_texts_of_a_single_row_are_varied() -> None:
    def predict(X: pd.DataFrame) -> Any:
        return X["shop"].astype("category").cat.codes.to_numpy()

    assert not find_call(predict, pd.DataFrame({"shop": ["north"], "spent": [4.0]})).call.batched
