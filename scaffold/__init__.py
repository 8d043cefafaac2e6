"""A trained model becomes a proven score service that its owner keeps.

    import scaffold
    scaffold.new(model, X_train.head(20), model.predict(X_train.head(20)), "titanic-service")

Names are imported when they are first used, so `import scaffold` costs nothing in a training script.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = ["Project", "ScaffoldError", "__version__", "inspect", "new", "serve", "verify"]

if TYPE_CHECKING:
    from scaffold.api import Project, inspect, new, serve, verify
    from scaffold.errors import ScaffoldError


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from scaffold import api, errors

    return getattr(errors if name.endswith("Error") else api, name)
