from __future__ import annotations

import sys

import pytest

from scaffold.errors import MissingModuleError, TraceFailedError, WorkerError
from scaffold.resolve._distributions import Installation
from scaffold.resolve.trace._rehearsal import Rehearsal, hidden_modules
from scaffold.resolve.trace._trace import Request, Trace
from scaffold.spec import Batching, PythonCall
from tests.resolve._models import CODE

PLAIN = "class Model:\n    def predict(self, rows):\n        return [2 * row for row in rows]\n"
OPTIONAL = "try:\n    import beta\nexcept ImportError:\n    beta = None\n" + PLAIN
FASTER = "try:\n    from beta import factor\nexcept ImportError:\n    factor = 1\n" + PLAIN.replace(
    "2", "factor"
)
LATE = """
class Model:
    def predict(self, rows):
        import beta
        return [beta.factor * row for row in rows]
"""
ASKED_BY_METADATA = (
    "from importlib.metadata import version, PackageNotFoundError\n"
    "from importlib.util import find_spec\n"
    "try:\n    factor = 1 if version('beta') else 1\n"
    "except PackageNotFoundError:\n    factor = 1 if find_spec('beta') else 2\n"
    + PLAIN.replace("2", "factor")
)
CALL = PythonCall(method="predict", batching=Batching.TOGETHER)


@pytest.fixture
def rehearse(model_of):
    """Runs a rehearsal of `alpha.Model`, which should double 0.0, 1.0 and 2.0."""

    def _rehearse(asked=("alpha",), answers=(0.0, 2.0, 4.0)):
        request = Request(
            code=CODE,
            call=CALL,
            requests=[{"data": float(number)} for number in range(3)],
            answers=[{"prediction": answer} for answer in answers],
        )
        rehearsal = Rehearsal(
            artifact=model_of("alpha"),
            path=list(sys.path),
            installation=Installation(),
            request=request,
            always=frozenset({"pydantic"}),
        )
        return rehearsal.run(asked)

    return _rehearse


def test_unused_distributions_are_left_out(install, rehearse):
    install("alpha", {"alpha.py": OPTIONAL})
    install("beta", {"beta.py": "raise RuntimeError('never imported')"})
    found, extra = rehearse()
    assert found.succeeded
    assert extra == {}
    assert found.missing_distributions == {"beta": ("alpha", "load")}


def test_metadata_of_unused_distributions_is_hidden(install, rehearse):
    install("alpha", {"alpha.py": ASKED_BY_METADATA})
    install("beta", {"beta.py": ""})
    assert rehearse()[0].succeeded


def test_an_optional_library_that_changes_the_answers_is_kept(install, rehearse):
    install("alpha", {"alpha.py": FASTER})
    install("beta", {"beta.py": "factor = 2"})
    install("gamma", {"gamma.py": ""})
    found, extra = rehearse()
    assert found.succeeded
    assert extra == {"beta": "imported by alpha at load"}


def test_of_several_missing_libraries_only_the_necessary_ones_are_kept(install, rehearse):
    idle = "try:\n    import gamma\nexcept ImportError:\n    pass\n"
    install("alpha", {"alpha.py": idle + FASTER})
    install("beta", {"beta.py": "factor = 2"})
    install("gamma", {"gamma.py": ""})
    found, extra = rehearse()
    assert found.succeeded
    assert extra == {"beta": "imported by alpha at load"}


def test_a_library_that_no_metadata_names_is_found_at_predict(install, rehearse):
    install("alpha", {"alpha.py": LATE})
    install("beta-dist", {"beta.py": "import gamma\nfactor = gamma.factor"})
    install("gamma", {"gamma.py": "factor = 2"})
    found, extra = rehearse()
    assert found.succeeded
    assert extra == {
        "beta-dist": "imported by alpha at predict",
        "gamma": "imported by beta at predict",
    }


def test_predictions_that_differ_with_all_libraries_add_no_requirement(install, rehearse):
    install("alpha", {"alpha.py": OPTIONAL})
    install("beta", {"beta.py": ""})
    found, extra = rehearse(answers=(0.0, 2.0, 5.0))
    assert found.matched is False
    assert extra == {}


