"""The allow list for model libraries: which classes and functions of theirs a pickle may name."""

from __future__ import annotations

import re
from dataclasses import dataclass

# --------------------------------------------------------------------------- numpy

_NUMPY_CORE_CALLED = """
    multiarray._reconstruct multiarray.scalar multiarray.dtype multiarray.ndarray numeric._frombuffer
    records.recarray records.record
"""
_NUMPY_CALLED = """
    numpy._core._internal._convert_to_stringdtype_kwargs numpy.bool numpy.bool_ numpy.bytes_
    numpy.clongdouble numpy.complex128 numpy.complex64 numpy.datetime64 numpy.dtype numpy.float16
    numpy.float32 numpy.float64 numpy.int16 numpy.int32 numpy.int64 numpy.int8 numpy.intc numpy.intp
    numpy.lib._polynomial_impl.poly1d numpy.lib.polynomial.poly1d numpy.longdouble numpy.longlong
    numpy.ma.MaskedArray numpy.ma.core.MaskedArray numpy.ma.core.MaskedConstant
    numpy.ma.core._mareconstruct numpy.matrix numpy.matrixlib.defmatrix.matrix numpy.ndarray numpy.object_
    numpy.poly1d numpy.polynomial.chebyshev.Chebyshev numpy.polynomial.hermite.Hermite
    numpy.polynomial.legendre.Legendre numpy.polynomial.polynomial.Polynomial
    numpy.random._generator.Generator numpy.random._mt19937.MT19937 numpy.random._pcg64.PCG64
    numpy.random._pcg64.PCG64DXSM numpy.random._philox.Philox numpy.random._pickle.__bit_generator_ctor
    numpy.random._pickle.__generator_ctor numpy.random._pickle.__randomstate_ctor
    numpy.random._sfc64.SFC64 numpy.random.bit_generator.SeedSequence
    numpy.random.bit_generator.__pyx_unpickle_SeedSequence numpy.random.mtrand.RandomState
    numpy.rec.recarray numpy.rec.record numpy.recarray numpy.record numpy.str_ numpy.timedelta64
    numpy.uint16 numpy.uint32 numpy.uint64 numpy.uint8 numpy.uintc numpy.uintp numpy.ulonglong
    numpy.vectorize numpy.void
"""
_NUMPY_FUNCTIONS = """
    abs absolute add all allclose amax amin angle any append arange arccos arccosh arcsin arcsinh arctan
    arctan2 arctanh argmax argmin argsort argwhere around array array_equal asanyarray asarray asfortranarray
    atleast_1d atleast_2d average bincount bitwise_and bitwise_or bitwise_xor cbrt ceil clip column_stack
    concatenate conj copy copysign corrcoef cos cosh count_nonzero cov cross cumprod cumsum deg2rad degrees
    diag diff digitize divide dot dstack empty equal exp exp2 expand_dims expm1 eye fabs flip floor
    floor_divide fmax fmin fmod full full_like gcd greater greater_equal gradient heaviside histogram hsplit
    hstack hypot identity imag inner interp invert isclose isfinite isin isinf isnan isnat kron lcm less
    less_equal linspace log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or
    logical_xor logspace lexsort matmul max maximum mean median meshgrid min minimum mod moveaxis multiply
    nan_to_num nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile nanstd nansum nanvar ndim
    negative newaxis nonzero norm not_equal ones ones_like outer percentile positive power prod ptp quantile
    rad2deg radians ravel real reciprocal remainder repeat reshape right_shift rint roll rollaxis rot90 round
    searchsorted shape sign signbit sin sinc sinh size sort split sqrt square squeeze stack std subtract sum
    swapaxes take tan tanh tensordot tile trace transpose trapezoid tril triu true_divide trunc unique vander
    var vdot vsplit vstack where zeros zeros_like inf nan pi e
"""
NUMPY_CALLED = frozenset(_NUMPY_CALLED.split()) | {
    f"numpy.{core}.{name}" for core in ("core", "_core") for name in _NUMPY_CORE_CALLED.split()
}
NUMPY_FUNCTIONS = frozenset(_NUMPY_FUNCTIONS.split())
NUMPY_FUNCTION_MODULES = frozenset(
    {
        "numpy",
        "numpy.linalg",
        "numpy.fft",
        "numpy.core.fromnumeric",
        "numpy._core.fromnumeric",
        "numpy.core.umath",
        "numpy._core.umath",
        "numpy.core._multiarray_umath",
        "numpy._core._multiarray_umath",
        "numpy.core.multiarray",
        "numpy._core.multiarray",
        "numpy.lib.function_base",
        "numpy.lib._function_base_impl",
        "numpy.lib.nanfunctions",
        "numpy.lib._nanfunctions_impl",
    }
)
# Called only by `_reconstruct`, which runs nothing of the class: its constructor opens files.
NUMPY_BARE = frozenset({"numpy.memmap"})
NUMPY_TYPES = frozenset(
    {"numpy.ma.core.masked", "numpy.generic", "numpy.number", "numpy.integer", "numpy.floating"}
)
NUMPY_DTYPE = re.compile(r"numpy\.dtypes\.[A-Z]\w*DType")

