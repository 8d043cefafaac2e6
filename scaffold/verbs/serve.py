"""`serve`: run a project's service on this machine."""

from __future__ import annotations

from pathlib import Path

from scaffold.base.checked import path_below
from scaffold.base.layout import ENVIRONMENT
from scaffold.base.variables import READ_AT_START
from scaffold.events import Finished, OnEvent, Started, ignore
from scaffold.verbs.project import Project


def serve(
    project: str | Path, *, host: str = "127.0.0.1", port: int = 8000, on_event: OnEvent = ignore
) -> int:
    """Run a project's service until it is interrupted; return its exit status.

    Its environment is made from the lock in the project's `.venv`, anew when the lock has changed. It runs in
    UTC and in the language of the image, or in those that the model was given.

    Args:
        project: The project's folder.
        host: The address to listen at; `0.0.0.0` for all of this machine.
        port: The port to listen at.
        on_event: Called with each event.
    """
    from scaffold.proof import make_environment, serve_project

    opened_project = Project.open_service(project)
    root = opened_project.root
    on_event(Started("environment"))
    python = make_environment(root, path_below(root, ENVIRONMENT), python=opened_project.python)
    on_event(Finished("environment", f"{root / ENVIRONMENT} holds what the lock says"))
    on_event(Finished("serve", f"http://{host}:{port}/docs is its API page; Ctrl-C stops it"))
    settings = {v.name: v.value for v in opened_project.variables if v.name in READ_AT_START and not v.secret}
    return serve_project(root, python, host=host, port=port, settings=settings)
