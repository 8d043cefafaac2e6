"""The model files that try to do something when they are loaded: `CASES`. See `case.py`."""

from __future__ import annotations

from tests.attacks.calls import CALLS
from tests.attacks.case import Case, Place, effects
from tests.attacks.containers import CONTAINERS
from tests.attacks.instances import INSTANCES
from tests.attacks.states import PAIRS
from tests.attacks.values import VALUES

__all__ = ["CASES", "Case", "Place", "effects"]

CASES: list[Case] = [*CALLS, *VALUES, *PAIRS, *INSTANCES, *CONTAINERS]
