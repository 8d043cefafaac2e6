"""Local code is copied: modules under their names, definitions of scripts lifted into one module."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from scaffold.base.modules import Home, Modules
from scaffold.errors import SourceChangedError, SourceNotFoundError, TwoModulesError
from scaffold.resolve._sources import collect_sources
from scaffold.resolve.lift._script import Script
from tests.resolve._scripts import SAVE, answer, collect, forgotten, lifted_text, train

__all__ = ["forgotten"]

DECORATED = '''
"""A training script."""
import functools
import random

random.seed(0)  # not for the service


def registered(cls):
    """Notes the name of a class."""
    cls.registered = cls.__name__.lower()
    return cls


def rounded(digits):
    def decorate(method):
        @functools.wraps(method)
        def call(self, x):
            return round(method(self, x), digits)

        return call

    return decorate


@registered
class Halver:
    # Halves, and rounds.
    @rounded(2)
    def predict(self, x):
        return x / 2


rows = [random.random() for _ in range(3)]
model = Halver()
'''


def test_a_decorated_class_takes_its_decorators_along(tmp_path: Path) -> None:
    found = collect(train(tmp_path, DECORATED + SAVE), tmp_path)
    assert (
        lifted_text(found)
        == '''"""What the model needs of train.py."""

import functools


def registered(cls):
    """Notes the name of a class."""
    cls.registered = cls.__name__.lower()
    return cls


def rounded(digits):
    def decorate(method):
        @functools.wraps(method)
        def call(self, x):
            return round(method(self, x), digits)

        return call

    return decorate


@registered
class Halver:
    # Halves, and rounds.
    @rounded(2)
    def predict(self, x):
        return x / 2
'''
    )
    assert answer(found, tmp_path, "model.predict(2.468), model.registered") == "(1.23, 'halver')"


BASED = """
import math

from bases import Scaled, UNUSED


class Root(Scaled):
    def predict(self, x):
        return math.sqrt(self.scaled(x))


model = Root()
"""
BASES = '''
"""Base classes."""
from helpers import FACTOR

UNUSED = 1


class Scaled:
    def scaled(self, x):
        return x * FACTOR
'''


def test_a_base_class_of_another_module_brings_that_module_and_what_it_imports(tmp_path: Path) -> None:
    found = collect(train(tmp_path, BASED + SAVE, bases=BASES, helpers="FACTOR = 4\n"), tmp_path)
    assert (
        lifted_text(found)
        == '''"""What the model needs of train.py."""

import math
from bases import Scaled


class Root(Scaled):
    def predict(self, x):
        return math.sqrt(self.scaled(x))
'''
    )
    assert [(source.path, source.reason) for source in found.sources] == [
        ("bases.py", "bases.Scaled in model.pkl"),
        ("helpers.py", "imported by bases.py"),
        ("model_code.py", "lifted from train.py"),
    ]
    assert {source.path for source in found.sources} == {"bases.py", "helpers.py", "model_code.py"}
    assert answer(found, tmp_path, "model.predict(4)") == "4.0"


CONSTANT = """
import re

rows = [1.0, 2.0, 6.0]
LIMITS: dict[str, float] = {"low": 0.5, "high": 9.0}
WORD = re.compile(r"[a-z]+")
MEAN = sum(rows) / len(rows)
STEP = 1
STEP = 2


class Clipper:
    def predict(self, text):
        value = len(WORD.findall(text)) * STEP - MEAN
        return min(max(value, LIMITS["low"]), LIMITS["high"])


model = Clipper()
"""


def test_a_constant_keeps_its_text_or_takes_the_value_that_it_had(tmp_path: Path) -> None:
    found = collect(train(tmp_path, CONSTANT + SAVE), tmp_path)
    assert (
        lifted_text(found)
        == '''"""What the model needs of train.py."""

import re

LIMITS: dict[str, float] = {"low": 0.5, "high": 9.0}
WORD = re.compile(r"[a-z]+")
# As it was when the model was saved.
MEAN = 3.0
# As it was when the model was saved.
STEP = 2


class Clipper:
    def predict(self, text):
        value = len(WORD.findall(text)) * STEP - MEAN
        return min(max(value, LIMITS["low"]), LIMITS["high"])
'''
    )
    assert answer(found, tmp_path, "model.predict('a b c d')") == "5.0"


CLOSURE = """
def doubled(x):
    return 2 * x


def shifted_by(amount, helper):
    def shift(x):
        return helper(x) + amount

    return shift


class Model:
    def __init__(self, function):
        self.function = function

    def predict(self, x):
        return self.function(x)


