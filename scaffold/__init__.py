"""A trained model becomes a proven score service that its owner keeps.

    import scaffold
    scaffold.new(model, X_train.head(20), model.predict(X_train.head(20)), "titanic-service")

Names are imported when they are first used, so `import scaffold` costs nothing in a training script.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_UPDATES = ("Update", "init", "undo", "update")
__all__ = [
    "Project",
    "ScaffoldError",
    "Update",
    "__version__",
    "init",
    "inspect",
    "new",
    "serve",
    "undo",
    "update",
    "verify",
]

if TYPE_CHECKING:
    from scaffold._update import Update, init, undo, update
    from scaffold.api import Project, inspect, new, serve, verify
    from scaffold.errors import ScaffoldError


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from scaffold import _update, api, errors

    return getattr(errors if name.endswith("Error") else _update if name in _UPDATES else api, name)
