"""The image of batch jobs, built by a real Docker Engine, scores a share: `tests/image/engine.sh`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

import scaffold
from tests.batch._models import weigh
from tests.batch._project import answers, make_project

SAMPLE = pd.DataFrame({"number": [1, 2, 3], "name": ["a", None, "c"], "ratio": [0.5, None, 1.5]})
READ_ONLY = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--user", "12345:12345"]


def docker(*words: object) -> str:
    ended = subprocess.run(["docker", *map(str, words)], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.mark.docker
def test_the_image_of_a_job_scores_a_share(tmp_path: Path) -> None:
    if not os.environ.get("SCAFFOLD_TEST_BASE"):
        end = pytest.fail if os.environ.get("SCAFFOLD_REQUIRE_DOCKER") == "1" else pytest.skip
        end("no Docker Engine: . DIR/env after tests/image/engine.sh start DIR")
    answers_ = {"batch_manifests": "job"}
    root = make_project(tmp_path / "rows", weigh, SAMPLE, answers=answers_, name="rows")
    bundle = os.environ.get("SSL_CERT_FILE")
    if bundle:
        shutil.copy(bundle, root / "ca-bundle.crt")
    service = scaffold.build(root, network="host", ca_bundle=Path(bundle) if bundle else None)
    arguments = ["--build-arg", f"SERVICE={service.reference}", "--network", "host"]
    arguments += ["--build-arg", "PIP_CERT=/build/ca-bundle.crt"] if bundle else []
    docker("build", "--tag", "rows-batch", *arguments, "--file", root / "batch/deploy/Dockerfile", root)
    data = tmp_path / "data"
    data.mkdir(mode=0o777)
    data.chmod(0o777)
    pd.concat([SAMPLE] * 4).to_parquet(data / "rows.parquet", row_group_size=3, index=False)
    job = (root / "batch/deploy/job.yaml").read_text()
    words = re.findall(r"^ +- (score|s3://\S+|--\S+)$", job, re.MULTILINE)
    paths = {"s3://bucket/in": "/data/rows.parquet", "s3://bucket/out": "/data/out"}
    command = [paths.get(word, word).replace("$(JOB_COMPLETION_INDEX)", "1") for word in words]
    mounted = ["--rm", "--network", "host", *READ_ONLY, "--volume", f"{data}:/data"]
    assert "3 rows scored, 0 rejected" in docker("run", *mounted, "rows-batch", *command, "--part-rows", 3)
    frame = SAMPLE
    assert [row["prediction"] for row in answers(data / "out")] == pytest.approx([*weigh(frame)])
    assert [row["row"] for row in answers(data / "out")] == [3, 4, 5]