model = Model(shifted_by(3, doubled))
"""


def test_a_closure_over_a_helper_is_made_again_with_what_it_keeps(tmp_path: Path) -> None:
    found = collect(train(tmp_path, CLOSURE + SAVE), tmp_path)
    assert (
        lifted_text(found)
        == '''"""What the model needs of train.py."""


def doubled(x):
    return 2 * x


class Model:
    def __init__(self, function):
        self.function = function

    def predict(self, x):
        return self.function(x)


def make_shift(amount, helper):
    def shift(x):
        return helper(x) + amount
    return shift


shift = make_shift(amount=3, helper=doubled)
shift.__qualname__ = "shift"
'''
    )
    assert answer(found, tmp_path, "model.predict(5)") == "13"


FUTURE = """
from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal as D


@dataclass
class Flat:
    area: D
    next: Flat | None = None


@dataclass
class Model:
    price: D

    def predict(self, flat: Flat) -> D:
        return flat.area * self.price


model = Model(D("2.5"))
"""


def test_a_future_import_and_the_names_of_annotations_come_along(tmp_path: Path) -> None:
    found = collect(train(tmp_path, FUTURE + SAVE), tmp_path)
    assert (
        lifted_text(found)
        == '''"""What the model needs of train.py."""

from __future__ import annotations
from dataclasses import dataclass
from decimal import Decimal as D


@dataclass
class Flat:
    area: D
    next: Flat | None = None


@dataclass
class Model:
    price: D

    def predict(self, flat: Flat) -> D:
        return flat.area * self.price
'''
    )
    assert answer(found, tmp_path, "type(model).__module__, model.price") == "('model_code', Decimal('2.5'))"


LAMBDA = """
import math

OFFSET = 1
rows = [1, 2]


class Pipeline:
    def __init__(self, first, then=None):
        self.first, self.then = first, then

    def predict(self, x):
        return self.then(self.first(x))


def fit(rows):
    return Pipeline(lambda rows: rows + OFFSET, then=lambda x: math.sqrt(x))


halved = lambda x: x / 2
model = Pipeline(lambda rows: rows + OFFSET,
                 then=lambda x, halved=halved: halved(math.sqrt(x)))
"""


def test_a_lambda_becomes_a_function_named_after_what_it_is_given_to(tmp_path: Path) -> None:
    found = collect(train(tmp_path, LAMBDA + SAVE), tmp_path)
    assert (
        lifted_text(found)
        == '''"""What the model needs of train.py."""

import math

OFFSET = 1


class Pipeline:
    def __init__(self, first, then=None):
        self.first, self.then = first, then

    def predict(self, x):
        return self.then(self.first(x))


def halved(x):
    return x / 2


def pipeline_function(rows):
    return rows + OFFSET


def pipeline_then(x, halved=halved):
    return halved(math.sqrt(x))
'''
    )
    assert answer(found, tmp_path, "model.predict(8)") == "1.5"


PLAIN = """
import sys


class Model:
    def predict(self, x):
        return x + 1


if __name__ == "__main__":
    import pickle

    with open("model.pkl", "wb") as file:
        pickle.dump(Model(), file)
