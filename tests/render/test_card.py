from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from scaffold.base.templates import template_path
from scaffold.render import render_project
from scaffold.render._card import card_values
from scaffold.render._values import model_summary
from scaffold.spec import (
    Artifact,
    Batching,
    Dependencies,
    Evidence,
    Field,
    GlobalName,
    JSONValue,
    LocalSource,
    ModelFormat,
    Origin,
    Profile,
    ProjectSpec,
    PythonCall,
    Record,
    Recording,
    Requirement,
    Scalar,
    ScalarType,
    SeenRange,
    Signature,
    SystemPackage,
)

NUMBER = Scalar(type=ScalarType.NUMBER)
BOOSTER = Requirement(distribution="lightgbm", specifier="==4.7.0", reason="lightgbm.Booster in model.pkl")
SERVER = Requirement(
    distribution="uvicorn", specifier="[standard]==0.54.0", reason="serves", serves="service"
)


@pytest.fixture
def spec(tmp_path: Path) -> ProjectSpec:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"x" * 2345)
    names = ("numpy.dtype", "lightgbm.Booster", "numpy.dtype")
    return ProjectSpec(
        name="churn",
        version="1.0.0",
        artifact=Artifact(
            path=path,
            sha256="ab" * 32,
            size_bytes=2345,
            format=ModelFormat.PICKLE,
            compression="gzip",
            globals=tuple(
                GlobalName(module=name.partition(".")[0], qualname=name.partition(".")[2], offset=0)
                for name in names
            ),
            provenance=str(path),
            written="1970-01-01",
        ),
        signature=Signature(
            input=NUMBER,
            output=NUMBER,
            call=PythonCall(method="predict", batching=Batching.TOGETHER, evidence="gives a | b"),
        ),
        dependencies=Dependencies(
            python="3.11",
            requirements=(BOOSTER, SERVER),
            lock="",
            sources=(LocalSource(path="features.py", content=b"", reason="imported by model.py"),),
            system=(SystemPackage(name="libgomp1", reason="libgomp.so.1, which lightgbm loads"),),
            notes=("not locked for linux/arm64",),
        ),
        recording=Recording(requests=(), answers=()),
    )


def test_a_model_is_called_after_the_first_library_that_its_file_mentions(spec: ProjectSpec) -> None:
    assert model_summary(spec) == "a Python model"
    lines = (BOOSTER, replace(BOOSTER, distribution="scikit-learn", mentioned=True), SERVER)
    named = replace(spec, dependencies=replace(spec.dependencies, requirements=lines))
    assert model_summary(named) == "a scikit-learn model"


def test_code_that_is_rendered_already_is_not_rendered_again(spec: ProjectSpec, tmp_path: Path) -> None:
    code = {"schemas.py": "# schemas\n", "convert.py": "# convert\n"}
    (tmp_path / "service").mkdir()
    render_project(replace(spec, code=code), tmp_path / "service")
    assert {name: (tmp_path / "service/app" / name).read_text() for name in code} == code


