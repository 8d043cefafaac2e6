"""One running service for all tests."""

from collections.abc import Iterator

import pytest

from tests.service import Service, running_service


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """Start it once."""
    with running_service() as service:
        yield service