"""


def test_a_class_of_main_that_is_only_named_is_looked_for_beside_the_model(tmp_path: Path) -> None:
    found = collect(train(tmp_path, PLAIN, other="x = 1\n"), tmp_path)
    assert "import sys" not in lifted_text(found)
    assert answer(found, tmp_path, "model.predict(1)") == "2"


def test_a_name_defined_by_two_scripts_needs_a_choice(tmp_path: Path) -> None:
    artifact = train(tmp_path, PLAIN, copy=PLAIN)
    with pytest.raises(SourceNotFoundError) as caught:
        collect(artifact, tmp_path)
    assert str(caught.value) == (
        "model.pkl needs 'Model' of the script or notebook that saved it, and that is not known. "
        "Found: copy.py, train.py.\nName it: scaffold new ... --source train.py"
    )
    assert collect(artifact, tmp_path, source=tmp_path / "train.py").moved


def test_a_name_that_no_script_defines_is_asked_for(tmp_path: Path) -> None:
    artifact = train(tmp_path, PLAIN)
    (tmp_path / "train.py").unlink()
    with pytest.raises(SourceNotFoundError) as caught:
        collect(artifact, tmp_path)
    assert str(caught.value) == (
        "model.pkl needs 'Model' of the script or notebook that saved it, and that is not known.\n"
        "Name it: scaffold new ... --source train.py"
    )


def notebook(path: Path, *cells: str) -> Path:
    """Write a notebook with these code cells."""
    code = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": ["# Model"]}, *code]}))
    return path


def test_the_source_may_be_a_notebook(tmp_path: Path) -> None:
    artifact = train(tmp_path, CLOSURE + SAVE)
    (tmp_path / "train.py").unlink()
    cells = CLOSURE.split("\n\n\n")
    source = notebook(tmp_path / "model.ipynb", "%matplotlib inline\nimport os", "!pip install x", *cells)
    assert "def doubled" in lifted_text(collect(artifact, tmp_path, source=source))
    found = collect(artifact, tmp_path)  # the module next to the model is found by its code
    assert answer(found, tmp_path, "model.predict(5)") == "13"


def test_moved_lines_are_not_a_change(tmp_path: Path) -> None:
    artifact = train(tmp_path, CLOSURE + SAVE)
    (tmp_path / "train.py").write_text("# A remark.\n\n\n" + CLOSURE)
    assert answer(collect(artifact, tmp_path), tmp_path, "model.predict(5)") == "13"


def test_changed_code_is_named(tmp_path: Path) -> None:
    artifact = train(tmp_path, CLOSURE + SAVE)
    (tmp_path / "train.py").write_text(CLOSURE.replace("2 * x", "3 * x"))
    with pytest.raises(SourceChangedError) as caught:
        collect(artifact, tmp_path)
    assert str(caught.value) == (
        "train.py changed since model.pkl was made: its 'doubled' is another now.\n"
        "Train and save the model again, or name the script as it was then:\n"
        "  scaffold new ... --source OLD.py"
    )


def test_a_class_with_an_attribute_that_changed_since_stays_in_the_file(tmp_path: Path) -> None:
    script = "class Model:\n    limit = 1\n\n    def predict(self):\n        return 1\n\n\nmodel = Model()\n"
    artifact = train(tmp_path, script + SAVE)
    (tmp_path / "train.py").write_text(script.replace("limit = 1", "limit = 2"))
    found = collect(artifact, tmp_path)
    assert not found.moved
    assert "Model.limit is not as train.py defines it" in found.notes[0]


def test_code_without_a_source_stays_in_the_file_and_the_project_says_so(tmp_path: Path) -> None:
    artifact = train(tmp_path, CLOSURE + SAVE)
    (tmp_path / "train.py").unlink()
    found = collect(artifact, tmp_path)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert not found.sources
    assert not found.moved
    [note] = found.notes
    assert note == (
        f"Model, doubled, shifted_by.shift stays in the model file as bytecode of Python {python}, "
        "and ties the service to it: its source is gone"
    )


def test_a_package_comes_with_what_its_module_imports_and_no_more(tmp_path: Path) -> None:
    package = tmp_path / "churn"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "deep" / "__init__.py").write_text("from .. import limits\n")
    (package / "deep" / "model.py").write_text(
        "from ..limits import TOP\nimport json\n\n\nclass Model:\n    top = TOP\n"
    )
    (package / "limits.py").write_text("TOP = 1\n")
    (package / "unused.py").write_text("")
    artifact = train(tmp_path, "from churn.deep.model import Model\n\nmodel = Model()\n" + SAVE)
    found = collect(artifact, tmp_path)
    assert [source.path for source in found.sources] == [
        "churn/__init__.py",
        "churn/deep/__init__.py",
        "churn/deep/model.py",
        "churn/limits.py",
    ]
    assert not found.moved


def test_two_local_modules_of_one_name_need_a_choice(tmp_path: Path) -> None:
    artifact = train(
        tmp_path, "from features import Model\n\nmodel = Model()\n" + SAVE, features="class Model: ...\n"
    )
    other = tmp_path / "other"
    other.mkdir()
    (other / "features.py").write_text("class Model:\n    x = 1\n")
    with pytest.raises(TwoModulesError) as caught:
        collect_sources([artifact], folder=other, search=[tmp_path, other])
    assert str(caught.value) == (
        "Two modules are named 'features', and they are not the same.\n"
        f"  {tmp_path / 'features.py'}\n"
        f"  {other / 'features.py'}\n"
        "  needed by: features.Model in model.pkl\n"
        f"Say which one goes with the service: scaffold new ... --include {tmp_path / 'features.py'}"
    )
    chosen = [other / "features.py"]
    found = collect_sources([artifact], folder=other, search=[tmp_path, other], include=chosen)
    assert [source.content for source in found.sources] == [b"class Model:\n    x = 1\n"]


NAMED_AS_THE_SERVICE = {
    "app/__init__.py": "",
    "app/scaling.py": """
import importlib
import app.rates
from app import late
from . import late as same

