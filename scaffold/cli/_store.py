"""`scaffold register` and the other verbs for the store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import scaffold
from scaffold.cli._options import AS_JSON, STORE, assignments
from scaffold.cli._show import console, show_json, show_table

if TYPE_CHECKING:
    from scaffold.spec import Deployment
    from scaffold.store import Entry, Model, Run

NAME = Annotated[str, typer.Argument(help="The model's name.")]
BEST = Annotated[str | None, typer.Option(metavar="METRIC", help="Those with a metric, the best first: auc.")]
LOWER = Annotated[bool, typer.Option("--lower", help="A lower value of that metric is better.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this family to `app`."""
    app.command("register")(register_model)
    for verb in (alias, models, runs):
        app.command()(verb)


def register_model(
    model: Annotated[str, typer.Argument(help="The model: a path or a URL, as for `new`.")],
    name: Annotated[str, typer.Option(help="Its name.")],
    version: Annotated[str | None, typer.Option(help="Its version; else the next whole number.")] = None,
    input: Annotated[Path | None, typer.Option(help="A file with a sample of its input.")] = None,
    output: Annotated[Path | None, typer.Option(help="A file with what the model gives for it.")] = None,
    metrics: Annotated[
        list[str], typer.Option("--metric", metavar="NAME=NUMBER", help="What was measured: auc=0.87.")
    ] = [],  # noqa: B006 - typer copies it
    params: Annotated[
        list[str], typer.Option("--param", metavar="NAME=VALUE", help="A parameter of the training: C=1.0.")
    ] = [],  # noqa: B006
    data: Annotated[Path | None, typer.Option(help="The training data: its columns are described.")] = None,
    alias: Annotated[str | None, typer.Option(help="An alias for this version, such as staging.")] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy the file into the store's folder.")] = False,
    store: STORE = None,
    as_json: AS_JSON = False,
) -> None:
    """Record a model in the store, for `new store:NAME`, `store:NAME/VERSION` and `store:NAME@ALIAS`."""
    entry = scaffold.register(
        model,
        name,
        version=version,
        input=input,
        output=output,
        metrics=_values(assignments(metrics, "metrics")),
        params=_values(assignments(params, "params")),
        data=data,
        alias=alias,
        copy=copy,
        store=store,
    )
    if as_json:
        show_json(entry)
        return
    line = f"store:{entry.name}/{entry.version}  {entry.sha256[:12]}  {entry.location}"
    console().print(line, markup=False)


def alias(
    model: Annotated[str, typer.Argument(help="NAME/VERSION, NAME@ALIAS, or NAME for the last version.")],
    alias: Annotated[str, typer.Argument(help="The alias: staging, production, ...")],
    store: STORE = None,
) -> None:
    """Let an alias stand for a version of a model: `scaffold alias titanic@staging production`."""
    registered = scaffold.alias(model, alias, store=store)
    line = f"store:{registered.name}@{alias}  is  store:{registered.name}/{registered.version}"
    console().print(line, markup=False)


def models(
    name: Annotated[
        str | None, typer.Argument(help="The model's name; without it, the last version of each model.")
    ] = None,
    best: BEST = None,
    lower: LOWER = False,
    store: STORE = None,
    as_json: AS_JSON = False,
) -> None:
    """The registered versions of a model, the newest first; without a name the last of each model."""
    versions = scaffold.models(name, best=best, lower=lower, store=store)
    if as_json:
        show_json(versions)
        return
    rows = [(each.name, each.version, ", ".join(each.aliases), *_model_cells(each)) for each in versions]
    show_table(("name", "version", "aliases", "when", "by", "metrics", "model"), rows)
    if not rows:
        console(stderr=True).print(
            "The store has no models: scaffold register PATH --name NAME", markup=False
        )


def runs(
    name: NAME, best: BEST = None, lower: LOWER = False, store: STORE = None, as_json: AS_JSON = False
) -> None:
    """The runs of a model that were registered, the newest first."""
    model_runs = scaffold.runs(name, best=best, lower=lower, store=store)
    if as_json:
        show_json(model_runs)
        return
    rows = [(str(each.id), each.at, each.by, *_run_cells(each)) for each in model_runs]
    show_table(("run", "when", "by", "commit", "params", "metrics", "data"), rows)


def show_history(entries: Sequence[Entry], as_json: bool) -> None:
    """Print the deployments that the store has recorded."""
    if as_json:
        show_json(entries)
        return
    rows = [
        (each.deployment.name, each.deployment.target, each.action, *_deployment_cells(each.deployment))
        for each in entries
    ]
    show_table(("service", "target", "action", *_DEPLOYED), rows)


def show_deployments(deployments: Sequence[Deployment], as_json: bool) -> None:
    """Print the revisions that a cluster keeps."""
    if as_json:
        show_json(deployments)
        return
    rows = [(str(each.revision), *_deployment_cells(each)) for each in deployments]
    show_table(("revision", *_DEPLOYED), rows)


_DEPLOYED = ("when", "by", "model", "image", "live")


def _deployment_cells(one: Deployment) -> tuple[str, ...]:
    release = one.release
    return (
        one.at,
        release.by if release else "another tool",
        release.model_sha256[:12] if release else "",
        one.image.rpartition("@sha256:")[2][:12],
        one.live,
    )


def _model_cells(model: Model) -> tuple[str, ...]:
    return model.at, model.by, _facts(model.run.metrics if model.run else {}), model.sha256[:12]


def _run_cells(run: Run) -> tuple[str, ...]:
    rows = run.data.get("rows")
    data = f"{rows} rows" if rows is not None else str(run.data.get("sha256", ""))[:12]
    return run.git_revision[:12], _facts(run.params), _facts(run.metrics), data


def _facts(facts: Mapping[str, object]) -> str:
    texts = {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in facts.items()}
    return ", ".join(f"{name}={value}" for name, value in texts.items())


def _values(assigned: Mapping[str, str]) -> dict[str, Any]:
    """The values as JSON has them; a text that is no JSON is itself."""
    values: dict[str, Any] = {}
    for name, text in assigned.items():
        try:
            values[name] = json.loads(text)
        except (ValueError, RecursionError):
            values[name] = text
    return values
