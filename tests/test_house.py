"""The rules of the house: who may import whom, and what a name without an underscore promises."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import TypeGuard

import pytest

from scaffold import _layout

PACKAGE = Path(__file__).parents[1] / "scaffold"
ROOMS = sorted(
    path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists() and path.name != "cli"
)
SHARED = {
    "spec",
    "errors",
    "events",
    "_process",
    "_confine",
    "_model",
    "_unpickle",
    "_folders",
    "_live",
    "_modules",
    "_pythons",
    "_uv",
    "_watch",
    "_files",
    "_who",
    "_codec",
    "worker",
    "_variables",
    "_begun",
    "_temporary",
    "_checked",
    "_base_image",
    "_layout",
    "_lockfile",
    "_recording",
    "_client",
    "_differences",
    "_orders",
    "_replay",
    "_sbom",
    "__version__",
}


def imported_from_scaffold(path: Path) -> set[str]:
    """The first name below `scaffold` of every import in the file, wherever it stands."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "scaffold":
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("scaffold."):
            names.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("scaffold.")}
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_the_shared_values_and_never_another_room(room: str) -> None:
    for path in (PACKAGE / room).rglob("*.py"):
        assert imported_from_scaffold(path) <= SHARED | {room}, path


@pytest.mark.parametrize("module", sorted(SHARED - {"_uv", "_watch", "_pythons", "__version__"}))
def test_the_shared_values_need_the_standard_library_only(module: str) -> None:
    code = f"import sys, scaffold.{module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    ours = {name.split(".")[0] for name in loaded} - set(sys.stdlib_module_names) - {"scaffold", "__main__"}
    # What site hooks of an environment load before any program runs is not ours.
    before = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert ours <= {name.split(".")[0] for name in before}


def test_a_path_of_a_project_is_written_down_in_one_place() -> None:
    named = {name: value for name, value in vars(_layout).items() if name.isupper()}
    paths = {path for path in named.values() if set(path) & set("./")}
    # The files of a training environment are no files of a project.
    exempt = {"_layout.py", "_environment_specs.py", "_environment_install.py", "environment.py"}
    for path in PACKAGE.rglob("*.py"):
        if path.name not in exempt:
            constants = {node.value for node in ast.walk(ast.parse(path.read_text())) if is_text(node)}
            assert not constants & paths, path


def is_text(node: ast.AST) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_only_one_module_runs_commands() -> None:
    runs = [path for path in PACKAGE.rglob("*.py") if "import subprocess" in path.read_text()]
    assert [path.name for path in runs] == ["_process.py"]


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
    code = "import sys, scaffold; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"pandas", "numpy", "copier", "libcst", "pydantic", "typer"} & set(loaded)
