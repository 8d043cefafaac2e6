"""The counters of a service in a real Prometheus, with a week of samples."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import NamedTuple

import pytest

import scaffold
from scaffold.errors import NoTrafficError, TrafficUnreadableError, UnknownTrafficError
from scaffold.spec import Baseline, CategoryBaseline, DriftReport, DriftVerdict, FieldBaseline
from scaffold.traffic import read_baseline
from scaffold.traffic._cells import FieldTally, labels_of
from scaffold.traffic._rows import by_name
from scaffold.traffic.prometheus import _bins_of
from tests.http_server import serving
from tests.traffic._passengers import DRIFTING, Week, write_project

HOUR_S = 3600
WEEK_H = 7 * 24


class Pod(NamedTuple):
    """A pod, its requests, and the file of its model."""

    namespace: str
    log: list[str]
    model: bytes = b"the model"
    is_named: bool = False
    """Whether its counters have the label `model`."""
    instance: str = ""
    hours: range = range(WEEK_H + 1)
    """When it ran."""
    restarted: int = 0
    """The hour in which its counters began anew."""
    gap: range = range(0)
    """Hours in which Prometheus did not reach it."""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.model).hexdigest()

    def values(self, count: int) -> Iterator[tuple[int, float]]:
        """The hours with a sample, and the value of a counter that ends at `count` without a restart."""
        for hour in (hour for hour in self.hours if hour not in self.gap):
            begin = max(self.hours[0], self.restarted if hour >= self.restarted else 0)
            yield hour, count * (hour - begin) / (len(self.hours) - 1)


def series_of(log: list[str], baseline: Baseline) -> Counter[tuple[str, str]]:
    """Return the counters of a service that had these requests, by name and labels."""
    total: Counter[tuple[str, str]] = Counter()
    total["drift_records", ""] = len(log)
    lines = [json.loads(line) for line in log]
    parts = (("input", baseline.fields, "input"), ("prediction", baseline.predictions, "output"))
    for part, fields, side in parts:
        for field in fields:
            tally = FieldTally(field)
            for line in lines:
                tally.add(by_name(line[side], "data")[field.name])
            assert tally.counts is not None
            cells, names = list(tally.counts.cells), names_of(field)
            labels = f'part="{part}",field="{field.name}"'
            if not isinstance(field, CategoryBaseline):
                total["drift_outside", labels] = cells[0] + cells[-1]
                below, *cells, above = cells
                cells[0] += below
                cells[-1] += above
            for name, count in zip([*names, "(missing)"], [*cells, tally.counts.missing], strict=True):
                total["drift_values", f'{labels},bin="{name}"'] = count
    return total


def names_of(field: FieldBaseline) -> list[str]:
    return [*labels_of(field)[:-1], "(other)"] if isinstance(field, CategoryBaseline) else _bins_of(field)


def samples(pods: list[Pod], baseline: Baseline, now: int) -> Iterator[str]:
    """Yield a week of samples, one an hour, in OpenMetrics: each counter grows evenly."""
    by_family: dict[str, list[str]] = {}
    begin = now - WEEK_H * HOUR_S
    info = "# TYPE model_info gauge"
    for number, pod in enumerate(pods):
        instance = pod.instance or f"10.0.0.{number}:8000"
        own = f'namespace="{pod.namespace}",job="pods",instance="{instance}"'
        for hour, _ in pod.values(0):
            info += f'\nmodel_info{{{own},sha256="{pod.sha256}"}} 1 {begin + hour * HOUR_S}'
        named = f'model="{pod.sha256[:12]}"' if pod.is_named else ""
        for (name, labels), count in series_of(pod.log, baseline).items():
            inner = ",".join(filter(None, [labels, own, named]))
            by_family.setdefault(name, []).extend(
                f"{name}_total{{{inner}}} {value:g} {begin + hour * HOUR_S}"
                for hour, value in pod.values(count)
            )
    yield info
    for name, lines in by_family.items():
        yield f"# TYPE {name} counter"
        yield from lines
    yield "# EOF"


@pytest.fixture(scope="module")
def server(titanic: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus with the services `good`, `bad` (ages in months) and `updated` (two models)."""
    programs = [shutil.which(name) for name in ("prometheus", "promtool")]
    if None in programs:
        end = pytest.fail if os.environ.get("SCAFFOLD_REQUIRE_PROMETHEUS") else pytest.skip
        end("Prometheus is not installed: tests/packages.sh prometheus")
    prometheus, promtool = map(str, programs)
    folder = tmp_path_factory.mktemp("prometheus")
    pods = [Pod("good", same()), Pod("bad", DRIFTING[2].lines(5))]
    pods += [Pod("updated", same()), Pod("updated", DRIFTING[14].lines(5), b"the former model")]
    former = DRIFTING[14].lines(5)
    pods += [
        Pod("replaced", former, b"the former model", is_named=True, instance="vm:80", hours=range(85)),
        Pod("replaced", same(), is_named=True, instance="vm:80", hours=range(84, WEEK_H + 1)),
    ]
    pods += [Pod("restarted", same()[::2], restarted=80, gap=range(30, 42)), Pod("restarted", same()[1::2])]
    now = int(time.time())
    text = "\n".join(samples(pods, read_baseline(titanic), now)) + "\n"
    (folder / "week.om").write_text(text)
    (folder / "prometheus.yml").write_text("global: {}\n")
    backfill = [promtool, "tsdb", "create-blocks-from", "openmetrics", "week.om", "data"]
    backfill.insert(3, "--max-block-duration=200h")  # one block for all
    subprocess.run(backfill, cwd=folder, check=True, capture_output=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--query.lookback-delta=2h"]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process,
    ):
        try:
            await_ready(f"http://127.0.0.1:{port}/-/ready")
            yield f"prometheus:http://127.0.0.1:{port}"
        finally:
            process.terminate()


