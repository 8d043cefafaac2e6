"""The README's quick start, run word for word in a copy of the checked-in files."""

import re
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```\n(.*?)^```", re.MULTILINE | re.DOTALL)


def quick_start() -> list[str]:
    """Return the blocks of commands and of output in the quick start."""
    section = (ROOT / "README.md").read_text().partition("## Quick start")[2].partition("\n## ")[0]
    return BLOCK.findall(section)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of the files in git."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    return tmp_path


@pytest.mark.slow
def test_the_quick_start_works_as_it_is_written(clone: Path) -> None:
    _, by_hand, ask, answer = quick_start()
    server = subprocess.Popen(["bash", "-e", "-c", by_hand], cwd=clone, start_new_session=True)
    try:
        deadline = time.monotonic() + 600
        while True:
            assert server.poll() is None, "a command of the quick start failed"
            assert time.monotonic() < deadline
            try:
                urllib.request.urlopen("http://127.0.0.1:8000/readyz", timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
    finally:
        server.send_signal(signal.SIGINT)
        subprocess.run(["pkill", "-INT", "-s", str(server.pid)], check=False)
        server.wait(60)
    assert done.stdout == answer.strip()