# --------------------------------------------------------------------------- model libraries


@dataclass(frozen=True, slots=True)
class Library:
    """What may be named of one library, as prefixes of dotted names where a name is defined.

    An entry is there because the library writes it: a fitted model's pickle names it. And it is harmless
    whatever it is called with: it opens no file, starts no program or process, evaluates no text, imports no
    module by name, unpickles nothing, and fetches no attribute by a name that it is given.
    """

    distribution: str
    classes: tuple[str, ...] = ("",)
    """Classes of which bare instances may be made, and `__setstate__` called with anything."""
    built: tuple[str, ...] = ()
    """Those of them whose constructors are harmless too. Such a class may stand in an attribute.

    Of a library that evaluates texts: those that evaluate none."""
    bare: tuple[str, ...] = ()
    """Exceptions from `built`: what they are constructed with names a method or a file that they use."""
    functions: tuple[str, ...] = ()
    """Functions that a model keeps, such as a metric. They are not called while a file loads."""
    never: tuple[str, ...] = ()
    """Exceptions from all of the above."""
    called: frozenset[str] = frozenset()
    """Reconstructors, by full name: each call makes a new object."""
    kept: frozenset[str] = frozenset()
    """Functions and values that a model keeps, by full name, wherever they are defined."""
    by_value: tuple[str, ...] = ()
    """What classes by value are made of: harmless only where code by value may run."""
    as_code: tuple[str, ...] = ()
    """What can run code of the file's own while it loads or answers: allowed where code by value may run."""
    evaluates: bool = False
    """Whether the library evaluates texts of its instances: each is parsed as a formula first."""


# Parts of a dotted name that stand for reading and writing files, running code, or tests, in any library.
_NEVER = """
    _build_utils _mptestutils _precompute _pyinstaller _test_runner _testing _testutils cli cluster_resolver
    command commands conftest console_scripts cpp_extension data_downloader datasets distributed distutils
    downloader externals f2py hub io multiprocessing package plotting rpc scripts server subprocess test
    testing tests utils_testing vendor
"""
NEVER_PARTS = frozenset(_NEVER.split())

