"""Load a model file and call the model, for several rooms and for the traced child process.

Standard library only at import: the traced child process must import nothing else of this
package. A library is imported where the format or the call needs it.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scaffold.base.streams import canonical_archive, compression_of, decompressed, open_once
from scaffold.base.unpickle import Names, load_joblib, load_pickle, load_torch
from scaffold.spec import (
    Arguments,
    BoosterCall,
    Call,
    Feed,
    GlobalName,
    ModelFormat,
    PythonCall,
    SessionCall,
    TorchCall,
    assert_never,
)


def load(
    path: Path,
    format: ModelFormat,
    names: Sequence[GlobalName] | None,
    sha256: str = "",
    stand_ins: Mapping[tuple[str, str], Any] | None = None,
) -> Any:
    """Return the model in `path`, a torch module ready to answer (on the CPU, in eval mode).

    Args:
        path: The file, which must have passed the gate.
        format: Its format, as the gate found it.
        names: The names that the gate saw in it: no other name is looked up while it loads. None for a file
            that this process wrote itself.
        sha256: What the gate read; any content when empty.
        stand_ins: Replacements for objects that the file names, by module and name.

    Raises:
        UnseenNameError: It looks up another name.
        FileChangedError: It is another file now.
    """
    with open_once(path, sha256) as (file, _):
        return _ready(_load(file, path, format, Names(path, names, stand_ins)))


def _load(file: Any, path: Path, format: ModelFormat, names: Names) -> Any:
    match format:
        case ModelFormat.PICKLE | ModelFormat.JOBLIB:
            head = file.read(16)
            file.seek(0)
            stream = decompressed(file, compression_of(head))
            if format is ModelFormat.PICKLE:
                return load_pickle(stream, names)
            import joblib  # noqa: F401 - the service loads the file with joblib: a trace must see that

            return load_joblib(stream, names)
        case ModelFormat.TORCH:
            return load_torch(file, names)
        case ModelFormat.TORCHSCRIPT:
            import torch

            with canonical_archive(file) as archive:
                return torch.jit.load(archive, map_location="cpu")  # type: ignore[no-untyped-call]
        case ModelFormat.ONNX:
            import onnxruntime

            compression = compression_of(file.read(16))
            file.seek(0)
            # By its path: a large model has its weights in files beside it.
            held = decompressed(file, compression).read() if compression else str(path)
            return onnxruntime.InferenceSession(held, providers=["CPUExecutionProvider"])
        case ModelFormat.SKOPS:
            import skops.io

            return skops.io.load(file, trusted=names.find_all())
        case ModelFormat.KERAS:
            import keras

            # By its path, which Keras asks for. The default mode refuses code in the archive as well.
            return keras.saving.load_model(path, compile=False)
        case ModelFormat.TRANSFORMERS | ModelFormat.SENTENCE_TRANSFORMERS | ModelFormat.SPACY:
            from scaffold.base.folder import load_folder

            return load_folder(path, file.read())
        case ModelFormat.PYTHON_FUNCTION:
            from scaffold.base.python_function import load_python_function

            return load_python_function(path, file.read(), names)
        case _:
            return _load_native(file.read(), format)


def invoke(model: Any, call: Call, value: Any) -> Any:  # noqa: RET503
    """Return what `model` answers to `value`: many records at once if `call.batched`, else one record.

    Args:
        model: A loaded model.
        call: How it is called.
        value: Its input, in the form that `call` says: an array, a frame, a dict of arguments, ...
    """
    match call:
        case SessionCall():
            return _run_session(model, call, value)
        case BoosterCall():
            return model.predict(_matrix(model, value))
        case TorchCall(method=method, arguments=arguments, tensor=tensor):
            import torch

            model_input = torch.as_tensor(value) if tensor else value
            with torch.no_grad(), _eval_mode(model):
                return _apply(getattr(model, method), arguments, model_input)
        case PythonCall(method=method, arguments=arguments, keywords=keywords):
            return _apply(functools.partial(getattr(model, method), **dict(keywords)), arguments, value)
        case _:
            assert_never(call)


def _apply(function: Any, arguments: Arguments, value: Any) -> Any:
    match arguments:
        case Arguments.KEYWORDS:
            return function(**value)
        case Arguments.POSITIONAL:
            return function(*value)
        case Arguments.AFTER_CONTEXT:
            return function(None, value)
        case Arguments.ONE:
            return function(value)


def _load_native(content: bytes, format: ModelFormat) -> Any:
    """Return a model from the file that its own library writes: a classifier if it was one."""
    if format is ModelFormat.XGBOOST:
        import xgboost

        # xgboost tells JSON from UBJSON by content for bytes, by the suffix for a path.
        booster = xgboost.Booster(model_file=bytearray(content))
        if "classifier" not in (booster.attr("scikit_learn") or ""):
            return booster
        classifier = xgboost.XGBClassifier()
        classifier.load_model(bytearray(content))
        return classifier
    if format is ModelFormat.LIGHTGBM:
        import lightgbm

        return lightgbm.Booster(model_str=content.decode())
    import catboost

    model = catboost.CatBoost().load_model(blob=content)
    return catboost.CatBoostClassifier().load_model(blob=content) if len(model.classes_) else model


def _ready(model: Any) -> Any:
    """Return the model, in eval mode if it is a torch module."""
    return model.eval() if _is_module(model) else model


def _is_module(model: Any) -> bool:
    return any(
        f"{c.__module__}.{c.__name__}" == "torch.nn.modules.module.Module" for c in type(model).__mro__
    )


@contextlib.contextmanager
def _eval_mode(model: Any) -> Any:
    """Have the model in eval mode for one call, and as it was afterwards."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


def _run_session(session: Any, call: SessionCall, value: Any) -> Any:
    """Return the one output that is asked for, or a dict of several by name."""
    feed = {call.inputs[0]: value} if call.feed is Feed.ONE else value
    if call.feed is Feed.COLUMNS:
        feed = {name: column.reshape(-1, 1) for name, column in feed.items()}
    answers = session.run(list(call.outputs), feed)
    return answers[0] if len(answers) == 1 else dict(zip(call.outputs, answers, strict=True))


def _matrix(model: Any, value: Any) -> Any:
    """Return what a Booster takes; rows without names get those that the model knows."""
    import xgboost

    if isinstance(value, xgboost.DMatrix):
        return value
    names = None if hasattr(value, "columns") else model.feature_names
    return xgboost.DMatrix(value, feature_names=names, enable_categorical=True)
