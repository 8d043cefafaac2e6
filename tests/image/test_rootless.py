"""User ids fit the range of a rootless engine, and a file beyond it is reported."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import DockerException

from scaffold.errors import EngineIdsError, ImageCheckError
from scaffold.image._engine import follow_build
from scaffold.image._running import ServiceAccess, run_container


def test_the_user_of_a_check_fits_the_range_of_a_rootless_engine(tmp_path: Path) -> None:
    users: list[str] = []

    def run(_: str, *, user: str, **__: Any) -> None:
        users.append(user)
        raise DockerException("enough")

    client = SimpleNamespace(containers=SimpleNamespace(run=run))
    for _ in range(100):
        with (
            pytest.raises(ImageCheckError),
            run_container(client, "sha256:0", "churn:1", ServiceAccess(root=tmp_path), host_network=False),
        ):
            pass
    assert all(user.endswith(":0") and 10_000 <= int(user[:-2]) < 60_000 for user in users)
    assert len(set(users)) > 1


@pytest.mark.parametrize(
    "said",
    [
        "failed to register layer: ApplyLayer exit status 1 stdout:  stderr: lchown /opt/x: invalid argument",
        "potentially insufficient UIDs or GIDs available in user namespace (requested 99999:0 for /opt/x)",
    ],
)
def test_an_owner_beyond_the_range_is_reported(said: str) -> None:
    with pytest.raises(EngineIdsError, match="--add-subuids"):
        follow_build([{"stream": "Step 1/2 : FROM base"}, {"error": said}], lambda _: None)
