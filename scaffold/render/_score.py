"""The finished strings of `app/score.py`: how the model file is loaded, and how the model is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from typing_extensions import assert_never

from scaffold.base.folder import FORMATS as FOLDER_FORMATS
from scaffold.base.folder import LIST as FOLDER_LIST
from scaffold.render._folder import folder_imports, load_lines
from scaffold.spec import (
    Arguments,
    Artifact,
    BoosterCall,
    Call,
    Feed,
    ModelFormat,
    Pandas,
    Polars,
    Profile,
    PythonCall,
    SessionCall,
    Signature,
    Table,
    TorchCall,
)

_FILES = {
    ModelFormat.PICKLE: "model.pkl",
    ModelFormat.JOBLIB: "model.joblib",
    ModelFormat.TORCH: "model.pt",
    ModelFormat.TORCHSCRIPT: "model.pt",
    ModelFormat.ONNX: "model.onnx",
    ModelFormat.XGBOOST: "model.ubj",
    ModelFormat.LIGHTGBM: "model.txt",
    ModelFormat.CATBOOST: "model.cbm",
    ModelFormat.SKOPS: "model.skops",
    ModelFormat.KERAS: "model.keras",
    **dict.fromkeys(FOLDER_FORMATS, FOLDER_LIST),
}


@dataclass(frozen=True, slots=True)
class _Code:
    """Statements, and the modules that they use."""

    lines: list[str]
    modules: frozenset[str] = frozenset()


# `file` is the open file whose hash was checked.
_LOADS = {
    ModelFormat.JOBLIB: ("joblib", "joblib.load(file)"),
    ModelFormat.TORCH: ("torch", 'torch.load(file, map_location="cpu", weights_only=False)'),
    ModelFormat.TORCHSCRIPT: (
        "torch",
        'torch.jit.load(file, map_location="cpu")  # type: ignore[no-untyped-call]',
    ),
    ModelFormat.ONNX: (
        "onnxruntime",
        'onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])',
    ),
    ModelFormat.XGBOOST: ("xgboost", "xgboost.Booster(model_file=bytearray(file.read()))"),
    ModelFormat.LIGHTGBM: ("lightgbm", "lightgbm.Booster(model_str=file.read().decode())"),
    ModelFormat.CATBOOST: ("catboost", "catboost.CatBoost().load_model(blob=file.read())"),
    ModelFormat.KERAS: ("keras", "keras.saving.load_model(MODEL, compile=False)"),
}
_PACKED_ONNX = """onnxruntime.InferenceSession(
    gzip.decompress(file.read()), providers=["CPUExecutionProvider"]
)"""
_UNPACKED = {
    None: ("pickle", "pickle.load(file)"),
    "gzip": ("gzip", "pickle.load(gzip.GzipFile(fileobj=file))"),
    "bz2": ("bz2", "pickle.load(bz2.BZ2File(file))"),
    "xz": ("lzma", "pickle.loads(lzma.decompress(file.read()))"),
    "lzma": ("lzma", "pickle.loads(lzma.decompress(file.read()))"),
    "zlib": ("zlib", "pickle.loads(zlib.decompress(file.read()))"),
    "lz4": ("lz4.frame", "pickle.loads(lz4.frame.decompress(file.read()))"),
}
# MLflow hands the folder of its artifacts over as a context.
_BEFORE_INPUTS = {
    Arguments.ONE: "",
    Arguments.AFTER_CONTEXT: "None, ",
    Arguments.KEYWORDS: "**",
    Arguments.POSITIONAL: "*",
}
ALWAYS_IMPORTED = ("from pathlib import Path", "from typing import Any")
_STANDARD = frozenset({"bz2", "gzip", "lzma", "pickle", "zlib"})
_WIDTH = 100
_DEEPEST = 8

CONVERT_IMPORT = "from app.convert import from_model, to_model"
OPEN_IMPORT = "from app.serving.model_file import open_model"
_FAST = "from app.serving.fast_column_transformer import speed_up"
_BATCHED = """\
# One call may get the records of several requests. Set False if a step of yours computes something
# across records, such as their mean."""
_ALONE = "# One call gets one record."
_DOC_BATCHED = "Return one answer for each record, in order, by one call of the model."
_DOC_ALONE = "Return one answer for each record, in order: the model takes one record a call."
_BEFORE = "# Your steps before the model: unit conversion, features from other sources."
_AFTER = "# Your steps after the model: a threshold, labels, calibration."
_AFTER_PREDICT = "# Your steps after the model: labels. A threshold on probabilities needs `predict_proba`."

