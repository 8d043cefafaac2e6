"""Hints of a model about its input and output."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from scaffold.introspect.hints._hints import model_hints

FRAME = pd.DataFrame(
    {
        "age": [31.0, 45.0, 28.0, 60.0, 33.0, 51.0],
        "plan": ["pro", "basic", "pro", "plus", "basic", "plus"],
        "size": ["S", "M", None, "S", "M", "S"],
    }
)
LABELS = ["no", "yes", "no", "yes", "no", "yes"]


def pipeline(plan="error", size="ignore"):
    columns = ColumnTransformer(
        [
            ("number", StandardScaler(), ["age"]),
            ("plan", OneHotEncoder(handle_unknown=plan), ["plan"]),
            (
                "size",
                make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown=size)),
                ["size"],
            ),
        ]
    )
    return make_pipeline(columns, LogisticRegression())


def test_a_pipeline_knows_names_and_classes():
    hints = model_hints(pipeline().fit(FRAME, LABELS))
    assert (hints.feature_names, hints.n_features, hints.classes) == (
        ("age", "plan", "size"),
        3,
        ("no", "yes"),
    )


def test_names_are_found_after_a_step_without_names():
    model = make_pipeline(FunctionTransformer(), StandardScaler(), LogisticRegression())
    assert model_hints(model.fit(FRAME[["age"]], LABELS)).feature_names == ("age",)


def test_a_model_of_an_array_knows_how_many_columns_it_has():
    hints = model_hints(LogisticRegression().fit(FRAME[["age"]].to_numpy(), LABELS))
    assert (hints.feature_names, hints.n_features) == ((), 1)


@pytest.mark.parametrize(("handle", "refuses"), [("error", True), ("ignore", False)])
def test_an_encoder_refuses_or_ignores_what_it_does_not_know(handle, refuses):
    known = model_hints(pipeline(plan=handle).fit(FRAME, LABELS)).categories["plan"]
    assert (known.values, known.refuses, known.encoder) == (
        ("basic", "plus", "pro"),
        refuses,
        "OneHotEncoder",
    )


@pytest.mark.parametrize(
    "wrap",
    [
        lambda inner: GridSearchCV(inner, {"logisticregression__C": [1]}, cv=2),
        lambda inner: make_pipeline(make_pipeline(inner)),
        lambda inner: VotingClassifier([("a", inner), ("b", inner)]),
        lambda inner: StackingClassifier([("a", inner)], cv=2),
        lambda inner: CalibratedClassifierCV(inner, cv=2),
        lambda inner: OneVsRestClassifier(inner),
        lambda inner: make_pipeline(make_union(inner[0], inner[0]), LogisticRegression()),
        lambda inner: FrozenEstimator(inner.fit(FRAME, LABELS)),
    ],
)
def test_an_encoder_is_found_however_deep_it_lies(wrap):
    # Enough rows that each part of a split holds all categories.
    fitted = pd.concat([FRAME] * 4, ignore_index=True)
    known = model_hints(wrap(pipeline()).fit(fitted, LABELS * 4)).categories["plan"]
    assert (known.values, known.refuses) == (("basic", "plus", "pro"), True)


def test_what_one_part_ignores_and_another_raises_on_is_refused():
    model = VotingClassifier([("a", pipeline(plan="error")), ("b", pipeline(plan="ignore"))])
    assert model_hints(model.fit(FRAME, LABELS)).categories["plan"].refuses


def test_an_imputer_keeps_existing_values():
    model = pipeline().fit(
        FRAME.assign(size=FRAME["size"].astype(object).where(FRAME["size"].notna(), np.nan)), LABELS
    )
    assert model_hints(model).categories["size"].values == ("M", "S")


def test_an_encoder_after_a_step_that_changes_values_does_not_limit_the_input():
    upper = FunctionTransformer(lambda frame: frame.map(str.upper))
    model = make_pipeline(upper, OneHotEncoder()).fit(FRAME[["plan"]])
    assert model_hints(model).categories == {}


def test_an_encoder_of_an_array_knows_its_columns_by_position():
    encoder = OrdinalEncoder().fit(FRAME[["plan"]].to_numpy())
    assert model_hints(encoder).categories[0].values == ("basic", "plus", "pro")


def test_columns_that_are_chosen_by_number_have_their_names():
    columns = ColumnTransformer([("plan", OneHotEncoder(), [1])]).fit(FRAME)
    assert list(model_hints(columns).categories) == ["plan"]


def test_a_search_knows_what_its_best_estimator_knows():
    search = GridSearchCV(
        pipeline(size="ignore"), {"logisticregression__C": [1.0]}, cv=2, error_score="raise"
    )
    frame = pd.concat([FRAME] * 4, ignore_index=True).fillna("S")
    hints = model_hints(search.fit(frame, LABELS * 4))
    assert hints.feature_names == ("age", "plan", "size")
    assert hints.categories["plan"].refuses


def test_category_encoders_know_their_columns():
    import category_encoders as encoders

    encoder = encoders.OrdinalEncoder(cols=["plan"], handle_unknown="error").fit(FRAME)
    known = model_hints(encoder).categories["plan"]
    assert (known.values, known.refuses) == (("pro", "basic", "plus"), True)


@pytest.mark.parametrize("term", ["plan", "C(plan)", "C(plan, Sum)", "Q('plan')", 'C(Q("plan"))'])
def test_a_formula_knows_the_levels_of_its_columns(term):
    from statsmodels.formula import api as formula

    results = formula.ols(f"age ~ {term} + C(n) + np.log(n)", FRAME.assign(n=[1, 2, 1, 2, 2, 1])).fit()
    known = model_hints(results).categories
    assert (known["plan"].values, known["plan"].refuses) == (("basic", "plus", "pro"), True)
    assert known["n"].values == (1, 2)
    assert type(known["n"].values[0]) is int


def test_a_formula_does_not_limit_a_transformed_column():
    from statsmodels.formula import api as formula

    results = formula.ols("age ~ C(plan.str.upper())", FRAME).fit()
    assert model_hints(results).categories == {}


def test_the_annotations_of_a_method_are_read():
    class Model:
        def predict(self, user: str, k: int = 5) -> list[str]:
            return [user] * k

    hints = model_hints(Model(), "predict")
    user, k = hints.parameters
    assert (user.name, user.annotation, user.default) == ("user", str, inspect.Parameter.empty)
    assert (k.name, k.annotation, k.default) == ("k", int, 5)
    assert hints.returns == list[str]


def test_an_unresolvable_annotation_stays_a_string():
    def predict(rows: Gone) -> float:  # type: ignore[name-defined] # noqa: F821
        return 0.0

    assert model_hints(predict, "__call__").parameters[0].annotation == "Gone"


def test_xgboost_knows_the_types_of_its_features():
    import xgboost

    frame = pd.DataFrame({"a b": [1, 2, 3, 4], "c": [0.5, 1.5, 2.5, 3.5]})
    model = xgboost.XGBRegressor(n_estimators=1).fit(frame, [1, 2, 3, 4])
    for one in (model, model.get_booster()):
        hints = model_hints(one)
        assert (hints.feature_names, hints.feature_types) == (("a b", "c"), ("int", "float"))


def test_lightgbm_knows_which_features_had_fractions():
    import lightgbm

    frame = pd.DataFrame({"a": np.arange(40.0), "k": pd.Categorical([1, 2] * 20), "c": np.arange(40) / 4})
    model = lightgbm.LGBMRegressor(n_estimators=1, min_child_samples=2, verbose=-1).fit(frame, np.arange(40))
    assert model_hints(model).feature_types == ("", "", "float")


def test_generated_names_of_lightgbm_are_ignored():
    import lightgbm

    data = lightgbm.Dataset(np.arange(40.0).reshape(20, 2), np.arange(20.0))
    booster = lightgbm.train({"verbose": -1, "min_data_in_leaf": 1}, data, 2)
    assert model_hints(booster).feature_names == ()


def test_generated_names_of_catboost_are_ignored():
    import catboost

    model = catboost.CatBoostRegressor(iterations=1, verbose=0, allow_writing_files=False)
    assert model_hints(model.fit(np.arange(20.0).reshape(10, 2), np.arange(10.0))).feature_names == ()
    named = pd.DataFrame({"a b": np.arange(10.0), "c": np.arange(10.0)})
    assert model_hints(model.copy().fit(named, np.arange(10.0))).feature_names == ("a b", "c")
