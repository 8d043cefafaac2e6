"""The tables of kinds: each container has a row in both, and no imports are circular."""

from __future__ import annotations

import ast
import typing
from pathlib import Path

import pytest

from scaffold import introspect, render
from scaffold.base.codec import CodecError
from scaffold.introspect.kinds import KINDS as DESCRIBED
from scaffold.render import _code
from scaffold.render.kinds import KINDS as WRITTEN
from scaffold.render.kinds.polars import polars_dtype
from scaffold.spec import Container, NumpyScalar, Schema, Sparse
from scaffold.worker import require_plain

CONTAINERS = set(typing.get_args(Container))


def test_both_tables_have_a_row_for_each_container_and_no_other() -> None:
    assert set(DESCRIBED) == CONTAINERS
    assert set(WRITTEN) == CONTAINERS


def test_each_library_has_a_file_on_both_sides() -> None:
    files = [
        {path.stem for path in (Path(str(room.__file__)).parent / "kinds").glob("[a-z]*.py")}
        for room in (introspect, render)
    ]
    assert files[0] == files[1]
    for table in (DESCRIBED, WRITTEN):
        assert {type(kind).__module__.rpartition(".")[2] for kind in table.values()} == files[0]


@pytest.mark.parametrize("room", [introspect, render], ids=["introspect", "render"])
def test_no_modules_import_each_other_in_a_circle(room: typing.Any) -> None:
    root = Path(room.__file__).parent
    imports = {_module(path, root): _imported(path, room.__name__) for path in root.rglob("*.py")}
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join([*above[above.index(module) :], module])
        if module not in done:
            for name in imports.get(module, ()):
                visit(name, (*above, module))
        done.add(module)

    for module in imports:
        visit(module, ())


def _module(path: Path, root: Path) -> str:
    return ".".join([root.name, *path.relative_to(root).with_suffix("").parts]).removesuffix(".__init__")


def _imported(path: Path, room: str) -> set[str]:
    """The modules of the room that are imported when the file is, or while a function of it runs."""
    tree = ast.parse(path.read_text())
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or id(node) in for_types:
            continue
        if node.module == room or (node.module or "").startswith(f"{room}."):
            module = str(node.module).removeprefix("scaffold.")
            below = {f"{module}.{alias.name}" for alias in node.names}
            found |= {name for name in below if _is_module(name)} or {module}
    return found


def _is_module(name: str) -> bool:
    place = Path(introspect.__file__).parents[1].joinpath(*name.split("."))
    return place.with_suffix(".py").exists() or (place / "__init__.py").exists()


SCHEMAS = {variant.__name__ for variant in typing.get_args(Schema)}
RIGHT_FOR_ANY_VARIANT = {
    "introspect.fast._columns.array_dtype",  # another kind of input has no compiled form
    "introspect.fields._annotations.widen",  # what was seen is the default
    "introspect.fields._contradictions.without_contradictions",  # schemas that an annotation makes
    "introspect.fields._inputs._refuse_one_way",  # goes through `children`
    "introspect.fields._outputs.describe_output",  # changes the form of three
    "introspect.kinds.pandas.rows",  # a Series is a list of its values
    "introspect.kinds.polars._with_bounds",  # numbers nest in lists and structs only
    "render._fast_check._fields",  # a plan has tables and arrays only
    "render._source._answers._single",  # an answer by itself is plain, whatever it is
    "render._source._convert._docstring",
    "render._source._example._array_of",  # recognises one schema
    "render._source._example._is_natural",  # others go through JSON
    "render._source._example.example_body",  # goes through `fields_of`
    "render._source._shapes.fields_of",  # goes through `fields_of` of the schema
    "render.kinds.masked.array",  # recognises one schema
    "render.kinds.pandas.lines",  # each kind has lines for its own objects
    "render.kinds.polars.lines",
    "render.kinds.python.lines",
}
"""Where a `match` over schemas need not be looked at when there is one variant more."""


def test_mypy_names_every_match_that_a_new_schema_variant_must_be_added_to() -> None:
    root = Path(introspect.__file__).parents[1]
    open_ended: set[str] = set()
    for path in root.rglob("*.py"):
        tree = ast.parse(path.read_text())
        variants = SCHEMAS & _names_from_spec(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                matches = [inner for inner in ast.walk(node) if isinstance(inner, ast.Match)]
                if any(_names_any(inner, variants) and not _is_closed(inner) for inner in matches):
                    open_ended.add(".".join([*path.relative_to(root).with_suffix("").parts, node.name]))
    assert open_ended == RIGHT_FOR_ANY_VARIANT


def _names_from_spec(tree: ast.Module) -> set[str]:
    """Return the names that a file imports from `scaffold.spec`."""
    return {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("scaffold.spec")
        for alias in node.names
    }


def _names_any(match: ast.Match, variants: set[str]) -> bool:
    """Whether a pattern of `match` names one of these classes."""
    return any(
        isinstance(node, ast.MatchClass) and ast.unparse(node.cls) in variants for node in ast.walk(match)
    )


def _is_closed(match: ast.Match) -> bool:
    return ast.unparse(match.cases[-1].body[0]).startswith("assert_never(")


@pytest.mark.parametrize(
    "written",
    ["evil()", "__import__('os')", "pd.Timestamp(evil())", "[x for x in y]", "a.b", "lambda: 0", "1 or evil"],
)
def test_values_from_the_worker_become_literals_or_are_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is no literal"):
        _code.literal(written)
    with pytest.raises(ValueError, match="is no literal"):
        polars_dtype(written)


@pytest.mark.parametrize("value", [NumpyScalar('float32("x")'), Sparse("csr_matrix\nimport os")])
def test_only_names_are_written_into_code_unquoted(value: object) -> None:
    with pytest.raises(CodecError, match="that is none"):
        require_plain(value)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("('a', -1)", '("a", -1)'),
        ('pd.Timestamp("2020-01-01")', 'pd.Timestamp("2020-01-01")'),
        ("None", "None"),
    ],
)
def test_names_that_are_not_strings_are_literals(written: str, text: str) -> None:
    assert _code.flat(_code.literal(written)) == text


def test_a_dtype_of_polars_has_its_names_with_the_library_before_them() -> None:
    written = "Struct({'a': List(Int64), 'b': Datetime(time_unit='us', time_zone=None)})"
    made = 'pl.Struct({"a": pl.List(pl.Int64), "b": pl.Datetime(time_unit="us", time_zone=None)})'
    assert _code.flat(polars_dtype(written)) == made
