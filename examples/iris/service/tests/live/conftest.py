"""Tests of the service as it is deployed. They are skipped unless SERVICE_URL is set."""

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

URL = os.environ.get("SERVICE_URL", "").rstrip("/")
# Headers of every request, such as {"X-API-Key": "..."}.
HEADERS = json.loads(os.environ.get("SERVICE_HEADERS", "{}"))
NO_URL = "SERVICE_URL is not set; it is where the service runs, such as http://localhost:8000"
NOT_INSTALLED = "pip install -r tests/live/requirements.txt"


@pytest.fixture(scope="session")
def live() -> "Iterator[httpx.Client]":
    """A client of the service."""
    if not URL:
        pytest.skip(NO_URL)
    httpx = pytest.importorskip("httpx", reason=NOT_INSTALLED)
    with httpx.Client(base_url=URL, headers=HEADERS, timeout=60) as client:
        yield client
