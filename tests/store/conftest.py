"""Fixtures of the store's tests."""

from collections.abc import Iterator

import pytest

from tests.store._postgres import Database, started_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Database]:
    """Return a PostgreSQL with no databases of its own."""
    with started_postgres() as database:
        yield database
