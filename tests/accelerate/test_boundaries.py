"""The comparison looks for the numbers of the input where the compiled model decides otherwise."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, PolynomialFeatures, StandardScaler

from scaffold.introspect import fast
from scaffold.spec import Accelerate, NoFastPlan
from tests.accelerate.compiled import Compiled, compile_model, requests_of

WAYS = [Accelerate.NUMPY, Accelerate.ONNX]
BIG = 2**60


def _compiled(
    model: Any, sample: Any, method: str, folder: Path, way: Accelerate = Accelerate.NUMPY
) -> Compiled:
    compiled = compile_model(model, sample, method, folder, way)
    assert isinstance(compiled, Compiled), compiled
    return compiled


def _differing(compiled: Compiled, method: str, rows: Any) -> int:
    """Return for how many rows, each alone, the compiled model returns something else."""
    both, found = compiled.compare.Both(), 0
    for request in requests_of(rows):
        row = [SimpleNamespace(**{f"field_{i}": value for i, value in enumerate(request.values())})]
        if isinstance(rows, np.ndarray):
            row = [SimpleNamespace(**request)]
        found += not compiled.compare.same(both.of_fast(method, row), both.of_model(method, row))
    return found


def _stamps() -> tuple[pd.DataFrame, Any]:
    """Timestamps in seconds: floats of 32 bits leave out most of such integers."""
    numbers = np.random.default_rng(0)
    frame = pd.DataFrame({"at": 1_700_000_000 + numbers.integers(0, 50_000_000, 2000), "kind": 0})
    return frame.assign(kind=numbers.integers(0, 5, 2000)), (frame["at"] // 3_600_000) % 2


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("takes", ["array", "frame", "frame of a function", "selection"])
def test_lightgbm_reads_large_integers_as_the_model_does(way: Accelerate, takes: str, tmp_path: Path) -> None:
    frame, target = _stamps()
    before = {"selection": [VarianceThreshold()], "frame of a function": [FunctionTransformer()]}
    last = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1)
    model = make_pipeline(*before[takes], last) if takes in before else last
    data: Any = frame.to_numpy() if takes == "array" else frame
    model.fit(data, target)
    compiled = _compiled(model, data[:40], "predict_proba", tmp_path, way)
    assert compiled.compare.compare(200)["difference"] is None
    borders = last.booster_.trees_to_dataframe()["threshold"].dropna().unique()
    near = [int(border) + i for border in borders if border > 1e6 for i in range(-40, 40, 16)]
    rows = pd.DataFrame({"at": near, "kind": 2})
    assert len(near) > 50
    assert _differing(compiled, "predict_proba", rows.to_numpy() if takes == "array" else rows) == 0


def test_integers_that_are_rounded_in_other_steps_are_found(tmp_path: Path) -> None:
    """scikit-learn rounds integers beside truth values once; the compiled forest rounds them twice."""
    numbers = np.random.default_rng(0)
    step = numbers.integers(0, 2**7, 400)
    frame = pd.DataFrame({"id": BIG + step * 2**37, "vip": numbers.random(400) < 0.5})
    frame["size"] = numbers.normal(size=400)
    model = RandomForestClassifier(10, random_state=0).fit(frame, step % 2)
    difference = _compiled(model, frame[:30], "predict", tmp_path).compare.compare(1000)["difference"]
    assert (difference["group"], difference["row"]["field_0"] > 2**59) == ("boundary", True)


def _ties() -> tuple[Any, pd.DataFrame]:
    """A model of four categories whose sums are 0 for some of them, and its input."""
    score = {"a": -1.5, "b": -0.5, "c": 0.5, "d": 1.5}
    names = ["c0", "c1", "c2", "c3"]
    categories = pd.DataFrame(list(itertools.product("abcd", repeat=4)), columns=names)
    parts = [categories.assign(amount=float(amount)) for amount in (155, 205, 305, 355)]
    frame = pd.concat(parts).sample(frac=1, random_state=2).reset_index(drop=True)
    target = sum(frame[name].map(score) for name in names) + (frame["amount"] - 255) * 0.0077 > 0
    encoder = OneHotEncoder(handle_unknown="ignore")
    columns = make_column_transformer((encoder, names), (StandardScaler(), ["amount"]))
    return make_pipeline(columns, RidgeClassifier(alpha=0.5)).fit(frame, target), frame


def test_the_columns_of_a_sparse_matrix_are_added_in_the_order_of_the_model(tmp_path: Path) -> None:
    model, frame = _ties()
    assert model[0].sparse_output_
    compiled = _compiled(model, frame[:30], "predict", tmp_path)
    rows = frame.drop(columns="amount").drop_duplicates().assign(amount=255.0)
    assert _differing(compiled, "predict", rows) == 0
    assert compiled.compare.compare(1000)["difference"] is None


def test_another_order_is_found_between_two_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "gives_sparse", lambda _: False)
    model, frame = _ties()
    difference = _compiled(model, frame[:30], "predict", tmp_path).compare.compare(1000)["difference"]
    assert difference["group"] == "boundary"


def test_a_probability_threshold_of_catboost_is_refused(tmp_path: Path) -> None:
    frame, target = _stamps()
    model = catboost.CatBoostClassifier(iterations=3, verbose=0, allow_writing_files=False).fit(frame, target)
    assert isinstance(compile_model(model, frame[:20], "predict", tmp_path), Compiled)
    model.set_probability_threshold(0.9)
    found = compile_model(model, frame[:20], "predict", tmp_path)
    reason = "CatBoostClassifier with a probability threshold has no compiled form"
    assert found == NoFastPlan(reason=reason)


def test_a_sum_next_to_0_gets_the_label_of_histogram_boosting(tmp_path: Path) -> None:
    frame, target = _stamps()
    model = HistGradientBoostingClassifier(max_iter=3).fit(frame, target)
    model._predictors, model._baseline_prediction = [], np.array([[1e-16]])
    compiled = _compiled(model, frame[:20], "predict", tmp_path)
    assert set(model.predict(frame)) == {1}
    assert _differing(compiled, "predict", frame[:20]) == 0


def test_a_column_may_be_missing_in_all_rows_of_the_sample(tmp_path: Path) -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)), columns=list("abc"))
    frame.loc[::2, "c"] = np.nan
    model = make_pipeline(SimpleImputer(), Ridge()).fit(frame, frame["a"])
    compiled = _compiled(model, frame[::2][:30], "predict", tmp_path)
    assert compiled.compare.compare(500)["difference"] is None


def test_rows_are_compared_beside_those_that_are_refused(tmp_path: Path) -> None:
    """Of each group, about a third of the rows has no unknown category."""
    numbers = np.random.default_rng(0)
    frame = pd.DataFrame({"town": numbers.choice(list("abc"), 200), "size": numbers.normal(size=200)})
    columns = make_column_transformer((OneHotEncoder(), ["town"]), (StandardScaler(), ["size"]))
    model = make_pipeline(columns, LogisticRegression()).fit(frame, frame["size"] > 0)
    compiled = _compiled(model, frame[:30], "predict", tmp_path)
    both, rows = compiled.compare.Both(), compiled.compare.made_up_rows(400, 0)
    for group, part in rows:
        accepted = sum(both.of_model("predict", [row]) is not None for row in part)
        assert compiled.compare.compare_rows(both, "predict", part) == (accepted, None)
        assert accepted == 3 if group == "category" else accepted > 10


def test_a_row_that_the_model_alone_refuses_is_found(tmp_path: Path) -> None:
    frame = pd.DataFrame({"size": np.arange(300.0)})
    model = make_pipeline(StandardScaler(), Ridge()).fit(frame, frame["size"])
    compiled = _compiled(model, frame, "predict", tmp_path)
    both = compiled.compare.Both()
    usual = both.of_model

    def of_model(method: str, rows: list[Any]) -> Any:
        return None if any(row.field_0 == 271 for row in rows) else usual(method, rows)

    both.of_model = of_model
    rows = [SimpleNamespace(field_0=float(number)) for number in range(300)]
    compared, difference = compiled.compare.compare_rows(both, "predict", rows)
    assert difference["row"] == {"field_0": 271.0}
    assert (compared, difference["model"]) == (256, "refused")


def test_a_difference_in_a_batch_alone_is_shown_with_its_values(tmp_path: Path) -> None:
    frame = pd.DataFrame({"size": np.arange(300.0)})
    compiled = _compiled(Ridge().fit(frame, frame["size"]), frame, "predict", tmp_path)
    both = compiled.compare.Both()
    usual = both.of_fast

    def of_fast(method: str, rows: list[Any]) -> Any:
        return usual(method, rows) + [row.field_0 == 9 and len(rows) == 64 for row in rows]

    both.of_fast = of_fast
    rows = [SimpleNamespace(field_0=float(number)) for number in range(300)]
    _, difference = compiled.compare.compare_rows(both, "predict", rows)
    assert (difference["row"], difference["batch"]) == ({"field_0": 9.0}, 64)
    own, model = (float(difference[name][1:].partition("]")[0]) for name in ("fast", "model"))
    assert own == pytest.approx(model + 1)


def test_numbers_have_places_in_order(tmp_path: Path) -> None:
    frame = pd.DataFrame({"size": np.arange(9.0)})
    cell = _compiled(Ridge().fit(frame, frame["size"]), frame, "predict", tmp_path).compare
    module: dict[str, Any] = cell.boundary_rows.__globals__
    place_of, number_at = module["place_of"], module["number_at"]
    for number in (0.0, 5e-324, 1.0, -1.0, -5e-324, 1e30, -1e308):
        assert number_at(place_of(number)) == number
        assert number_at(place_of(number) + 1) == math.nextafter(number, math.inf)
    assert place_of(-0.0) == place_of(0.0) == 0


@pytest.mark.parametrize("of", ["frame", "array"])
def test_each_category_is_compared(of: str, tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    frame = pd.DataFrame({"town": numbers.integers(0, 120, 3000), "size": numbers.integers(0, 9, 3000)})
    data: Any = frame if of == "frame" else frame.to_numpy()
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge())
    model.fit(data, frame["town"] % 7 + frame["size"])
    compiled = _compiled(model, data[:10], "predict", tmp_path)
    assert compiled.compare.compare(100)["difference"] is None
    usual = compiled.compare.FastModel
    for town in (3, 60, 119):

        def swapped(constants: Any, town: int = town) -> Any:
            fast = usual(constants)
            places = fast.one_hot_encoder.places[0]
            places[town], places[town - 1] = places[town - 1], places[town]
            return fast

        compiled.compare.FastModel = swapped
        assert compiled.compare.compare(100)["difference"]["group"] in ("recorded", "category")


@pytest.mark.parametrize("step", [PolynomialFeatures(), FunctionTransformer(np.log1p)])
def test_boundaries_are_found_where_numbers_far_away_are_refused(step: Any, tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    frame = pd.DataFrame({"a": numbers.gamma(2, 9, 400), "b": numbers.gamma(2, 1e-3, 400)})
    target = frame["a"] + 1e3 * frame["b"] > 20
    last = LogisticRegression() if isinstance(step, FunctionTransformer) else RandomForestClassifier(5)
    model = make_pipeline(step, StandardScaler(), last).fit(frame, target)
    compare = _compiled(model, frame[:30], "predict", tmp_path).compare
    both = compare.Both()
    rows = compare.boundary_rows(compare.sides_of(both, 1000), 0)
    accepted = [row for row in rows if both.of_fast("predict", [row]) is not None]
    assert len({(row.field_0, row.field_1) for row in accepted}) > 50
    assert compare.compare_rows(both, "predict", rows) == (len(accepted), None)
    assert 0 < len(rows) - len(accepted) < len(rows) / 2


def test_each_leaf_is_reached_from_a_sample_of_one_row(tmp_path: Path) -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 4)), columns=list("abcd"))
    model = RandomForestClassifier(10, max_depth=6, random_state=0)
    model.fit(frame, frame["a"] * frame["b"] > frame["c"])
    compiled = _compiled(model, frame[:1], "predict_proba", tmp_path)
    usual = compiled.compare.FastModel
    for leaf in (0.1, 0.5, 0.9):

        def faulty(constants: Any, leaf: float = leaf) -> Any:
            fast = usual(constants)
            values = fast.last.trees.value
            values[[int(leaf * len(values))]] += 1e-6
            return fast

        compiled.compare.FastModel = faulty
        assert compiled.compare.compare(100)["difference"]


def test_a_comparison_of_no_row_is_no_proof(tmp_path: Path) -> None:
    frame = pd.DataFrame({"size": np.arange(9.0)})
    compare = _compiled(Ridge().fit(frame, frame["size"]), frame, "predict", tmp_path).compare
    compare.Both.of_model = compare.Both.of_fast = lambda *_: None
    with pytest.raises(ValueError, match="no row was compared"):
        compare.compare(100)


def test_the_largest_thresholds_of_each_column_are_among_some(tmp_path: Path) -> None:
    model = RandomForestClassifier(3).fit(np.eye(4), [0, 1, 0, 1])
    compiled = _compiled(model, np.eye(4), "predict", tmp_path)
    thresholds = np.concatenate([np.linspace(0, 1, 200), np.linspace(-900, 9, 200)])
    trees = SimpleNamespace(feature=np.repeat([0, 1], 200), threshold=thresholds)
    found = compiled.compare.sides_of_trees(lambda rows: None, trees, 40)[0]
    pairs = set(zip(found.columns.tolist(), found.limits.tolist(), strict=True))
    assert len(pairs) == 40
    largest = {(0, each) for each in thresholds[190:200]} | {(1, each) for each in thresholds[200:210]}
    assert largest <= pairs


def test_missing_values_are_compared_beside_thresholds_in_other_columns(tmp_path: Path) -> None:
    """A node far from the root has a side for missing values too, and recorded rows reach few of them."""
    numbers = np.random.default_rng(0)
    values = numbers.normal(size=(400, 6))
    model = HistGradientBoostingClassifier(max_iter=4).fit(
        values, (values[:, 0] * values[:, 1] > 0).astype(int)
    )
    compiled = _compiled(model, values[:40], "predict_proba", tmp_path)
    both = compiled.compare.Both()
    points = np.concatenate(list(compiled.compare.threshold_points(values[:40], both.trees)))
    missing = np.isnan(points)
    among_thresholds = np.isin(points, both.trees.threshold).sum(axis=1)
    assert missing.any(axis=0).all()
    assert (among_thresholds[missing.any(axis=1)] >= 2).any()
    assert not missing[: len(points) - 20_000].any()


@pytest.mark.parametrize("before", [(), (FunctionTransformer(np.square),)], ids=["", "another step"])
def test_categories_that_a_field_cannot_have_are_not_tried(before: tuple[Any, ...], tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).integers(-90, 300, 400)
    frame = pd.DataFrame({"code": numbers})
    encoder = OneHotEncoder(handle_unknown="ignore")
    model = make_pipeline(*before, encoder, LogisticRegression()).fit(frame, numbers % 2)
    sample = frame[numbers < 100].head(40).astype("int8")
    compiled = _compiled(model, sample, "predict_proba", tmp_path)
    assert compiled.compare.compare(300)["difference"] is None
    tried = [
        row.field_0
        for group, rows in compiled.compare.made_up_rows(300, 0)
        for row in rows
        if group == "category"
    ]
    assert tried == ([] if before else sorted({number for number in numbers.tolist() if number < 128}))
