"""Random services, edits and next models: no edit is lost, and no conflict is silent.

Fifty of them by default; SCAFFOLD_MERGES=500 for the number that docs/updates.md reports.
"""

import ast
import os
import re
import subprocess
import sys
import types
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scaffold.introspect import infer_signature
from scaffold.render._source import render_source
from scaffold.upgrade._outcome import FileOutcome, MergedTree
from scaffold.upgrade._trees import merge_trees

EXAMPLES = int(os.environ.get("SCAFFOLD_MERGES", "50"))
TYPE_CHECKED = 500 if EXAMPLES > 50 else 6
BASE = Path(__file__).parent / "edits" / "base"

KINDS: dict[str, Any] = {
    "integer": [1, 2, 3],
    "number": [0.5, 1.5, 2.0],
    "missing": [1.5, None, 2.0],
    "text": ["red", "green", "blue"],
    "flag": [True, False, True],
    "level": pd.Categorical(["low", "high", "low"]),
}
NAMES = ["age", "fare (gbp)", "sex", "class", "deck", "size", "2nd class", "from", "income"]
OUTPUTS = {"label": "yes", "code": 1, "score": 0.5}

Columns = tuple[tuple[str, str], ...]
Tree = dict[str, str]


@dataclass(frozen=True)
class Service:
    """The properties that determine a generated project."""

    columns: Columns
    output: str
    template: int

    @property
    def sample(self) -> pd.DataFrame:
        return pd.DataFrame({name: KINDS[kind] for name, kind in self.columns})


class Model:
    """Predicts one value for every row."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def predict(self, rows: pd.DataFrame) -> Any:
        return np.full(len(rows), self.answer)


@lru_cache
def generated(service: Service) -> tuple[str, str]:
    """`schemas.py` and `convert.py`."""
    found = infer_signature(Model(OUTPUTS[service.output]), service.sample)
    source = render_source(found.signature)
    return source["app/schemas.py"], source["app/convert.py"]


def render(service: Service) -> Tree:
    """The pristine project; each version of the template changes, adds and drops lines and files."""
    tree = {path.relative_to(BASE).as_posix(): path.read_text() for path in BASE.rglob("*") if path.is_file()}
    tree["app/schemas.py"], tree["app/convert.py"] = generated(service)
    for version in range(1, service.template + 1):
        tree["app/main.py"] = tree["app/main.py"].replace(
            '@app.get("/readyz"',
            f'@app.get("/version/{version}")\nasync def version_{version}() -> dict[str, str]:\n'
            f'    """Which model answers."""\n    return {{"is": MODEL_VERSION}}\n\n\n@app.get("/readyz"',
        )
        tree["app/score.py"] = tree["app/score.py"].replace(
            "    inputs = to_model(records)\n", f"    inputs = to_model(records)  # {version}\n"
        )
        tree["Dockerfile"] = re.sub("interval=[0-9]+s", f"interval={10 + version}s", tree["Dockerfile"])
        tree["deploy/production/deployment.yaml"] = re.sub(
            "cpu: [0-9]+m", f"cpu: {250 + version}m", tree["deploy/production/deployment.yaml"]
        )
        tree[f"app/part_{version}.py"] = f'"""Part {version}."""\n'
        tree.pop(f"app/part_{version - 1}.py", None)
    return tree


services = st.builds(
    Service,
    columns=st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(list(KINDS))),
        min_size=2,
        max_size=6,
        unique_by=lambda column: column[0],
    ).map(tuple),
    output=st.sampled_from(list(OUTPUTS)),
    template=st.integers(1, 2),
)


@st.composite
def upgrades(draw: st.DrawFn, old: Service) -> Service:
    """Return the next model: columns are added, removed, moved or change type; the template may be newer."""
    columns = list(old.columns)
    for _ in range(draw(st.integers(0, 3))):
        free = [name for name in NAMES if name not in dict(columns)]
        at = draw(st.integers(0, len(columns) - 1))
        match draw(st.sampled_from(["add", "drop", "retype", "move"])):
            case "add" if free:
                columns.insert(at, (draw(st.sampled_from(free)), draw(st.sampled_from(list(KINDS)))))
            case "drop" if len(columns) > 1:
                columns.pop(at)
            case "retype":
                columns[at] = (columns[at][0], draw(st.sampled_from(list(KINDS))))
            case "move":
                columns.append(columns.pop(at))
            case _:
                pass
    output = draw(st.sampled_from([old.output, old.output, *OUTPUTS]))
    return Service(tuple(columns), output, draw(st.integers(old.template, 3)))


@dataclass
class Owner:
    """An owner's project while it is edited, and the edits that must remain afterwards."""

    tree: Tree
    draw: Callable[..., Any]
    added: Tree = field(default_factory=dict)
    kept: list[tuple[str, str]] = field(default_factory=list)
    """Texts that must stand in a file."""
    renamed: dict[str, str] = field(default_factory=dict)
    edits: int = 0

    @property
    def fields(self) -> list[str]:
        """The attributes of the input that carry no edit yet."""
        body = self.tree["app/schemas.py"].split("class ModelInput")[1].split("class ModelOutput")[0]
        return [
            name for name in re.findall(r"(?m)^    (\w+): .*Field\(", body) if not name.startswith("own_")
        ]

    def pick(self) -> str:
        """One of the fields."""
        return str(self.draw(st.sampled_from(self.fields)))

    def change(self, path: str, old: str, new: str, keep: str = "") -> None:
        """Replace the first `old` in a file; `keep`, or the new text, must be found afterwards."""
        if path in self.tree and old in self.tree[path]:
            self.tree[path] = self.tree[path].replace(old, new, 1)
            self.kept.append((path, keep or new))


