"""A fitted model of each model library becomes a proven service, without `--trust` but for hdbscan's."""

import pytest

from tests.libraries.running import COMPILING, NAMES, WORK, Result, run_library

_BACKEND = pytest.mark.xfail(
    reason="keras finds its backend in a variable, KERAS_BACKEND, that is set nowhere"
)
_CASES = [
    pytest.param(name, marks=_BACKEND if name == "keras" else ()) for name in NAMES if name not in COMPILING
]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", _CASES)
def test_a_fitted_model_becomes_a_service(name: str, library_results: list[Result]) -> None:
    result = run_library(name, WORK)
    library_results.append(result)
    assert not result.failure, result.failure
