from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scaffold.base.confine import Confinement
from scaffold.base.process import Finished
from scaffold.errors import CommandError, MissingModuleError
from scaffold.resolve import Options, resolve_dependencies, start_trace
from scaffold.resolve._distributions import Installation
from scaffold.resolve._origins import pack_wheel
from scaffold.resolve.trace._opened import collect_opened_files, find_named_files
from scaffold.spec import LocalSource
from scaffold.worker import WorkerSettings
from tests.resolve._models import CODE, recording, signature

ALPHA = """
import gamma
class Model:
    def predict(self, rows):
        import beta
        return [beta.factor * gamma.one * row for row in rows]
"""
DOUBLED = recording(0.0, 2.0, 4.0)


class FakeUv:
    """A fake uv that locks every requirement; it fails while the constraints contain a given line."""

    def __init__(self, refused: str = "") -> None:
        self.refused = refused
        self.requirements = self.constraints = ""

    def __call__(self, command, *, cwd=None, env=None, input=None, timeout_s=None):
        if command[1:3] != ["pip", "compile"]:
            raise CommandError(tuple(command), 127, "not found")
        self.torch = (env or {}).get("UV_TORCH_BACKEND")
        self.requirements = (cwd / "requirements.in").read_text()
        self.constraints = (cwd / "constraints.txt").read_text()
        if self.refused and self.refused in self.constraints.split("\n"):
            tail = (
                "cause: Because fastapi==0.165.0 depends on typing-extensions>=4.8.0 and typing-extensions==3"
            )
            raise CommandError(tuple(command), 1, tail)
        return Finished(stdout=self.requirements, stderr="")


@pytest.fixture
def alpha(install, model_of):
    """A model of three distributions: one is transitive, one only in the trace. A fourth is for training."""
    install("alpha", {"alpha.py": ALPHA}, requires=("gamma",), version="1.5")
    install("beta-dist", {"beta.py": "factor = 2"})
    install("gamma", {"gamma.py": "one = 1"})
    install("trainer", {"trainer.py": "raise RuntimeError"})
    return model_of("alpha")


def resolved(artifact, run, **options):
    return resolve_dependencies(artifact, signature(), DOUBLED, code=CODE, run=run, **options)


def of_model(dependencies):
    return [(str(line), line.reason) for line in dependencies.requirements if line.serves == "model"]


def test_each_requirement_has_its_evidence_and_transitive_ones_have_no_line(alpha):
    uv = FakeUv()
    found = resolved(alpha, uv)
    assert of_model(found) == [
        ("alpha==1.5", "alpha.Model in model.pkl"),
        ("beta-dist==1.0", "imported by alpha at predict"),
    ]
    assert [line.distribution for line in found.requirements if line.mentioned] == ["alpha"]
    assert {"gamma==1.0", "alpha==1.5"} <= set(uv.constraints.split("\n"))
    assert "trainer" not in uv.constraints
    assert found.python == f"{sys.version_info.major}.{sys.version_info.minor}"


def test_the_service_layer_has_its_own_versions(alpha):
    found = resolved(alpha, FakeUv())
    service = [line.distribution for line in found.requirements if line.serves == "service"]
    assert "uvicorn" in service
    assert "pydantic" not in {line.distribution for line in found.requirements}


def test_a_trace_that_runs_already_gives_the_same(alpha):
    with start_trace(alpha) as trace:
        found = resolved(alpha, FakeUv(), trace=trace)
    assert found.requirements == resolved(alpha, FakeUv()).requirements


def test_a_pin_is_taken_in_place_of_what_is_installed(alpha):
    uv = FakeUv()
    found = resolved(alpha, uv, options=Options(pins={"Alpha": "9.9", "gamma": "8.8"}))
    assert of_model(found)[0][0] == "alpha==9.9"
    assert "gamma==8.8" in uv.constraints.split("\n")


