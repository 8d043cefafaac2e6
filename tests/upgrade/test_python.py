"""Schemas and conversions are merged by class, field and function."""

import ast

import pytest

from scaffold.upgrade._outcome import FileOutcome, MergedTree
from scaffold.upgrade._trees import merge_trees

SCHEMAS = '''"""What goes in and what comes out."""

from pydantic import BaseModel, ConfigDict, Field


class ModelInput(BaseModel):
    """One record to score."""

    model_config = ConfigDict(extra="forbid")

    # Seen: 18 to 79.
    age: int = Field(examples=[42])
    # Seen: 1 to 3.
    pclass: int = Field(alias="Pclass", examples=[1])
    # Missing in 3 of 200 sample rows.
    income: float | None = Field(examples=[51250.0])


class ModelOutput(BaseModel):
    """The answer to one record."""

    prediction: int = Field(examples=[1])
'''

CONVERT = '''"""Records to what the model takes, and back."""

from collections.abc import Sequence

import pandas as pd

from app.schemas import ModelInput, ModelOutput


def to_model(records: Sequence[ModelInput]) -> pd.DataFrame:
    """One row a record."""
    return pd.DataFrame(
        {
            "age": pd.array([record.age for record in records], dtype="int64"),
            "Pclass": pd.array([record.pclass for record in records], dtype="int64"),
            "income": pd.array([record.income for record in records], dtype="float64"),
        }
    )


def from_model(predictions: Sequence[int]) -> list[ModelOutput]:
    """One answer a record."""
    return [ModelOutput(prediction=int(value)) for value in predictions]
'''

COLUMN = '            "fare": pd.array([record.fare for record in records], dtype="float64"),\n'


def merge(base: dict[str, str], ours: dict[str, str], theirs: dict[str, str]) -> MergedTree:
    def encode(tree: dict[str, str]) -> dict[str, bytes]:
        return {path: text.encode() for path, text in tree.items()}

    return merge_trees(encode(base), encode(theirs), encode(ours))


def merge_schemas(ours: str, theirs: str, base: str = SCHEMAS) -> str:
    tree = merge(*({"app/schemas.py": text} for text in (base, ours, theirs)))
    content = tree.files["app/schemas.py"].content
    assert isinstance(content, bytes)
    return content.decode()


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


FARE_ADDED = (
    "examples=[51250.0])\n",
    "examples=[51250.0])\n    # Seen: 4.0 to 512.3.\n    fare: float = Field(examples=[7.25])\n",
)
AGE_WIDER = (
    "# Seen: 18 to 79.\n    age: int = Field(examples=[42])",
    "# Seen: 0.4 to 80.0.\n    age: float = Field(examples=[42.5])",
)
VALIDATOR = """
    @field_validator("age")
    @classmethod
    def adult(cls, value: int) -> int:
        return max(value, 18)
"""


def test_a_validator_a_comment_and_a_docstring_stay_while_fields_come_and_change_type() -> None:
    ours = replaced(
        SCHEMAS,
        ('"""One record to score."""', '"""One passenger.\n\n    Ours.\n    """'),
        ("BaseModel, ConfigDict, Field", "BaseModel, ConfigDict, Field, field_validator"),
        ("    # Seen: 18 to 79.\n", "    # In years, rounded down.\n    # Seen: 18 to 79.\n"),
        ("examples=[51250.0])\n", f"examples=[51250.0])\n{VALIDATOR}"),
    )
    merged = merge_schemas(ours, replaced(SCHEMAS, FARE_ADDED, AGE_WIDER))
    ast.parse(merged)
    assert "One passenger.\n\n    Ours." in merged
    assert (
        "    # In years, rounded down.\n    # Seen: 0.4 to 80.0.\n    age: float = Field(examples=[42.5])\n"
        in merged
    )
    assert "fare: float" in merged
    assert "return max(value, 18)" in merged
    assert "ConfigDict, Field, field_validator" in merged


def test_an_argument_of_the_owner_stays_on_a_field_whose_type_changes() -> None:
    ours = replaced(
        SCHEMAS, ("age: int = Field(examples=[42])", 'age: int = Field(ge=18, examples=[42], title="Age")')
    )
    merged = merge_schemas(ours, replaced(SCHEMAS, AGE_WIDER))
    assert '    age: float = Field(ge=18, examples=[42.5], title="Age")\n' in merged


def test_a_narrower_type_of_the_owner_becomes_optional_when_values_may_be_missing() -> None:
    ours = replaced(SCHEMAS, ("pclass: int", "pclass: Literal[1, 2, 3]"))
    merged = merge_schemas(ours, replaced(SCHEMAS, ("pclass: int", "pclass: int | None")))
    assert "pclass: Literal[1, 2, 3] | None = Field(" in merged


