"""`typing.assert_never`, which Python 3.10 does not have."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 11):
    from typing import assert_never as assert_never
else:
    from typing import NoReturn

    def assert_never(value: NoReturn, /) -> NoReturn:
        """Raise: no value gets here."""
        raise AssertionError(f"no case for {value!r}")
