"""Presentations that would hide that the columns of a frame are not those of the model."""

from __future__ import annotations

import re
from collections.abc import Iterable

from scaffold.introspect import _checks
from scaffold.introspect.call._passing import keys_of
from scaffold.introspect.hints._hints import feature_names

_NAMES_REFUSED = re.compile("feature.names", re.IGNORECASE)
"""In the messages of scikit-learn and XGBoost."""
_BY_POSITION = ("lightgbm.Booster", "lightgbm.LGBMModel")


def find_hidden_mismatch(model: object, sample: object, value: object, reasons: Iterable[str]) -> str | None:
    """Return why a presentation is not tried; `None` if it hides nothing.

    Args:
        model: The model.
        sample: The sample.
        value: The presentation of the sample.
        reasons: Why the model, or an inner model, refused earlier presentations.
    """
    names, own = keys_of(sample), feature_names(model)
    by_position = any(_checks.is_a(model, name) for name in _BY_POSITION)
    if by_position and names != own and sorted(names) == sorted(own):
        return "LightGBM takes columns by position, and their order differs"
    if _checks.is_frame(sample) and _checks.is_array(value):
        return next((reason for reason in reasons if _NAMES_REFUSED.search(reason)), None)
    return None