_TORCH_CALLED = """
    BFloat16Storage BoolStorage ByteStorage CharStorage ComplexDoubleStorage ComplexFloatStorage
    DoubleStorage FloatStorage Generator HalfStorage IntStorage LongStorage QInt32Storage QInt8Storage
    QUInt2x4Storage QUInt4x2Storage QUInt8Storage ShortStorage Size Tensor _C.Generator _tensor.Tensor
    _utils._rebuild_device_tensor_from_cpu_tensor _utils._rebuild_device_tensor_from_numpy
    _utils._rebuild_meta_tensor_no_storage _utils._rebuild_nested_tensor _utils._rebuild_parameter
    _utils._rebuild_qtensor _utils._rebuild_sparse_csr_tensor
    _utils._rebuild_sparse_tensor _utils._rebuild_tensor _utils._rebuild_tensor_v2
    _utils._rebuild_tensor_v3 device nn.parameter.Buffer nn.parameter.Parameter serialization._get_layout
    torch_version.TorchVersion storage.TypedStorage storage.UntypedStorage storage._LegacyStorage
"""
_TORCH_KEPT = """
    bfloat16 bool channels_last complex128 complex64 contiguous_format double float float16 float32 float64
    float8_e4m3fn float8_e5m2 half int int16 int32 int64 int8 long per_channel_affine
    per_channel_affine_float_qparams per_tensor_affine preserve_format qint32 qint8 quint8 short sparse_coo
    sparse_csr strided uint16 uint32 uint64 uint8
"""
# torch writes `torch.relu` as `getattr(torch._C._VariableFunctionsClass, "relu")`.
_TORCH_FUNCTIONS = """
    abs adaptive_avg_pool1d avg_pool1d bilinear cat ceil celu celu_ clamp cos cosine_similarity exp floor
    hardshrink log log1p log_softmax matmul max mean min mul pairwise_distance prelu relu relu_ round rrelu
    selu selu_ sigmoid sin softmax sqrt square stack sum tanh
"""
_TORCH_NN = """
    avg_pool2d avg_pool3d gelu linear log_sigmoid one_hot scaled_dot_product_attention softplus softshrink
"""
TORCH_CALLED = frozenset(f"torch.{name}" for name in _TORCH_CALLED.split())
_SCIPY_KEPT = """
    _lib.array_api_compat.numpy._aliases.asarray interpolate._interpolate.interp1d._call_linear
    interpolate._interpolate.interp1d._call_linear_np interpolate._interpolate.interp1d._call_nan_spline
    interpolate._interpolate.interp1d._call_nearest interpolate._interpolate.interp1d._call_previousnext
    interpolate._interpolate.interp1d._call_spline
"""

_PYARROW_CALLED = """
    _reconstruct_record_batch _reconstruct_table _restore_array array binary bool_ chunked_array date32
    date64 decimal128 dictionary duration field float16 float32 float64 int16 int32 int64 int8
    large_binary large_list large_string list_ null py_buffer scalar schema string struct time32 time64
    timestamp type_for_alias uint16 uint32 uint64 uint8
"""
_PANDAS_CALLED = """
    pandas._libs.internals._unpickle_block pandas._libs.interval._unpickle_interval
    pandas.NA pandas._libs.missing.NA pandas._libs.missing.NAType pandas._libs.tslibs.dtypes._unpickle
    pandas._libs.tslibs.nattype._nat_unpickle pandas._libs.tslibs.offsets._offset_unpickle
    pandas._libs.tslibs.period._unpickle_period pandas._libs.tslibs.timedeltas._timedelta_unpickle
    pandas._libs.tslibs.timestamps._unpickle_timestamp pandas.core.indexes.base._new_Index
    pandas.core.indexes.datetimes._new_DatetimeIndex pandas.core.indexes.interval._new_IntervalIndex
    pandas.core.indexes.period._new_PeriodIndex pandas.core.indexes.timedeltas._new_TimedeltaIndex
"""
_PANDAS_COMPILED = tuple(
    f"pandas._libs.{part}." for part in ("arrays", "internals", "interval", "missing", "sparse", "tslibs")
)
_PANDAS_FUNCTIONS = ("algorithms", "dtypes", "reshape", "tools", "ops", "arrays", "missing")

# Models whose tokenizers read the files that their state names.
_READING_FILES = """
    bert_japanese biogpt cpm fastspeech2_conformer flaubert fsmt m2m_100 marian roformer siglip
    speech_to_text xlm
"""
# sktime's wrappers of networks that other libraries load.
_SKTIME_NETWORKS = (
    *(f"sktime.{task}.deep_learning" for task in ("classification", "regression", "clustering")),
    "sktime.classification.foundation_models",
    "sktime.networks",
)

