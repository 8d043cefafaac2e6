"""A model that keeps state outside its own object is found, wherever the state is."""

from __future__ import annotations

import importlib
from types import ModuleType

import pandas as pd
import pytest

from scaffold.errors import UnstableModelError
from scaffold.introspect.call._calls import find_call
from scaffold.introspect.call._external_state import ExternalState
from tests.introspect import keeping as module

FRAME = pd.DataFrame(
    {"shop": ["north", "south", "east", "west"] * 5, "spent": [3.25 * k % 19 + k / 8 for k in range(20)]}
)


@pytest.fixture
def keeping() -> ModuleType:
    return importlib.reload(module)


@pytest.mark.parametrize("rows", [1, 3, 20])
@pytest.mark.parametrize("where", module.KEEPING)
def test_a_model_that_keeps_something_outside_its_object_is_refused(
    where: str, rows: int, keeping: ModuleType
) -> None:
    with pytest.raises(UnstableModelError, match="keep no state between calls"):
        find_call(keeping.KEEPING[where](), FRAME.head(rows))


def test_a_model_that_caches_its_predictions_is_batched(keeping: ModuleType) -> None:
    assert find_call(keeping.Remembering(), FRAME).call.batched


def test_state_outside_the_model_is_restored_in_place(keeping: ModuleType) -> None:
    model, cache = keeping.InModule(), keeping.CACHE
    cache["east"] = 5.0
    external_state = ExternalState(model)
    keeping.COUNTS[0] = 7
    vars(keeping).update(FIRST="north", NEW=3)
    model.predict(FRAME)
    external_state.restore()
    assert keeping.CACHE is cache
    assert cache == {"east": 5.0}
    assert keeping.COUNTS[0] == 0
    assert keeping.FIRST is None
    assert not hasattr(keeping, "NEW")


def test_code_of_libraries_is_left_alone() -> None:
    pd.LEFT_ALONE = 1  # type: ignore[attr-defined]
    external_state = ExternalState(FRAME)
    try:
        pd.LEFT_ALONE = 2  # type: ignore[attr-defined]
        external_state.restore()
        assert pd.LEFT_ALONE == 2  # type: ignore[attr-defined]
    finally:
        del pd.LEFT_ALONE  # type: ignore[attr-defined]
