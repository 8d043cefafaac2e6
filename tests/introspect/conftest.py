"""The generated code for requests and responses, loaded and called without a server."""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from scaffold.base import model as base_model
from scaffold.introspect import Introspection, infer_signature
from scaffold.render._source import render_source


class Service:
    """The steps of the generated service between the bytes of a request and of its response."""

    def __init__(self, folder: Path, model: Any, found: Introspection) -> None:
        self.model, self.found = model, found
        self.sources = render_source(found.signature)
        for path, text in self.sources.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        package = types.ModuleType("app")
        package.__path__ = [str(folder / "app")]
        sys.modules["app"] = package
        self.schemas = _load("app.schemas", folder / "app/schemas.py")
        self.convert = _load("app.convert", folder / "app/convert.py")

    def check(self, body: Any) -> Any:
        """Parse a request body into a record, or raise pydantic's error."""
        text = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return self.schemas.ModelInput.model_validate_json(text)

    def score(self, *bodies: Any) -> list[Any]:
        """Return the answers to some requests, as JSON."""
        records = [self.check(body) for body in bodies]
        call = self.found.signature.call
        if call.batched:
            answers = self.convert.from_model(
                base_model.invoke(self.model, call, self.convert.to_model(records))
            )
        else:
            answers = [
                self.convert.from_model(base_model.invoke(self.model, call, self.convert.to_model(record)))
                for record in records
            ]
        adapter = TypeAdapter(list[self.schemas.ModelOutput])  # type: ignore[name-defined]
        body = adapter.dump_json(answers, by_alias=True, serialize_as_any=True, warnings=False)
        return list(json.loads(body))

    def given(self) -> Any:
        """Return the model's input for the recorded requests, which should equal the sample."""
        records = [self.check(body) for body in self.found.recording.requests]
        if self.found.signature.call.batched:
            return self.convert.to_model(records)
        return [self.convert.to_model(record) for record in records]


def _load(name: str, path: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


Serve = Callable[..., Service]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Return a function that makes the service of a model and its samples."""
    count = 0

    def make(model: Any, sample: Any, output: Any = None, **options: Any) -> Service:
        nonlocal count
        count += 1
        found = infer_signature(model, sample, output, **options)
        return Service(tmp_path / str(count), model, found)

    return make


@pytest.fixture
def records() -> Iterator[types.ModuleType]:
    """Return the user's own module, importable by its name as next to a model."""
    folder = str(Path(__file__).parent)
    sys.path.insert(0, folder)
    try:
        yield importlib.import_module("records")
    finally:
        sys.path.remove(folder)
        sys.modules.pop("records", None)


def difference(given: Any, sample: Any) -> str | None:
    """Return how the model's input differs from the sample in values or dtypes; `None` if it does not."""
    found = f"{type(given).__module__.partition('.')[0]}.{type(given).__name__}"
    if found in ("pandas.DataFrame", "pandas.Series"):
        return _pandas_difference(given, sample)
    if found in ("polars.DataFrame", "polars.Series"):
        dtypes = [v.schema if found.endswith("Frame") else v.dtype for v in (given, sample)]
        return None if given.equals(sample) and dtypes[0] == dtypes[1] else f"{given} is not {sample}"
    if found == "torch.Tensor":
        same = given.dtype == sample.dtype and bool(given.allclose(sample, equal_nan=True, rtol=0, atol=0))
        return None if same else f"{given} is not {sample}"
    if found == "numpy.MaskedArray":
        masks = [np_mask(array).tolist() for array in (given, sample)]
        held = difference(given.compressed(), sample.compressed())
        return held if masks[0] == masks[1] else f"mask {masks[0]} is not {masks[1]}"
    if hasattr(given, "toarray"):
        return difference(given.toarray(), sample.toarray())
    if found == "numpy.ndarray":
        return _numpy_difference(given, sample)
    if isinstance(given, dict):
        if given.keys() != sample.keys():
            return f"keys {list(given)} are not {list(sample)}"
        return next((d for k in given if (d := difference(given[k], sample[k]))), None)
    if isinstance(given, (list, tuple)):
        if type(given) is not type(sample) or len(given) != len(sample):
            return f"{given!r} is not {sample!r}"
        return next((d for g, s in zip(given, sample, strict=True) if (d := difference(g, s))), None)
    if hasattr(given, "tobytes") and hasattr(given, "mode"):
        return None if (given.mode, given.tobytes()) == (sample.mode, sample.tobytes()) else "another image"
    if given != given and sample != sample:
        return None
    same_type = type(given) is type(sample) or (type(given), type(sample)) == (float, int)
    return None if same_type and bool(given == sample) else f"{given!r} is not {sample!r}"


def np_mask(array: Any) -> Any:
    import numpy as np

    return np.ma.getmaskarray(array)


def _pandas_difference(given: Any, sample: Any) -> str | None:
    import pandas as pd

    check: Callable[..., None] = pd.testing.assert_frame_equal
    if isinstance(given, pd.Series):
        check = pd.testing.assert_series_equal
        given.name = sample.name if given.name is None else given.name  # a row is named by its index
    try:
        check(given.reset_index(drop=True), sample.reset_index(drop=True), check_exact=True)
    except AssertionError as error:
        return str(error)
    return None


def _numpy_difference(given: Any, sample: Any) -> str | None:
    import numpy as np

    if given.dtype != sample.dtype and sample.dtype.kind not in "US":
        return f"dtype {given.dtype} is not {sample.dtype}"
    if given.dtype.names:
        return None if str(given) == str(sample) else f"{given} is not {sample}"
    same = np.array_equal(given, sample, equal_nan=given.dtype.kind in "fmM")
    return None if same else f"{given} is not {sample}"