LIBRARIES: dict[str, Library] = {
    "sklearn": Library(
        "scikit-learn",
        built=("sklearn.",),
        bare=(
            "sklearn.ensemble._stacking.",
            "sklearn.feature_extraction.text.",
            "sklearn.metrics._scorer.",
            "sklearn.model_selection._classification_threshold.",
        ),
        functions=(
            "sklearn.covariance.",
            "sklearn.feature_extraction.",
            "sklearn.feature_selection.",
            "sklearn.gaussian_process.",
            "sklearn.metrics.",
            "sklearn.preprocessing.",
            "sklearn.utils.extmath.",
            "sklearn.utils.validation.",
        ),
        never=(
            "sklearn.callback",
            # What these make calls the method that an argument names.
            "sklearn.metrics._scorer.check_scoring",
            "sklearn.metrics._scorer.get_scorer",
            "sklearn.metrics._scorer.make_scorer",
            "sklearn.utils.fixes",
            "sklearn.utils.discovery",
            "sklearn.utils.estimator_checks",
            "sklearn.utils.parallel",
            "sklearn.tree._export",
            "sklearn._config",
            "sklearn.utils._mocking",
            "sklearn.utils._test_common",
            "sklearn.utils._show_versions",
            "sklearn.utils.validation.check_memory",
        ),
        called=frozenset(
            {
                f"sklearn.{module}.newObj"
                for module in (
                    "neighbors._kd_tree",
                    "neighbors._ball_tree",
                    "neighbors.kd_tree",
                    "neighbors.ball_tree",
                    "metrics._dist_metrics",
                    "neighbors._dist_metrics",
                )
            }
            | {
                # Classes of Python in modules without source: nothing in the file says where they are from.
                "sklearn.neighbors._kd_tree.KDTree",
                "sklearn.neighbors._ball_tree.BallTree",
            }
        ),
        kept=frozenset(f"sklearn.cluster._kmeans._kmeans_single_{name}" for name in ("elkan", "lloyd")),
    ),
    "scipy": Library(
        "scipy",
        classes=tuple(
            f"scipy.{part}." for part in ("interpolate", "optimize", "sparse", "spatial", "special", "stats")
        ),
        # Not `scipy.spatial._qhull`, whose options name files, nor `scipy.optimize`, which starts processes.
        built=(
            "scipy.interpolate.",
            "scipy.sparse.",
            "scipy.spatial._ckdtree.",
            "scipy.spatial._kdtree.",
            "scipy.spatial.transform.",
            "scipy.special.",
            "scipy.stats.",
        ),
        functions=("scipy.linalg.", "scipy.special.", "scipy.spatial.distance.", "scipy.stats."),
        kept=frozenset(f"scipy.{name}" for name in _SCIPY_KEPT.split()),
        never=("scipy.sparse._matrix_io", "scipy.stats._mgc"),
    ),
    "pandas": Library(
        "pandas",
        classes=("pandas.core.", "pandas.tseries.", *_PANDAS_COMPILED),
        built=(
            "pandas.core.arrays.",
            "pandas.core.dtypes.",
            "pandas.core.indexes.",
            "pandas.core.internals.",
            "pandas.core.flags.",
            "pandas.core.frame.",
            "pandas.core.series.",
            *_PANDAS_COMPILED,
            "pandas.tseries.",
        ),
        functions=tuple(f"pandas.core.{part}." for part in _PANDAS_FUNCTIONS),
        never=("pandas.core.computation", "pandas.core.shared_docs", "pandas.core.config_init"),
        called=frozenset(_PANDAS_CALLED.split()),
        # These call the method that an argument names, of a group of rows: also those that import a module.
        as_code=("pandas.core.reshape.pivot.",),
    ),
    "polars": Library(
        "polars",
        classes=("polars.schema.", "polars.dataframe.", "polars.series.", "polars.datatypes."),
        built=("polars.schema.", "polars.dataframe.", "polars.series.", "polars.datatypes."),
        called=frozenset({"polars.datatypes.convert.dtype_short_repr_to_dtype"}),
    ),
    "pyarrow": Library(
        "pyarrow", classes=(), called=frozenset(f"pyarrow.lib.{name}" for name in _PYARROW_CALLED.split())
    ),
    "torch": Library(
        "torch",
        classes=("torch.nn.", "torch.optim.", "torch.distributions.", "torch.ao.nn."),
        built=(
            "torch.nn.modules.",
            "torch.nn.parameter.",
            *(f"torch.optim.{name}." for name in ("adam", "adamw", "adagrad", "rmsprop", "sgd")),
        ),
        bare=("torch.nn.modules.container.ParameterDict",),  # an index fetches an attribute of that name
        functions=("torch.nn.functional.", "torch.nn.init."),
        never=("torch.nn.utils", "torch.nn.parallel"),
        called=TORCH_CALLED,
        kept=frozenset(f"torch.{name}" for name in _TORCH_KEPT.split())
        | {f"torch._C._VariableFunctionsClass.{name}" for name in _TORCH_FUNCTIONS.split()}
        | {f"torch._C._nn.{name}" for name in _TORCH_NN.split()}
        | {"torch._C._VariableFunctionsClass", "torch.utils.data.dataloader.DataLoader"},
    ),
    "torchvision": Library(
        "torchvision",
        classes=("torchvision.models.", "torchvision.transforms.", "torchvision.ops."),
        functions=("torchvision.transforms.functional", "torchvision.ops."),
    ),
    "torchaudio": Library("torchaudio", classes=("torchaudio.models.", "torchaudio.transforms.")),
    "transformers": Library(
        "transformers",
        classes=(
            "transformers.models.",
            "transformers.configuration_utils.",
            "transformers.activations.",
            "transformers.generation.",
            "transformers.pipelines.",
        ),
        as_code=tuple(f"transformers.models.{model}.tokenization" for model in _READING_FILES.split()),
    ),
    "xgboost": Library("xgboost", classes=("xgboost.core.Booster", "xgboost.sklearn.", "xgboost.callback.")),
    "lightgbm": Library(
        "lightgbm", classes=("lightgbm.basic.Booster", "lightgbm.engine.CVBooster", "lightgbm.sklearn.")
    ),
    "catboost": Library("catboost", classes=("catboost.core.CatBoost",)),
    "statsmodels": Library(
        "statsmodels",
        built=("statsmodels.genmod.families.", "statsmodels.tools.tools.", "statsmodels.tsa.statespace."),
        functions=("statsmodels.tools.tools.", "statsmodels.genmod.families."),
        never=(
            "statsmodels.tsa.x13",
            "statsmodels.iolib",
            "statsmodels.graphics",
            "statsmodels.formula",
            "statsmodels.compat",
        ),
    ),
    "patsy": Library("patsy", evaluates=True, never=("patsy.eval", "patsy.build", "patsy.test")),
    "formulaic": Library(
        "formulaic", built=("formulaic.materializers.base.EncodedTermStructure",), evaluates=True
    ),
    "imblearn": Library("imbalanced-learn", built=("imblearn.",), functions=("imblearn.metrics.",)),
    "category_encoders": Library("category-encoders", built=("category_encoders.",)),
    "lifelines": Library("lifelines"),
    "autograd": Library("autograd", functions=("autograd.numpy.",)),
    "PIL": Library(
        "pillow",
        classes=(
            "PIL.Image.",
            "PIL.ImagePalette.",
            *(f"PIL.{kind}ImagePlugin." for kind in ("Png", "Jpeg", "Gif", "Bmp", "Tiff", "WebP", "Ppm")),
        ),
    ),
    "dateutil": Library(
        "python-dateutil",
        built=("dateutil.tz.tz.tzutc", "dateutil.tz.tz.tzoffset", "dateutil.relativedelta."),
        classes=("dateutil.tz.", "dateutil.relativedelta."),
    ),
    "pytz": Library("pytz", called=frozenset({"pytz._UTC", "pytz._p"})),
    # `__init__` makes the folder of the cache, not `__new__`. A state that names a folder can do no more than
    # `memory="folder"` of a scikit-learn pipeline, and scikit-learn caches only in `fit`.
    "joblib": Library("joblib", classes=("joblib.memory.Memory",), functions=()),
    "nltk": Library(
        "nltk",
        functions=("nltk.tokenize.", "nltk.stem."),
        classes=(
            "nltk.classify.naivebayes.",
            "nltk.probability.",
            "nltk.redos.",
            "nltk.stem.",
            "nltk.tokenize.",
        ),
        built=("nltk.probability.FreqDist",),
        never=("nltk.tokenize.repp", "nltk.tokenize.stanford"),  # they start programs
    ),
    # The bytes in a state are a pickle, which is loaded as that state says.
    "skorch": Library("skorch", as_code=("skorch.",)),
    # pandas calls the methods that these name.
    "feature_engine": Library(
        "feature-engine", as_code=("feature_engine.creation.", "feature_engine.timeseries.")
    ),
    "mlxtend": Library("mlxtend"),
    # Functions that numba compiled lie in bytes of their own, as cloudpickle writes functions by value.
    "numba": Library(
        "numba",
        classes=(),
        as_code=(
            "numba.core.serialize._unpickle__CustomPickled",
            "numba.core.serialize.custom_rebuild",
        ),
    ),
    "umap": Library("umap-learn"),
    "hdbscan": Library("hdbscan", called=frozenset({"hdbscan.dist_metrics.newObj"})),
    "pynndescent": Library("pynndescent"),
    "ngboost": Library("ngboost", built=("ngboost.distns.", "ngboost.scores.")),
    "pygam": Library("pygam"),
    "prophet": Library("prophet"),
    "cmdstanpy": Library("cmdstanpy"),
    "stanio": Library("stanio"),
    "river": Library(
        "river",
        called=frozenset({"river._river_rust.vectordict.VectorDict"}),
    ),
    "pytorch_tabnet": Library("pytorch-tabnet"),
    "sentence_transformers": Library("sentence-transformers"),
    "tokenizers": Library(
        "tokenizers",
        classes=(),
        called=frozenset(f"tokenizers.{name}" for name in ("AddedToken", "Tokenizer", "models.Model")),
    ),
    # A pipeline is made of functions that call each other, and of pickles in bytes.
    "spacy": Library("spacy", as_code=("spacy.",)),
    "thinc": Library("thinc", as_code=("thinc.",)),
    "confection": Library("confection", as_code=("confection.",)),
    # A model is made from a configuration that may hold functions by value.
    "keras": Library("keras", as_code=("keras.",)),
    # Patterns are compiled from programs for a machine that does not check them.
    "regex": Library("regex", classes=("regex._regex_core.RegexFlag",), as_code=("regex._regex.compile",)),
    # The package `mlflow` has the same modules, and a server and its page beside them.
    "mlflow": Library(
        "mlflow-skinny",
        classes=("mlflow.models.signature._TypeHints", "mlflow.pyfunc.model.PythonModel"),
        as_code=("mlflow.exceptions.", "mlflow.pyfunc."),
    ),
    "pmdarima": Library("pmdarima"),
    "tslearn": Library("tslearn"),
    # These call the method that their state names.
    "sktime": Library(
        "sktime",
        never=_SKTIME_NETWORKS,
        as_code=("sktime.transformations.adapt.", "sktime.transformations.series.adapt."),
    ),
    "sksurv": Library("scikit-survival", as_code=("sksurv.metrics.",)),
    "mapie": Library("mapie"),
    "econml": Library("econml", kept=frozenset({"econml.utilities.add_intercept"})),
    "implicit": Library("implicit"),
    "surprise": Library("scikit-surprise"),
    "gensim": Library(
        "gensim",
        classes=("gensim.models.", "gensim.corpora.dictionary."),
        as_code=("gensim.models.ensemblelda.",),  # imports the module that its state names
        kept=frozenset({"gensim.utils.call_on_class_only"}),
    ),
    "interpret": Library("interpret-core"),
    # A state makes a temporary file, and names one that is deleted.
    "sklearn_crfsuite": Library("sklearn-crfsuite", as_code=("sklearn_crfsuite._fileresource.",)),
    "pycrfsuite": Library("python-crfsuite", classes=("pycrfsuite._logparser.",)),
    "gplearn": Library("gplearn", functions=("gplearn.functions._", "gplearn.fitness._")),
    "ml_dtypes": Library("ml-dtypes", built=("ml_dtypes.",)),
    "networkx": Library("networkx", classes=("networkx.classes.",)),
    "pydantic": Library("pydantic", by_value=("pydantic.",)),
    "pydantic_core": Library("pydantic-core", by_value=("pydantic_core.",)),
    "annotated_types": Library("annotated-types", by_value=("annotated_types.",)),
    "attr": Library("attrs", classes=("attr._make.",)),
}

