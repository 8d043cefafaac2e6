"""`scaffold deploy` and the other verbs for a target."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import scaffold
from scaffold.base.layout import DEPLOY
from scaffold.cli._display import Display
from scaffold.cli._options import AS_JSON, STORE, TIMEOUT, choices, cluster_options, pace_of, targets
from scaffold.cli._show import console, show_diff, show_json
from scaffold.cli._store import show_deployments, show_history
from scaffold.errors.wording import counted, shell_line

if TYPE_CHECKING:
    from scaffold.cluster import ClusterAccess
    from scaffold.image import BuilderChoices
    from scaffold.spec import Deployment

PROJECT = Annotated[Path, typer.Argument(help="The project's folder.")]
TARGET = Annotated[str, typer.Option(help="A folder under the project's deploy/.", autocompletion=targets)]
IMAGE = Annotated[
    str | None, typer.Option(help="An image that is pushed already, by digest; built otherwise.")
]
REGISTRY = Annotated[
    str | None, typer.Option(help="Where the image is pushed, if not to that of kustomization.yaml.")
]
BUILDER = Annotated[
    str | None,
    typer.Option(
        help="docker or layers; docker by default if an engine runs.",
        autocompletion=choices("docker", "layers"),
    ),
]
CANDIDATE = Annotated[
    bool, typer.Option("--candidate/--no-candidate", help="Replay new pods before callers reach them.")
]
CHECK = Annotated[
    bool | None,
    typer.Option("--check/--no-check", help="Replay the image before its push, if it can run here."),
]
PIN = Annotated[bool, typer.Option("--pin", help="Build anew, and write the digest into kustomization.yaml.")]
HERE = Path()


def register(app: typer.Typer) -> None:
    """Add the verbs of this family to `app`."""
    for verb in (deploy, status, rollback, promote, deployments, undeploy, logs):
        app.command()(cluster_options(verb))


def deploy(
    project: PROJECT = HERE,
    target: TARGET = "staging",
    dry_run: Annotated[bool, typer.Option(help="Show what would change, and stop.")] = False,
    image: IMAGE = None,
    registry: REGISTRY = None,
    builder: BUILDER = None,
    insecure: Annotated[bool, typer.Option(help="Speak plain HTTP to the registry.")] = False,
    force_conflicts: Annotated[bool, typer.Option(help="Take over fields that others have set.")] = False,
    roll_back: Annotated[
        bool, typer.Option("--rollback/--no-rollback", help="Take a deploy that fails back.")
    ] = True,
    remove_failed: Annotated[bool, typer.Option(help="Remove a first deploy that fails.")] = False,
    candidate: CANDIDATE = True,
    check: CHECK = None,
    pin: PIN = False,
    timeout: TIMEOUT = None,
    store: STORE = None,
    as_json: AS_JSON = False,
    *,
    access: ClusterAccess,
) -> None:
    """Build, push, deploy, wait, replay the sample against the live URL, record it, and print the URL."""
    if dry_run:
        planned = scaffold.plan(project, target=target, image=image or "", access=access)
        _show_plan(planned)
        return
    choices: BuilderChoices = {"insecure": insecure, "headers": access.headers}
    if builder:
        choices["builder"] = builder
    with Display(quiet=as_json) as display:
        deployed = scaffold.deploy(
            project,
            target=target,
            access=access,
            image=image,
            registry=registry,
            store=store,
            force_conflicts=force_conflicts,
            roll_back=roll_back,
            remove_failed=remove_failed,
            candidate=candidate,
            check=check,
            pin=pin,
            pace=pace_of(timeout),
            on_event=display,
            **choices,
        )
    _show_live(deployed, as_json)


def status(
    project: PROJECT = HERE,
    target: TARGET = "staging",
    as_json: AS_JSON = False,
    *,
    access: ClusterAccess,
) -> None:
    """What runs at a target: pods, image, model, URL, since when, by whom."""
    deployment = scaffold.status(project, target=target, access=access)
    if as_json:
        show_json(dataclasses.asdict(deployment))
        return
    release = deployment.release
    rows = [
        ("target", f"{deployment.target} (namespace {deployment.namespace})"),
        ("url", deployment.url or "not recorded"),
        ("revision", str(deployment.revision)),
        ("pods ready", _readiness(deployment)),
        *_callers(deployment),
        ("image", deployment.image),
        ("live replay", deployment.live or "not done"),
        ("since", deployment.at or "not recorded"),
    ]
    if release is not None:
        rows += [("model", release.model_sha256), ("proof", release.proof), ("by", release.by)]
        rows += [("commit", release.git_revision)] if release.git_revision else []
        rows += [("approved", f"{release.approved_by}: {release.reason}")] if release.approved_by else []
    out = console()
    for name, value in rows:
        out.print(f"{name:<12} {value}", markup=False)


def _callers(deployment: Deployment) -> list[tuple[str, str]]:
    """The shares of the callers, where several revisions may get some: `90 % to revision 1, ...`."""
    shares = [f"{each.percent} % to revision {each.revision}" for each in deployment.traffic]
    return [("callers", ", ".join(shares))] if shares else []


def _readiness(deployment: Deployment) -> str:
    """`2 of 2, 1 not ready: titanic-5d9f-x2x: ErrImagePull`, or `none: scaled to zero`."""
    if not deployment.wanted and not deployment.unready:
        return "none: scaled to zero"
    states = [f"{pod.name}: {pod.state}" for pod in deployment.unready]
    unready = f", {len(states)} not ready: {', '.join(states)}" if states else ""
    return f"{deployment.replicas} of {deployment.wanted}{unready}"


def rollback(
    project: PROJECT = HERE,
    target: TARGET = "staging",
    to: Annotated[int | None, typer.Option(help="The revision; the previous one by default.")] = None,
    pin: Annotated[bool, typer.Option("--pin", help="Write the digest into kustomization.yaml.")] = False,
    timeout: TIMEOUT = None,
    store: STORE = None,
    as_json: AS_JSON = False,
    *,
    access: ClusterAccess,
) -> None:
    """Bring a target back to an earlier revision."""
    with Display(quiet=as_json) as display:
        deployed = scaffold.rollback(
            project,
            target=target,
            to=to,
            pin=pin,
            access=access,
            store=store,
            pace=pace_of(timeout),
            on_event=display,
        )
    _show_live(deployed, as_json)


def promote(
    project: PROJECT = HERE,
    source: Annotated[str, typer.Option("--from", help="The target that is proven.")] = "staging",
    target: Annotated[
        str, typer.Option("--to", help="The target that gets the same image.", autocompletion=targets)
    ] = "production",
    reason: Annotated[str, typer.Option(help="Why it may go there; recorded.")] = "",
    approved_by: Annotated[str, typer.Option(help="Who approves it; you by default.")] = "",
    force: Annotated[bool, typer.Option(help="Promote what is not proven.")] = False,
    candidate: CANDIDATE = True,
    pin: Annotated[bool, typer.Option("--pin", help="Write the digest into kustomization.yaml.")] = False,
    timeout: TIMEOUT = None,
    store: STORE = None,
    as_json: AS_JSON = False,
    *,
    access: ClusterAccess,
) -> None:
    """Deploy the very image that runs at one target to another; it is never built anew."""
    with Display(quiet=as_json) as display:
        deployed = scaffold.promote(
            project,
            source=source,
            target=target,
            reason=reason,
            approved_by=approved_by,
            force=force,
            candidate=candidate,
            pin=pin,
            access=access,
            store=store,
            pace=pace_of(timeout),
            on_event=display,
        )
    _show_live(deployed, as_json)


def deployments(
    project: Annotated[Path, typer.Argument(help="A project's folder, or the name of a service.")] = HERE,
    target: Annotated[str | None, typer.Option(help="A folder under the project's deploy/.")] = None,
    store: STORE = None,
    as_json: AS_JSON = False,
    *,
    access: ClusterAccess,
) -> None:
    """The history of a target of a project, as the cluster keeps it; of a service, as the store does.

    In a folder that is no project, what the store has of all services.
    """
    if project.is_dir() and (project != HERE or (project / DEPLOY).is_dir()):
        revisions = scaffold.deployments(project, target=target or "staging", access=access)
        show_deployments(revisions, as_json)
        return
    name = None if project == HERE else str(project)
    show_history(scaffold.deployment_history(name, target=target, store=store), as_json)


def undeploy(
    project: PROJECT = HERE,
    target: TARGET = "staging",
    store: STORE = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    *,
    access: ClusterAccess,
) -> None:
    """Delete what deploys created at a target, and nothing else."""
    if not yes:
        typer.confirm(f"Take '{target}' of {project.resolve().name} down?", abort=True)
    with Display(quiet=True) as display:
        removal = scaffold.undeploy(project, target=target, access=access, store=store, on_event=display)
    out = console()
    for name in removal.removed:
        out.print(f"removed  {name}", markup=False)
    for name in removal.left:
        out.print(f"left     {name}", markup=False)
    if not removal.removed:
        out.print(f"'{target}' ran nothing of ours.", markup=False)


def logs(
    project: PROJECT = HERE,
    target: TARGET = "staging",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines are written.")] = False,
    tail: Annotated[int, typer.Option(help="Lines of each pod.")] = 100,
    *,
    access: ClusterAccess,
) -> None:
    """The last lines of the logs of a target's pods."""
    for line in scaffold.logs(project, target=target, follow=follow, tail=tail, access=access):
        typer.echo(line)


def _show_plan(planned: Any) -> None:
    show_diff(planned.diff or "Nothing would change.")
    if planned.unchecked:
        note = "The namespace does not exist yet: the server cannot check the objects in it."
        console(stderr=True).print(note, markup=False)


def _show_live(deployed: Deployment, as_json: bool) -> None:
    if as_json:
        show_json(dataclasses.asdict(deployed))
        return
    out = console()
    ready = f"{counted(deployed.replicas, 'pod')} ready"
    replay = ", answers equal to the model's" if deployed.live == "passed" else ""
    out.print(f"{deployed.url}   (revision {deployed.revision}, {ready}{replay})", markup=False)
    if deployed.url.endswith(".svc"):
        service = f"service/{deployed.name}"
        hint = shell_line("kubectl", "-n", deployed.namespace, "port-forward", service, "8000:80")
        console(stderr=True).print(f"It answers inside the cluster; from here: {hint}", markup=False)