def rendered(spec: ProjectSpec, template: str) -> str:
    loader = FileSystemLoader(template_path("service") / "project")
    environment = Environment(
        loader=loader,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(card_values(spec))


def test_the_card_says_what_the_model_is_and_nothing_of_this_machine(
    spec: ProjectSpec, tmp_path: Path
) -> None:
    card = rendered(spec, "model/README.md.jinja")
    for line in (
        "| format | pickle, gzip |",
        "| size | 2.3 KiB |",
        f"| sha256 | `{'ab' * 32}` |",
        "| made from | `model.pkl`, of 1970-01-01 |",
        "| called with | `predict`: gives a \\| b |",
        "| `lightgbm==4.7.0` | lightgbm.Booster in model.pkl |",
        "| `libgomp1` | libgomp.so.1, which lightgbm loads |",
        "| `features.py` | imported by model.py |",
        "- not locked for linux/arm64",
    ):
        assert f"\n{line}\n" in card
    assert "- `lightgbm.Booster`\n- `numpy.dtype`\n" in card
    assert str(tmp_path) not in card
    assert "\n\n\n" not in card


def test_a_model_without_libraries_names_or_notes_has_no_empty_tables(spec: ProjectSpec) -> None:
    bare = replace(
        spec,
        artifact=replace(spec.artifact, globals=(), provenance="a function in memory"),
        dependencies=Dependencies(python="3.11", requirements=(SERVER,), lock=""),
    )
    card = rendered(bare, "model/README.md.jinja")
    assert "| made from | a function in memory, of 1970-01-01 |" in card
    assert "None: Python alone loads it." in card
    assert "Notes" not in card
    assert "\n\n\n" not in card
    assert rendered(bare, "requirements.in.jinja").count("\n\n") == 1


@pytest.mark.parametrize(
    ("provenance", "shown"),
    [
        ("https://me:secret@host/models/churn.pkl", "`https://host/models/churn.pkl`"),
        ("models/churn.pkl", "`models/churn.pkl`"),
        ("../churn.pkl", "`churn.pkl`"),
        ("/home/me/churn.pkl", "`churn.pkl`"),
    ],
)
def test_the_card_names_the_source_without_secrets(spec: ProjectSpec, provenance: str, shown: str) -> None:
    rows = card_values(replace(spec, artifact=replace(spec.artifact, provenance=provenance)))["card_rows"]
    assert f"| made from | {shown}, of 1970-01-01 |" in list(rows)  # type: ignore[call-overload]


def test_each_requirement_has_its_reason(spec: ProjectSpec) -> None:
    lines = rendered(spec, "requirements.in.jinja")
    assert "\n\n# The model.\nlightgbm==4.7.0  # lightgbm.Booster in model.pkl\n" in lines
    assert lines.endswith("\n\n# The service around it.\nuvicorn[standard]==0.54.0  # serves\n")


FACTS = Origin(
    uri="models:/churn@live",
    server="https://me:secret@mlflow.example.org",
    params=(("C", "1.0"),),
    metrics=(("auc", "0.87"), ("f`1|", "nan")),
    tags=(("data", "https://me:secret@host/rows.csv?signature=secret"),),
)


def test_the_full_card_has_a_section_for_each_thing_that_the_field_asks_for(spec: ProjectSpec) -> None:
    seen = Evidence(rows=4, seen=SeenRange("1", "9"))
    limited = replace(NUMBER, constraints=(("ge", 0),))
    fields = tuple(Field(name=f"a|{n}", attribute=f"a{n}", schema=limited, evidence=seen) for n in range(53))
    full = replace(
        spec,
        answers={"card": True},
        origin=FACTS,
        signature=replace(spec.signature, input=Record(fields=fields)),
    )
    card = rendered(full, "model/README.md.jinja")
    headings = [line[3:] for line in card.splitlines() if line.startswith("## ")]
    assert headings[:7] == ["Intended use", "Licence", "Input", "Output", "Metrics", "Proof", "Libraries"]
    for line in (
        "| `a\\|0` | number, ge 0 | Seen: 1 to 9. |",
        "| and 3 more | | `app/schemas.py` has them all |",
        "| `prediction` | number | |",
        "| `auc` | `0.87` |",
        "| `f'1\\|` | `nan` |",
        "- each row alone, and rows together in a batch,",
    ):
        assert f"\n{line}\n" in card
    assert "| metrics |" not in card
    assert "| parameters | `C=1.0` |" in card
    assert card.count("\nQuestion to the owner: ") == 2
    assert "\n\n\n" not in card
    bare = rendered(replace(full, origin=None), "model/README.md.jinja")
    assert "\n## Metrics\n\nThe source of the model has none.\n\n## Proof\n" in bare


def test_the_card_for_programs_has_numbers_as_numbers_and_no_secrets(
    spec: ProjectSpec, tmp_path: Path
) -> None:
    artifact = replace(spec.artifact, provenance="https://me:secret@host/churn.pkl")
    (tmp_path / "service").mkdir()
    full = replace(spec, answers={"card": True}, origin=FACTS, artifact=artifact, code={"schemas.py": ""})
    render_project(full, tmp_path / "service")
    text = (tmp_path / "service/model/card.json").read_text()
    card = json.loads(text)
    assert "secret" not in text
    assert str(tmp_path) not in text
    assert card["made_from"] == "https://host/churn.pkl"
    assert card["source"] == {"uri": "models:/churn@live", "server": "https://mlflow.example.org"}
    assert (card["metrics"], card["parameters"]) == ({"auc": 0.87, "f`1|": "nan"}, {"C": 1.0})
    assert card["tags"] == {"data": "https://host/rows.csv"}
    assert card["requirements"] == [{"name": "lightgbm==4.7.0", "reason": BOOSTER.reason}]
    assert card["code"] == [{"name": "features.py", "reason": "imported by model.py"}]
    assert card["notes"] == ["not locked for linux/arm64"]


@pytest.mark.parametrize("profile", Profile)
def test_without_the_answer_a_project_has_no_byte_of_the_full_card(
    spec: ProjectSpec, tmp_path: Path, profile: Profile
) -> None:
    code = {"schemas.py": "# schemas\n"}
    files: dict[object, dict[str, str]] = {}
    for answer in (None, False, True):
        root = tmp_path / str(answer)
        root.mkdir()
        answers: dict[str, JSONValue] = {} if answer is None else {"card": answer}
        made = render_project(replace(spec, code=code, answers=answers, profile=profile), root)
        files[answer] = dict(made.files)
    assert files[None] == files[False]
    changed = {path for path, content in files[True].items() if files[None].get(path) != content}
    assert changed == {"app/card.py", "app/main.py", "model/README.md", "model/card.json", "README.md"}
    for path in ("app/main.py", "model/README.md", "README.md"):
        text = (tmp_path / "None" / path).read_text()
        assert not any(word in text for word in ("add_card", "/v1/model", "Question to the owner"))