DISTRIBUTIONS = {top: library.distribution for top, library in LIBRARIES.items()} | {
    "numpy": "numpy",
    "cloudpickle": "cloudpickle",
    "skops": "skops",
    "onnxruntime": "onnxruntime",
    "cv2": "opencv-python",
    "yaml": "pyyaml",
    "bs4": "beautifulsoup4",
    "keras": "keras",
    "tensorflow": "tensorflow",
    "dill": "dill",
    "skimage": "scikit-image",
    "lz4": "lz4",
}
"""The distribution to install for a module whose name differs or is often met."""

_METHODS = """
    decision_function inverse_transform kneighbors pdf predict predict_expectation predict_log_proba
    predict_median predict_proba predict_survival_function score score_samples transform
"""
METHODS = frozenset(_METHODS.split())
"""Methods of a model that another model may keep, bound to its instance, as `FunctionTransformer` does."""
METHODS_OF: dict[str, frozenset[str]] = {
    "sklearn": frozenset(),
    "scipy": frozenset({"_cdf_single", "_entropy", "_ppf_single", "generic_moment"}),
    "statsmodels": frozenset(),
    "lifelines": frozenset(
        {
            "_add_penalty",
            "_create_neg_likelihood_with_penalty_function",
            "_log_likelihood_interval_censoring",
            "_log_likelihood_left_censoring",
            "_log_likelihood_right_censoring",
        }
    ),
    "imblearn": frozenset(),
    "category_encoders": frozenset(),
    "nltk": frozenset({"stem", "tokenize"}),
    "re": frozenset({"findall", "finditer", "fullmatch", "match", "search", "split"}),
}
"""Libraries whose instances give such methods, with those that they keep of themselves besides."""