def test_a_missing_module_is_named_with_its_importer(install, rehearse):
    install("alpha", {"alpha.py": LATE})
    with pytest.raises(MissingModuleError) as caught:
        rehearse()
    assert str(caught.value) == (
        "The model imports 'beta', which no installed distribution provides.\n"
        "  needed by: alpha\n"
        "Install the distribution that provides it, or ship the file with the service:\n"
        "  scaffold new ... --include beta.py"
    )


@pytest.mark.parametrize(
    ("module", "said"),
    [("usb", r"provides it \(perhaps pyusb\), or ship"), ("models", "provides it, or ship")],
    ids=["it names one", "it names two"],
)
def test_the_table_of_pipreqs_is_only_a_guess(install, rehearse, module, said):
    install("alpha", {"alpha.py": LATE.replace("beta", module)})
    with pytest.raises(MissingModuleError, match=said):
        rehearse()


def test_a_failing_model_is_reported_with_its_error(install, rehearse):
    install(
        "alpha", {"alpha.py": "class Model:\n    def predict(self, rows):\n        raise ValueError('no')\n"}
    )
    with pytest.raises(TraceFailedError, match=r"(?s)ValueError: no.*raise ValueError"):
        rehearse()


def test_a_process_that_dies_says_how(install, rehearse):
    install("alpha", {"alpha.py": "import os\nprint('so long', flush=True)\nos._exit(3)\n"})
    with pytest.raises(WorkerError, match=r"(?s)exit status 3.*so long"):
        rehearse()


def test_a_module_of_the_users_own_may_have_the_name_of_a_hidden_one(
    install, rehearse, tmp_path, monkeypatch
):
    own = tmp_path / "own"
    own.mkdir()
    (own / "tools.py").write_text("factor = 2")
    text = "import tools, this_alpha\nfactor = tools.factor\n" + PLAIN.replace("2", "factor")
    install("alpha", {"alpha.py": text})
    install("alpha-too", {"this_alpha.py": ""})
    install("littered", {"tools.py": "raise RuntimeError", "abc.py": "raise RuntimeError"})
    monkeypatch.syspath_prepend(str(own))
    found, extra = rehearse(["alpha", "alpha-too"])
    assert found.succeeded
    assert extra == {}
    assert "tools" not in found.imported


def test_opened_files_are_recorded_with_their_phase(install, rehearse, tmp_path):
    first = tmp_path / "factor.txt"
    first.write_text("2")
    text = (
        "import tempfile\nfrom pathlib import Path\nclass Model:\n    def predict(self, rows):\n"
        "        Path(tempfile.gettempdir(), 'out.txt').write_text('x')\n"
        f"        return [float(Path({str(first)!r}).read_text()) * row for row in rows]\n"
    )
    install("alpha", {"alpha.py": text})
    found, _ = rehearse()
    assert found.opened_files[str(first)] == "predict"
    assert not any(path.endswith("out.txt") for path in found.opened_files)


def test_a_started_process_is_reused_unless_it_hides_too_much(install, model_of):
    install("alpha", {"alpha.py": LATE})
    install("beta", {"beta.py": "factor = 2"})
    installation = Installation()
    request = Request(code=CODE, call=CALL, requests=[{"data": 1.0}], answers=[{"prediction": 2.0}])
    artifact = model_of("alpha")
    rehearsal = Rehearsal(
        artifact=artifact,
        path=list(sys.path),
        installation=installation,
        request=request,
        always=frozenset({"pydantic"}),
    )
    for names in (["alpha", "pydantic"], ["alpha", "beta", "pydantic"]):
        hidden = hidden_modules(installation, names)
        with Trace(artifact, path=list(sys.path), hidden=hidden, installation=installation) as trace:
            found, extra = rehearsal.run(["alpha", "beta"], trace)
        assert found.succeeded
        assert extra == {}


def test_the_process_ends_with_the_block(install, model_of):
    install("alpha", {"alpha.py": PLAIN})
    with Trace(model_of("alpha"), path=list(sys.path), hidden={}, installation=Installation()) as trace:
        assert trace._worker._process.poll() is None
        folder = trace._worker.folder
    assert trace._worker._process.poll() is not None
    assert not folder.exists()
