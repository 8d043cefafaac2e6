"""Input and output in S3: moto, over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scaffold.base.uv import uv_command, uv_environment
from tests.batch._kill import kill_again_and_again
from tests.batch._models import weigh
from tests.batch._project import answers, batch, make_project, rejected
from tests.find.test_buckets import free_port, running

pytestmark = pytest.mark.slow
SAMPLE = pd.DataFrame({"number": [1, 2, 3], "name": ["a", None, "c"], "ratio": [0.5, None, 1.5]})
SERVER = "import sys; from moto.server import main; main(sys.argv[1:])"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The variables of a process that uses a server with the bucket `bucket`."""
    folder = tmp_path_factory.mktemp("s3")
    install = ["pip", "install", "-q", "--python", sys.executable, "--target", str(folder / "lib")]
    subprocess.run([uv_command(), *install, "s3fs", "moto[server]"], check=True, env=uv_environment())
    port = free_port()
    variables = {
        "PYTHONPATH": str(folder / "lib"),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "me",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    command = [sys.executable, "-c", SERVER, "-H", "127.0.0.1", "-p", str(port)]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        with running(command, port, folder / "log"):
            store("mkdir", "bucket")
            yield variables


def store(function: str, *arguments: object, **keywords: Any) -> str:
    """Call a function of the bucket's file system; return what it gives."""
    code = f"import sys, fsspec; print(fsspec.filesystem('s3').{function}(*sys.argv[1:], **{keywords!r}))"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ}).stdout


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("batch") / "rows", weigh, SAMPLE)


def test_a_run_from_bucket_to_bucket_that_is_killed_is_the_run_on_this_machine(
    root: Path, tmp_path: Path, s3: Mapping[str, str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    many = pd.DataFrame({"number": range(6_000), "name": "a", "ratio": 0.5})
    many.loc[many["number"] % 997 == 0, "ratio"] = float("inf")
    many[:3000].to_parquet(folder / "a.parquet", row_group_size=100, index=False)
    many[3000:].to_csv(folder / "b.csv", index=False)
    store("put", folder, "bucket/in", recursive=True)
    options = ["--part-rows", "100", "--workers", "2"]
    batch(root, "score", folder, tmp_path / "calm", *options, status=3)
    arguments = ["score", "s3://bucket/in", "s3://bucket/out", *options]
    server = tmp_path / "found"

    def count_done() -> int:
        listing = f"{s3['AWS_ENDPOINT_URL']}/bucket?list-type=2&prefix=out/answers/part-"
        with urllib.request.urlopen(listing) as answer:
            return int(answer.read().count(b"<Key>"))

    kills = kill_again_and_again(root, arguments, count_done, times=1)
    assert kills == 1
    batch(root, *arguments, status=3)
    store("get", "bucket/out", server, recursive=True)
    names = [[Path(row["file"]).name for row in answers(out)] for out in (server, tmp_path / "calm")]
    found = [[(row["row"], row["prediction"]) for row in answers(out)] for out in (server, tmp_path / "calm")]
    reasons = [[{**row, "file": ""} for row in rejected(out)] for out in (server, tmp_path / "calm")]
    assert (names[0], found[0], reasons[0]) == (names[1], found[1], reasons[1])
    assert len(found[0]) + len(reasons[0]) == 6_000


@pytest.mark.parametrize(
    ("source", "out", "message"),
    [
        ("s3://none/in", "s3://bucket/other", "none/in"),
        ("s3://bucket/in2/a.csv", "s3://none/out", "cannot be written"),
    ],
)
def test_a_bucket_that_is_not_there_is_one_message(
    source: str, out: str, message: str, root: Path, tmp_path: Path, s3: Mapping[str, str]
) -> None:
    SAMPLE.to_csv(tmp_path / "a.csv", index=False)
    store("put", tmp_path / "a.csv", "bucket/in2/a.csv")
    ended = batch(root, "score", source, out, "--workers", 1, status=1)
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
