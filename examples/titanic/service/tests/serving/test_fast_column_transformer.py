"""The fast ColumnTransformer returns what scikit-learn's returns, bit for bit."""

import json
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from app import score
from app.convert import to_model
from app.schemas import ModelInput
from app.serving.fast_column_transformer import speed_up
from app.settings import settings
from tests.service import RECORDED

ROWS = json.loads(RECORDED.read_text(encoding="utf-8"))["requests"]
RECORDS = [ModelInput.model_validate_json(json.dumps(row)) for row in ROWS]


@pytest.fixture(scope="module")
def columns() -> Any:
    """The first step of the model, which has both ways."""
    score.load()
    if not settings.fast_column_transformer:
        speed_up(score._model)
    return score._model.steps[0][1]


@pytest.mark.parametrize("records", [RECORDS, RECORDS[::-1], *([record] for record in RECORDS)])
def test_both_ways_return_the_same_bits(columns: Any, records: list[ModelInput]) -> None:
    fast = columns.transform(to_model(records))
    usual = type(columns).transform(columns, to_model(records))
    usual = usual.toarray() if sparse.issparse(usual) else np.asarray(usual)
    assert (fast.dtype, fast.shape) == (usual.dtype, usual.shape)
    if fast.dtype == object:
        assert np.array_equal(fast, usual)
    else:
        assert fast.tobytes() == usual.tobytes()
