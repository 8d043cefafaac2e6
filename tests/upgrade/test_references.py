"""Names in the owner's Python are followed as code, not as text."""

from __future__ import annotations

import pytest

from scaffold.upgrade._chunks import cut_module, joined
from scaffold.upgrade._lifespan import wrap_lifespan
from scaffold.upgrade._references import follow_layout
from scaffold.upgrade._renames import Renames, find_renames, follow_renames

MOVED = Renames(modules={"app.schemas": "app.contract"})


@pytest.mark.parametrize(
    ("generated", "followed"),
    [
        ("from app.schemas import ModelInput\n", "from app.contract import ModelInput\n"),
        ("import app.schemas\n", "import app.contract\n"),
        ("x = app.schemas.ModelInput\n", "x = app.contract.ModelInput\n"),
        ('run("app.schemas:ModelInput")\n', 'run("app.contract:ModelInput")\n'),
        ("x = self.app.schemas\n", "x = self.app.schemas\n"),
        ("# Unlike app.schemas, a table.\n", "# Unlike app.schemas, a table.\n"),
        ('"""Not what app.schemas has."""\n', '"""Not what app.schemas has."""\n'),
        ("from app.schemas_v2 import A\n", "from app.schemas_v2 import A\n"),
    ],
)
def test_a_module_that_the_owner_renamed_is_followed_in_code(generated: str, followed: str) -> None:
    assert follow_renames(generated, MOVED, None) == followed


@pytest.mark.parametrize(
    ("ours", "is_followed"),
    [
        ("from app.contract import ModelInput\n", True),
        ("from app import contract\n", True),
        ("from app.contract import A\nfrom app.schemas import B\n", False),
        ("from app.contract import A\n# It was app.schemas.\n", True),
        ("# It will be app.contract.\n", False),
        ("from app.contract import (\n", False),
    ],
)
def test_a_module_is_followed_where_the_file_of_the_owner_has_the_new_name_only(
    ours: str, is_followed: bool
) -> None:
    generated = "from app.schemas import ModelInput\n"
    assert (follow_renames(generated, MOVED, ours) != generated) is is_followed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("request.app.state.ready\n", "request.app.state.serving.ready\n"),
        ("app.state.ready = True\n", "app.state.serving.ready = True\n"),
        ("myapp.state.ready\n", "myapp.state.ready\n"),
        ("# app.state.ready is set later\n", "# app.state.ready is set later\n"),
        ('patch("app.metrics.count")\n', 'patch("app.serving.metrics.count")\n'),
        ('patch("app.columns.shorten")\n', 'patch("app.serving.fast_column_transformer.speed_up")\n'),
        ('"see app.metrics.count"\n', '"see app.metrics.count"\n'),
        ("import app.metrics\n", "import app.serving.metrics\n"),
        ("predict(app)\n", "predict(app)\n"),
        ("batcher.predict(record)\n", "batcher.score(record)\n"),
    ],
)
def test_what_moved_is_named_by_its_present_name(old: str, new: str) -> None:
    assert follow_layout("app/own.py", old) == new


BEFORE = '''\
async def lifespan(app):
    """Start."""
    load()
    batcher.start()
    yield
'''


@pytest.mark.parametrize(
    ("step", "is_early"),
    [
        ("    connect()  # before score has a model\n", True),
        ('    log.info("load the model")\n', True),
        ("    check(score.model)\n", False),
        ("    load_table = load\n", False),
    ],
)
def test_a_step_of_the_lifespan_that_uses_the_model_stays_behind_its_start(step: str, is_early: bool) -> None:
    mine = BEFORE.replace("    load()\n", f"{step}    load()\n")
    _, wrapped = wrap_lifespan(cut_module(BEFORE), cut_module(mine))
    text = joined(wrapped)
    assert (text.index(step.strip()) < text.index("async with serving_lifespan")) is is_early


def test_two_renamed_classes_of_the_same_fields_stay_two() -> None:
    place = "    lat: float\n    lon: float\n"
    base = f"class Start(BaseModel):\n{place}\nclass End(BaseModel):\n{place}"
    own = base.replace("Start", "Origin").replace("End", "Destination")
    assert find_renames(base, own).classes == {"Start": "Origin", "End": "Destination"}


def test_a_keyword_stays_where_the_alias_of_its_own_class_has_the_name() -> None:
    base = "class A(BaseModel):\n    old: int\n\nclass B(BaseModel):\n    old: int\n"
    own = base.replace("    old: int\n", "    new: int\n", 1)
    aliased = own.replace("    old: int\n", '    other: int = Field(alias="old")\n')
    generated = "A(old=1)\nB(old=2)\n"
    assert follow_renames(generated, find_renames(base, own), None) == "A(new=1)\nB(old=2)\n"
    assert follow_renames(generated, find_renames(base, aliased), None) == "A(new=1)\nB(old=2)\n"


@pytest.mark.parametrize(
    "field",
    [
        'years: float = Field(alias="age")',
        'years: Annotated[float, Field(alias="age")]',
        'years: Annotated[float, Field(validation_alias=AliasChoices("age", "years"))] = 1.0',
    ],
)
def test_an_alias_is_read_from_the_value_and_from_the_annotation(field: str) -> None:
    base = "class ModelInput(BaseModel):\n    name: str\n    age: float\n"
    own = f"class ModelInput(BaseModel):\n    {field}\n    name: str\n"
    renames = find_renames(base, own)
    assert renames.fields == {"ModelInput": {"age": "years"}}
    assert follow_renames("ModelInput(age=record.age)\n", renames, None) == "ModelInput(age=record.years)\n"


def test_the_default_of_a_field_is_no_alias() -> None:
    base = "class ModelInput(BaseModel):\n    a: str\n    b: int\n"
    own = (
        "class ModelInput(BaseModel):\n    b: int\n    c: float = Field(default_factory=lambda: load('a'))\n"
    )
    assert find_renames(base, own).fields == {}
