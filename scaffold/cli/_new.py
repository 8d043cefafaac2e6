"""`scaffold new` and `scaffold inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import scaffold
from scaffold.base import layout
from scaffold.cli._display import Display
from scaffold.cli._options import HEADER, assignments, model_options, parse_headers
from scaffold.cli._show import console, file_tree, show_json, show_rows
from scaffold.errors import UnreadableAnswerError
from scaffold.errors.wording import shell_line
from scaffold.spec import SCORE_PROTOCOL

if TYPE_CHECKING:
    from scaffold.spec import ProjectSpec
    from scaffold.verbs.project import Project

MODEL = Annotated[str, typer.Argument(help="The model: a file, or a URL that fsspec or MLflow knows.")]
TARGET = Annotated[Path, typer.Argument(help="The folder to write: absent or empty.")]
INPUT = Annotated[
    Path | None,
    typer.Option(
        "--input",
        "-i",
        help="Sample input: .pkl, .json, .csv, .parquet, .npy, an image. A model of MLflow may bring one.",
    ),
]
OUTPUT = Annotated[
    Path | None, typer.Option("--output", "-o", help="Sample output; without it the model is asked.")
]
ANSWER = Annotated[
    list[str], typer.Option("--answer", help="An answer of the template: replicas=3.", metavar="NAME=VALUE")
]
ANSWERS = Annotated[
    Path | None,
    typer.Option("--answers", help="YAML or JSON with answers, as `scaffold answers` lists them."),
]
TEMPLATE = Annotated[str | None, typer.Option(help="Another service template: a folder or URL.")]
_REMARKS = {
    layout.SCHEMAS: "the request and the answer",
    layout.CONVERT: "from requests to the model, and back",
    layout.FAST_CODE: "what the model computes, compiled",
    layout.SCORE: "loads and asks the model: your own steps go here",
    layout.MAIN: "the routes",
    layout.SETTINGS: "every limit and switch",
    layout.REQUIREMENTS: "what it needs, and why",
    layout.RECORDED: "the sample that it was proven with",
}
JSON = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this family to `app`."""
    app.command()(model_options(new))
    app.command()(model_options(inspect))


def new(
    model: MODEL,
    target: TARGET,
    input: INPUT = None,
    output: OUTPUT = None,
    name: Annotated[str | None, typer.Option(help="The service's name, if not the folder's.")] = None,
    answer: ANSWER = [],  # noqa: B006 - typer copies it
    answers: ANSWERS = None,
    template: TEMPLATE = None,
    no_verify: Annotated[bool, typer.Option("--no-verify", help="Skip the proof.")] = False,
    header: HEADER = [],  # noqa: B006
    as_json: JSON = False,
    *,
    options: dict[str, Any],
) -> None:
    """Write a proven score service for a trained model."""
    with Display(quiet=as_json) as display:
        project = scaffold.new(
            model,
            input,
            output,
            target,
            name=name,
            answers=parse_answers(answer, answers),
            template=template,
            verify=not no_verify,
            headers=parse_headers(header),
            on_event=display,
            **options,
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
    input: INPUT = None,
    output: OUTPUT = None,
    as_json: JSON = False,
    *,
    options: dict[str, Any],
) -> None:
    """Show what `new` would make; write nothing.

    The schema, the requirements with their reasons, and the names in the file.
    """
    with Display(quiet=as_json) as display:
        spec = scaffold.inspect(
            model,
            input,
            output,
            on_event=display,
            **options,
        )
    if as_json:
        show_json(
            {
                "artifact": spec.artifact,
                "signature": spec.signature,
                "requirements": spec.dependencies.requirements,
                "system": spec.dependencies.system,
                "notes": (*spec.signature.notes, *spec.dependencies.notes),
            }
        )
    else:
        _show_inspection(spec)


def parse_answers(pairs: list[str], file: Path | None = None) -> dict[str, Any]:
    """`replicas=3` as {"replicas": 3}: a value is read as YAML; those of a file stand behind these.

    Raises:
        UsageError: A value is no YAML, or the file has no answers.
    """
    answers: dict[str, Any] = {}
    if file:
        from scaffold.render import read_answers_file

        answers |= read_answers_file(file)
    if not pairs:
        return answers
    import yaml

    for name, value in assignments(pairs, "answers").items():
        try:
            answers[name] = yaml.safe_load(value)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            problem = getattr(error, "problem", None) or error
            raise UnreadableAnswerError(name, value, str(problem)) from error
    return answers


def _show_project(project: Project) -> None:
    out = console()
    out.print()
    out.print(file_tree(project.root, project.files, _REMARKS))
    out.print()
    if project.verification is None:
        out.print("[bold yellow]Not proven.[/] --no-verify skipped the clean environment and the replay")
        out.print("of the sample: it is not known whether this service gives the model's answers. Prove it:")
        out.print(f"  {shell_line('scaffold', 'verify', project.root)}\n", markup=False)
    out.print("Next:")
    url = f"localhost:8000{SCORE_PROTOCOL.single.path}"
    for command in (
        shell_line("scaffold", "serve", project.root),
        f"curl -d {project.example} -H 'Content-Type: application/json' {url}",
        shell_line("scaffold", "build", project.root),
    ):
        out.print(f"  {command}", markup=False)


def _show_inspection(spec: ProjectSpec) -> None:
    from scaffold.verbs.describe import inspection

    out = console()
    for title, rows in inspection(spec).items():
        out.print()
        out.print(title, style="bold", markup=False)
        show_rows(rows)
