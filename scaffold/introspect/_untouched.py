"""A copy of a model, and the state of its code, as they were before it was first called."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

from scaffold.introspect._outside import OutsideState

_MOST_BYTES = 32 * 2**20
"""A larger model is not copied, since that would double its memory."""


class Untouched:
    """Keeps a model's state from before the first call, so that a copy with no history can be asked."""

    def __init__(self, model: object) -> None:
        self._outside = OutsideState(model)
        self._pickled = _Limited()
        self._copied: Any = None
        try:
            pickle.Pickler(self._pickled, protocol=5).dump(model)
        except _TooLargeError:
            self._pickled.close()
        except Exception:
            # A class of a function, a lambda: pickle cannot name them, and they are small.
            self._pickled.close()
            self._copied = _deep_copy(model)

    def copy(self) -> object:
        """Return a model that was not called yet; `None` where the model is too large or cannot be copied.

        Calls of that copy may change it: a second copy is made of what was kept. What the model's code keeps
        outside the model is set back too.
        """
        self._outside.set_back()
        if self._pickled.closed:
            return _deep_copy(self._copied)
        try:
            return pickle.loads(self._pickled.getvalue())
        except Exception:
            return None


class _TooLargeError(Exception):
    pass


class _Limited(io.BytesIO):
    def write(self, data: Any) -> int:
        if self.tell() + memoryview(data).nbytes > _MOST_BYTES:
            raise _TooLargeError
        return super().write(data)


def _deep_copy(model: object) -> object:
    try:
        return copy.deepcopy(model)
    except Exception:
        return None