_SPLIT_BATCHED = "return from_model(predict(to_model(records)))"
_SPLIT_ALONE = "return [from_model(predict(to_model(record))) for record in records]"
_PREDICT = '''

def predict(inputs: Any) -> Any:
    """Return the answer of the model to `inputs`, for requests and in `batch/`."""
'''


def score_values(
    artifact: Artifact, signature: Signature, profile: Profile = Profile.FAST, *, is_split: bool = False
) -> dict[str, object]:
    """Return what `score.py.jinja` asks for, and `model_file`, the name of the file under `model/`.

    Args:
        artifact: The model.
        signature: How it is called.
        profile: Which code serves it.
        is_split: Whether the call of the model is a function of its own, which `batch/` calls.
    """
    call = signature.call
    loading = _load(artifact, call)
    load = loading.lines
    shortened = is_shortened(call, profile)
    if shortened:
        load.append("if settings.fast_column_transformer:\n            speed_up(_model)")
    result = "predictions" if call.batched else "prediction"
    predicting = _predict(call, result, has_columns=_has_columns(signature))
    settings = "MODEL_SHA256, settings" if shortened else "MODEL_SHA256"
    after = _AFTER_PREDICT if call.method == "predict" else _AFTER
    imports = loading.modules | predicting.modules
    standard = [f"import {name}" for name in sorted(imports & _STANDARD)]
    libraries = [f"import {name}" for name in sorted(imports - _STANDARD)]
    ready = ["_model.eval()  # no dropout; batch normalisation by what training saw"]
    return {
        "model_file": _file_name(artifact),
        "score_imports": "\n".join([*standard, *ALWAYS_IMPORTED]),
        "score_libraries": "\n".join(["", *libraries, ""]) if libraries else "",
        "score_convert": CONVERT_IMPORT,
        "score_serving": "\n".join([*([_FAST] if shortened else []), OPEN_IMPORT, *folder_imports(artifact)]),
        "score_settings": settings,
        "score_settings_line": f"\nfrom app.settings import {settings}",
        "score_constant": "MODEL",
        "score_file": _file_name(artifact),
        "score_sha256": "MODEL_SHA256",
        "score_load_doc": "Load the model. `open_model` raises if the file is not the one that was tested.",
        "score_opened": " as file" if any("file" in line for line in load) else "",
        "score_load": _indented([*load, *(ready if isinstance(call, TorchCall) else [])], 8),
        "score_batched": f"{_BATCHED if call.batched else _ALONE}\nBATCHED = {call.batched}",
        "score_quick_option": "",
        "score_run_doc": _DOC_BATCHED if call.batched else _DOC_ALONE,
        **_run(call, predicting.lines, after, is_split=is_split),
    }


def _file_name(artifact: Artifact) -> str:
    return _FILES[artifact.format] + (".gz" if _is_packed_onnx(artifact) else "")


def run_function(values: Mapping[str, object]) -> str:
    """Return the function `run` as it stands in `score.py`."""
    head = "def run(records: list[ModelInput]) -> list[ModelOutput]:"
    return f'{head}\n    """{values["score_run_doc"]}"""\n    {values["score_run"]}'


def is_shortened(call: Call, profile: Profile) -> bool:
    """Whether `app/serving/fast_column_transformer.py` takes the place of a pipeline's first step."""
    return profile is Profile.FAST and isinstance(call, PythonCall) and call.shortened


def _load(artifact: Artifact, call: Call) -> _Code:
    """Return the statements that make `_model` of the open `file`."""
    if artifact.format is ModelFormat.PICKLE:
        module, load = _UNPACKED[artifact.compression]
        return _Code([f"_model = {load}"], frozenset({"pickle", module}))
    if artifact.format in FOLDER_FORMATS:
        return _Code(*load_lines(artifact))
    if artifact.format is ModelFormat.SKOPS:
        return _Code(_skops_lines(artifact), frozenset({"skops.io"}))
    if _is_packed_onnx(artifact):
        return _Code(f"_model = {_PACKED_ONNX}".splitlines(), frozenset({"gzip", "onnxruntime"}))
    module, load = _LOADS[artifact.format]
    lines = [f"_model = {load}"]
    estimator = call.estimator if isinstance(call, PythonCall) else ""
    if artifact.format is ModelFormat.XGBOOST and estimator:
        lines = [f"_model = xgboost.{estimator}()", "_model.load_model(bytearray(file.read()))"]
    if artifact.format is ModelFormat.CATBOOST and estimator:
        lines = [f"_model = catboost.{estimator}().load_model(blob=file.read())"]
    return _Code(lines, frozenset({module}))


def _is_packed_onnx(artifact: Artifact) -> bool:
    return artifact.format is ModelFormat.ONNX and artifact.compression is not None


