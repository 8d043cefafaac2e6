"""The fitted steps of a scikit-learn model as a plan for code without scikit-learn.

`STEPS` and `ESTIMATORS` have a row for each class: a file here reads its fitted attributes, and a class in
`templates/service/fast/` computes the same. A step counts by its exact class, since a subclass may compute
anything. Whether the code computes the same is proven later, in the environment of the service.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from scaffold.introspect._guard import attribute
from scaffold.introspect.fast import (
    _bayes,
    _catboost,
    _convert,
    _encode,
    _expand,
    _forests,
    _impute,
    _lightgbm,
    _linear,
    _scale,
    _torch,
    _xgboost,
)
from scaffold.introspect.fast._call import require_plain_call
from scaffold.introspect.fast._columns import (
    array_dtype,
    branch_of_all,
    branch_of_mixed_numbers,
    branches_of,
    gives_sparse,
    require_dense_for_normalizer,
)
from scaffold.introspect.fast._ensemble import TreeEstimator
from scaffold.introspect.fast._graph import tree_graph
from scaffold.introspect.fast._sums import numpy_sums
from scaffold.introspect.fast._values import (
    ConverterMissingError,
    NotCompiledError,
    fast_step,
    refuse,
    require_plain_output,
)
from scaffold.spec import (
    Accelerate,
    FastBranch,
    FastGraph,
    FastPlan,
    FastStep,
    NoFastPlan,
    Pandas,
    Signature,
    Table,
    TorchCall,
)

STEPS: dict[str, Callable[[Any, bool], FastStep | None]] = {
    "decomposition.PCA": _expand.read_pca,
    "feature_selection.GenericUnivariateSelect": _expand.read_selection,
    "feature_selection.RFE": _expand.read_selection,
    "feature_selection.SelectFdr": _expand.read_selection,
    "feature_selection.SelectFpr": _expand.read_selection,
    "feature_selection.SelectFromModel": _expand.read_selection,
    "feature_selection.SelectFwe": _expand.read_selection,
    "feature_selection.SelectKBest": _expand.read_selection,
    "feature_selection.SelectPercentile": _expand.read_selection,
    "feature_selection.VarianceThreshold": _expand.read_selection,
    "impute.SimpleImputer": _impute.read_imputer,
    "preprocessing.FunctionTransformer": _expand.read_function,
    "preprocessing.MaxAbsScaler": _scale.read_max_abs,
    "preprocessing.MinMaxScaler": _scale.read_min_max,
    "preprocessing.Normalizer": _scale.read_normalizer,
    "preprocessing.OneHotEncoder": _encode.read_one_hot,
    "preprocessing.OrdinalEncoder": _encode.read_ordinal,
    "preprocessing.PolynomialFeatures": _expand.read_polynomial,
    "preprocessing.RobustScaler": _scale.read_robust,
    "preprocessing.StandardScaler": _scale.read_standard,
}
"""Steps before the last one; the second argument says whether the input is an array of numbers."""
ESTIMATORS: dict[str, Callable[[Any], _linear.Estimator]] = {
    "linear_model.BayesianRidge": _linear.read_regressor,
    "linear_model.ElasticNet": _linear.read_regressor,
    "linear_model.ElasticNetCV": _linear.read_regressor,
    "linear_model.HuberRegressor": _linear.read_regressor,
    "linear_model.Lasso": _linear.read_regressor,
    "linear_model.LassoCV": _linear.read_regressor,
    "linear_model.LinearRegression": _linear.read_regressor,
    "linear_model.LogisticRegression": _linear.read_logistic,
    "linear_model.LogisticRegressionCV": _linear.read_logistic,
    "linear_model.Perceptron": _linear.read_classifier,
    "linear_model.Ridge": _linear.read_regressor,
    "linear_model.RidgeCV": _linear.read_regressor,
    "linear_model.RidgeClassifier": _linear.read_classifier,
    "linear_model.SGDClassifier": _linear.read_gradient_descent,
    "linear_model.SGDRegressor": _linear.read_regressor,
    "naive_bayes.GaussianNB": _bayes.read_gaussian,
    "svm.LinearSVC": _linear.read_classifier,
    "svm.LinearSVR": _linear.read_regressor,
}
"""Last steps in numpy."""
ENSEMBLES: dict[str, Callable[[Any], TreeEstimator]] = {
    "catboost.CatBoostClassifier": _catboost.read_model,
    "catboost.CatBoostRegressor": _catboost.read_model,
    "ensemble.ExtraTreesClassifier": _forests.read_forest,
    "ensemble.ExtraTreesRegressor": _forests.read_forest,
    "ensemble.GradientBoostingClassifier": _forests.read_boosted,
    "ensemble.GradientBoostingRegressor": _forests.read_boosted,
    "ensemble.HistGradientBoostingClassifier": _forests.read_histogram_boosted,
    "ensemble.HistGradientBoostingRegressor": _forests.read_histogram_boosted,
    "ensemble.RandomForestClassifier": _forests.read_forest,
    "ensemble.RandomForestRegressor": _forests.read_forest,
    "lightgbm.Booster": _lightgbm.read_model,
    "lightgbm.LGBMClassifier": _lightgbm.read_model,
    "lightgbm.LGBMRanker": _lightgbm.read_model,
    "lightgbm.LGBMRegressor": _lightgbm.read_model,
    "tree.DecisionTreeClassifier": _forests.read_forest,
    "tree.DecisionTreeRegressor": _forests.read_forest,
    "tree.ExtraTreeClassifier": _forests.read_forest,
    "tree.ExtraTreeRegressor": _forests.read_forest,
    "xgboost.Booster": _xgboost.read_model,
    "xgboost.XGBClassifier": _xgboost.read_model,
    "xgboost.XGBRanker": _xgboost.read_model,
    "xgboost.XGBRegressor": _xgboost.read_model,
    "xgboost.XGBRFClassifier": _xgboost.read_model,
    "xgboost.XGBRFRegressor": _xgboost.read_model,
}
"""Last steps of trees."""
CONVERTED = (
    "gaussian_process.GaussianProcessRegressor",
    "linear_model.GammaRegressor",
    "linear_model.PoissonRegressor",
    "linear_model.TweedieRegressor",
    "neural_network.MLPClassifier",
    "neural_network.MLPRegressor",
)
"""Last steps that skl2onnx converts in 64 bits; support vectors, for example, it converts in 32."""
WHOLE: dict[type, Callable[[Any, Signature], FastPlan]] = {TorchCall: _torch.read_module}
"""Models that are one graph of ONNX, by how they are called."""
_BOOSTERS = ("catboost", "lightgbm", "xgboost")
_KEEPS_COLUMNS = ("TextImputer",)
"""Steps whose output is columns again, not one array of numbers."""


def read_fast_plan(
    model: Any, signature: Signature, way: Accelerate = Accelerate.NUMPY
) -> FastPlan | NoFastPlan:
    """Return the plan of a model, or why there is none.

    Args:
        model: The loaded model.
        signature: Its input, and how it is called.
        way: What computes the last step: numpy, or a graph of ONNX.
    """
    try:
        return _plan(model, signature, way)
    except ConverterMissingError as error:
        return NoFastPlan(reason=str(error), needs_converter=True)
    except NotCompiledError as error:
        return NoFastPlan(reason=str(error))
    except Exception as error:  # an attribute that another version has in another form
        return NoFastPlan(reason=f"{type(model).__name__} cannot be read: {type(error).__name__}: {error}")


def _plan(model: Any, signature: Signature, way: Accelerate) -> FastPlan:
    if type(signature.call) in WHOLE:
        if way is not Accelerate.ONNX:
            raise NotCompiledError(f"{type(model).__name__} has a compiled form in ONNX only")
        return WHOLE[type(signature.call)](model, signature)
    call = require_plain_call(model, signature.call)
    *before, last = _flat(model)
    estimator, methods, graph = _read_estimator(last, way)
    if call.method not in methods:
        raise refuse(last, f"the method {call.method}")
    is_frame = isinstance(signature.input, Table) and signature.input.container == Pandas()
    is_alone = not before
    library = _name_of(last).partition(".")[0]
    is_sparse = gives_sparse(before)
    require_dense_for_normalizer(before)
    if is_sparse and library == "xgboost":
        _xgboost.require_no_stored_zeros(before)
    if is_sparse:
        estimator = replace(estimator, step=_linear.SPARSE.get(estimator.step, estimator.step))
    branches: tuple[FastBranch, ...] = ()
    dtype = ""
    # Trees compare single values, and a graph has an order of its own.
    is_ordered = graph is None and estimator.inner is None
    if not before and not is_ordered:
        branches = branch_of_mixed_numbers(signature.input, library)
        if library == "lightgbm":
            branches = branches or _lightgbm.branches_of_categories(last, signature.input)
    if before and _name_of(before[0]) == "compose.ColumnTransformer":
        branches = branches_of(before.pop(0), signature.input, _read_steps)
    elif before and (branches := branch_of_all(signature.input, before, _read_steps)):
        before = []
    elif not branches:
        dtype = array_dtype(signature.input)
        if library == "lightgbm" and is_frame and not before and not dtype.startswith("float"):
            dtype = "float64"  # as LightGBM reads a frame; integers of an array become float32
    steps, numeric = _read_steps(before, numeric=True)
    assert numeric
    if library == "lightgbm" and is_frame and not is_alone:
        _lightgbm.require_floats(last, signature.input, (*(branch.steps for branch in branches), steps))
    steps += (fast_step("SparseZeros"),) if is_sparse and library == "xgboost" else ()
    compiled = [call.method, *(name for name in ("predict", "predict_proba") if name in methods)]
    return FastPlan(
        branches=branches,
        dtype=dtype,
        of_frame=is_frame and (is_ordered or bool(steps)),
        steps=steps,
        estimator=estimator,
        methods=tuple(dict.fromkeys(compiled)),
        graph=graph,
    )


def _flat(model: Any) -> list[Any]:
    """Return the steps of a model, those of pipelines within pipelines too."""
    if isinstance(model, str) or model is None:
        return [] if model in ("passthrough", None) else [model]
    require_plain_output(model)
    if _name_of(model) == "preprocessing.FunctionTransformer" and _expand.read_function(model, True) is None:
        return []
    if _name_of(model) != "pipeline.Pipeline":
        return [model]
    return [step for _, inner in model.steps for step in _flat(inner)]


def _read_steps(models: list[Any], *, numeric: bool) -> tuple[tuple[FastStep, ...], bool]:
    """Return the steps, and whether they give an array of numbers.

    Args:
        models: The fitted steps, or pipelines of such.
        numeric: Whether the first one takes an array of numbers.
    """
    steps: list[FastStep] = []
    flat = [step for each in models for step in _flat(each)]
    require_dense_for_normalizer(flat)
    for model in flat:
        read = STEPS.get(_name_of(model))
        if read is None:
            within = "a place within another step" if _name_of(model) == "compose.ColumnTransformer" else ""
            raise refuse(model, within)
        step = read(model, numeric)
        if step is not None:
            steps.append(step)
            numeric = step.step not in _KEEPS_COLUMNS
    return tuple(steps), numeric


def _read_estimator(model: Any, way: Accelerate) -> tuple[FastStep, tuple[str, ...], FastGraph | None]:
    name = _name_of(model)
    if name in ENSEMBLES:
        step, methods, ensemble = ENSEMBLES[name](model)
        if way is Accelerate.ONNX:
            return replace(step, inner=fast_step("TreeGraph")), methods, tree_graph(ensemble)
        return replace(step, inner=numpy_sums(ensemble)), methods, None
    if way is Accelerate.ONNX and name in CONVERTED:
        return _convert.read_converted(model)
    if name not in ESTIMATORS:
        raise refuse(model)
    if way is Accelerate.ONNX:
        raise NotCompiledError(f"{type(model).__name__} has a compiled form in numpy only")
    return (*ESTIMATORS[name](model), None)


def _name_of(model: Any) -> str:
    """Return `preprocessing.StandardScaler` for exactly that class of scikit-learn; else an empty text.

    For a class of another library it is `xgboost.XGBRegressor`.
    """
    kind = type(model)
    library, _, rest = kind.__module__.partition(".")
    folder = rest.partition(".")[0] if library == "sklearn" else library
    if library not in (*_BOOSTERS, "sklearn") or not folder:
        return ""
    public = sys.modules.get(f"sklearn.{folder}" if library == "sklearn" else library)
    return f"{folder}.{kind.__name__}" if attribute(public, kind.__name__) is kind else ""
