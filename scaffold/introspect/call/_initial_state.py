"""A copy of a model, and the state of its code, as they were before it was first called."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

from scaffold.introspect.call._external_state import ExternalState

_MOST_BYTES = 32 * 2**20
"""A larger model is not copied, since that would double its memory."""


class InitialState:
    """The state of a model before its first call, to create copies that were never called."""

    def __init__(self, model: object) -> None:
        self._external_state = ExternalState(model)
        self._pickled = _Limited()
        self._copied: Any = None
        try:
            pickle.Pickler(self._pickled, protocol=5).dump(model)
        except _TooLargeError:
            self._pickled.close()
        except Exception:
            # A local class or a lambda: pickle cannot import it.
            self._pickled.close()
            self._copied = _deep_copy(model)

    def copy(self) -> object:
        """Return a copy of the model before its first call; `None` if it is too large or cannot be copied.

        Each call returns a new copy, because calls of a copy may change it. The state outside the model is
        restored as well.
        """
        self._external_state.restore()
        if self._pickled.closed:
            return _deep_copy(self._copied)
        try:
            return pickle.loads(self._pickled.getvalue())
        except Exception:
            return None


class _TooLargeError(Exception):
    pass


class _Limited(io.BytesIO):
    def write(self, buffer: Any) -> int:
        if self.tell() + memoryview(buffer).nbytes > _MOST_BYTES:
            raise _TooLargeError
        return super().write(buffer)


def _deep_copy(model: object) -> object:
    try:
        return copy.deepcopy(model)
    except Exception:
        return None
