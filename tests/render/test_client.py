"""The typed client without a service: the types of every kind of sample, and what it sends."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scaffold.errors import InvalidAnswerError
from scaffold.introspect import infer_signature
from scaffold.render import read_answers
from scaffold.render._client import client_files, client_values
from scaffold.render._source import render_wire_schemas
from scaffold.render._values import project_values
from tests.deploy._specs import project_spec
from tests.introspect.conftest import Service, difference
from tests.introspect.test_kinds import ARRAYS, ARROW, LISTS, ONE, PANDAS, POLARS, Batch, Single, named
from tests.serving._rows import score_rows

ROOT = Path(__file__).parents[2]
BATCHES = {**PANDAS, **ARRAYS, **POLARS, **ARROW, **LISTS}
ECHOED = (
    "a dict of everything plain",
    "a dict with names of all sorts",
    "moments in zones",
    "items that differ in their fields",
    "numbers as keys",
    "a large integer",
    "a nan",
    "an image in a dict",
)
NOT_OF_THE_WIRE = {"an image in a dict", "frames in a dict", "a structured array in a dict"}
"""Dicts of objects that have more than one form in JSON: callers write that form."""


SAMPLE = pd.DataFrame({"number": [1, 2, 3], "name": ["a", None, "c"], "ratio": [0.5, None, 1.5]})
GOOD_CALLER = """\
import asyncio
from typing import Any

from toy_client import AsyncClient, Client, InvalidRecordError, ModelInput, ModelOutput


class Table:
    columns: Any
    index: Any


def call(url: str, frame: Table) -> list[str | None]:
    record: ModelInput = {"number": 3, "name": None, "ratio": 0.5}
    with Client(url, api_key="k", deadline_s=5) as client:
        one: ModelOutput = client.score(record)
        try:
            many = client.score_batch([record, ModelInput(number=3, name="x", ratio=None)])
        except InvalidRecordError as error:
            print([(fault.index, fault.field) for fault in error.faults])
            raise
        table: Table = client.score_frame(frame)
        print(table, one)
    return [each["name"] for each in many]


async def call_async(url: str) -> int | float | None:
    async with AsyncClient(url, concurrency=2) as client:
        return (await client.score({"number": 3, "name": None, "ratio": 0.5}))["number"]


asyncio.run(call_async("http://localhost"))
"""
BAD_CALLER = """\
from toy_client import Client

with Client("http://localhost") as client:
    client.score({"number": "3", "name": None, "ratio": 0.5})
    client.score({"number": 3, "name": None})
    client.score({"number": 3, "name": None, "ratio": 0.5, "other": 1})
    client.score({"number": 3, "name": None, "ratio": 0.5})["other"]
    client.score_frame([1, 2])
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the folder of a client, which can be imported as `toy_client`."""
    signature = infer_signature(score_rows, SAMPLE, None).signature
    spec = dataclasses.replace(project_spec(), name="toy", answers={"client": True}, signature=signature)
    root = tmp_path_factory.mktemp("client")
    for path, content in client_files(spec, project_values(spec)).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    (root / "pyproject.toml").write_bytes((ROOT / "templates/service/project/pyproject.toml").read_bytes())
    sys.path.insert(0, str(root / "client/src"))
    yield root
    sys.path.remove(str(root / "client/src"))
    for name in [each for each in sys.modules if each.startswith("toy_client")]:
        del sys.modules[name]


@pytest.fixture
def records() -> Iterator[types.ModuleType]:
    """Return the user's own module."""
    folder = str(ROOT / "tests/introspect")
    sys.path.insert(0, folder)
    yield importlib.import_module("records")
    sys.path.remove(folder)
    sys.modules.pop("records", None)


