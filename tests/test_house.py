"""The layers of the package: who may import whom, and what a name without an underscore promises."""

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import scaffold

PACKAGE = Path(__file__).parents[1] / "scaffold"
ROOMS = (
    "cluster",
    "environments",
    "find",
    "image",
    "introspect",
    "proof",
    "read",
    "render",
    "resolve",
    "traffic",
    "upgrade",
)
SHARED_ROOMS = ("store",)
"""Rooms that other rooms import: a registered model is one of the sources of `find`."""
FLOORS = (
    ("spec",),
    ("errors", "events"),
    ("base",),
    ("worker",),
    SHARED_ROOMS,
    ROOMS,
    ("verbs",),
    ("cli",),
)
"""From the ground up: what stands on a floor imports only from the floors below.

Of a room, others import what its `__init__` exports; of anything else, also modules without an underscore.
"""
SUB_ROOMS = {
    "introspect": ("kinds", "hints", "call", "fields", "fast"),
    "image": ("registry", "dockerfile", "debian", "layers"),
    "resolve": ("lift", "lock", "trace"),
}
"""The folders of a room from the ground up: each imports only from those before it."""
MOST_EXPORTS = 20
MOST_FUNCTION_LINES = 50
"""Without its docstring."""
LARGE_FILE_LINES, MOST_LARGE_FILES = 300, 8
"""A file stays large for a reason: a table, one class that is one idea, the tree of errors."""
MOST_ANY = 0.25
"""The share of annotations in `introspect` that may say nothing: models and samples are of any library."""
NEEDS_MORE_THAN_PYTHON = {"pythons", "uv"}


class Imported(NamedTuple):
    """`from module import name`; the name is empty for `import module` and for a whole module."""

    module: str
    name: str


def parts_of(path: Path) -> tuple[str, ...]:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def module_of(path: Path) -> str:
    return ".".join(parts_of(path))


FILES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py")) if "migrations" not in path.parts}


UNITS = ("", *(unit for units in FLOORS for unit in units))


def unit_of(module: str) -> str:
    """Return the room or other unit of a module: the first name below `scaffold`."""
    return module.split(".")[1] if "." in module else ""


def nodes_of(tree: ast.AST, *, types_too: bool) -> Iterator[ast.AST]:
    """Yield every node; those below `if TYPE_CHECKING:` only with `types_too`."""
    for node in ast.iter_child_nodes(tree):
        if not types_too and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from nodes_of(node, types_too=types_too)


@functools.cache
def imports_of(module: str, *, types_too: bool = True) -> list[Imported]:
    """Return every import of this package in a file, at any depth."""
    return list(_imports(FILES[module], types_too))


