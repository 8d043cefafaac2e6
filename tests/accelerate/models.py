"""Random models: pipelines of scikit-learn, of steps with and without a compiled form, on random data.

Boosters of LightGBM and XGBoost are among the last steps.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import xgboost
from sklearn import ensemble, feature_selection, linear_model, naive_bayes, svm, tree
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)


class OwnScaler(StandardScaler):
    """A subclass, which may compute anything."""

    def transform(self, X: Any, copy: Any = None) -> Any:
        """Return something else."""
        return super().transform(X, copy) * 2


@dataclass(frozen=True)
class Case:
    """A fitted model and rows for it."""

    model: Any
    frame: pd.DataFrame
    method: str
    compiles: bool
    """Whether each step has a compiled form, as far as its class says."""


def random_case(seed: int) -> Case | None:
    """Return a model; None where it cannot be fitted."""
    rng, numbers = random.Random(seed), np.random.default_rng(seed)
    frame = _frame(rng, numbers, rng.randint(40, 150))
    is_regression = rng.random() < 0.3
    target = _target(rng, numbers, frame, is_regression)
    model = _model(rng, frame, is_regression)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            model.fit(frame, target)
            model.predict(frame[:2])
    except Exception:
        return None
    methods = ["predict"]
    if not is_regression and hasattr(model, "predict_proba"):
        methods.append("predict_proba")
    return Case(
        model=model,
        frame=frame,
        method=rng.choice(methods),
        compiles=not any(map(_is_unknown, _steps(model))),
    )


def _steps(model: Any) -> Iterator[Any]:
    """Yield the fitted steps of a model."""
    yield model
    if isinstance(model, Pipeline):
        for _, step in model.steps:
            yield from _steps(step)
    if isinstance(model, ColumnTransformer):
        for _, step, columns in model.transformers_:
            if len(columns):
                yield from _steps(step)


def _is_unknown(step: Any) -> bool:
    unknown = (OwnScaler, KBinsDiscretizer, KNNImputer, svm.SVC, ensemble.AdaBoostClassifier)
    is_unknown_function = isinstance(step, FunctionTransformer) and step.func is np.sign
    gives_frames = getattr(step, "_sklearn_output_config", {}).get("transform") == "pandas"
    return isinstance(step, unknown) or is_unknown_function or gives_frames


def _frame(rng: random.Random, numbers: np.random.Generator, rows: int) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    makers = rng.choices(_COLUMNS, k=rng.randint(1, 7))
    if rng.random() < 0.35:  # numbers alone, for a model that takes one array
        makers = [rng.choice([_floats, _floats, _integers, _large]) for _ in makers]
    for i, make in enumerate(makers):
        columns[rng.choice(["x", "a b", 'q"', "é", "class"]) + str(i)] = make(rng, numbers, rows)
    return pd.DataFrame(columns)


def _floats(rng: random.Random, numbers: np.random.Generator, rows: int) -> Any:
    values = numbers.normal(rng.uniform(-5, 5), rng.uniform(0.1, 9), rows)
    return values.astype("float32") if rng.random() < 0.1 else values


def _holes(rng: random.Random, numbers: np.random.Generator, rows: int) -> Any:
    values = numbers.normal(rng.uniform(-5, 5), rng.uniform(0.1, 9), rows)
    values[numbers.random(rows) < 0.2] = np.nan
    return values


def _large(rng: random.Random, numbers: np.random.Generator, rows: int) -> Any:
    return numbers.normal(0, 10.0 ** rng.randint(-20, 20), rows)


def _constant(rng: random.Random, _: np.random.Generator, rows: int) -> Any:
    return np.full(rows, rng.choice([0.0, 1.0, -3.5]))


def _integers(rng: random.Random, numbers: np.random.Generator, rows: int) -> Any:
    return numbers.integers(-3, rng.choice([2, 5, 1000]), rows).astype(rng.choice(["int64", "int32", "int8"]))


def _truths(_: random.Random, numbers: np.random.Generator, rows: int) -> Any:
    return numbers.random(rows) < 0.5


def _texts(rng: random.Random, numbers: np.random.Generator, rows: int) -> Any:
    words = ["red", "green", "blue", "", " ", "é", "nan", "x" * 40, "1", "None"]
    values = numbers.choice(rng.sample(words, rng.randint(2, 6)), rows).astype(object)
    if rng.random() < 0.4:
        values[numbers.random(rows) < 0.2] = None
    dtype: Any = rng.choice(["str", "str", "object", "category"])
    return pd.array(values, dtype=dtype)


_COLUMNS: list[Callable[..., Any]] = [_floats, _floats, _holes, _large, _constant, _integers, _truths]
_COLUMNS += [_texts, _texts, _texts]


def _target(rng: random.Random, numbers: np.random.Generator, frame: pd.DataFrame, regression: bool) -> Any:
    if regression:
        return numbers.normal(0, 10.0 ** rng.randint(-2, 3), len(frame))
    classes = rng.choice([2, 2, 2, 3, 5, 12])
    codes = numbers.integers(0, classes, len(frame))
    codes[:classes] = range(classes)
    if rng.random() < 0.4:
        return np.array([f"class {code}" for code in codes], dtype=rng.choice(["O", "U10"]))
    return codes if rng.random() < 0.8 else codes.astype(float)


def _model(rng: random.Random, frame: pd.DataFrame, regression: bool) -> Any:
    are_numbers = all(dtype.kind in "iuf" for dtype in frame.dtypes)
    has_nan = bool(frame.isna().any().any())
    steps: list[Any] = []
    if not are_numbers and rng.random() < 0.1:
        steps += _text_steps(rng, frame, list(map(str, frame)))
    elif not are_numbers or rng.random() < 0.3:
        steps.append(_columns_step(rng, frame))
    elif has_nan or rng.random() < 0.6:
        steps += _number_steps(rng, has_nan)
    if steps and rng.random() < 0.25:
        steps.append(rng.choice([StandardScaler(), MaxAbsScaler(), PCA(1), PCA(0.9, whiten=True)]))
    estimator = _regressor(rng) if regression else _classifier(rng)
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=0)
    if rng.random() < 0.04:
        steps.append(rng.choice([OwnScaler(), StandardScaler().set_output(transform="pandas")]))
    steps.append(estimator)
    return steps[0] if len(steps) == 1 else make_pipeline(*steps)


def _columns_step(rng: random.Random, frame: pd.DataFrame) -> ColumnTransformer:
    texts = [str(name) for name in frame if frame[name].dtype.kind not in "iufb"]
    others = [name for name in frame if name not in texts]
    parts: list[tuple[str, Any, Any]] = []
    rng.shuffle(others)
    split = rng.randint(0, len(others))
    for number, names in enumerate((others[:split], others[split:])):
        if names:
            has_nan = bool(frame[names].isna().any().any())
            chosen: Any = _maybe_pipeline(_number_steps(rng, has_nan))
            where: Any = names
            if rng.random() < 0.1:
                where = [list(frame).index(name) for name in names]
            if rng.random() < 0.1 and not has_nan:
                chosen = rng.choice(["passthrough", "drop"]) if len(frame.columns) > len(names) else chosen
            parts.append((f"numbers {number}", chosen, where))
    if texts:
        parts.append(("texts", _maybe_pipeline(_text_steps(rng, frame, texts)), texts))
    return ColumnTransformer(parts, remainder=rng.choice(["drop", "passthrough"]))


def _maybe_pipeline(steps: list[Any]) -> Any:
    return steps[0] if len(steps) == 1 else make_pipeline(*steps) if steps else "passthrough"


def _number_steps(rng: random.Random, has_nan: bool) -> list[Any]:
    steps: list[Any] = []
    if has_nan and rng.random() < 0.95:
        strategy = rng.choice(["mean", "median", "most_frequent", "constant"])
        steps.append(SimpleImputer(strategy=strategy, add_indicator=rng.random() < 0.2))
    choices: list[Any] = [
        StandardScaler(with_mean=rng.random() < 0.8, with_std=rng.random() < 0.8),
        MinMaxScaler(feature_range=(-1, 2), clip=rng.random() < 0.3),
        MaxAbsScaler(),
        RobustScaler(with_centering=rng.random() < 0.8),
        PolynomialFeatures(
            rng.randint(1, 3), interaction_only=rng.random() < 0.3, include_bias=rng.random() < 0.5
        ),
        feature_selection.VarianceThreshold(),
        feature_selection.SelectKBest(k=1),
        FunctionTransformer(rng.choice([None, np.square, np.abs, np.expm1])),
        Normalizer(rng.choice(["l1", "l2", "max"])),
        PCA(1),
        OneHotEncoder(handle_unknown="ignore"),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        "passthrough",
    ]
    chosen = rng.sample(choices, rng.choice([0, 1, 1, 2]))
    if {"OneHotEncoder", "PolynomialFeatures"} <= {type(step).__name__ for step in chosen}:
        chosen.pop()  # thousands of products
    steps += chosen
    if rng.random() < 0.03:
        steps.append(rng.choice([KBinsDiscretizer(3), KNNImputer(), FunctionTransformer(np.sign)]))
    return steps


def _text_steps(rng: random.Random, frame: pd.DataFrame, texts: list[str]) -> list[Any]:
    steps: list[Any] = []
    if frame[texts].isna().any().any() and rng.random() < 0.6:
        steps.append(rng.choice([SimpleImputer(strategy="most_frequent"), _constant_imputer()]))
    unknown = rng.choice(["ignore", "ignore", "error", "infrequent_if_exist"])
    dropped = rng.choice([None, None, "first", "if_binary"])
    sparse = rng.random() < 0.7
    steps.append(
        rng.choice(
            [
                OneHotEncoder(handle_unknown=unknown, drop=dropped, sparse_output=sparse),
                OneHotEncoder(handle_unknown="ignore", dtype=np.float32),
                OneHotEncoder(handle_unknown="ignore", min_frequency=rng.choice([None, 0.05])),
                OrdinalEncoder(),
                OrdinalEncoder(
                    handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
                ),
            ]
        )
    )
    return steps


def _constant_imputer() -> SimpleImputer:
    return SimpleImputer(strategy="constant", fill_value="none")


def _classifier(rng: random.Random) -> Any:
    if rng.random() < 0.04:
        return rng.choice([svm.SVC(), ensemble.AdaBoostClassifier(n_estimators=3)])
    if rng.random() < 0.15:
        return rng.choice(
            [
                xgboost.XGBClassifier(n_estimators=4, n_jobs=1),
                lightgbm.LGBMClassifier(n_estimators=4, n_jobs=1, min_child_samples=3, verbose=-1),
                ensemble.HistGradientBoostingClassifier(max_iter=4, min_samples_leaf=3),
            ]
        )
    return rng.choice(
        [
            linear_model.LogisticRegression(C=rng.choice([0.1, 10.0])),
            linear_model.LogisticRegression(fit_intercept=False),
            linear_model.SGDClassifier(loss=rng.choice(["hinge", "log_loss", "modified_huber"])),
            linear_model.RidgeClassifier(),
            linear_model.Perceptron(),
            svm.LinearSVC(dual=True),  # the other solver may not end
            naive_bayes.GaussianNB(),
            tree.DecisionTreeClassifier(max_depth=rng.choice([None, 1, 4])),
            tree.ExtraTreeClassifier(),
            ensemble.RandomForestClassifier(rng.choice([1, 7, 30]), max_depth=rng.choice([None, 3])),
            ensemble.ExtraTreesClassifier(5),
            ensemble.GradientBoostingClassifier(n_estimators=5, init=rng.choice([None, "zero"])),
        ]
    )


def _regressor(rng: random.Random) -> Any:
    return rng.choice(
        [
            xgboost.XGBRegressor(n_estimators=4, n_jobs=1),
            lightgbm.LGBMRegressor(n_estimators=4, n_jobs=1, min_child_samples=3, verbose=-1),
            linear_model.LinearRegression(),
            linear_model.Ridge(),
            linear_model.Lasso(0.1),
            linear_model.ElasticNet(0.1),
            linear_model.SGDRegressor(),
            linear_model.BayesianRidge(),
            svm.LinearSVR(),
            tree.DecisionTreeRegressor(max_depth=rng.choice([None, 3])),
            ensemble.RandomForestRegressor(rng.choice([1, 9])),
            ensemble.ExtraTreesRegressor(5),
            ensemble.GradientBoostingRegressor(n_estimators=5, loss=rng.choice(["squared_error", "huber"])),
        ]
    )
