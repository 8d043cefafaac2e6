"""Definitions inside blocks are lifted without the blocks, unless a block decides what they are."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from scaffold.errors import SourceNotFoundError
from scaffold.resolve._sources import CollectedSources
from tests.resolve._scripts import SAVE, answer, collect, forgotten, lifted_text, train
from tests.resolve.test_sources import notebook

__all__ = ["forgotten"]

MODEL = """\
class Model:
    def predict(self, x):
        return 2 * x

calls.append("side effect")
model = Model()
"""
LIFTED = '''"""What the model needs of train.py."""


class Model:
    def predict(self, x):
        return 2 * x
'''
BY_NAME = SAVE.replace("import cloudpickle", "import pickle as cloudpickle")


def inside(*headers: str, before: str = "calls = []\n", after: str = "") -> str:
    """The model's class inside blocks, as a script."""
    body = MODEL
    for header in reversed(headers):
        body = f"{header}\n{textwrap.indent(body, '    ')}"
    return f"{before}{body}{after}"


def above_the_class(found: CollectedSources) -> str:
    """What is lifted before the model's class."""
    return lifted_text(found).partition('"""\n\n')[2].partition("\n\n\nclass")[0] + "\n"


BLOCKS = {
    "if": inside("if len(calls) == 0:"),
    "elif": inside("if calls:\n    pass\nelif True:"),
    "else": inside("if calls:\n    pass\nelse:"),
    "try": inside("try:", after="except ValueError:\n    raise\n"),
    "except": inside("try:\n    raise ValueError(1)\nexcept ValueError as error:"),
    "try, else": inside("try:\n    pass\nexcept ValueError:\n    pass\nelse:"),
    "finally": inside("try:\n    pass\nfinally:"),
    "with": inside("with open(__file__) as source:"),
    "for": inside("for number in range(3):"),
    "while": inside("while not calls:"),
    "match": inside("match len(calls):", "case 0:"),
    "main": inside('if __name__ == "__main__":'),
    "several": inside("if True:", "try:", "for number in range(2):", after="    finally:\n        pass\n"),
    "one line": "calls = []\nif True: x = 1; calls.append(x)\n" + MODEL,
}


@pytest.mark.parametrize("save", [SAVE, BY_NAME], ids=["by value", "by name"])
@pytest.mark.parametrize("script", BLOCKS.values(), ids=BLOCKS)
def test_a_class_is_lifted_without_the_block_around_it(tmp_path: Path, script: str, save: str) -> None:
    found = collect(train(tmp_path, script + save), tmp_path)
    assert lifted_text(found) == LIFTED
    assert answer(found, tmp_path, "model.predict(4)") == "8"


CALLS_THE_TOOL = """
import scaffold

X = [1.0, 2.5]
if len(X) > 1:
    import math

    FACTOR = 2

    def doubled(value):
        return FACTOR * math.floor(value)

    def unused(value):
        return value

    @classmethod
    def also_unused(cls):
        return cls

    class Doubler:
        def predict(self, values):
            return [doubled(value) for value in values]

    model = Doubler()
    if X == []:
        result = scaffold.new(model, X)
"""


def test_of_the_definitions_in_a_block_only_those_that_are_used_are_lifted(tmp_path: Path) -> None:
    found = collect(train(tmp_path, CALLS_THE_TOOL + SAVE), tmp_path)
    assert lifted_text(found) == (
        '"""What the model needs of train.py."""\n\nimport math\n\nFACTOR = 2\n\n\n'
        "def doubled(value):\n    return FACTOR * math.floor(value)\n\n\n"
        "class Doubler:\n    def predict(self, values):\n"
        "        return [doubled(value) for value in values]\n"
    )
    assert answer(found, tmp_path, "model.predict([2.5])") == "[4]"


def test_the_result_of_a_call_of_scaffold_is_never_lifted(tmp_path: Path) -> None:
    script = (
        "from scaffold import spec as tool\n\nLIMIT = tool.Overrides().nullable\n\n\n"
        "class Model:\n    limit = LIMIT\n\n    def predict(self, x):\n        return x\n\n\n"
        "model = Model()\n"
    )
    with pytest.raises(SourceNotFoundError) as caught:
        collect(train(tmp_path, script + BY_NAME), tmp_path)
    assert str(caught.value).startswith(
        "'Model' of train.py cannot stand in a module of its own: it uses the result of a call of tool.\n"
    )


