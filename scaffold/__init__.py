"""A trained model becomes a proven score service that its owner keeps.

    import scaffold
    scaffold.new(model, X_train.head(20), model.predict(X_train.head(20)), "titanic-service")

Names are imported when they are first used, so `import scaffold` costs nothing in a training script.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "_project": ("Project",),
    "api": ("audit", "inspect", "new", "serve", "verify"),
    "_update": ("Update", "init", "undo", "update"),
    "_building": ("build",),
    "_deploying": ("deploy", "deployments", "logs", "plan", "promote", "rollback", "status", "undeploy"),
    "_registered": ("register",),
    "deploy": ("ClusterAccess",),
    "errors": ("ScaffoldError",),
}
__all__ = [
    "ClusterAccess",
    "Project",
    "ScaffoldError",
    "Update",
    "__version__",
    "audit",
    "build",
    "deploy",
    "deployments",
    "init",
    "inspect",
    "logs",
    "new",
    "plan",
    "promote",
    "register",
    "rollback",
    "serve",
    "status",
    "undeploy",
    "undo",
    "update",
    "verify",
]

if TYPE_CHECKING:
    from scaffold._building import build
    from scaffold._deploying import deploy, deployments, logs, plan, promote, rollback, status, undeploy
    from scaffold._project import Project
    from scaffold._registered import register
    from scaffold._update import Update, init, undo, update
    from scaffold.api import audit, inspect, new, serve, verify
    from scaffold.deploy import ClusterAccess
    from scaffold.errors import ScaffoldError


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"scaffold.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Room(ModuleType):
    """A room that has a verb's name: called, it is the verb, so that `scaffold.verify(...)` stays one."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return __getattr__(self.__name__.rpartition(".")[2])(*arguments, **options)


class _Package(ModuleType):
    """This package: Python sets each room on it when the room is first imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in __all__ and isinstance(value, ModuleType):
            value.__class__ = _Room
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