def same() -> list[str]:
    return Week("same", frozenset(), lambda rng, of: of, 1500).lines(6)


def await_ready(url: str) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.1)
    pytest.fail(f"{url} is not ready")


def drifts(report: DriftReport) -> dict[str, float]:
    return {each.name: each.psi for each in (*report.fields, *report.predictions)}


def test_counters_give_what_the_rows_give(titanic: Path, server: str, tmp_path: Path) -> None:
    (tmp_path / "good.jsonl").write_text("\n".join(same()))
    (tmp_path / "bad.jsonl").write_text("\n".join(DRIFTING[2].lines(5)))
    for name, rows in (("good", 1500), ("bad", 600)):
        report = scaffold.drift(titanic, f"{server}?namespace={name}", since="7d")
        expected = scaffold.drift(titanic, str(tmp_path / f"{name}.jsonl"))
        assert report.rows == pytest.approx(rows, rel=0.01)
        assert report.drifted == expected.drifted
        assert drifts(report) == pytest.approx(drifts(expected), rel=0.05, abs=0.01)
    age = next(each for each in report.fields if each.name == "Age")
    assert [one.label for one in age.bins if one.outside and one.now > 0.1] == ["> 80"]


def test_a_shorter_time_has_fewer_rows(titanic: Path, server: str) -> None:
    assert scaffold.drift(titanic, f"{server}?namespace=good", since="2d").rows == pytest.approx(
        1500 * 2 / 7, rel=0.03
    )
    login = server.replace("http://", "http://ada:secret@")
    report = scaffold.drift(titanic, f"{login}?namespace=good")
    assert report.rows == pytest.approx(1500, rel=0.01)
    assert report.source == f"{server}?namespace=good"


def test_pods_of_another_model_are_left_out(titanic: Path, server: str, tmp_path: Path) -> None:
    root = write_project(tmp_path, read_baseline(titanic))
    source = f"{server}?namespace=updated"
    assert "probability" in scaffold.drift(root, source).drifted  # nobody knows the model of the project
    (root / "model/model.pkl").write_bytes(b"the model")
    report = scaffold.drift(root, source)
    assert report.drifted == ()
    assert report.rows == pytest.approx(1500, rel=0.01)
    assert re.fullmatch(r"(59\d|60\d) requests to other models left out", report.notes[0])
    (root / "model/model.pkl").write_bytes(b"a model that is not deployed yet")
    report = scaffold.drift(root, source)
    assert (report.rows, report.verdict) == (0, DriftVerdict.TOO_FEW)
    assert report.notes[1] == "the model of this project has had no request"


def test_one_address_with_two_models_has_the_counts_of_each(
    titanic: Path, server: str, tmp_path: Path
) -> None:
    root = write_project(tmp_path, read_baseline(titanic))
    (root / "model/model.pkl").write_bytes(b"the model")
    report = scaffold.drift(root, f"{server}?namespace=replaced")
    assert report.rows == pytest.approx(1500, rel=0.02)
    assert report.drifted == ()
    assert re.fullmatch(r"(59\d|60\d) requests to other models left out", report.notes[0])


def test_pods_with_a_gap_and_a_restart_are_added_up(titanic: Path, server: str, tmp_path: Path) -> None:
    root = write_project(tmp_path, read_baseline(titanic))
    (root / "model/model.pkl").write_bytes(b"the model")
    report = scaffold.drift(root, f"{server}?namespace=restarted")
    assert report.rows == pytest.approx(1500, rel=0.02)
    assert report.drifted == ()


def test_series_of_another_service_are_no_traffic(titanic: Path, server: str) -> None:
    other = f"{server}?namespace=other".replace("http://", "http://ada:secret@")
    with pytest.raises(NoTrafficError, match="namespace=other has no request of the last 7d") as caught:
        scaffold.drift(titanic, other, since="7d")
    assert "secret" not in str(caught.value)
    with pytest.raises(NoTrafficError):
        scaffold.drift(titanic, f'{server}?namespace="}} or vector(1', since="7d")


NO_URLS = [
    "",
    "host:9090",
    "ftp://host",
    "http://",
    "http://host?a",
    "http://host?a-b=1",
    "http://[",
    "http://h:x",
]


@pytest.mark.parametrize("url", NO_URLS)
def test_what_is_no_url_of_a_server_is_refused(titanic: Path, url: str) -> None:
    with pytest.raises((UnknownTrafficError, TrafficUnreadableError)):
        scaffold.drift(titanic, f"prometheus:{url}", since="7d")


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (400, '{"status": "error", "message": "m"}', "it answers with 400, m"),
        (200, "<html>", "something else than JSON"),
        (200, '{"data": {"result": [{"metric": {}}]}}', "does not answer as Prometheus does"),
        (
            200,
            '{"data": {"result": [{"metric": {}, "value": [1, "many"]}]}}',
            "does not answer as Prometheus",
        ),
    ],
)
def test_another_server_is_a_clear_error(titanic: Path, status: int, body: str, message: str) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: object) -> None:
            pass

    with serving(Handler) as port, pytest.raises(TrafficUnreadableError, match=message) as caught:
        scaffold.drift(titanic, f"prometheus:http://ada:secret@127.0.0.1:{port}", since="7d")
    assert "secret" not in str(caught.value)
    with pytest.raises(TrafficUnreadableError, match="cannot be reached"):
        scaffold.drift(titanic, f"prometheus:http://127.0.0.1:{port}", since="7d")
