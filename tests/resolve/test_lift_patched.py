"""What was lifted of a script is compared with what the model was made with."""

from __future__ import annotations

import pickle
import sys
import textwrap
from pathlib import Path

import pytest

from tests.resolve._scripts import SAVE, answer, collect, forgotten, lifted_text, train

__all__ = ["forgotten"]

BY_NAME = SAVE.replace("import cloudpickle", "import pickle as cloudpickle")
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
SCRIPT = """\
import functools

import helpers


def limited(function):
    @functools.wraps(function)
    def inner(self, x):
        return min(function(self, x), 100)
    return inner


class Base:
    rates = {"a": 1}

    @property
    def factor(self):
        return 1

    @staticmethod
    def unit():
        return 1

    @classmethod
    def named(cls):
        return cls.__name__

    @limited
    def predict(self, x):
        return x * self.factor * self.unit()


class Model(Base):
    pass


helpers.apply(Base)
model = Model()
"""
PATCHES = {
    "predict": "def new(self, x): return 7",
    "factor": "def of(self): return 3\n\nnew = property(of)",
    "unit": "def of(): return 5\n\nnew = staticmethod(of)",
    "named": "def of(cls): return 1\n\nnew = classmethod(of)",
    "rates": "new = {'a': 2}",
    "added": "def new(self): return 1",
}


@pytest.mark.parametrize(("name", "new"), PATCHES.items(), ids=PATCHES)
def test_a_class_that_another_module_changed_stays_in_the_file_as_it_is(
    tmp_path: Path, name: str, new: str
) -> None:
    """A subclass stays there too: its base in a lifted module would be without the change."""
    helpers = f"{new}\n\ndef apply(cls):\n    cls.{name} = new\n"
    found = collect(train(tmp_path, SCRIPT + SAVE, helpers=helpers), tmp_path)
    assert not found.moved
    [note] = found.notes
    assert note == (
        f"Base, Model stays in the model file as bytecode of Python {PYTHON}, and ties the service to it: "
        f"Base.{name} is not as train.py defines it; set it in the definition, or import it all"
    )


def test_a_class_that_an_inner_function_changed_stays_in_the_file(tmp_path: Path) -> None:
    helpers = "def apply(cls):\n    cls.predict = lambda self, x: 7\n"
    found = collect(train(tmp_path, SCRIPT + SAVE, helpers=helpers), tmp_path)
    assert not found.moved
    [note] = found.notes
    assert note.endswith("and ties the service to it: its code is in helpers.py, train.py")


@pytest.mark.parametrize(
    "changed",
    [
        "def scaled(cls, k):\n    def predict(self, x): return x * k\n    cls.predict = predict\n",
        "def scaled(cls, k):\n    cls.predict = lambda self, x: x * k\n",
        "def scaled(cls, k):\n    cls.other = lambda self, x: x * 5\n",
    ],
)
def test_a_closure_or_lambda_that_a_function_of_the_script_sets_is_not_lost(
    tmp_path: Path, changed: str
) -> None:
    script = (
        f"{changed}\n\nclass Model:\n    def predict(self, x):\n        return x * 2\n\n"
        "    other = lambda self, x: x * 4\n\n\nscaled(Model, 3)\nmodel = Model()\n"
    )
    found = collect(train(tmp_path, script + SAVE), tmp_path)
    assert not found.moved
    assert any("is not as train.py defines it" in note for note in found.notes)


def test_a_class_that_nothing_changed_is_lifted(tmp_path: Path) -> None:
    artifact = train(tmp_path, SCRIPT + SAVE, helpers="def apply(cls):\n    pass\n")
    found = collect(artifact, tmp_path)
    assert not found.notes
    assert answer(found, tmp_path, "model.predict(4), model.predict(400)") == "(4, 100)"


def test_what_the_file_only_names_is_lifted_beside_a_changed_class(tmp_path: Path) -> None:
    """cloudpickle writes the name of a function with a cache, and the code of a class."""
    script = """\
        import functools

        import helpers

        @functools.lru_cache
        def cached(x):
            return x + 1

        class Model:
            def predict(self, x):
                return 0

            def again(self, x):
                return cached(x)

        helpers.apply(Model)
        model = Model()
        """
    artifact = train(
        tmp_path,
        textwrap.dedent(script) + SAVE,
        helpers="def new(self, x): return self.again(x) * 10\n\ndef apply(cls): cls.predict = new\n",
    )
    found = collect(artifact, tmp_path)
    assert "def cached" in lifted_text(found)
    assert "class Model" not in lifted_text(found)
    [note] = found.notes
    assert "Model.predict is not as train.py defines it" in note
    [moved] = found.moved.values()
    assert pickle.loads(moved.read_bytes()).predict(2) == 30


