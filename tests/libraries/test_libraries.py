"""A fitted model of each model library becomes a proven service, without `--trust` but for hdbscan's."""

import pytest

from tests.libraries.running import COMPILING, NAMES, WORK, Result, run_library


@pytest.mark.libraries
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in COMPILING])
def test_a_fitted_model_becomes_a_service(name: str, library_results: list[Result]) -> None:
    result = run_library(name, WORK)
    library_results.append(result)
    assert not result.failure, result.failure