def comment_on_a_field(owner: Owner) -> None:
    name, note = owner.pick(), f"    # Note {owner.edits}.\n"
    owner.change("app/schemas.py", f"    {name}: ", f"{note}    {name}: ", keep=note)


def validate_a_field(owner: Owner) -> None:
    name, n = owner.pick(), owner.edits
    method = (
        f'\n    @field_validator("{name}")\n    @classmethod\n'
        f"    def check_{n}(cls, value: Any) -> Any:\n        return value\n"
    )
    owner.change("app/schemas.py", "\n\n\nclass ModelOutput", f"\n{method}\n\nclass ModelOutput", keep=method)
    imports = "from typing import Any\n\nfrom pydantic import field_validator\n"
    if imports not in owner.tree["app/schemas.py"]:
        owner.change(
            "app/schemas.py",
            "\nfrom pydantic import",
            f"\n{imports}from pydantic import",
            keep="field_validator",
        )


def title_a_field(owner: Owner) -> None:
    name, title = owner.pick(), f'title="T{owner.edits}"'
    line = re.search(rf"(?m)^    {name}: .*Field\((?!title=)", owner.tree["app/schemas.py"])
    if line:
        owner.change("app/schemas.py", line[0], f"{line[0]}{title}, ", keep=title)


def retype_a_field(owner: Owner) -> None:
    name = owner.pick()
    line = re.search(rf"(?m)^    {name}: (.*) = Field\(", owner.tree["app/schemas.py"])
    if line:
        own = f'typing.Annotated[{line[1]}, "own {owner.edits}"]'
        owner.change("app/schemas.py", line[0], line[0].replace(line[1], own), keep=f'"own {owner.edits}"]')
        if "import typing\n" not in owner.tree["app/schemas.py"]:
            owner.change(
                "app/schemas.py",
                "\nfrom pydantic import",
                "\nimport typing\n\nfrom pydantic import",
                keep="import typing\n",
            )


def rename_a_field(owner: Owner) -> None:
    name, new = owner.pick(), f"own_{owner.edits}"
    line = re.search(rf"(?m)^    {name}: (.*) = Field\(", owner.tree["app/schemas.py"])
    mentions = sum(
        len(re.findall(rf'"{name}"\)|record\.{name}\b', text))
        for text in [*owner.tree.values(), *owner.added.values()]
    )
    if line and mentions == 1:
        alias = (
            ""
            if "alias=" in owner.tree["app/schemas.py"].split(line[0])[1].split("\n")[0]
            else f'alias="{name}", '
        )
        owner.tree["app/schemas.py"] = owner.tree["app/schemas.py"].replace(
            line[0], f"    {new}: {line[1]} = Field({alias}"
        )
        owner.tree["app/convert.py"] = re.sub(
            rf"record\.{name}\b", f"record.{new}", owner.tree["app/convert.py"]
        )
        owner.renamed[name] = new