def test_mypy_takes_the_types_of_every_kind_of_sample_and_refuses_wrong_ones(
    package: Path, records: types.ModuleType
) -> None:
    folder = package / "client/src/kinds"
    folder.mkdir()
    order = records.Order(id=1, lines=[records.Line(sku="x", count=2)])
    mixed = {"at": records.Point(1, "a"), "line": [records.Line(sku="y", count=1)]}
    of_users = {"order": order, "hue": records.Colour.RED, "mixed": mixed}
    clashing = {"date": dt.date(2020, 1, 1), "float": 1.5, "Sequence": [1.5], "a b": {"str": ["x"]}, "__x": 1}
    echoed = {name: ONE[name] for name in ECHOED} | of_users | {"clashing": clashing}
    models: list[Any] = [(Batch(), BATCHES), (Single(), ONE), (lambda record: record, echoed)]
    for number, (model, samples) in enumerate(models):
        for place, sample in enumerate(samples.values()):
            found = infer_signature(model, sample, None)
            text = render_wire_schemas(found.signature.input, found.signature.output)
            (folder / f"kind_{number}_{place}.py").write_text(text)
    for tool in (["ruff", "check"], ["ruff", "format", "--check"]):
        ended = run_tool(package, *tool, "client/src")
        assert ended.returncode == 0, ended.stdout + ended.stderr
    for name, text in (("good", GOOD_CALLER), ("bad", BAD_CALLER)):
        (package / f"client/src/{name}_caller.py").write_text(text)
    ended = run_tool(package, "mypy", "--strict", "client/src")
    errors = [line.split(":")[:2] for line in ended.stdout.splitlines() if "error:" in line]
    lines = enumerate(BAD_CALLER.splitlines(), 1)
    wrong = [["client/src/bad_caller.py", str(number)] for number, line in lines if "client." in line]
    assert (len(wrong), errors) == (5, wrong), ended.stdout + ended.stderr


def run_tool(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("sample", named(("pandas", PANDAS)))
def test_a_frame_reaches_the_model_unchanged(package: Path, tmp_path: Path, sample: Any) -> None:
    records = importlib.import_module("toy_client.records")
    frames = importlib.import_module("toy_client.frames")
    if not isinstance(sample, pd.DataFrame):
        return
    service = Service(tmp_path, Batch(), infer_signature(Batch(), sample, None))
    bodies = [records.encode(record) for record in frames.records_of(sample)]
    given = service.convert.to_model([service.check(body) for body in bodies])
    assert difference(given, sample) is None


@pytest.mark.parametrize("name", [name for name in ONE if isinstance(ONE[name], dict)])
def test_a_record_with_objects_of_python_and_numpy_reaches_the_model_unchanged(
    package: Path, tmp_path: Path, name: str
) -> None:
    records = importlib.import_module("toy_client.records")
    if name in NOT_OF_THE_WIRE:
        return
    service = Service(tmp_path, Single(), infer_signature(Single(), ONE[name], None))
    given = service.convert.to_model(service.check(records.encode(ONE[name])))
    assert difference(given, ONE[name]) is None


def test_infinite_numbers_and_objects_that_are_no_json_are_named_by_index_and_field(package: Path) -> None:
    client = importlib.import_module("toy_client")
    records = importlib.import_module("toy_client.records")
    good: list[Any] = [{"a": 1.0, "b": np.float32("nan")}] * 7
    with pytest.raises(client.InvalidRecordError) as caught:
        [*records.batches([*good, {"a": float("inf"), "b": object(), "c": 1}], 3, 1000)]
    assert [(fault.index, fault.field) for fault in caught.value.faults] == [(7, "a"), (7, "b")]
    assert caught.value.__cause__ is caught.value.__context__ is None
    sizes = [(each.start, len(each.bodies)) for each in records.batches(good, 3, 1000)]
    assert sizes == [(0, 3), (3, 3), (6, 1)]
    assert all(len(each.body) <= 50 for each in records.batches(good, 3, 50))
    assert records.encode({"x": pd.NaT, "y": pd.NA, "z": [np.nan]}) == b'{"x": null, "y": null, "z": [null]}'
    assert records.duration(-dt.timedelta(seconds=90, microseconds=5)) == "-PT90.000005S"


def test_two_columns_of_one_name_are_refused(package: Path) -> None:
    frames = importlib.import_module("toy_client.frames")
    with pytest.raises(ValueError, match="more than one column is called a"):
        frames.records_of(pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"]))


def test_a_name_that_begins_with_a_digit_is_a_package(package: Path) -> None:
    spec = dataclasses.replace(project_spec(), name="3d-model", answers={"client": True})
    assert client_values(spec)["client_package"] == "service_3d_model_client"


def test_an_answer_that_is_neither_yes_nor_no_is_refused() -> None:
    with pytest.raises(InvalidAnswerError, match="It takes true or false"):
        read_answers({"client": "perhaps"})
