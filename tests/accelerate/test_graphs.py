"""`--accelerate onnx`: the trees of each library as a graph of ONNX, compared with the model."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import onnx
import pandas as pd
import pytest
import xgboost
from sklearn import ensemble, gaussian_process, linear_model, neural_network, tree
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from scaffold.introspect.fast import ENSEMBLES, _sums
from scaffold.proof import Speed
from scaffold.spec import Accelerate, Batching, BoosterCall, NoFastPlan
from scaffold.verbs._fastest import fastest
from tests.accelerate.compiled import Compiled, compile_model

ROWS = 40


def _frame(*, missing: bool = False) -> pd.DataFrame:
    numbers = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "age": numbers.normal(30, 12, 150),
            "fare": numbers.gamma(2, 9, 150),
            "size": numbers.integers(0, 9, 150),
        }
    )
    if missing:
        frame.loc[numbers.random(150) < 0.2, "age"] = np.nan
    return frame


def _target(classes: int) -> Any:
    frame = _frame()
    score = frame["age"] + 3 * frame["size"] - 0.02 * frame["fare"] ** 2
    return score.to_numpy() if classes == 0 else pd.qcut(score, classes, labels=False).to_numpy()


_SMALL = {"n_estimators": 12, "random_state": 0}
_BOOSTER = {"n_estimators": 12, "num_leaves": 7, "verbose": -1, "min_child_samples": 5}
_CATBOOST = {"iterations": 10, "depth": 4, "verbose": 0, "allow_writing_files": False}
MODELS: dict[str, tuple[Any, int, str, bool]] = {
    # name: model, classes (0: a number), method, whether a column has missing values
    "forest": (ensemble.RandomForestClassifier(max_depth=4, **_SMALL), 2, "predict_proba", True),
    "forest of 3 classes": (ensemble.ExtraTreesClassifier(max_depth=4, **_SMALL), 3, "predict", False),
    "forest of numbers": (ensemble.RandomForestRegressor(max_depth=4, **_SMALL), 0, "predict", False),
    "tree": (tree.DecisionTreeClassifier(max_depth=4), 3, "predict_proba", True),
    "stump": (tree.DecisionTreeRegressor(min_samples_leaf=150), 0, "predict", False),
    "boosted": (ensemble.GradientBoostingClassifier(**_SMALL), 3, "predict_proba", False),
    "boosted of 2 classes": (ensemble.GradientBoostingClassifier(**_SMALL), 2, "predict", False),
    "boosted of numbers": (ensemble.GradientBoostingRegressor(**_SMALL), 0, "predict", False),
    "histograms": (ensemble.HistGradientBoostingClassifier(max_iter=12), 2, "predict_proba", True),
    "histograms of 3 classes": (ensemble.HistGradientBoostingClassifier(max_iter=8), 3, "predict", True),
    "histograms of counts": (
        ensemble.HistGradientBoostingRegressor(max_iter=9, loss="poisson"), 0, "predict", True,
    ),
    "lightgbm": (lightgbm.LGBMClassifier(**_BOOSTER), 2, "predict_proba", True),
    "lightgbm of 3 classes": (lightgbm.LGBMClassifier(**_BOOSTER), 3, "predict_proba", False),
    "lightgbm of numbers": (lightgbm.LGBMRegressor(**_BOOSTER), 0, "predict", False),
    "lightgbm of counts": (lightgbm.LGBMRegressor(objective="poisson", **_BOOSTER), 0, "predict", True),
    "xgboost": (xgboost.XGBClassifier(n_estimators=12), 2, "predict_proba", True),
    "xgboost of 3 classes": (xgboost.XGBClassifier(n_estimators=8), 3, "predict", False),
    "xgboost of numbers": (xgboost.XGBRegressor(n_estimators=12), 0, "predict", True),
    "xgboost of counts": (
        xgboost.XGBRegressor(n_estimators=8, objective="count:poisson"), 0, "predict", False,
    ),
    "catboost": (catboost.CatBoostClassifier(**_CATBOOST), 2, "predict_proba", True),
    "catboost of 3 classes": (catboost.CatBoostClassifier(**_CATBOOST), 3, "predict", False),
    "catboost of numbers": (catboost.CatBoostRegressor(**_CATBOOST), 0, "predict", True),
    "catboost of counts": (
        catboost.CatBoostRegressor(loss_function="Poisson", **_CATBOOST), 0, "predict", False,
    ),
    "xgboost forest": (xgboost.XGBRFClassifier(n_estimators=8), 2, "predict_proba", False),
}  # fmt: skip


def _compile(name: str, folder: Path, way: Accelerate = Accelerate.ONNX) -> Compiled:
    model, classes, method, missing = MODELS[name]
    frame, target = _frame(missing=missing), _target(classes)
    if classes == 0:
        target = target - target.min() + 1
    compiled = compile_model(model.fit(frame, target), frame, method, folder, way)
    assert isinstance(compiled, Compiled), compiled
    return compiled


@pytest.mark.parametrize("most_bytes", [_sums.MOST_MASK_BYTES, 0], ids=["masks", "walk"])
@pytest.mark.parametrize("name", MODELS)
def test_trees_in_numpy_return_what_the_model_returns(
    name: str, most_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sums, "MOST_MASK_BYTES", most_bytes)
    compiled = _compile(name, tmp_path, Accelerate.NUMPY)
    assert compiled.plan.estimator.inner is not None
    assert compiled.plan.estimator.inner.step == ("TreeMasks" if most_bytes else "TreeWalk")
    found = compiled.compare.compare(ROWS)
    assert found["difference"] is None
    assert found["thresholds"] > 0 or name == "stump"


@pytest.mark.parametrize("name", MODELS)
def test_trees_return_what_the_model_returns(name: str, tmp_path: Path) -> None:
    compiled = _compile(name, tmp_path)
    found = compiled.compare.compare(ROWS)
    assert found["difference"] is None
    assert found["thresholds"] > 0
    assert compiled.plan.graph is not None
    onnx.checker.check_model(onnx.load_from_string(compiled.plan.graph.content), full_check=True)


CONVERTED_MODELS: dict[str, tuple[Any, int, str]] = {
    # name: model, classes (0: a number), method
    "network": (neural_network.MLPClassifier((8,), max_iter=30), 2, "predict_proba"),
    "network of 3 classes": (neural_network.MLPClassifier((8,), max_iter=30), 3, "predict"),
    "network of numbers": (neural_network.MLPRegressor(hidden_layer_sizes=(8, 4), max_iter=30), 0, "predict"),
    "gaussian process": (gaussian_process.GaussianProcessRegressor(), 0, "predict"),
    "poisson": (linear_model.PoissonRegressor(), 0, "predict"),
    "gamma": (linear_model.GammaRegressor(), 0, "predict"),
    "tweedie": (linear_model.TweedieRegressor(), 0, "predict"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CONVERTED_MODELS)
def test_what_skl2onnx_converts_returns_what_the_model_returns(name: str, tmp_path: Path) -> None:
    last, classes, method = CONVERTED_MODELS[name]
    frame, target = _frame(), _target(classes)
    model = make_pipeline(StandardScaler(), last).fit(frame, target - target.min() + 1)
    compiled = compile_model(model, frame, method, tmp_path, Accelerate.ONNX)
    assert isinstance(compiled, Compiled), compiled
    found = compiled.compare.compare(ROWS)
    assert (found["difference"], found["thresholds"]) == (None, 0)


def test_without_skl2onnx_the_environment_of_the_converter_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    model = _fitted(linear_model.PoissonRegressor())
    found = compile_model(model, _frame(), "predict", tmp_path, Accelerate.ONNX)
    assert found == NoFastPlan(reason="skl2onnx is not installed", needs_converter=True)


def test_steps_before_the_trees_are_those_of_numpy(tmp_path: Path) -> None:
    frame = _frame(missing=True).assign(color=np.where(_frame()["fare"] > 9, "red", "blue"))
    columns = make_column_transformer(
        (SimpleImputer(), ["age", "fare"]), (OneHotEncoder(handle_unknown="ignore"), ["color"])
    )
    model = make_pipeline(columns, xgboost.XGBClassifier(n_estimators=8)).fit(frame, _target(2))
    compiled = compile_model(model, frame, "predict_proba", tmp_path, Accelerate.ONNX)
    assert isinstance(compiled, Compiled)
    assert compiled.compare.compare(ROWS)["difference"] is None


@pytest.mark.parametrize("way", [Accelerate.NUMPY, Accelerate.ONNX])
def test_categories_of_lightgbm_are_numbered(way: Accelerate, tmp_path: Path) -> None:
    numbers = np.random.default_rng(5)
    colors = numbers.choice(["red", "blue", "green", "grey"], 150).astype(object)
    colors[:20] = None
    frame = _frame().assign(color=pd.Categorical(colors), shape=pd.Categorical(["a", "b", "c"] * 50))
    target = _frame()["age"] + 20 * (frame["color"] == "red") + 9 * (frame["shape"] == "b")
    model = lightgbm.LGBMRegressor(min_data_per_group=3, cat_smooth=1, **_BOOSTER).fit(frame, target)
    compiled = compile_model(model, frame, "predict", tmp_path, way)
    assert isinstance(compiled, Compiled), compiled
    graph = compiled.plan.graph
    assert graph is None or "membership_values" in str(onnx.load_from_string(graph.content))
    assert compiled.compare.compare(ROWS)["difference"] is None


def test_a_booster_of_lightgbm_is_compiled(tmp_path: Path) -> None:
    frame = _frame(missing=True)
    booster = lightgbm.LGBMClassifier(**_BOOSTER).fit(frame, _target(2)).booster_
    compiled = compile_model(booster, frame, "predict", tmp_path, Accelerate.ONNX)
    assert isinstance(compiled, Compiled), compiled
    assert compiled.compare.compare(ROWS)["difference"] is None


OBJECTIVES = {"binary:logistic": 2, "reg:squarederror": 0, "count:poisson": 0, "multi:softprob": 3}
"""The classes of the target; 0: a number."""
MATRIX = BoosterCall(batching=Batching.TOGETHER)


def _booster_of_xgboost(classes: int, X: Any, **parameters: Any) -> xgboost.Booster:
    target = _target(classes) if classes else _target(0) - _target(0).min()
    many = {"num_class": classes} if classes > 2 else {}
    return xgboost.train({"nthread": 1, **many, **parameters}, xgboost.DMatrix(X, target), 8)


@pytest.mark.parametrize("way", [Accelerate.NUMPY, Accelerate.ONNX])
@pytest.mark.parametrize("is_frame", [True, False])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_booster_of_xgboost_is_compiled(
    objective: str, is_frame: bool, way: Accelerate, tmp_path: Path
) -> None:
    frame = _frame(missing=True)
    X: Any = frame if is_frame else frame.to_numpy(dtype=float)
    booster = _booster_of_xgboost(OBJECTIVES[objective], X, objective=objective)
    compiled = compile_model(booster, X, MATRIX, tmp_path, way)
    assert isinstance(compiled, Compiled), compiled
    found = compiled.compare.compare(ROWS)
    assert found["difference"] is None
    assert found["thresholds"] > 0


def test_a_booster_of_xgboost_sums_the_trees_after_its_best_iteration_too(tmp_path: Path) -> None:
    frame, target = _frame(), _target(2)
    matrix = xgboost.DMatrix(frame, target)
    other = xgboost.DMatrix(frame, 1 - target)
    options = {"objective": "binary:logistic", "nthread": 1}
    booster = xgboost.train(
        options, matrix, 9, evals=[(other, "other")], early_stopping_rounds=5, verbose_eval=False
    )
    assert booster.best_iteration == 0
    assert booster.num_boosted_rounds() > 1
    compiled = compile_model(booster, frame, MATRIX, tmp_path, Accelerate.ONNX)
    assert isinstance(compiled, Compiled), compiled
    assert compiled.compare.compare(ROWS)["difference"] is None


@pytest.mark.parametrize(
    ("classes", "parameter", "value"),
    [(3, "objective", "multi:softmax"), (2, "objective", "binary:hinge"), (2, "booster", "dart")],
)
def test_another_booster_of_xgboost_is_refused(
    classes: int, parameter: str, value: str, tmp_path: Path
) -> None:
    booster = _booster_of_xgboost(classes, _frame(), **{parameter: value})
    found = compile_model(booster, _frame(), MATRIX, tmp_path, Accelerate.ONNX)
    assert found == NoFastPlan(reason=f"Booster with {parameter}={value!r} has no compiled form")


def _next_float(graph: onnx.GraphProto) -> None:
    """Move the threshold of the first node to the next float."""
    [splits] = [each for each in graph.node[0].attribute if each.name == "nodes_splits"]
    values = onnx.numpy_helper.to_array(splits.t).copy()
    values[0] = np.nextafter(values[0], np.inf)
    splits.t.CopyFrom(onnx.numpy_helper.from_array(values))


def _smaller_leaf(graph: onnx.GraphProto) -> None:
    """Make a leaf smaller by a thousandth."""
    [leaves] = [each for each in graph.node[0].attribute if each.name == "leaf_weights"]
    leaves.t.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(leaves.t) * 0.999))


@pytest.mark.parametrize(("fault", "group"), [(_next_float, "boundary"), (_smaller_leaf, "recorded")])
def test_a_fault_in_the_graph_is_found(
    fault: Callable[[onnx.GraphProto], None], group: str, tmp_path: Path
) -> None:
    import onnxruntime

    compiled = _compile("lightgbm", tmp_path)
    assert compiled.plan.graph is not None
    model = onnx.load_from_string(compiled.plan.graph.content)
    fault(model.graph)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    of_project = compiled.compare.FastModel

    def faulty(constants: Any) -> Any:
        fast = of_project(constants)
        fast.last.trees.session = session
        return fast

    compiled.compare.FastModel = faulty
    assert compiled.compare.compare(ROWS)["difference"]["group"] == group


def _fitted(model: Any) -> Any:
    return model.fit(_frame(), _target(2))


def _with_categories(model: Any) -> Any:
    frame = _frame()
    return model.fit(frame.assign(size=pd.Categorical(frame["size"])), _target(2))


REFUSED = {
    "XGBClassifier with booster='dart' has no compiled form": (
        lambda: _fitted(xgboost.XGBClassifier(n_estimators=3, booster="dart"))
    ),
    "XGBClassifier with missing=0.0 has no compiled form": (
        lambda: _fitted(xgboost.XGBClassifier(n_estimators=3, missing=0.0))
    ),
    "XGBClassifier with columns of categories has no compiled form": (
        lambda: _with_categories(xgboost.XGBClassifier(n_estimators=3, enable_categorical=True))
    ),
    "LGBMClassifier with zero_as_missing has no compiled form": (
        lambda: _fitted(lightgbm.LGBMClassifier(zero_as_missing=True, **_BOOSTER))
    ),
    "LGBMRegressor with reg_sqrt has no compiled form": (
        lambda: _fitted(lightgbm.LGBMRegressor(reg_sqrt=True, **_BOOSTER))
    ),
    "LGBMRegressor with linear_tree has no compiled form": (
        lambda: _fitted(lightgbm.LGBMRegressor(linear_tree=True, **_BOOSTER))
    ),
    "HistGradientBoostingClassifier with columns of categories has no compiled form": (
        lambda: _fitted(ensemble.HistGradientBoostingClassifier(max_iter=3, categorical_features=[2]))
    ),
    "LogisticRegression has a compiled form in numpy only": (
        lambda: _fitted(linear_model.LogisticRegression(max_iter=1000))
    ),
}  # fmt: skip


@pytest.mark.parametrize("reason", REFUSED)
def test_what_a_graph_cannot_compute_is_refused_with_a_reason(reason: str, tmp_path: Path) -> None:
    found = compile_model(REFUSED[reason](), _frame(), "predict", tmp_path, Accelerate.ONNX)
    assert found == NoFastPlan(reason=reason)


@pytest.mark.parametrize(
    ("numpy", "onnx_", "chosen"),
    [
        (50.0, 100.0, Accelerate.ONNX),
        (90.0, 100.0, Accelerate.NUMPY),  # near: numpy is exact, and can be read
        (None, 100.0, Accelerate.ONNX),
        (0.5, 0.9, None),  # the model itself is faster
        (None, None, None),
    ],
)
def test_the_fastest_is_kept(numpy: float | None, onnx_: float | None, chosen: Accelerate | None) -> None:
    means = {Accelerate.NUMPY: numpy, Accelerate.ONNX: onnx_}
    speeds = {way: Speed(one_row=mean, many_rows=mean) for way, mean in means.items() if mean}
    assert fastest(speeds) is chosen


def test_a_foreign_class_of_the_same_name_is_refused(tmp_path: Path) -> None:
    class LGBMClassifier(lightgbm.LGBMClassifier):
        """A subclass, which may compute anything."""

    model = _fitted(LGBMClassifier(**_BOOSTER))
    found = compile_model(model, _frame(), "predict", tmp_path, Accelerate.ONNX)
    assert found == NoFastPlan(reason="LGBMClassifier has no compiled form")


def test_each_class_of_a_library_is_there() -> None:
    for name in ENSEMBLES:
        folder, _, kind = name.partition(".")
        module = {
            "catboost": catboost,
            "ensemble": ensemble,
            "lightgbm": lightgbm,
            "tree": tree,
            "xgboost": xgboost,
        }[folder]
        assert hasattr(module, kind)
