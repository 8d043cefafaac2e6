"""A trained model becomes a proven score service that its owner keeps.

    import scaffold
    scaffold.new(model, X_train.head(20), model.predict(X_train.head(20)), "titanic-service")

Names are imported when they are first used, so `import scaffold` costs nothing in a training script.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "cluster": ("ClusterAccess",),
    "errors": ("ScaffoldError",),
    "verbs.alias": ("alias",),
    "verbs.answers": ("answers",),
    "verbs.audit": ("audit",),
    "verbs.build": ("build",),
    "verbs.deploy": ("deploy",),
    "verbs.deployment_history": ("deployment_history",),
    "verbs.deployments": ("deployments",),
    "verbs.diff": ("diff",),
    "verbs.doctor": ("doctor",),
    "verbs.drift": ("drift",),
    "verbs.init": ("init",),
    "verbs.inspect": ("inspect",),
    "verbs.logs": ("logs",),
    "verbs.models": ("models",),
    "verbs.new": ("new",),
    "verbs.plan": ("plan",),
    "verbs.project": ("Project",),
    "verbs.promote": ("promote",),
    "verbs.register": ("register",),
    "verbs.rollback": ("rollback",),
    "verbs.runs": ("runs",),
    "verbs.score": ("score",),
    "verbs.serve": ("serve",),
    "verbs.status": ("status",),
    "verbs.test": ("test",),
    "verbs.undeploy": ("undeploy",),
    "verbs.undo": ("undo",),
    "verbs.update": ("update",),
    "verbs.update_result": ("Update",),
    "verbs.verify": ("verify",),
}
__all__ = [
    "ClusterAccess",
    "Project",
    "ScaffoldError",
    "Update",
    "__version__",
    "alias",
    "answers",
    "audit",
    "build",
    "deploy",
    "deployment_history",
    "deployments",
    "diff",
    "doctor",
    "drift",
    "init",
    "inspect",
    "logs",
    "models",
    "new",
    "plan",
    "promote",
    "register",
    "rollback",
    "runs",
    "score",
    "serve",
    "status",
    "test",
    "undeploy",
    "undo",
    "update",
    "verify",
]

if TYPE_CHECKING:
    from scaffold.cluster import ClusterAccess
    from scaffold.errors import ScaffoldError
    from scaffold.verbs.alias import alias
    from scaffold.verbs.answers import answers
    from scaffold.verbs.audit import audit
    from scaffold.verbs.build import build
    from scaffold.verbs.deploy import deploy
    from scaffold.verbs.deployment_history import deployment_history
    from scaffold.verbs.deployments import deployments
    from scaffold.verbs.diff import diff
    from scaffold.verbs.doctor import doctor
    from scaffold.verbs.drift import drift
    from scaffold.verbs.init import init
    from scaffold.verbs.inspect import inspect
    from scaffold.verbs.logs import logs
    from scaffold.verbs.models import models
    from scaffold.verbs.new import new
    from scaffold.verbs.plan import plan
    from scaffold.verbs.project import Project
    from scaffold.verbs.promote import promote
    from scaffold.verbs.register import register
    from scaffold.verbs.rollback import rollback
    from scaffold.verbs.runs import runs
    from scaffold.verbs.score import score
    from scaffold.verbs.serve import serve
    from scaffold.verbs.status import status
    from scaffold.verbs.test import test
    from scaffold.verbs.undeploy import undeploy
    from scaffold.verbs.undo import undo
    from scaffold.verbs.update import update
    from scaffold.verbs.update_result import Update
    from scaffold.verbs.verify import verify


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"scaffold.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
