"""Several processes register at once: nothing is lost, and no version is given twice."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

import scaffold
from scaffold.store import Reference, open_store
from tests.store._postgres import Database

MOST = 200
"""How often each process registers."""


def write(url: str, files: str, number: int, count: int) -> None:
    """Register `count` times, each time another model with an alias of this process and one of both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCAFFOLD_STORE_FILES", files)
        for each in range(count):
            made = {"number": number, "each": each}
            alias = ("both", f"writer-{number}")[each % 2]
            scaffold.register(made, "churn", input=[each], metrics={"each": each}, alias=alias, store=url)


def run_writers(url: str, files: Path, count: int) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write, args=(url, str(files), number, count)) for number in (1, 2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    store = open_store(url)
    found = store.models("churn")
    assert sorted(int(model.version) for model in found) == list(range(1, 2 * count + 1))
    assert len({model.run.id for model in found}) == len(store.runs("churn")) == 2 * count
    kept = [pickle.loads((files / model.file).read_bytes()) for model in found]
    wanted = [{"number": number, "each": each} for number in (1, 2) for each in range(count)]
    assert sorted(map(repr, kept)) == sorted(map(repr, wanted))
    for model, made in zip(found, kept, strict=True):
        assert model.run.metrics == {"each": made["each"]}
        assert pickle.loads((files / model.input).read_bytes()) == [made["each"]]
    last = count - 1 if count % 2 == 0 else count - 2
    for number in (1, 2):
        named = store.find_model(Reference(name="churn", alias=f"writer-{number}"))
        assert pickle.loads((files / named.file).read_bytes()) == {"number": number, "each": last}
    assert not list(files.glob(".partial-*"))
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
        return
    postgres: Database = request.getfixturevalue("postgres")
    yield postgres.create(f"writers_{request.node.originalname.rpartition('_')[2]}")


def test_two_processes_register_at_once(url: str, tmp_path: Path) -> None:
    run_writers(url, tmp_path / "files", 20)


@pytest.mark.slow
def test_two_processes_register_often(url: str, tmp_path: Path) -> None:
    run_writers(url, tmp_path / "files", MOST)
