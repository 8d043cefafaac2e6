"""A fitted model of each model library passes `scaffold new` on the command line, without `--trust`."""

import pytest

from scaffold.spec import Accelerate
from tests.libraries.environments import COMPILING, NAMES, lock_of, requirements_of
from tests.libraries.page import DOCUMENT, documented_forms, form_of
from tests.libraries.running import WORK, run_library

USUAL = [name for name in NAMES if name not in COMPILING]
FORMS = dict(documented_forms())
WAYS = {way.value for way in Accelerate}


@pytest.mark.libraries
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", USUAL)
def test_a_fitted_model_becomes_a_service_of_the_form_that_the_page_has(name: str) -> None:
    is_compiled = FORMS[name] in WAYS
    result = run_library(name, WORK, proof=is_compiled, accelerate=Accelerate.AUTO.value)
    assert not result.failure, result.failure
    found = form_of(result)
    # Which of two forms is faster depends on the machine.
    assert found in WAYS if is_compiled else found == FORMS[name], result.note
    assert bool(result.proven) == is_compiled


def test_the_page_of_compiled_models_has_each_model_once() -> None:
    assert sorted(name for name, _ in documented_forms()) == USUAL


@pytest.mark.parametrize("name", USUAL)
def test_the_lock_and_the_page_have_the_version_of_each_model(name: str) -> None:
    library, version = requirements_of(name)[0].split("==")
    assert f"{library}=={version}" in lock_of(name).read_text(encoding="utf-8").splitlines()
    page = DOCUMENT.read_text(encoding="utf-8").splitlines()
    rows = [line for line in page if line.startswith(f"| {library} | {version} | `{name}` |")]
    assert len(rows) == 1
    assert rows[0].endswith("| passes |")
