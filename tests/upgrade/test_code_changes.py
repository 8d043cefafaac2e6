"""A model whose code changed is another model, though its file is the same to the last byte.

Two hundred random changes of functions and classes; three of them if the slow tests are left out.
"""

import ast
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import scaffold
from scaffold.cli._app import app
from scaffold.events import Event, Noted
from scaffold.verbs.update import update
from scaffold.verbs.update_result import Update

CODE = '''"""Premiums."""

import functools
from collections.abc import Callable

RATES = {"flat": 1.5, "house": 2.5}


def noted(function: Callable[..., float]) -> Callable[..., float]:
    """Decorates a function."""

    @functools.wraps(function)
    def call(*values: object) -> float:
        return function(*values)

    return call


@noted
def rate_of(kind: str, area: float, other: float = 3.0) -> float:
    """The rate of one object."""
    if area > 100.0:
        return RATES.get(kind, other) * 0.9
    return RATES.get(kind.removesuffix(" (new)"), other)


class Priced:
    """Adds prices."""

    digits = 1

    def total(self, parts: list[float], least: float = 1.0) -> float:
        total = self.base
        for part in parts:
            total += part
        return max(total, least)


class Rounded(Priced):
    """Has cents."""

    digits = 2


class Premium(Rounded):
    """Prices objects."""

    surcharge = 12.0

    def __init__(self, base: float) -> None:
        self.base = base

    def predict(self, record: dict[str, object]) -> float:
        area = float(record["area"])
        parts = [area * rate_of(str(record["kind"]), area), self.surcharge if area < 50.0 else 0.0]
        return round(self.total(parts), self.digits)
'''
BASES = {"Rounded": "Priced"}
"""What a class may inherit from in place of its base."""
SAVE = """
if __name__ == "__main__":
    import pickle
    from pathlib import Path

    Path("model.pkl").write_bytes(pickle.dumps({model}))
"""
SAMPLE: list[dict[str, Any]] = [
    {"area": 40.0, "kind": "flat"},
    {"area": 150.5, "kind": "house"},
    {"area": 80.0, "kind": "barn"},
]
CHANGES = 200
ALWAYS = 3
"""How many of the changes are tried in the fast tests."""


class Changed(ast.NodeTransformer):
    """Changes one place of a module.

    That is a number, a text, an operator, a comparison, a branch, a statement, a default value, a decorator,
    a method, or a base class.
    """

    def __init__(self, at: int, drawn: random.Random) -> None:
        self.at, self.drawn, self.places = at, drawn, 0

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Expr | ast.Subscript):
            return node  # a docstring, and the fields of a record
        node = super().generic_visit(node)
        kinds = ast.Constant | ast.BinOp | ast.Compare | ast.If | ast.Return | ast.FunctionDef | ast.ClassDef
        if not isinstance(node, kinds):
            return node
        if isinstance(node, ast.Constant) and not isinstance(node.value, float | int | str):
            return node
        if isinstance(node, ast.FunctionDef) and node.name in ("noted", "call"):
            return node
        self.places += 1
        return self.changed(node) if self.places - 1 == self.at else node

    def changed(self, node: ast.AST) -> Any:
        match node:
            case ast.Constant(value=float(number)):
                factor, more = self.drawn.choice([2, 3, 5]), self.drawn.randrange(1, 90)
                return ast.Constant(round(number * factor + more, 2))
            case ast.Constant(value=int(number)):
                return ast.Constant(number + self.drawn.randrange(1, 9))
            case ast.Constant(value=str(text)):
                return ast.Constant(f"{text}{self.drawn.randrange(1000)}")
            case ast.BinOp():
                operators: list[ast.operator] = [ast.Add(), ast.Sub(), ast.Mult()]
                node.op = self.drawn.choice([each for each in operators if type(each) is not type(node.op)])
            case ast.Compare():
                comparisons: list[ast.cmpop] = [ast.Lt(), ast.LtE(), ast.Gt(), ast.GtE()]
                others = [each for each in comparisons if type(each) is not type(node.ops[0])]
                node.ops = [self.drawn.choice(others)]
            case ast.If():
                node.test = ast.UnaryOp(ast.Not(), node.test)
            case ast.Return():
                return [*ast.parse(f"changed = {self.drawn.randrange(1000)}").body, node]
            case ast.FunctionDef():
                node.decorator_list = [] if node.decorator_list else [ast.Name("noted")]
            case ast.ClassDef(bases=[ast.Name(id=base)]) if base in BASES and self.drawn.random() < 0.5:
                node.bases = [ast.Name(BASES[base])]
            case ast.ClassDef():
                node.body += ast.parse(f"def more(self): return {self.drawn.randrange(1000)}").body
            case _:
                raise AssertionError(node)
        return node


def changed_code(seed: int) -> str:
    """The code with one random change, which still prices the sample."""
    drawn = random.Random(seed)
    counted = Changed(-1, drawn)
    counted.visit(ast.parse(CODE))
    tree = Changed(drawn.randrange(counted.places), drawn).visit(ast.parse(CODE))
    code = ast.unparse(ast.fix_missing_locations(tree))
    assert code != ast.unparse(ast.parse(CODE))
    return code