GUARDS = {
    "fast is None": """\
try:
    import no_such_module as fast
except ImportError:
    fast = None
""",
    "sqrt(4) == 2": """\
try:
    from no_such_module import sqrt
except ImportError as error:
    print("slow", error)  # left out
    from math import sqrt
""",
    "maths.floor(2.5) == 2": """\
import sys

if sys.version_info >= (3, 8):
    import math as maths
else:
    import cmath as maths
""",
    "math.floor(2.5) == 2": """\
try:
    import math
except ImportError:
    raise SystemExit("no math") from None
""",
}


def test_a_fallback_definition_is_lifted_with_its_import(tmp_path: Path) -> None:
    guard = textwrap.dedent("""\
        try:
            from no_such_module import root
        except ImportError:
            def root(x):
                return x ** 0.5

            def other():
                pass
        """)
    script = (
        f"{guard}\n\nclass Model:\n    def predict(self, x):\n        return root(x)\n\n\nmodel = Model()\n"
    )
    found = collect(train(tmp_path, script + BY_NAME), tmp_path)
    assert guard.partition("\n\n    def other")[0] in lifted_text(found)
    assert "other" not in lifted_text(found)
    assert answer(found, tmp_path, "model.predict(9)") == "3.0"
    # A file that contains the function shows which of the two it is.
    carried = collect(train(tmp_path, script + SAVE), tmp_path)
    assert "no_such_module" not in lifted_text(carried)
    assert answer(carried, tmp_path, "model.predict(9)") == "3.0"


@pytest.mark.parametrize("save", [SAVE, BY_NAME], ids=["by value", "by name"])
@pytest.mark.parametrize(("test", "guard"), GUARDS.items())
def test_an_import_with_a_fallback_is_lifted_as_one_block(
    tmp_path: Path, test: str, guard: str, save: str
) -> None:
    script = f"{guard}\n\nclass Model:\n    def predict(self):\n        return {test}\n\n\nmodel = Model()\n"
    found = collect(train(tmp_path, script + save), tmp_path)
    assert above_the_class(found) == guard.replace('    print("slow", error)  # left out\n', "")
    assert answer(found, tmp_path, "model.predict()") == "True"


def test_an_import_is_taken_out_of_a_try_around_the_whole_script(tmp_path: Path) -> None:
    script = textwrap.dedent("""\
        try:
            import math
            print("training")

            class Model:
                def predict(self):
                    return math.floor(2.5)

            model = Model()
        except ValueError:
            print("failed")
        """)
    found = collect(train(tmp_path, script + SAVE), tmp_path)
    assert above_the_class(found) == "import math\n"


TWO_BRANCHES = """\
import sys

if sys.maxsize:
    LIMIT = 3
else:
    LIMIT = 4
"""
ADDED_UP = """\
LIMIT = 0

for n in range(3):
    print(n)
    if n > 2:
        break
    LIMIT += n
"""
FILLED = """\
rows = []

while len(rows) < 3:
    rows.append(1)
    LIMIT = len(rows)
"""
READ = """\
with pathlib.Path("limit.txt").open() as file:
    LIMIT = int(file.read())
    print(LIMIT)
"""
CONSTANTS = {
    "in an if": ("if True:\n    LIMIT = 3\n", "LIMIT = 3\n"),
    "of two branches": (TWO_BRANCHES, TWO_BRANCHES),
    "that a loop adds up": (ADDED_UP, ADDED_UP.replace("    print(n)\n", "")),
    "that a loop fills": (FILLED, FILLED),
    "read of a file": (
        f"import pathlib\n\nif True:\n{textwrap.indent(READ, '    ')}",
        f"import pathlib\n\n{READ}".replace("    print(LIMIT)\n", ""),
    ),
}


@pytest.mark.parametrize(("lines", "text"), CONSTANTS.values(), ids=CONSTANTS)
def test_a_constant_is_lifted_with_the_blocks_that_make_it(tmp_path: Path, lines: str, text: str) -> None:
    for folder in (tmp_path, tmp_path / "service"):
        folder.mkdir(exist_ok=True)
        (folder / "limit.txt").write_text("3")
    script = f"{lines}\n\nclass Model:\n    def predict(self):\n        return LIMIT\n\n\nmodel = Model()\n"
    artifact = train(tmp_path, script + BY_NAME)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        found = collect(artifact, tmp_path)
    assert above_the_class(found) == text
    assert answer(found, tmp_path, "model.predict()") == "3"