class Scaled:
    def scaled(self, x):
        other = importlib.import_module("app.late")
        return x * app.rates.RATE + late.SHIFT + same.SHIFT + other.SHIFT
""",
    "app/rates.py": """
from pathlib import Path

RATE = int((Path(__file__).parent / "rate.txt").read_text())
""",
    "app/late.py": "SHIFT = 1\n",
    "app/rate.txt": "10",
    "outer.py": "from app.scaling import Scaled\n\n\nclass Outer(Scaled): ...\n",
}
OUTER = """
from app.scaling import Scaled
from outer import Outer


class Model(Outer):
    def predict(self, x):
        return self.scaled(x) + Scaled().scaled(x)


model = Model()
"""


def test_a_package_with_a_name_of_the_service_is_copied_under_another_name(tmp_path: Path) -> None:
    for path, text in NAMED_AS_THE_SERVICE.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    found = collect(train(tmp_path, OUTER + SAVE), tmp_path)
    texts = {source.path: source.content.decode() for source in found.sources}
    assert set(texts) == {
        *(f"model_app/{name}.py" for name in ("__init__", "scaling", "rates", "late")),
        "model_code.py",
        "outer.py",
    }
    assert texts["outer.py"].startswith("from model_app.scaling import Scaled\n")
    assert (
        "import model_app.rates, model_app as app\nfrom model_app import late\nfrom . import late"
        in (texts["model_app/scaling.py"])
    )
    assert found.notes == ("app is model_app in the service, which has an app of its own",)
    # Its data is next to it during the trace, so the data is copied.
    data = tmp_path / "lifted" / "model_app" / "rate.txt"
    (tmp_path / "service" / "model_app").mkdir(parents=True)
    (tmp_path / "service" / "model_app" / "rate.txt").write_bytes(data.read_bytes())
    for path in (*(path for path in NAMED_AS_THE_SERVICE if path.endswith(".py")), "train.py"):
        (tmp_path / path).unlink()
    assert answer(found, tmp_path, "model.predict(2)") == "46"


def test_included_files_keep_their_place_and_bring_their_imports(tmp_path: Path) -> None:
    artifact = train(tmp_path, "model = 1\n" + SAVE, helpers="import bases\n", bases="")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "brands.csv").write_text("name\n")
    found = collect(artifact, tmp_path, include=[tmp_path / "helpers.py", tmp_path / "data"])
    assert [(source.path, source.reason) for source in found.sources] == [
        ("bases.py", "imported by helpers.py"),
        ("data/brands.csv", "asked for with --include"),
        ("helpers.py", "asked for with --include"),
    ]


def test_lifting_twice_writes_the_same_text(tmp_path: Path) -> None:
    artifact = train(tmp_path, LAMBDA + SAVE)
    assert lifted_text(collect(artifact, tmp_path)) == lifted_text(collect(artifact, tmp_path))


def test_a_cell_that_was_compiled_alone_is_found_in_the_notebook_as_a_whole() -> None:
    """Without a visible import, the compiler creates other bytecode for `math.sqrt(x)`."""
    space: dict[str, Any] = {}
    exec(compile("def root(x):\n    return math.sqrt(x)\n", "cell", "exec"), space)
    whole = Script("import math\n\n\ndef root(x):\n    return math.sqrt(x)\n", "notebook")
    assert whole.codes_like(space["root"].__code__)
    assert not whole.codes_like((lambda x: x).__code__)


DATA = """
import csv
import pathlib

HERE = pathlib.Path(__file__).parent
RATES = dict(csv.reader((HERE / "rates.csv").open()))


class Pricer:
    def predict(self, key):
        return float(RATES[key]) + len((HERE / "rates.csv").read_text())


model = Pricer()
"""


def test_data_files_beside_the_script_are_where_its_lifted_code_looks_for_them(tmp_path: Path) -> None:
    (tmp_path / "rates.csv").write_text("a,2\n")
    found = collect(train(tmp_path, DATA + SAVE), tmp_path)
    assert (tmp_path / "lifted" / "rates.csv").resolve() == tmp_path / "rates.csv"
    assert "HERE = pathlib.Path(__file__).parent\n" in lifted_text(found)
    # A literal gives the value of the constant, however it was computed.
    assert 'RATES = {"a": "2"}' in lifted_text(found).replace("'", '"')


def test_a_module_in_a_namespace_inside_another_is_found(tmp_path: Path) -> None:
    file = tmp_path / "corp" / "geo" / "distances.py"
    file.parent.mkdir(parents=True)
    file.touch()
    found = Modules([str(tmp_path)]).module("corp.geo.distances")
    assert found is not None
    assert (found.file, found.home) == (file, Home.LOCAL)