def write_script(folder: Path, code: str) -> None:
    (folder / "train.py").write_text(f"{code}\n{SAVE.format(model='Premium(100.0)')}")


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A project of an object of a module, and the folder of the module and of the model."""
    folder = tmp_path_factory.mktemp("imported")
    (folder / "premiums.py").write_text(CODE)
    save = f"from premiums import Premium\n{SAVE.format(model='Premium(100.0)')}"
    subprocess.run([sys.executable, "-c", save], cwd=folder, check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        scaffold.new(folder / "model.pkl", SAMPLE, None, folder / "service", verify=False)
        yield folder / "service", folder


@pytest.fixture(scope="module")
def lifted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A project of an object whose class is in a script, and the folder of the script and of the model."""
    folder = tmp_path_factory.mktemp("lifted")
    write_script(folder, CODE)
    subprocess.run([sys.executable, "train.py"], cwd=folder, check=True)
    source = folder / "train.py"
    scaffold.new(folder / "model.pkl", SAMPLE, None, folder / "service", verify=False, source=source)
    return folder / "service", folder


def is_another_model(found: Update) -> bool:
    """Whether the update gives a new version, lists the model and changes the image."""
    report = found.report
    tagged = {"CHANGELOG.md", "Dockerfile", "deploy/production/kustomization.yaml"} <= {*found.files}
    told = report.model_changed and not found.is_empty and tagged
    return told and report.new_version not in ("", report.old_version)


@pytest.mark.parametrize(
    "seed",
    [pytest.param(seed, marks=[] if seed < ALWAYS else [pytest.mark.slow]) for seed in range(CHANGES)],
)
def test_a_change_of_code_alone_is_another_model(
    imported: tuple[Path, Path], lifted: tuple[Path, Path], seed: int
) -> None:
    code = changed_code(seed)
    if seed % 2:
        root, folder = imported
        (folder / "premiums.py").write_text(code)
    else:
        root, folder = lifted
        write_script(folder, code)
    found = update(root, folder / "model.pkl", SAMPLE, dry_run=True)
    assert is_another_model(found), code


def test_the_same_code_is_the_same_model(imported: tuple[Path, Path], lifted: tuple[Path, Path]) -> None:
    (imported[1] / "premiums.py").write_text(CODE)
    write_script(lifted[1], CODE)
    for root, folder in (imported, lifted):
        found = update(root, folder / "model.pkl", SAMPLE, dry_run=True)
        assert found.is_empty
        assert not found.report.model_changed


def test_an_update_to_changed_code_replays_and_says_so(imported: tuple[Path, Path]) -> None:
    root, folder = imported
    (folder / "premiums.py").write_text(CODE.replace("surcharge = 12.0", "surcharge = 24.0"))
    given = [str(root), "--model", str(folder / "model.pkl"), "--input", str(write_sample(folder))]
    shown = CliRunner().invoke(app, ["diff", *given])
    assert shown.exit_code == 0
    for line in (
        "another model: premiums.py",
        "1 of 3 recorded requests get another answer from the new model",
        "  request 0, prediction: 172.0 -> 184.0",
        "version 1.0.0 -> 1.0.1",
    ):
        assert line in shown.output.splitlines()
    events: list[Event] = []
    done = update(root, folder / "model.pkl", SAMPLE, on_event=events.append)
    assert done.applied
    notes = [event.text for event in events if isinstance(event, Noted)]
    assert any("1 of 3 recorded requests are answered differently" in note for note in notes), notes
    assert "## 1.0.1\n\nAnother model: premiums.py.\n" in (root / "CHANGELOG.md").read_text()


def write_sample(folder: Path) -> Path:
    import pickle

    path = folder / "sample.pkl"
    path.write_bytes(pickle.dumps(SAMPLE))
    return path


NETS = {
    "__init__.py": "",
    "net.py": """from pathlib import Path

import torch

from nets.scale import scaled

SHIFT = float((Path(__file__).parent / "shift.txt").read_text())


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)

    def forward(self, values):
        values = self.layer(values)
        values = torch.relu(values)
        values = values + SHIFT
        return scaled(values)
""",
    "scale.py": "from nets.parts.factor import FACTOR\n\n\ndef scaled(values):\n    return values * FACTOR\n",
    "parts/__init__.py": "",
    "parts/factor.py": "FACTOR = 2.0\n",
    "shift.txt": "0.5\n",
}
"""A package of a torch module, with a helper of a helper, and a file that it reads."""
LINES = "        values = torch.relu(values)\n", "        values = values + SHIFT\n"
NET_CHANGES = {
    "net.py": ("".join(LINES), "".join(reversed(LINES))),
    "scale.py": ("values * FACTOR", "values / FACTOR"),
    "parts/factor.py": ("2.0", "3.0"),
    "shift.txt": ("0.5", "0.75"),
}
"""Two lines of `forward` swapped, a helper, the helper of that, and a file that the code reads."""


@pytest.mark.slow
def test_each_file_of_the_package_of_a_torch_module_is_part_of_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    for name, text in NETS.items():
        path = tmp_path / "nets" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    save = "import torch\nfrom nets.net import Net\ntorch.save(Net().eval(), 'model.pt')"
    subprocess.run([sys.executable, "-c", save], cwd=tmp_path, check=True)
    root, model, sample = tmp_path / "service", tmp_path / "model.pt", torch.ones(4, 3)
    scaffold.new(model, sample, None, root, verify=False)
    for name, (old, new) in NET_CHANGES.items():
        path = tmp_path / "nets" / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    found = update(root, model, sample, dry_run=True)
    assert is_another_model(found)
    for name in NET_CHANGES:
        assert f"nets/{name}" in found.report.model
