"""The files, modules and names that moved between the old layout of a project and the present one.

In the old layout the serving code lay beside the owner's code in `app/`, and the model below it. The files of
the last state and of the owner are taken under their new names before the merge.
"""

from __future__ import annotations

from collections.abc import Mapping

from scaffold.base.layout import APP, MAIN, MODEL_FOLDER, SERVING
from scaffold.upgrade._content import Content

MODULES: Mapping[str, str] = {
    "app.batching": "app.serving.batching",
    "app.columns": "app.serving.fast_column_transformer",
    "app.docs": "app.serving.docs",
    "app.errors": "app.serving.errors",
    "app.gate": "app.serving.middleware",
    "app.json_route": "app.serving.strict_json",
    "app.logs": "app.serving.logs",
    "app.metrics": "app.serving.metrics",
    "app.protocol": "app.serving.connections",
    "app.server": "app.serving.runner",
    "app.threads": "app.serving.cpu",
}
"""The modules that moved, by their dotted name in the old layout."""

NAMES: Mapping[str, Mapping[str, str]] = {
    "app.columns": {"shorten": "speed_up"},
    "app.errors": {"RESPONSES": "ERROR_RESPONSES"},
    "app.gate": {"Gate": "RequestMiddleware", "_harmless": "_valid_id"},
    "app.logs": {"JSONFormatter": "ServiceFormatter"},
    "app.metrics": {"_model": "info"},
    "app.protocol": {"Protocol": "Connection"},
    "app.score": {"init": "load"},
}
"""The names that changed, by the module that had them in the old layout."""

OTHER_PLACES: Mapping[str, tuple[str, str]] = {
    "app.gate.PROBES": ("app.serving.auth", "PROBES"),
    "app.json_route.JSONRoute": ("fastapi.routing", "APIRoute"),  # every route is strict
    "app.main.keep_what_is_here": ("app.serving.startup", "freeze_objects"),
}
"""The names that moved to another module than the other names of their old module."""

_OLD_MODEL = f"{APP}/model/"


def moved_path(path: str) -> str:
    """Return the present path of a file of the old layout."""
    if path.startswith(_OLD_MODEL):
        return f"{MODEL_FOLDER}/{path.removeprefix(_OLD_MODEL)}"
    module = MODULES.get(path.removesuffix(".py").replace("/", ".")) if path.endswith(".py") else None
    return f"{module.replace('.', '/')}.py" if module else path


def is_old(ancestor: Mapping[str, Content], theirs: Mapping[str, Content]) -> bool:
    """Whether the last state had the old layout, and the new state has the present one."""
    serving = f"{SERVING}/"
    had = any(path.startswith(serving) for path in ancestor)
    return MAIN in ancestor and not had and any(path.startswith(serving) for path in theirs)


def with_new_paths(tree: Mapping[str, Content], moves: Mapping[str, str]) -> dict[str, Content]:
    """The tree with its files under their new names."""
    return {moves.get(path, path): content for path, content in tree.items()}


def moves_of(ancestor: Mapping[str, Content]) -> dict[str, str]:
    """The pristine files that moved: the new path by the old one."""
    return {path: new for path in ancestor if (new := moved_path(path)) != path}