def _skops_lines(artifact: Artifact) -> list[str]:
    """The statement that loads a file of skops, which loads no type but those that are listed."""
    names = sorted({name.dotted for name in artifact.globals})
    listed = [f"        {json.dumps(name)}," for name in names]
    return ["_model = skops.io.load(", "    file,", "    trusted=[", *listed, "    ],", ")"]


def _run(call: Call, predict: list[str], after: str, *, is_split: bool) -> dict[str, object]:
    """Return the body of `run`, and the function `predict` if the call of the model is one of its own."""
    result = "predictions" if call.batched else "prediction"
    if not is_split:
        run = _run_batched if call.batched else _run_alone
        return {"score_run": _indented(run(predict, after), 4), "score_predict": ""}
    run_line = _SPLIT_BATCHED if call.batched else _SPLIT_ALONE
    body = [_BEFORE, *predict, after, f"return {result}  # noqa: RET504"]
    return {"score_run": run_line, "score_predict": f"{_PREDICT}    {_indented(body, 4)}\n"}


def _run_batched(predict: list[str], after: str) -> list[str]:
    return ["inputs = to_model(records)", _BEFORE, *predict, after, "return from_model(predictions)"]


def _run_alone(predict: list[str], after: str) -> list[str]:
    body = ["inputs = to_model(record)", _BEFORE, *predict, after, "answers.append(from_model(prediction))"]
    return ["answers = []", "for record in records:", *(f"    {line}" for line in body), "return answers"]


def _predict(call: Call, result: str, *, has_columns: bool) -> _Code:
    """Return the statements that ask the model, with its answer in the variable `result`."""
    function = "_model" if call.method == "__call__" else f"_model.{call.method}"
    before = _BEFORE_INPUTS[call.arguments]
    match call:
        case PythonCall(keywords=keywords):
            switches = "".join(f", {name}={on}" for name, on in keywords)
            return _Code([f"{result} = {function}({before}inputs{switches})"])
        case TorchCall(tensor=tensor):
            inputs = "torch.as_tensor(inputs)" if tensor else f"{before}inputs"
            lines = ["with torch.no_grad():", f"    {result} = {function}({inputs})"]
            return _Code(lines, frozenset({"torch"}))
        case BoosterCall():
            # Names are checked by the Booster: a frame brings them, an array gets them.
            extra = "enable_categorical=True" if has_columns else "feature_names=_model.feature_names"
            line = f"{result} = {function}(xgboost.DMatrix(inputs, {extra}))"
            return _Code([line], frozenset({"xgboost"}))
        case SessionCall():
            return _Code(_session_lines(call, result))
        case _:
            assert_never(call)


def _session_lines(call: SessionCall, result: str) -> list[str]:
    """Return the statements that run an ONNX session: one output is itself, several go by name."""
    lines, feed = [], "inputs"
    if call.feed is Feed.COLUMNS:
        lines = ["columns = {name: column.reshape(-1, 1) for name, column in inputs.items()}"]
        feed = "columns"
    elif call.feed is Feed.ONE:
        feed = f"{{{_literal(call.inputs[0])}: inputs}}"
    if len(call.outputs) == 1:
        return lines + _call(f"[{result}] = _model.run", [f"[{_literal(call.outputs[0])}]", feed])
    names = [_literal(name) for name in call.outputs]
    listed = [f"names = [{', '.join(names)}]"]
    if len(listed[0]) > _WIDTH - _DEEPEST:
        listed = ["names = [", *(f"    {name}," for name in names), "]"]
    return [*lines, *listed, f"{result} = dict(zip(names, _model.run(names, {feed}), strict=True))"]


def _call(function: str, arguments: list[str]) -> list[str]:
    """Return a call laid out as a formatter would: in one line, or its arguments in lines of their own."""
    inside = ", ".join(arguments)
    if len(line := f"{function}({inside})") <= _WIDTH - _DEEPEST:
        return [line]
    if len(inside) + 4 <= _WIDTH - _DEEPEST:
        return [f"{function}(", f"    {inside}", ")"]
    return [f"{function}(", *(f"    {argument}," for argument in arguments), ")"]


def _literal(text: str) -> str:
    """Return a string literal with double quotes, as a formatter would write it."""
    written = repr(text)
    plain = written.startswith("'") and '"' not in text
    return f'"{written[1:-1]}"' if plain else written


def _has_columns(signature: Signature) -> bool:
    return isinstance(signature.input, Table) and isinstance(signature.input.container, Pandas | Polars)


def _indented(lines: list[str], spaces: int) -> str:
    """Return the lines, indented but for the first, which the template indents."""
    return ("\n" + " " * spaces).join(lines)