def add_a_field(owner: Owner) -> None:
    line = f"    extra_{owner.edits}: str | None = None\n"
    owner.change("app/schemas.py", "\n\n\nclass ModelOutput", f"\n{line}\n\nclass ModelOutput", keep=line)


def describe_the_input(owner: Owner) -> None:
    owner.change("app/schemas.py", '"""One record to score.', f'"""Words {owner.edits}. One record to score.')


def add_a_route(owner: Owner) -> None:
    n = owner.edits
    route = f'@app.get("/own/{n}")\nasync def own_{n}() -> int:\n    return {n}\n\n\n'
    owner.change("app/main.py", '@app.get("/healthz"', f'{route}@app.get("/healthz"', keep=route)


def log_in_run(owner: Owner) -> None:
    line = f"    print({owner.edits}, len(records))\n"
    owner.change("app/score.py", "    return from_model(", f"{line}    return from_model(", keep=line)


def comment_on_the_conversion(owner: Owner) -> None:
    line = f"    # Own {owner.edits}.\n"
    owner.change("app/convert.py", "    return pd.DataFrame(", f"{line}    return pd.DataFrame(", keep=line)


def pin_the_base_image(owner: Owner) -> None:
    owner.change(
        "Dockerfile", "ARG BASE=docker.io/library/python", f"ARG BASE=registry.example/{owner.edits}"
    )


def check_less_often(owner: Owner) -> None:
    owner.change(
        "Dockerfile", "--interval=1", f"--interval={owner.edits + 3}0", keep=f"--interval={owner.edits + 3}0"
    )


def more_replicas(owner: Owner) -> None:
    owner.change(
        "deploy/production/autoscaler.yaml", "minReplicas: ", "minReplicas: 1", keep="minReplicas: 1"
    )


def more_cpu(owner: Owner) -> None:
    owner.change("deploy/production/deployment.yaml", "cpu: 25", "cpu: 975", keep="cpu: 975")


def delete_a_file(owner: Owner) -> None:
    path = owner.draw(st.sampled_from(["deploy/production/network.yaml", "requirements.in", "app/part_1.py"]))
    owner.tree.pop(path, None)


def add_a_file(owner: Owner) -> None:
    owner.added[f"app/own_{owner.edits}.py"] = (
        "from app.schemas import ModelInput\n\n\n"
        f"def show(record: ModelInput) -> str:\n    return str(record.{owner.pick()})\n"
    )


EDITS = [
    comment_on_a_field,
    validate_a_field,
    title_a_field,
    retype_a_field,
    rename_a_field,
    add_a_field,
    describe_the_input,
    add_a_route,
    log_in_run,
    comment_on_the_conversion,
    pin_the_base_image,
    check_less_often,
    more_replicas,
    more_cpu,
    delete_a_file,
    add_a_file,
]


def encoded(tree: Tree) -> dict[str, bytes]:
    return {path: text.encode() for path, text in tree.items()}


def merged_texts(merged: MergedTree) -> Tree:
    return {
        path: file.content.decode() for path, file in merged.files.items() if isinstance(file.content, bytes)
    }


def check_nothing_is_lost(owner: Owner, texts: Tree) -> None:
    for path, kept in owner.kept:
        if path in owner.tree:
            assert kept in texts[path], (path, kept)


def check_each_file(base: Tree, new: Tree, owner: Owner, merged: MergedTree, texts: Tree) -> None:
    for path, file in merged.files.items():
        ours, before, after = owner.tree.get(path), base.get(path), new.get(path)
        if ours is None and before is not None:
            assert file.content is None, f"{path} was deleted by its owner"
        elif ours == before and file.outcome is not FileOutcome.CONFLICT:
            assert texts.get(path) == after, f"{path} was not touched and is stale"
        marked = "<<<<<<< yours\n" in texts.get(path, "")
        assert not marked or file.outcome is FileOutcome.CONFLICT, f"{path} holds a conflict that is not told"
        if file.outcome is FileOutcome.MERGED and not path.endswith(".py"):
            lines = set(texts[path].splitlines())
            for side in (ours, after):
                assert set((side or "").splitlines()) - set((before or "").splitlines()) <= lines, path


