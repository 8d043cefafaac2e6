"""What a model may keep and call in predict: nothing that uses files, or fetches an attribute by name."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.core.algorithms import map_array  # type: ignore[attr-defined]
from scipy.linalg.blas import _get_funcs
from scipy.special._precompute import gammainc_data, hyp2f1_data
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import _check_response_method

from scaffold.errors import ReadError
from scaffold.read import load_model, read_artifact

ROWS = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})


def _constant(value: Any) -> FunctionTransformer:
    """A step whose answer is always `value`."""
    return FunctionTransformer(functools.partial(min, value, key=np.ndim))


def _removing(place: Path) -> Pipeline:
    fetch = functools.partial(_check_response_method, place)
    apply = functools.partial(map_array, np.array([True], dtype=object))
    return Pipeline(
        [
            ("name", _constant("unlink")),
            ("fetch", FunctionTransformer(fetch)),
            ("x", FunctionTransformer(apply)),
        ]
    )


STORED: dict[str, Callable[[Path], Any]] = {
    "a script of a library": lambda p: FunctionTransformer(
        functools.partial(hyp2f1_data.main, str(p), 1, 2.0, 1, ())
    ),
    "another script": lambda _: FunctionTransformer(gammainc_data.main),
    "a function that calls a method by name": lambda _: FunctionTransformer(
        pd.pivot_table, kw_args={"index": "a", "aggfunc": "boxplot", "backend": "planted"}
    ),
    "a function that fetches a method": _removing,
    "another that fetches an attribute": lambda _: FunctionTransformer(_get_funcs),
    "a vectorizer of files": lambda _: CountVectorizer(input="filename"),
    "a vectorizer of files that is given one": lambda p: Pipeline(
        [("x", _constant([str(p)])), ("y", HashingVectorizer(input="filename"))]
    ),
    "a vectorizer with another input": lambda _: TfidfVectorizer(input=np.str_("filename")),
}


@pytest.mark.parametrize("model", STORED.values(), ids=STORED)
def test_a_model_may_not_keep_what_reads_or_writes_files(
    model: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "victim"
    place.write_text("x")
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(model(place)))
    with pytest.raises(ReadError):
        load_model(read_artifact(path, confined=False)).transform(ROWS)
    assert place.read_text() == "x"


@pytest.mark.parametrize("kind", [CountVectorizer, HashingVectorizer, TfidfVectorizer])
@pytest.mark.parametrize("source", ["content", "file"])
def test_a_vectorizer_of_texts_passes(kind: Any, source: str, tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(kind(input=source)))
    assert load_model(read_artifact(path, confined=False)).input == source