def test_a_value_from_the_model_file_takes_the_place_of_a_block_that_makes_it(tmp_path: Path) -> None:
    script = """
try:
    import math
    FAST = True
except ImportError:
    math = None
    FAST = False


class Model:
    def predict(self):
        return FAST and math.floor(2.5)


model = Model()
"""
    found = collect(train(tmp_path, script + SAVE), tmp_path)
    assert above_the_class(found) == (
        "try:\n    import math\nexcept ImportError:\n    math = None\n\n"
        "# As it was when the model was saved.\nFAST = True\n"
    )
    assert answer(found, tmp_path, "model.predict()") == "2"


@pytest.mark.parametrize(("wide", "factor"), [("True", 3), ("False", 2)])
def test_of_two_variants_the_one_with_the_models_code_is_lifted(
    tmp_path: Path, wide: str, factor: int
) -> None:
    variant = "    class Model:\n        def predict(self, x):\n            return {} * x\n"
    script = f"wide = {wide}\nif wide:\n{variant.format(3)}else:\n{variant.format(2)}model = Model()\n"
    found = collect(train(tmp_path, script + SAVE), tmp_path)
    assert lifted_text(found) == LIFTED.replace("2", str(factor))
    # A file that only names the class does not show which: the condition is lifted too.
    named = collect(train(tmp_path, script + BY_NAME), tmp_path)
    assert lifted_text(named).count("class Model") == 2
    assert answer(named, tmp_path, "model.predict(1)") == str(factor)


def test_a_function_that_uses_the_variable_of_its_loop_keeps_the_loop(tmp_path: Path) -> None:
    function = "def model(x, power=power):\n        return x ** power"
    script = f"for power in (2, 3):\n    {function}\n    print(model(1))\n"
    found = collect(train(tmp_path, script + SAVE), tmp_path)
    assert "print" not in lifted_text(found)
    assert answer(found, tmp_path, "model(2)") == "8"


def test_a_class_in_a_block_of_a_cell_is_lifted_alone(tmp_path: Path) -> None:
    artifact = train(tmp_path, BLOCKS["if"] + SAVE)
    (tmp_path / "train.py").unlink()
    cells = ["%matplotlib inline\nimport scaffold", BLOCKS["if"], "if model:\n    scaffold.new(model, [1])"]
    source = notebook(tmp_path / "work.ipynb", *cells)
    assert lifted_text(collect(artifact, tmp_path, source=source)) == LIFTED.replace("train.py", "work.ipynb")


CHANGED = {
    "a method": (
        "3",
        """
def clipped(method):
    def inner(self, x):
        return min(method(self, x), 3)
    return inner

Model.predict = clipped(Model.predict)
""",
    ),
    "an item, in a loop": (
        "4",
        """
for number in range(4):
    Model.table[number] = number * number
Model.predict = lambda self, x: self.table[x]
""",
    ),
    "a list": (
        "7",
        """
Model.names.extend([5, 6, 7])
Model.predict = lambda self, x: self.names[x]
""",
    ),
    "setattr": (
        "10",
        """
FACTOR = 5
setattr(Model, "predict", lambda self, x: FACTOR * x)
""",
    ),
    "an augmented attribute": (
        "6",
        """
Model.offset += 4
Model.predict = lambda self, x: x + self.offset
""",
    ),
}
CHANGED_MODEL = """\
import json, scaffold

class Model:
    table, names, offset = {}, [], 0
    def predict(self, x):
        return 2 * x
"""


@pytest.mark.parametrize("save", [SAVE, BY_NAME], ids=["by value", "by name"])
@pytest.mark.parametrize(("expected", "change"), CHANGED.values(), ids=CHANGED)
def test_what_is_done_to_a_class_after_its_definition_is_lifted(
    tmp_path: Path, expected: str, change: str, save: str
) -> None:
    script = f"{CHANGED_MODEL}{change}\nmodel = Model()\n"
    found = collect(train(tmp_path, script + save), tmp_path)
    assert answer(found, tmp_path, "model.predict(2)") == expected


def test_a_change_that_is_computed_is_not_lifted(tmp_path: Path) -> None:
    script = f"{CHANGED_MODEL}\nrates = json.loads('[1, 2]')\nModel.rates = rates\nmodel = Model()\n"
    with pytest.raises(SourceNotFoundError, match="'Model' is changed by what 'rates' holds"):
        collect(train(tmp_path, script + BY_NAME), tmp_path)