def check_it_runs(new: Service, texts: Tree) -> None:
    """The schemas take the new model's sample, and the conversion makes the frame that the model takes."""
    package, schemas, convert = (types.ModuleType(name) for name in ("app", "app.schemas", "app.convert"))
    sys.modules |= {"app": package, "app.schemas": schemas, "app.convert": convert}
    try:
        exec(compile(texts["app/schemas.py"], "app/schemas.py", "exec"), schemas.__dict__)
        exec(compile(texts["app/convert.py"], "app/convert.py", "exec"), convert.__dict__)
        rows = [
            {name: None if pd.isna(value) else value for name, value in row.items()}
            for row in new.sample.astype(object).to_dict("records")
        ]
        records = [schemas.ModelInput.model_validate(row) for row in rows]
        frame = convert.to_model(records)
        assert list(frame.columns) == [name for name, _ in new.columns]
        assert [str(kind) for kind in frame.dtypes] == [str(kind) for kind in new.sample.dtypes]
        assert len(convert.from_model(np.full(3, OUTPUTS[new.output]))) == 3
    finally:
        for name in ("app", "app.schemas", "app.convert"):
            del sys.modules[name]


CLEAN: list[Tree] = []
SEEN: Counter[str] = Counter()


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES == 50,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def merge_and_check(data: st.DataObject) -> None:
    old = data.draw(services, label="service")
    new = data.draw(upgrades(old), label="upgrade")
    base, after = render(old), render(new)
    owner = Owner(dict(base), data.draw)
    for edit in data.draw(st.lists(st.sampled_from(EDITS), min_size=1, max_size=6), label="edits"):
        owner.edits += 1
        if owner.fields:
            edit(owner)
    merged = merge_trees(encoded(base), encoded(after), encoded(owner.tree), added_files=encoded(owner.added))
    texts = merged_texts(merged)
    SEEN["merges"] += 1
    SEEN["edits"] += owner.edits
    SEEN["files in conflict"] += len(merged.conflicts)
    check_nothing_is_lost(owner, texts)
    check_each_file(base, after, owner, merged, texts)
    for path, text in texts.items():
        if path.endswith(".py") and path not in merged.conflicts:
            ast.parse(text)
    if not {"app/schemas.py", "app/convert.py"} & set(merged.conflicts):
        check_it_runs(new, texts)
        SEEN["ran"] += 1
        if "app/score.py" not in merged.conflicts:
            CLEAN.append({**texts, **owner.added})
    again = merge_trees(encoded(after), encoded(after), encoded(texts), added_files=encoded(owner.added))
    assert merged_texts(again) == texts
    assert not again.conflicts


def as_packages(trees: list[Tree], root: Path) -> Iterator[str]:
    """Each tree's own modules as a package with a name of its own."""
    for number, tree in enumerate(trees):
        package = f"app_{number}"
        (root / package).mkdir()
        (root / package / "__init__.py").touch()
        for path, text in tree.items():
            name = Path(path).name
            if name in {"schemas.py", "convert.py", "score.py", "settings.py"} or name.startswith("own_"):
                (root / package / name).write_text(re.sub(r"\bapp\.", f"{package}.", text))
        yield package


@pytest.mark.slow
def test_a_random_update_loses_no_edit_hides_no_conflict_and_type_checks(
    tmp_path: Path,
) -> None:
    merge_and_check()
    packages = list(as_packages(CLEAN[-TYPE_CHECKED:], tmp_path))
    command = [sys.executable, "-m", "mypy", "--strict", "--disable-error-code=import-untyped"]
    checked = subprocess.run(
        [*command, "--disable-error-code=no-any-return", "--cache-dir=.cache", *packages],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert [line for line in checked.stdout.splitlines() if " error: " in line] == []
    assert checked.returncode == 0, checked.stderr
    print(dict(SEEN), f"{len(packages)} type-checked")
