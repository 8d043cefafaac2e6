"""Each part of `app/serving` can be switched off as its README says, and the service still answers."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.serving._toy import TEMPLATE, Service, free_port, start, write_project

README = (TEMPLATE / "app" / "serving" / "README.md").read_text()
SWITCHES = {
    "app.add_middleware(RequestMiddleware, ...)": [("startup.py", "app.add_middleware(RequestMiddleware")],
    "app.add_middleware(BodyMiddleware, ...)": [("startup.py", "app.add_middleware(BodyMiddleware")],
    "add_handlers": [("startup.py", "add_handlers")],
    "logs.set_up": [("startup.py", "logs.set_up("), ("runner.py", "logs.set_up(")],
}


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_part_is_switched_off_by_deleting_its_lines(switch: str, tmp_path: Path) -> None:
    assert f"`{switch}`" in README
    root = tmp_path / "project"
    write_project(root)
    for name, part in SWITCHES[switch]:
        path = root / "app" / "serving" / name
        lines = path.read_text().splitlines(keepends=True)
        kept = [line for line in lines if part not in line]
        assert len(kept) < len(lines)
        path.write_text("".join(kept))
    port, log = free_port(), tmp_path / "service.log"
    service = Service(start(root, log, {"PORT": str(port)}), port, log)
    try:
        assert service.wait_until_ready(), log.read_text()
        assert service.post("/score", {"value": 2.5}).json["prediction"] == 2.5
        # Only the strict parser refuses a key that is given twice.
        twice = service.post("/score", b'{"value": 1.5, "value": 2.5}').status
        assert twice == (200 if "BodyMiddleware" in switch else 422)
    finally:
        service.stop()


def test_a_part_is_switched_off_by_its_setting(serve: Callable[..., Service]) -> None:
    settings = {"METRICS": "false", "DOCS": "false", "MAX_BATCH": "1", "FAST_ROUTES": "false"}
    assert all(f"`{name}={value}`" in README for name, value in settings.items())
    service = serve(**settings)
    assert {service.get(path).status for path in ("/metrics", "/docs", "/openapi.json")} == {404}
    assert service.post("/score", {"value": 2.5}).json == {"prediction": 2.5, "together": 1}


def test_the_readme_has_a_row_for_each_file() -> None:
    files = {path.name for path in (TEMPLATE / "app" / "serving").glob("*.py")} - {"__init__.py"}
    assert all(f"| `{name}` |" in README for name in files | {"fast_column_transformer.py"})


def test_the_service_runs_under_plain_uvicorn(project: Path, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "service.log"
    command = [sys.executable, "-m", "uvicorn", "app.main:app", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=project, stdout=output, stderr=subprocess.STDOUT)
    service = Service(process, port, log)
    try:
        assert service.wait_until_ready(), log.read_text()
        assert service.post("/score", {"value": 2.5}).status == 200
        assert service.post("/score", b" " * (1 << 21)).status == 413
    finally:
        service.stop()