def _imports(path: Path, types_too: bool) -> Iterator[Imported]:
    for node in nodes_of(ast.parse(path.read_text()), types_too=types_too):
        if isinstance(node, ast.ImportFrom):
            base = list(parts_of(path))
            if path.name != "__init__.py":
                base.pop()
            base = base[: len(base) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            if source.split(".")[0] == "scaffold":
                for alias in node.names:
                    whole = f"{source}.{alias.name}"
                    yield Imported(whole, "") if whole in FILES else Imported(source, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "scaffold":
                    yield Imported(alias.name, "")


def imports_from(unit: str) -> Iterator[tuple[str, Imported]]:
    """Each file of a unit with each of its imports."""
    for module in FILES:
        if unit_of(module) == unit:
            for imported in imports_of(module):
                yield module, imported


def floor_of(unit: str) -> int:
    """Return the number of the layer; the package itself, which exports the verbs, is the highest."""
    return next((number for number, units in enumerate(FLOORS) if unit in units), len(FLOORS))


@functools.cache
def exports_of(room: str) -> list[str]:
    """Return the `__all__` of a room; without one, the names that it defines."""
    body = ast.parse((PACKAGE / room / "__init__.py").read_text()).body
    for node in body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    defined = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return [name for name in defined if not name.startswith("_")]


def loaded_by(code: str) -> set[str]:
    """The topmost modules that a new interpreter has loaded after `code`."""
    command = [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_every_module_belongs_to_a_layer() -> None:
    there = {
        path.stem for path in PACKAGE.iterdir() if (path / "__init__.py").exists() or path.suffix == ".py"
    }
    assert there - {"__init__", "__main__"} == {unit for units in FLOORS for unit in units}


@pytest.mark.parametrize("unit", UNITS)
def test_a_layer_imports_only_from_lower_layers(unit: str) -> None:
    for module, imported in imports_from(unit):
        other = unit_of(imported.module)
        # All may ask for the version, and the command line calls the verbs as anybody does.
        if other == "" and (imported.name == "__version__" or unit in ("cli", "")):
            continue
        assert other == unit or floor_of(other) < floor_of(unit), f"{module}: {imported}"


@pytest.mark.parametrize("room", SUB_ROOMS)
def test_a_folder_of_a_room_imports_only_from_lower_folders(room: str) -> None:
    order = SUB_ROOMS[room]
    assert {path.parent.name for path in (PACKAGE / room).glob("*/__init__.py")} == set(order)
    for module, imported in imports_from(room):
        here, there = (name.split(".")[2:3] for name in (module, imported.module))
        if here and there and here[0] in order and there[0] in order:
            assert order.index(there[0]) <= order.index(here[0]), f"{module}: {imported}"


@pytest.mark.parametrize("unit", UNITS)
def test_nothing_private_of_another_room_is_imported(unit: str) -> None:
    for module, imported in imports_from(unit):
        other = unit_of(imported.module)
        if other in (unit, "") or not unit:
            continue
        names = [*imported.module.split(".")[2:], imported.name]
        assert not any(name.startswith("_") for name in names), f"{module}: {imported}"
        if other in (*ROOMS, *SHARED_ROOMS):
            assert imported.module == f"scaffold.{other}", f"{module}: {imported}"
            assert imported.name in exports_of(other), f"{module}: {imported}"


@pytest.mark.parametrize("room", [*ROOMS, *SHARED_ROOMS, "worker"])
def test_a_room_exports_few_names_and_no_function_that_nobody_calls(room: str) -> None:
    used = {
        imported.name
        for unit in UNITS
        if unit != room
        for _, imported in imports_from(unit)
        if imported.module == f"scaffold.{room}"
    }
    assert {name for name in exports_of(room) if name.islower()} <= used
    assert len(exports_of(room)) <= MOST_EXPORTS


def circles() -> list[set[str]]:
    """Return files that import each other, directly or through others."""
    towards = {
        module: {one.module for one in imports_of(module, types_too=False)}
        & (FILES.keys() - {"scaffold", module})
        for module in FILES
    }
    reached: dict[str, set[str]] = {}
    for module in FILES:
        found, ahead = set(), list(towards[module])
        while ahead:
            one = ahead.pop()
            if one not in found:
                found.add(one)
                ahead += towards[one]
        reached[module] = found
    return [
        {module, *(other for other in reached[module] if module in reached[other])}
        for module in FILES
        if module in reached[module]
    ]


def test_no_files_import_each_other_in_a_circle() -> None:
    assert circles() == []


def test_no_verb_has_the_name_of_a_module() -> None:
    assert not set(scaffold.__all__) & {path.stem for path in PACKAGE.iterdir()}


@pytest.mark.parametrize(
    "module",
    [
        module
        for module in FILES
        if (module.count(".") == 1 and floor_of(unit_of(module)) <= floor_of("worker"))
        or (module.startswith("scaffold.base.") and module.count(".") == 2)
        if module.split(".")[-1] not in NEEDS_MORE_THAN_PYTHON
    ],
)
def test_the_layers_below_the_rooms_need_only_the_standard_library(module: str) -> None:
    ours = loaded_by(f"import {module}") - set(sys.stdlib_module_names) - {"scaffold", "__main__"}
    # What site hooks of an environment load before any program runs is not ours.
    assert ours <= loaded_by("pass")


def test_only_one_module_runs_commands() -> None:
    runs = [path for path in PACKAGE.rglob("*.py") if "import subprocess" in path.read_text()]
    assert runs == [PACKAGE / "base" / "process.py"]


def test_only_the_command_line_prints_and_exits() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name == "cli" or path.name == "__main__.py":
            continue
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not calls & {"print", "exit", "quit"}, path


def test_importing_the_package_loads_no_model_library_and_no_renderer() -> None:
    assert not {"pandas", "numpy", "copier", "libcst", "pydantic", "typer"} & loaded_by("import scaffold")


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions_in(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def parameters_of(function: Function) -> list[ast.arg]:
    arguments = function.args
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def lines_of(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("unit", UNITS)
def test_a_function_fits_on_a_screen(unit: str) -> None:
    for module in FILES:
        if unit_of(module) != unit:
            continue
        for function in functions_in(ast.parse(FILES[module].read_text())):
            described = lines_of(function.body[0]) if ast.get_docstring(function) is not None else 0
            assert lines_of(function) - described <= MOST_FUNCTION_LINES, f"{module}.{function.name}"


def test_few_files_are_large() -> None:
    large = [module for module, path in FILES.items() if path.read_text().count("\n") > LARGE_FILE_LINES]
    assert len(large) <= MOST_LARGE_FILES, large


def promised_in(module: str) -> Iterator[tuple[str, Function]]:
    """Each function that a module promises to others, with its name; the methods of classes too.

    A module with an underscore in its path promises what the package above it exports. A method that
    overrides one of the same name is described there.
    """
    tree = ast.parse(FILES[module].read_text())
    names = module.split(".")
    private = next((place for place, name in enumerate(names) if name.startswith("_")), None)
    exported = set() if private is None else exported_from(module, "/".join(names[1:private]))
    for node in tree.body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        if private is not None and node.name not in exported:
            continue
        if isinstance(node, Function):
            yield node.name, node
            continue
        unit = unit_of(module)
        above = {name for base in node.bases for name in methods_of(unit, ast.unparse(base))}
        for method in node.body:
            if isinstance(method, Function) and not method.name.startswith("_") and method.name not in above:
                yield f"{node.name}.{method.name}", method


def exported_from(module: str, package: str) -> set[str]:
    """The names of a module that a package, named by its path, exports."""
    taken = imports_of(".".join(["scaffold", *filter(None, package.split("/"))]))
    return {one.name for one in taken if one.module == module} & {*exports_of(package)}


@functools.cache
def classes_of(unit: str) -> dict[str, ast.ClassDef]:
    trees = [ast.parse(path.read_text()) for module, path in FILES.items() if unit_of(module) == unit]
    return {node.name: node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


@functools.cache
def methods_of(unit: str, name: str) -> frozenset[str]:
    """The methods of a class of this unit, its bases included; none of any other class."""
    found = classes_of(unit).get(name)
    if found is None:
        return frozenset()
    own = {node.name for node in found.body if isinstance(node, Function)}
    return frozenset(own.union(*(methods_of(unit, ast.unparse(base)) for base in found.bases)))


@pytest.mark.parametrize("unit", UNITS)
def test_what_is_promised_describes_three_parameters_and_more(unit: str) -> None:
    for module in FILES:
        if unit_of(module) != unit:
            continue
        for name, function in promised_in(module):
            own = [one for one in parameters_of(function) if one.arg not in ("self", "cls")]
            if len(own) >= 3:
                assert "Args:" in (ast.get_docstring(function) or ""), f"{module}.{name}"


def test_few_annotations_of_introspection_say_nothing() -> None:
    annotations = [
        annotation
        for module in FILES
        if unit_of(module) == "introspect"
        for function in functions_in(ast.parse(FILES[module].read_text()))
        for annotation in (*(one.annotation for one in parameters_of(function)), function.returns)
        if annotation is not None
    ]
    saying_nothing = [one for one in annotations if "Any" in {*map(ast.unparse, ast.walk(one))}]
    assert len(saying_nothing) < MOST_ANY * len(annotations)
