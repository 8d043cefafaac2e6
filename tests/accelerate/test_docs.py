"""The table of docs/accelerate.md has the steps that are compiled, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from scaffold.introspect.fast import CONVERTED, ENSEMBLES, ESTIMATORS, STEPS

ROOT = Path(__file__).parents[2]


def test_the_page_has_each_step() -> None:
    page = (ROOT / "docs/accelerate.md").read_text()
    table = page.partition("| step | without |")[2].partition("\n\n")[0]
    named = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(named) == sorted(name.rpartition(".")[2] for name in [*STEPS, *ESTIMATORS])


def test_the_page_has_each_model_of_trees_and_each_that_is_converted() -> None:
    page = (ROOT / "docs/accelerate.md").read_text()
    for head, models in (("| trees | without |", ENSEMBLES), ("| model | without |", CONVERTED)):
        table = page.partition(head)[2].partition("\n\n")[0]
        named = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]
        assert sorted(named) == sorted(name.rpartition(".")[2] for name in models)


def test_each_class_of_the_templates_is_the_form_of_a_step() -> None:
    readers = "".join(path.read_text() for path in (ROOT / "scaffold/introspect/fast").glob("*.py"))
    trees = [ast.parse(path.read_text()) for path in (ROOT / "templates/service/fast").glob("*.py")]
    classes = {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}
    bases = {base.id for node in classes.values() for base in node.bases if isinstance(base, ast.Name)}
    assert [name for name in classes if name not in bases and f'"{name}"' not in readers] == []
