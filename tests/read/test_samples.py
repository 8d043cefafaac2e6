"""Samples are read by the content of their file, and a pickled sample passes the gate."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from scaffold.errors import (
    FileChangedError,
    MissingLibraryError,
    NoSuchFileError,
    NotASampleError,
    UntrustedCodeError,
)
from scaffold.read import holds_data, read_artifact, read_sample

FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
BROKEN = Path(__file__).parents[1] / "broken"


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content", "value"),
    [
        ("s.json", '{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}),
        ("s.json", "\ufeff[1]", [1]),
        ("s.json", '"one text"', "one text"),
        ("sample", '  [{"a": 1}]', [{"a": 1}]),
        ("s.jsonl", '{"a": 1}\n\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ("s.txt", "Grüße\n", "Grüße"),
        ("s.pkl", pickle.dumps({"a": 1}), {"a": 1}),
        ("s.pkl", pickle.dumps([1, "a"], protocol=0), [1, "a"]),
        ("s.json", pickle.dumps({"a": 1}), {"a": 1}),
        ("s.pkl.gz", gzip.compress(pickle.dumps([1]), mtime=0), [1]),
    ],
)
def test_plain_values_are_read_by_content_and_then_by_ending(
    tmp_path: Path, name: str, content: str | bytes, value: Any
) -> None:
    assert read_sample(written(tmp_path / name, content)) == value


@pytest.mark.parametrize("name", ["s.csv", "s.tsv", "s.parquet", "s.feather", "s.pkl", "misnamed.csv"])
def test_tables_become_frames(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    match name:
        case "s.csv" | "s.tsv":
            FRAME.to_csv(path, index=False, sep="\t" if name == "s.tsv" else ",")
        case "s.feather":
            FRAME.to_feather(path)
        case "s.pkl":
            FRAME.to_pickle(path)
        case _:
            FRAME.to_parquet(path)
    pd.testing.assert_frame_equal(read_sample(path), FRAME)


def test_numbers_with_leading_zeros_in_a_csv_are_codes_and_stay_text(tmp_path: Path) -> None:
    text = "zip,rooms,share,empty,day\n00501,3,0.5,,2024-01-01\n94110,,0,,2024-01-02\n,0,-0.25,,2024-01-03\n"
    frame = read_sample(written(tmp_path / "s.csv", text))
    assert frame["zip"].tolist()[:2] == ["00501", "94110"]
    assert frame["zip"].isna().tolist() == [False, False, True]
    assert frame["rooms"].tolist()[::2] == [3, 0]
    assert frame["share"].tolist() == [0.5, 0, -0.25]
    assert frame["empty"].isna().all()


def test_arrays_are_read(tmp_path: Path) -> None:
    array = np.arange(6, dtype="f4").reshape(2, 3)
    np.save(tmp_path / "s.npy", array)
    np.savez(tmp_path / "one.npz", array)
    np.savez_compressed(tmp_path / "named.npz", x=array, y=array[0])
    joblib.dump(array, tmp_path / "s.joblib", compress=3)
    assert read_sample(tmp_path / "s.npy").dtype == "f4"
    assert read_sample(tmp_path / "one.npz").shape == (2, 3)
    assert list(read_sample(tmp_path / "named.npz")) == ["x", "y"]
    assert read_sample(tmp_path / "s.joblib").tolist() == array.tolist()


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "bmp", "tiff", "webp"])
def test_images_are_held_in_memory(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"s.{ending}"
    Image.new("RGB", (4, 3), "red").save(path)
    image = read_sample(path)
    path.unlink()
    assert image.size == (4, 3)
    assert pickle.loads(pickle.dumps(image)).size == (4, 3)


def test_a_class_beside_the_sample_is_found(tmp_path: Path) -> None:
    (tmp_path / "flat_of_sample.py").write_text("class Flat:\n    rooms = 2\n")
    path = written(tmp_path / "s.pkl", b"\x80\x02cflat_of_sample\nFlat\n)\x81.")
    assert read_sample(path).rooms == 2


def test_a_trap_among_the_samples_is_refused() -> None:
    with pytest.raises(UntrustedCodeError, match=r"posix\.system at byte 2"):
        read_sample(BROKEN / "trap.pkl")


def test_an_array_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(NotASampleError, match="Object arrays cannot be loaded"):
        read_sample(tmp_path / "s.npy")


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("s.json", "{'a': 1}", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("s.json", "", "it is empty"),
        ("s.csv", "\n\n", "No columns to parse from file"),
        ("s.parquet", b"PAR1 and then nothing", None),
        ("s.png", b"\x89PNG\r\n\x1a\n", None),
        ("s.bin", b"\x00\x01\x02", "it starts with b'\\x00\\x01\\x02', as no format does"),
    ],
)
def test_an_invalid_sample_gets_one_message(
    tmp_path: Path, name: str, content: str | bytes, found: str | None
) -> None:
    path = written(tmp_path / name, content)
    with pytest.raises(NotASampleError) as caught:
        read_sample(path)
    assert str(caught.value) == (
        f"{path} cannot be read as a sample: {found or caught.value.found}.\n"
        "What is read: pickle, joblib, JSON, CSV, Parquet, Feather, .npy, .npz, images, .txt (one text)."
    )


def test_a_sample_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoSuchFileError, match=r"No such file: .*s\.json"):
        read_sample(tmp_path / "s.json")


def test_a_library_that_only_the_sample_needs_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "s.pkl", b"\x80\x02cgeopandas.geodataframe\nGeoDataFrame\n)\x81.")
    with pytest.raises(
        MissingLibraryError, match="needs 'geopandas', which no installed distribution provides"
    ):
        read_sample(path)


def test_a_sample_that_was_scanned_is_loaded_as_it_was_then(tmp_path: Path) -> None:
    path = written(tmp_path / "s.pkl", pickle.dumps([1, 2]))
    scanned = read_artifact(path)
    assert read_sample(path, scanned=scanned) == [1, 2]
    written(path, pickle.dumps([1, 3]))
    with pytest.raises(FileChangedError):
        read_sample(path, scanned=scanned)


def test_a_sample_of_data_alone_is_not_taken_for_a_pickle(tmp_path: Path) -> None:
    # `cage\nincome\n` in a pickle would look up `age.income`.
    assert holds_data(written(tmp_path / "s.csv", "cage\nincome\n1\n"))
    assert holds_data(written(tmp_path / "s.json", "[1]"))
    assert not holds_data(written(tmp_path / "s.pkl", pickle.dumps([1], protocol=0)))
    assert not holds_data(tmp_path / "absent.csv")
