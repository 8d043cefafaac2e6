"""How `tests/fast/` asks a Booster of XGBoost, which takes a DMatrix."""

from __future__ import annotations

import re
from collections.abc import Mapping

from scaffold.base.layout import FAST_CHECK
from scaffold.spec import BoosterCall, Call

_FIELDS = f"{FAST_CHECK}/fields.py"
_FUNCTION = "def load_model() -> Any:\n"
_CLASS = '''\
class Booster:
    """The Booster in its file, as a model that takes rows."""

    def __init__(self, booster: xgboost.Booster) -> None:
        self.booster = booster

    def predict(self, rows: Any) -> Any:
        """Return the predictions for a frame or an array."""
        names = None if hasattr(rows, "columns") else self.booster.feature_names
        return self.booster.predict(
            xgboost.DMatrix(rows, feature_names=names, enable_categorical=True)
        )


'''


def booster_check(files: Mapping[str, bytes], call: Call) -> dict[str, bytes]:
    """Return the files of `tests/fast/` with a model that takes rows, if the model is a Booster.

    Args:
        files: The files, by path.
        call: How the model is called.
    """
    if not isinstance(call, BoosterCall):
        return dict(files)
    before, function, after = files[_FIELDS].decode().partition(_FUNCTION)
    after, count = re.subn(r"(?m)^( +return )(.+)$", r"\1Booster(\2)", after)
    assert count == 1, after
    return {**files, _FIELDS: f"{before}{_CLASS}{function}{after}".encode()}