_OF_FORMULAS = frozenset({"statsmodels", "patsy", "formulaic", "lifelines"})
# Keys of texts that libraries evaluate, and the libraries: in a file that names the library each such text
# must be a formula that calls only what is harmless, wherever in the file it stands.
EVALUATED = {
    "formula": _OF_FORMULAS,
    "_formula": _OF_FORMULAS,
    "code": frozenset({"patsy"}),
    "expr": frozenset({"formulaic"}),
    "token": frozenset({"formulaic"}),
}

_OF_METHODS = frozenset({"sklearn"})
# Keys of names of methods that libraries call on an object from the same file, and the libraries: any object
# has methods that write files, so each name must be one of `METHODS`.
CALLED_BY_NAME = dict.fromkeys(("_response_method", "response_method", "stack_method_"), _OF_METHODS)
READING = ("sklearn.feature_extraction.text.",)
"""Where classes read the files that their input names, if an attribute says so."""
INPUTS = {"input": frozenset({"content", "file"})}
"""This attribute, and its values that read none."""
EVALUATING = ("scipy.stats.", *(f"{library}." for library in sorted(_OF_FORMULAS | _OF_METHODS)))
"""Where classes evaluate a text of their attributes, or call what it names."""
CHOICES_OF_METHODS = frozenset({"auto"})
"""What stands in place of such a name where the library chooses it."""
