"""`scaffold new` and `scaffold inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scaffold.cli._show import Stages, console, file_tree, show_json, show_rows
from scaffold.errors import UsageError

if TYPE_CHECKING:
    from scaffold.api import Project
    from scaffold.spec import ProjectSpec

MODEL = Annotated[str, typer.Argument(help="The model: a file, or a URL that fsspec or MLflow knows.")]
TARGET = Annotated[Path, typer.Argument(help="The folder to write: absent or empty.")]
INPUT = Annotated[
    Path, typer.Option("--input", "-i", help="Sample input: .pkl, .json, .csv, .parquet, .npy, an image.")
]
OUTPUT = Annotated[
    Path | None, typer.Option("--output", "-o", help="Sample output; without it the model is asked.")
]
METHOD = Annotated[str | None, typer.Option(help="The method to call, where several fit.")]
TRUST = Annotated[list[str], typer.Option(help="A name that the pickle may load.", metavar="NAME")]
NULLABLE = Annotated[list[str], typer.Option(help="A field that may be null.", metavar="FIELD")]
TYPE = Annotated[list[str], typer.Option(help="The type of a field: zip=str.", metavar="FIELD=TYPE")]
CHOICES = Annotated[list[str], typer.Option(help="A field that takes only the values seen.", metavar="FIELD")]
PIN = Annotated[list[str], typer.Option(help="Another version: numpy==2.4.6.", metavar="REQ")]
INCLUDE = Annotated[list[Path], typer.Option(help="A file or folder to ship with the service.")]
SOURCE = Annotated[Path | None, typer.Option(help="The notebook or script that defined the model's classes.")]
REQUIRE = Annotated[list[str], typer.Option(help="A distribution to take along.", metavar="REQ")]
PYTHON = Annotated[str | None, typer.Option(help="The service's Python, if not this one: 3.12.")]
GPU = Annotated[bool, typer.Option("--gpu", help="Take torch with CUDA, as it is installed here.")]
ANSWER = Annotated[
    list[str], typer.Option("--answer", help="An answer of the template: replicas=3.", metavar="NAME=VALUE")
]
TEMPLATE = Annotated[str | None, typer.Option(help="Another service template: a folder or URL.")]
_REMARKS = {
    "app/schemas.py": "the request and the answer",
    "app/convert.py": "from requests to the model, and back",
    "app/score.py": "loads and asks the model: your own steps go here",
    "app/main.py": "the routes",
    "app/settings.py": "every limit and switch",
    "requirements.in": "what it needs, and why",
    "tests/recorded.json": "the sample that it was proven with",
}
JSON = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this family to `app`."""
    app.command()(new)
    app.command()(inspect)


def new(
    model: MODEL,
    target: TARGET,
    input: INPUT,
    output: OUTPUT = None,
    name: Annotated[str | None, typer.Option(help="The service's name, if not the folder's.")] = None,
    method: METHOD = None,
    trust: TRUST = [],  # noqa: B006 - typer copies it
    nullable: NULLABLE = [],  # noqa: B006
    type: TYPE = [],  # noqa: B006
    choices: CHOICES = [],  # noqa: B006
    examples_from_sample: Annotated[
        bool, typer.Option("--examples-from-sample", help="Show a row of the sample in the API page.")
    ] = False,
    pin: PIN = [],  # noqa: B006
    include: INCLUDE = [],  # noqa: B006
    source: SOURCE = None,
    python: PYTHON = None,
    gpu: GPU = False,
    require: REQUIRE = [],  # noqa: B006
    answer: ANSWER = [],  # noqa: B006
    template: TEMPLATE = None,
    no_verify: Annotated[bool, typer.Option("--no-verify", help="Skip the proof.")] = False,
    as_json: JSON = False,
) -> None:
    """Write a proven score service for a trained model."""
    from scaffold import api
    from scaffold._options import RUNNING_PYTHON

    with Stages(quiet=as_json) as stages:
        project = api.new(
            model,
            input,
            output,
            target,
            name=name,
            method=method,
            trust=trust,
            nullable=nullable,
            types=assignments(type, "--type"),
            choices=choices,
            examples_from_sample=examples_from_sample,
            pin=pin,
            include=include,
            source=source,
            require=require,
            python=python or RUNNING_PYTHON,
            gpu=gpu,
            answers=parsed_answers(answer),
            template=template,
            verify=not no_verify,
            on_stage=stages,
        )
    if as_json:
        show_json(
            {
                "root": project.root,
                "name": project.spec.name,
                "version": project.spec.version,
                "files": project.files,
                "requirements": project.spec.dependencies.requirements,
                "verification": project.verification,
            }
        )
    else:
        _show_project(project)