CLASSES = """\
import dataclasses
import enum
import functools
from abc import ABC, abstractmethod
from typing import NamedTuple


class Kind(enum.Enum):
    LOW = 1

    def doubled(self):
        return self.value * 2


class Pair(NamedTuple):
    one: int = 1


@dataclasses.dataclass
class Row:
    size: int = 2
    names: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class Slotted:
    size: int = 3


def limited(function):
    @functools.wraps(function)
    def inner(*arguments):
        return min(function(*arguments), 100)
    return inner


@limited
def rounded(x):
    return round(x)


class Abstract(ABC):
    @abstractmethod
    def predict(self, x): ...


class Model(Abstract):
    step = functools.partialmethod(lambda self, y, x: x + y, 1)

    @property
    def row(self):
        return Row()

    def predict(self, x):
        class Inner:
            def again(self):
                return Inner

        own = Inner().again() is Inner
        return rounded(self.step(x)) + Kind.LOW.doubled() + Pair().one + self.row.size + Slotted().size + own


model = Model()
"""


def test_code_that_classes_generate_counts_as_unchanged(tmp_path: Path) -> None:
    found = collect(train(tmp_path, CLASSES + SAVE), tmp_path)
    assert not found.notes
    assert answer(found, tmp_path, "model.predict(4)") == "14"


def test_a_computed_global_with_another_value_is_named(tmp_path: Path) -> None:
    script = """\
        import random

        WEIGHTS = [random.random() for _ in range(500)]

        class Model:
            def predict(self, x):
                return WEIGHTS[x]

        model = Model()
        """
    found = collect(train(tmp_path, textwrap.dedent(script) + SAVE), tmp_path)
    assert not found.moved
    assert "WEIGHTS is not as train.py defines it" in found.notes[0]


TWICE = """\
def rate(x):
    return x * 2


class Model:
    def predict(self, x):
        return rate(x)


{again}


model = Model()
"""
AGAIN = {
    "in a block": "if True:\n    old = rate\n\n    def rate(x):\n        return old(x) + 1",
    "at the top": "old = rate\n\n\ndef rate(x):\n    return old(x) + 1",
    "decorated": "def plus(f):\n    def inner(x): return f(x) + 1\n    return inner\n\n\nrate = plus(rate)",
    "as a default": "def rate(x, old=rate):\n    return old(x) + 1",
    "lambda": "old = rate\nrate = lambda x: old(x) + 1",
}


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
def test_a_function_that_is_bound_twice_is_the_last_one(tmp_path: Path, again: str) -> None:
    found = collect(train(tmp_path, TWICE.format(again=again) + BY_NAME), tmp_path)
    assert answer(found, tmp_path, "model.predict(4)") == "9"


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
def test_a_function_that_is_bound_twice_is_not_another_in_a_file_with_code(
    tmp_path: Path, again: str
) -> None:
    found = collect(train(tmp_path, TWICE.format(again=again) + SAVE), tmp_path)
    if found.moved:
        assert answer(found, tmp_path, "model.predict(4)") == "9"
    else:
        assert "rate" in found.notes[0]


def test_a_call_that_may_change_a_class_is_named_where_the_file_only_names_the_class(tmp_path: Path) -> None:
    artifact = train(tmp_path, SCRIPT + "print(Base)\n" + BY_NAME, helpers="def apply(cls):\n    pass\n")
    script = (
        "class Model:\n    pass\n\n\nimport helpers\nhelpers.apply(Model)\nprint(Model)\nmodel = Model()\n"
    )
    artifact = train(tmp_path, script + BY_NAME, helpers="def apply(cls):\n    pass\n")
    found = collect(artifact, tmp_path)
    assert "class Model" in lifted_text(found)
    assert found.notes == (
        "train.py calls helpers.apply(Model); the service has Model without what that changes in it",
    )