def test_torch_is_taken_for_the_cpu_and_as_it_is_installed_on_request(install, model_of):
    text = "class Model:\n    def predict(self, rows):\n        return [2 * row for row in rows]\n"
    install("torch", {"alpha.py": text}, version="2.13.0+cu130")
    uv = FakeUv()
    assert of_model(resolved(model_of("alpha"), uv))[0][0] == "torch==2.13.0"
    assert uv.torch == "cpu"
    assert of_model(resolved(model_of("alpha"), uv, options=Options(gpu=True)))[0][0] == "torch==2.13.0+cu130"
    assert "torch==2.13.0+cu130" in uv.constraints


def test_require_adds_a_distribution(alpha):
    found = resolved(alpha, FakeUv(), options=Options(require=("trainer",)))
    assert ("trainer==1.0", "asked for") in of_model(found)


def test_local_code_requires_its_imports_and_reports_untested_ones(install, model_of, tmp_path, monkeypatch):
    install("beta-dist", {"beta.py": "factor = 2"})
    install("trainer", {"trainer.py": "raise RuntimeError"})
    text = ALPHA.replace("import gamma", "import beta\ndef fit():\n    import trainer").replace(
        "gamma.one", "1"
    )
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "features.py").write_text(text)
    source = LocalSource(path="features.py", content=text.encode(), reason="features.Model in model.pkl")
    found = resolved(model_of("features"), FakeUv(), search=[tmp_path / "code"], sources=[source])
    assert of_model(found) == [("beta-dist==1.0", "imported by features.py")]
    assert found.notes == (
        "features.py imports trainer where the sample did not come to: --require trainer takes it along",
    )
    assert source in found.sources


def test_a_trace_of_another_file_is_not_taken_for_this_one(alpha, model_of, install):
    text = "class Model:\n    predict = lambda self, rows: [2 * row for row in rows]\n"
    install("omega", {"omega.py": text})
    with start_trace(alpha) as trace:
        found = resolved(model_of("omega"), FakeUv(), trace=trace)
    assert of_model(found) == [("omega==1.0", "omega.Model in model.pkl")]


def test_a_module_without_a_distribution_is_named(alpha, site, install, model_of):
    (site / "stray.py").write_text("factor = 2")
    text = ALPHA.replace("import gamma", "import stray").replace("gamma.one", "1")
    install("omega", {"omega.py": text})
    with pytest.raises(MissingModuleError) as caught:
        resolved(model_of("omega"), FakeUv())
    assert caught.value.module == "stray"
    carried = LocalSource(path="stray.py", content=b"factor = 2", reason="asked for with --include")
    assert resolved(model_of("omega"), FakeUv(), sources=[carried]).sources == (carried,)


def test_a_library_inside_another_belongs_to_it(site, install, model_of):
    text = "import sys\nfrom pathlib import Path\nsys.path.append(str(Path(__file__).parent / 'inside'))\n"
    text += "import vendored\nclass Model:\n    predict = lambda self, rows: [2 * row for row in rows]\n"
    install("omega", {"omega/__init__.py": text, "omega/inside/vendored.py": ""})
    install("vendored", {"vendored.py": "raise RuntimeError"})
    (site / "vendored.py").unlink()
    assert of_model(resolved(model_of("omega"), FakeUv())) == [("omega==1.0", "omega.Model in model.pkl")]


def test_opened_data_files_are_copied_except_hidden_ones_and_names_of_the_service(model_of, tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "factor.txt").write_text("2")
    (folder / ".env").write_text("SECRET=1")
    (folder / "pyproject.toml").write_text("[project]")
    (folder / "features.py").write_text(
        "from pathlib import Path\nhere = Path(__file__).parent\n"
        "class Model:\n    def predict(self, rows):\n        (here / '.env').read_text()\n"
        "        (here / 'pyproject.toml').read_text()\n"
        "        return [float((here / 'factor.txt').read_text()) * row for row in rows]\n"
    )
    allowed = Confinement(readable=(folder,), readable_whole=(folder / ".env",))
    settings = WorkerSettings(confinement=allowed)
    found = resolved(model_of("features"), FakeUv(), search=[folder], settings=settings)
    assert found.sources[1:] == (LocalSource(path="factor.txt", content=b"2", reason="opened at predict"),)
    assert found.notes == (
        ".env is opened and not taken along, for it is hidden: --include .env",
        "pyproject.toml is opened and not taken along: the service has its own pyproject.toml",
    )