def inspect(
    model: MODEL,
    input: INPUT,
    output: OUTPUT = None,
    method: METHOD = None,
    trust: TRUST = [],  # noqa: B006
    nullable: NULLABLE = [],  # noqa: B006
    type: TYPE = [],  # noqa: B006
    choices: CHOICES = [],  # noqa: B006
    pin: PIN = [],  # noqa: B006
    include: INCLUDE = [],  # noqa: B006
    source: SOURCE = None,
    python: PYTHON = None,
    gpu: GPU = False,
    require: REQUIRE = [],  # noqa: B006
    as_json: JSON = False,
) -> None:
    """Show what `new` would make; write nothing.

    The schema, the requirements with their reasons, and the names in the file.
    """
    from scaffold import api
    from scaffold._options import RUNNING_PYTHON

    with Stages(quiet=as_json) as stages:
        found = api.inspect(
            model,
            input,
            output,
            method=method,
            trust=trust,
            nullable=nullable,
            types=assignments(type, "--type"),
            choices=choices,
            pin=pin,
            include=include,
            source=source,
            require=require,
            python=python or RUNNING_PYTHON,
            gpu=gpu,
            on_stage=stages,
        )
    if as_json:
        show_json(
            {
                "artifact": found.artifact,
                "signature": found.signature,
                "requirements": found.dependencies.requirements,
                "system": found.dependencies.system,
                "notes": (*found.signature.notes, *found.dependencies.notes),
            }
        )
    else:
        _show_inspection(found)


def assignments(pairs: list[str], option: str) -> dict[str, str]:
    """`zip=str` as {"zip": "str"}; the field's name may hold `=`, the type never does."""
    assigned = {}
    for pair in pairs:
        name, equals, value = pair.rpartition("=")
        if not equals or not name:
            raise UsageError(f"{option} {pair} names no field and type.\n  {option} zip=str")
        assigned[name] = value
    return assigned


def parsed_answers(pairs: list[str]) -> dict[str, Any]:
    """`replicas=3` as {"replicas": 3}: a value is read as YAML.

    Raises:
        UsageError: A value is no YAML.
    """
    if not pairs:
        return {}
    import yaml

    answers = {}
    for name, value in assignments(pairs, "--answer").items():
        try:
            answers[name] = yaml.safe_load(value)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            problem = getattr(error, "problem", None) or error
            raise UsageError(
                f"--answer {name}={value} cannot be read as YAML: {problem}\n"
                f"Put text in quotes of its own:\n  --answer '{name}=\"...\"'"
            ) from error
    return answers


def _show_project(project: Project) -> None:
    out = console()
    out.print()
    out.print(file_tree(project.root, project.files, _REMARKS))
    out.print()
    if project.verification is None:
        out.print("[bold yellow]Not proven.[/] --no-verify skipped the clean environment and the replay")
        out.print("of the sample: nobody knows yet that this service gives the model's answers. Prove it:")
        out.print(f"  scaffold verify {project.root}\n", markup=False)
    out.print("Next:")
    for command in (
        f"scaffold serve {project.root}",
        f"curl -d {project.example} -H 'Content-Type: application/json' localhost:8000/score",
        f"scaffold build {project.root}",
    ):
        out.print(f"  {command}", markup=False)


def _show_inspection(found: ProjectSpec) -> None:
    from scaffold._describe import inspection

    out = console()
    for title, rows in inspection(found).items():
        out.print()
        out.print(title, style="bold", markup=False)
        show_rows(rows)