def test_two_types_for_one_field_are_a_conflict_around_that_field_alone() -> None:
    ours = replaced(SCHEMAS, ("age: int", "age: str"))
    merged = merge_schemas(ours, replaced(SCHEMAS, FARE_ADDED, AGE_WIDER))
    assert (
        "    # Seen: 0.4 to 80.0.\n<<<<<<< yours\n    age: str = Field(examples=[42])\n=======\n"
        "    age: float = Field(examples=[42.5])\n>>>>>>> new\n" in merged
    )
    assert merged.count("<<<<<<<") == 1
    assert "fare: float" in merged


def test_a_removed_field_is_removed_and_an_added_one_stays() -> None:
    ours = replaced(
        SCHEMAS, ("    # Missing in 3", "    channel: str = Field(default='web')\n    # Missing in 3")
    )
    theirs = replaced(
        SCHEMAS,
        (
            "    # Missing in 3 of 200 sample rows.\n    income: float | None = Field(examples=[51250.0])\n",
            "",
        ),
    )
    merged = merge_schemas(ours, theirs)
    assert "income" not in merged
    assert "channel: str = Field(default='web')" in merged


def test_a_field_that_the_owner_deleted_stays_deleted() -> None:
    ours = replaced(
        SCHEMAS,
        (
            "    # Missing in 3 of 200 sample rows.\n    income: float | None = Field(examples=[51250.0])\n",
            "",
        ),
    )
    merged = merge_schemas(ours, replaced(SCHEMAS, AGE_WIDER, ("Missing in 3 of 200", "Missing in 4 of 300")))
    assert "income" not in merged
    assert "age: float" in merged


def test_removing_a_field_that_a_validator_uses_is_a_conflict() -> None:
    ours = replaced(
        SCHEMAS,
        ("BaseModel, ConfigDict, Field", "BaseModel, ConfigDict, Field, field_validator"),
        ("examples=[51250.0])\n", f"examples=[51250.0])\n{VALIDATOR}"),
    )
    theirs = replaced(SCHEMAS, ("    # Seen: 18 to 79.\n    age: int = Field(examples=[42])\n", ""))
    merged = merge_schemas(ours, theirs)
    assert (
        "<<<<<<< yours\n    # Seen: 18 to 79.\n    age: int = Field(examples=[42])\n=======\n>>>>>>> new\n"
        in merged
    )


def test_removing_a_field_that_an_added_file_uses_is_a_conflict() -> None:
    theirs = replaced(SCHEMAS, ("    # Seen: 18 to 79.\n    age: int = Field(examples=[42])\n", ""))
    tree = merge_trees(
        {"app/schemas.py": SCHEMAS.encode()},
        {"app/schemas.py": theirs.encode()},
        {"app/schemas.py": SCHEMAS.encode()},
        added_files={"app/audit.py": b"def line(record):\n    return record.age\n"},
    )
    assert tree.conflicts == {"app/schemas.py": "line 11; your code uses what goes: age"}


@pytest.mark.parametrize(
    ("field", "attribute"),
    [
        ('travel_class: int = Field(alias="Pclass", examples=[1])', "travel_class"),
        ('klass: int = Field(validation_alias=AliasChoices("Pclass", "class"), examples=[1])', "klass"),
        ("klass: int = Field(examples=[1])", "klass"),
    ],
    ids=["alias kept", "alias among choices", "another name on the wire"],
)
def test_a_renamed_field_is_followed_in_both_files(field: str, attribute: str) -> None:
    ours = {
        "app/schemas.py": replaced(SCHEMAS, ('pclass: int = Field(alias="Pclass", examples=[1])', field)),
        "app/convert.py": replaced(CONVERT, ("record.pclass", f"record.{attribute}")),
    }
    theirs = {
        "app/schemas.py": replaced(SCHEMAS, FARE_ADDED, ("pclass: int", "pclass: float")),
        "app/convert.py": replaced(
            CONVERT,
            (
                '"Pclass": pd.array([record.pclass for record in records], dtype="int64")',
                '"Pclass": pd.array([record.pclass for record in records], dtype="float64")',
            ),
            ("        }\n", COLUMN + "        }\n"),
        ),
    }
    tree = merge({"app/schemas.py": SCHEMAS, "app/convert.py": CONVERT}, ours, theirs)
    assert not tree.conflicts
    schemas, convert = (tree.files[path].content for path in ("app/schemas.py", "app/convert.py"))
    assert isinstance(schemas, bytes)
    assert isinstance(convert, bytes)
    assert field.replace("int", "float").encode() in schemas
    assert b"pclass: " not in schemas
    assert (
        f'"Pclass": pd.array([record.{attribute} for record in records], dtype="float64")'.encode() in convert
    )
    assert b"record.fare" in convert