def test_modules_imported_by_a_computed_name_are_copied(model_of, tmp_path):
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "double.py").write_text("factor = 2")
    (tmp_path / "features.py").write_text(
        "import importlib\nclass Model:\n    def predict(self, rows):\n        kind = 'double'\n"
        "        return [importlib.import_module('kinds.' + kind).factor * row for row in rows]\n"
    )
    found = resolved(model_of("features"), FakeUv(), search=[tmp_path])
    assert {source.path: source.reason for source in found.sources} == {
        "features.py": "imported at load",
        "kinds/double.py": "imported at predict",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what compiled code opens")
def test_files_opened_by_compiled_code_are_copied_if_code_or_model_names_them(model_of, tmp_path):
    (tmp_path / "vocabulary").mkdir()
    for name in ("words.bin", "chance.bin"):
        (tmp_path / "vocabulary" / name).write_text("2")
    (tmp_path / "features.py").write_text(
        "import ctypes\nfrom pathlib import Path\nhere = Path(__file__).parent\nc = ctypes.CDLL(None)\n"
        "class Model:\n    def predict(self, rows):\n"
        "        assert c.open(bytes(here / 'vocabulary' / 'words.bin'), 0) > 0\n"
        "        assert c.open(bytes(here / 'vocabulary' / ('ch' + 'ance.bin')), 0) > 0\n"
        "        return [2 * row for row in rows]\n"
    )
    source = LocalSource(
        path="features.py", content=(tmp_path / "features.py").read_bytes(), reason="features.Model"
    )
    found = resolved(model_of("features"), FakeUv(), search=[tmp_path], sources=[source])
    assert {source.path: source.reason for source in found.sources[1:]} == {
        "vocabulary/words.bin": "opened at predict"
    }


def test_external_tensors_of_an_onnx_model_are_copied_next_to_it(tmp_path):
    (tmp_path / "data").mkdir()
    weights = tmp_path / "data" / "weights.bin"
    weights.write_text("1")
    model = tmp_path / "model.onnx"
    model.write_bytes(b"...location data/weights.bin")
    unaudited = {str(weights): "load", str(tmp_path / "data" / "other.bin"): "load"}
    named = find_named_files(unaudited, model, [])
    found, _ = collect_opened_files(named, [tmp_path], model, Installation([]), beside_model=set(named))
    assert [source.path for source in found] == ["model/data/weights.bin"]


def test_parts_of_the_model_are_copied_next_to_it_and_a_database_is_data(model_of, tmp_path):
    (tmp_path / "model.pkl_01.npy").write_text("2")
    (tmp_path / "features.py").write_text(
        "import sqlite3\nfrom pathlib import Path\nhere = Path(__file__).parent\n"
        "factor = float((here / 'model.pkl_01.npy').read_text())\n"
        "class Model:\n    def predict(self, rows):\n        sqlite3.connect(here / 'codes.db')\n"
        "        return [factor * row for row in rows]\n"
    )
    (tmp_path / "codes.db").touch()
    found = resolved(model_of("features"), FakeUv(), search=[tmp_path])
    assert {source.path: source.reason for source in found.sources} == {
        "features.py": "imported at load",
        "model/model.pkl_01.npy": "opened at load",
        "codes.db": "opened at predict",
    }


def test_a_local_install_is_packed_and_copied(install, model_of, site):
    text = "class Model:\n    def predict(self, rows):\n        return [2 * row for row in rows]\n"
    install("alpha", {"alpha.py": text}, origin='{"url": "file:///home/me/alpha", "dir_info": {}}')
    found = resolved(model_of("alpha"), FakeUv())
    wheel = pack_wheel(Installation([str(site)]).by_name["alpha"])
    assert of_model(found) == [
        (f"alpha @ ./{wheel.path}", "alpha.Model in model.pkl; packed from a local alpha")
    ]
    assert found.sources == (wheel,)


def test_a_git_install_is_a_wheel_of_its_commit(install, model_of):
    text = "class Model:\n    def predict(self, rows):\n        return [2 * row for row in rows]\n"
    origin = '{"url": "https://github.com/o/r", "vcs_info": {"vcs": "git", "commit_id": "abc123"}}'
    install("alpha", {"alpha.py": text}, origin=origin)
    found = resolved(model_of("alpha"), FakeUv())
    assert of_model(found)[0] == (
        "alpha @ ./wheels/alpha-1.0-py3-none-any.whl",
        "alpha.Model in model.pkl; packed from git+https://github.com/o/r@abc123",
    )
    assert "\nalpha @ ./wheels/alpha-1.0-py3-none-any.whl\n" in found.lock


def test_a_transitive_version_gives_way_to_the_service_layer_with_a_note(install, alpha, site):
    install("alpha", {"alpha.py": ALPHA}, requires=("gamma", "typing-extensions"), version="1.5")
    install("typing-extensions", {"typing_extensions.py": _typing_extensions()}, version="3")
    uv = FakeUv(refused="typing-extensions==3")
    found = resolved(alpha, uv)
    assert "typing-extensions==3" not in uv.constraints
    assert any(
        note.startswith("typing-extensions ") and " in the service, 3 here" in note for note in found.notes
    )


def _typing_extensions() -> str:
    """The real module under the version of the test: pydantic needs it."""
    import typing_extensions

    return Path(typing_extensions.__file__).read_text()


def test_uv_locks_it_all_and_the_lock_names_all_that_is_needed(alpha, site, tmp_path, monkeypatch):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    installation = Installation([str(site)])
    for name in ("alpha", "beta-dist", "gamma"):
        wheel = pack_wheel(installation.by_name[name])
        (wheels / Path(wheel.path).name).write_bytes(wheel.content)
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    found = resolve_dependencies(alpha, signature(), DOUBLED, code=CODE)
    pinned = {
        line.partition("==")[0] for line in found.lock.splitlines() if "==" in line and line[0].isalpha()
    }
    assert {"alpha", "beta-dist", "gamma", "fastapi", "uvicorn", "pydantic", "prometheus-client"} <= pinned
    assert not {"trainer", "copier", "numpy"} & pinned
    assert str(tmp_path) not in found.lock
    # A distribution that only that folder has is copied, and found in the copy.
    assert "\n--find-links ./wheels\n" in found.lock
    assert {source.path for source in found.sources} == {f"wheels/{file.name}" for file in wheels.iterdir()}
    assert found.lock == resolve_dependencies(alpha, signature(), DOUBLED, code=CODE).lock


def test_system_files_and_scaffold_itself_are_not_copied(model_of, tmp_path, monkeypatch):
    (tmp_path / "features.py").write_text(
        "class Model:\n    def predict(self, rows):\n        open('/etc/hosts').close()\n"
        "        return [2 * row for row in rows]\n"
    )
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    artifact = model_of("features")
    with start_trace(artifact, search=[tmp_path, Path("/")]) as trace:
        found = resolved(artifact, FakeUv(), trace=trace, search=[tmp_path, Path("/")])
    assert [source.path for source in found.sources] == ["features.py"]


def test_one_process_is_enough_where_the_code_is_known_beforehand(install, model_of, tmp_path):
    install("beta-dist", {"beta.py": "factor = 2"})
    (tmp_path / "code").mkdir()
    text = (
        "import tempfile\nfrom pathlib import Path\nimport beta\n"
        "runs = Path(tempfile.gettempdir()) / 'runs.txt'\nruns.open('a').write('once ')\n"
        "class Model:\n    def predict(self, rows):\n        return [beta.factor * row for row in rows]\n"
    )
    (tmp_path / "code" / "features.py").write_text(text)
    source = LocalSource(path="features.py", content=text.encode(), reason="features.Model in model.pkl")
    artifact, search = model_of("features"), [tmp_path / "code"]
    with start_trace(artifact, search=search, sources=[source]) as trace:
        found = resolved(artifact, FakeUv(), trace=trace, search=search, sources=[source])
        assert (trace._worker.folder / "tmp" / "runs.txt").read_text() == "once "
    assert of_model(found) == [("beta-dist==1.0", "imported by features.py")]
