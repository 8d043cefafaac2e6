"""A fitted model of each model library passes `scaffold new` on the command line, without `--trust`."""

import pytest

from tests.libraries.environments import COMPILING, NAMES, lock_of, requirements_of
from tests.libraries.page import DOCUMENT
from tests.libraries.running import WORK, run_library


@pytest.mark.libraries
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in COMPILING])
def test_a_fitted_model_becomes_a_service(name: str) -> None:
    result = run_library(name, WORK, proof=False)
    assert not result.failure, result.failure


@pytest.mark.parametrize("name", [name for name in NAMES if name not in COMPILING])
def test_the_lock_and_the_page_have_the_version_of_each_model(name: str) -> None:
    library, version = requirements_of(name)[0].split("==")
    assert f"{library}=={version}" in lock_of(name).read_text(encoding="utf-8").splitlines()
    page = DOCUMENT.read_text(encoding="utf-8").splitlines()
    rows = [line for line in page if line.startswith(f"| {library} | {version} | `{name}` |")]
    assert len(rows) == 1
    assert rows[0].endswith("| passes |")