def test_a_renamed_field_whose_column_is_gone_is_removed_in_both_files() -> None:
    ours = {
        "app/schemas.py": replaced(SCHEMAS, ("pclass: int", "travel_class: int")),
        "app/convert.py": replaced(CONVERT, ("record.pclass", "record.travel_class")),
    }
    gone = '    # Seen: 1 to 3.\n    pclass: int = Field(alias="Pclass", examples=[1])\n'
    row = '            "Pclass": pd.array([record.pclass for record in records], dtype="int64"),\n'
    theirs = {
        "app/schemas.py": replaced(SCHEMAS, (gone, "")),
        "app/convert.py": replaced(CONVERT, (row, "")),
    }
    tree = merge({"app/schemas.py": SCHEMAS, "app/convert.py": CONVERT}, ours, theirs)
    assert not tree.conflicts
    assert all(
        b"class:" not in file.content for file in tree.files.values() if isinstance(file.content, bytes)
    )


def test_an_import_that_the_new_state_no_longer_needs_stays_where_the_owner_needs_it() -> None:
    base = "import numpy as np\nimport pandas as pd\n\n\ndef one() -> float:\n    return np.pi + pd.NA\n"
    ours = base + "\n\ndef two() -> float:\n    return np.e\n"
    theirs = "import pandas as pd\n\n\ndef one() -> float:\n    return pd.NA\n"
    tree = merge({"app/score.py": base}, {"app/score.py": ours}, {"app/score.py": theirs})
    merged = tree.files["app/score.py"]
    assert merged.outcome is FileOutcome.MERGED
    assert isinstance(merged.content, bytes)
    assert b"import numpy as np" in merged.content
    assert b"np.e" in merged.content


def test_removing_a_function_that_the_owner_calls_is_a_conflict() -> None:
    base = "def helper() -> int:\n    return 1\n\n\ndef one() -> int:\n    return helper()\n"
    ours = base + "\n\ndef two() -> int:\n    return helper() * 2\n"
    theirs = "def one() -> int:\n    return 1\n"
    tree = merge({"app/score.py": base}, {"app/score.py": ours}, {"app/score.py": theirs})
    content = tree.files["app/score.py"].content
    assert isinstance(content, bytes)
    assert "<<<<<<< yours\ndef helper() -> int:\n    return 1\n=======\n>>>>>>> new\n" in content.decode()


def test_the_same_function_added_twice_with_other_bodies_is_a_conflict() -> None:
    base = "X = 1\n\n\ndef one() -> int:\n    return X\n"
    added = "\n\ndef two() -> int:\n    return {}\n"
    tree = merge(
        {"a.py": base}, {"a.py": base + added.format(1)}, {"a.py": added.format(2).lstrip() + "\n\n" + base}
    )
    assert tree.files["a.py"].outcome is FileOutcome.CONFLICT


def test_a_comment_after_the_last_field_stays_in_its_class() -> None:
    ours = replaced(
        SCHEMAS, ("examples=[51250.0])\n", "examples=[51250.0])\n    # More fields: ask the data team.\n")
    )
    merged = merge_schemas(ours, replaced(SCHEMAS, AGE_WIDER))
    assert "    # More fields: ask the data team.\n" in merged
    assert "age: float" in merged


def test_a_comment_between_the_arguments_of_a_field_is_not_lost() -> None:
    laid = "age: int = Field(\n        ge=18,  # adults only\n        examples=[42],\n    )"
    ours = replaced(SCHEMAS, ("age: int = Field(examples=[42])", laid))
    merged = merge_schemas(ours, replaced(SCHEMAS, AGE_WIDER))
    assert (
        "    age: float = Field(\n        ge=18,  # adults only\n        examples=[42.5],\n    )\n" in merged
    )
    theirs = replaced(SCHEMAS, ("Field(examples=[42])", "Field(examples=[42], le=120)"))
    assert f"<<<<<<< yours\n    {laid}\n=======\n" in merge_schemas(ours, theirs)


def test_the_arguments_of_a_call_are_merged_one_by_one() -> None:
    base = "app = FastAPI(\n    title=NAME,\n    version=VERSION,\n)\n"
    ours = base.replace("title=NAME", "title=TITLE")
    theirs = base.replace("title=NAME,\n", "title=NAME,\n    summary='A model',\n")
    tree = merge({"app/main.py": base}, {"app/main.py": ours}, {"app/main.py": theirs})
    content = tree.files["app/main.py"].content
    assert isinstance(content, bytes)
    assert content.decode() == (
        "app = FastAPI(\n    title=TITLE,\n    version=VERSION,\n    summary='A model',\n)\n"
    )


def test_an_import_of_the_owner_stays_above_what_the_new_state_adds_below_the_imports() -> None:
    ours = replaced(
        SCHEMAS, ("from pydantic", "from pydantic import field_validator\nfrom pydantic"), ("forbid", "allow")
    )
    theirs = replaced(
        SCHEMAS, ("\n\n\nclass ModelInput", "\n\n\nInt64 = Annotated[int, Field(ge=0)]\n\n\nclass ModelInput")
    )
    merged = merge_schemas(
        ours, theirs.replace("from pydantic", "from typing import Annotated\n\nfrom pydantic")
    )
    exec(compile(merged, "schemas.py", "exec"), {"__name__": "schemas"})
    assert 'extra="allow"' in merged
