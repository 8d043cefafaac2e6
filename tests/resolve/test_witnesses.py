from __future__ import annotations

import pickle

import numpy as np
import pytest

from scaffold.read import read_artifact, sample_modules
from scaffold.resolve._distributions import Installation
from scaffold.resolve.trace._witnesses import (
    code_reasons,
    imports_of,
    minimal_reasons,
    model_reasons,
    optional_imports,
    sample_reasons,
)
from scaffold.spec import ModelFormat

TEXT = """
import first.part as x
from second import name
from . import beside
try:
    import third
except ImportError:
    third = None
def train():
    import fourth
class Model:
    import fifth
if False:
    import sixth
"""


def test_an_import_is_certain_where_nothing_stands_between_it_and_the_module():
    found = {one.module: one.certain for one in imports_of(TEXT)}
    assert found == {
        "first.part": True,
        "second": True,
        "second.name": True,
        "third": False,
        "fourth": False,
        "fifth": True,
        "sixth": False,
    }


def test_code_that_does_not_parse_has_no_imports():
    assert imports_of("import (") == []


def test_evidence_of_a_pickle_names_the_global(install, site, model_of):
    install("alpha-dist", {"alpha.py": ""})
    assert model_reasons(model_of("alpha"), Installation([str(site)])) == {
        "alpha-dist": "alpha.Model in model.pkl"
    }


def test_a_format_requires_its_reader(model_of):
    artifact = model_of("builtins")
    onnx = type(artifact)(path=artifact.path, sha256="", size_bytes=1, format=ModelFormat.ONNX)
    assert model_reasons(onnx, Installation())["onnxruntime"] == "reads model.pkl"


def test_evidence_of_code_names_its_path(install, site):
    install("alpha-dist", {"alpha.py": ""})
    install("beta-dist", {"beta.py": ""})
    texts = {"features.py": "import alpha, json\ndef train():\n    import beta\n"}
    installation = Installation([str(site)])
    assert code_reasons(texts, installation) == {"alpha-dist": "imported by features.py"}
    assert optional_imports(texts, installation) == {"beta-dist": "features.py"}


@pytest.mark.parametrize(
    ("sample", "names"),
    [(np.zeros(2), ["numpy"]), ({"x": np.zeros(2)}, ["numpy"]), ({"x": 1}, [])],
    ids=["array", "mapping", "plain"],
)
def test_a_sample_requires_the_library_of_its_class(tmp_path, sample, names):
    path = tmp_path / "sample.pkl"
    path.write_bytes(pickle.dumps(sample))
    modules = sample_modules(path, read_artifact(path) if names else None)
    assert list(sample_reasons(modules, Installation())) == names


@pytest.mark.parametrize(
    ("name", "content", "modules"),
    [
        ("x.csv", b"a,b\n1,2\n", ["pandas"]),
        ("x.json", b"[1]", []),
        ("x.npy", b"\x93NUMPY\x01\x00", ["numpy"]),
        ("x.parquet", b"PAR1", ["pandas", "pyarrow"]),
        ("x.png", b"\x89PNG\r\n\x1a\n", ["PIL"]),
    ],
)
def test_a_data_file_requires_the_library_that_reads_it(tmp_path, name, content, modules):
    (tmp_path / name).write_bytes(content)
    assert sample_modules(tmp_path / name, None) == modules


def test_transitive_dependencies_need_no_line(install, site):
    install("top", {"top.py": ""}, requires=("middle",))
    install("middle", {"middle.py": ""}, requires=("low",))
    install("low", {"low.py": ""})
    reasons = {"low": "a", "middle": "b", "top": "c"}
    assert minimal_reasons(reasons, Installation([str(site)])) == {"top": "c"}


def test_one_requirement_of_a_cycle_is_kept(install, site):
    install("one", {"one.py": ""}, requires=("two",))
    install("two", {"two.py": ""}, requires=("one",))
    assert minimal_reasons({"one": "a", "two": "b"}, Installation([str(site)])) == {"one": "a"}
