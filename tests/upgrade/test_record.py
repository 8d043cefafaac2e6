"""The record of a project is stored in it."""

import dataclasses
import json
import lzma
import shutil
import subprocess
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from scaffold.base import checked
from scaffold.errors import NoRecordError, UpgradeError
from scaffold.spec import (
    Artifact,
    Batching,
    Check,
    Dependencies,
    Field,
    GlobalName,
    LocalSource,
    ModelFormat,
    Optional,
    Outcome,
    Pandas,
    ProjectRecord,
    ProjectSpec,
    PythonCall,
    Recording,
    Requirement,
    Scalar,
    ScalarType,
    Signature,
    Table,
    Value,
    Verification,
)
from scaffold.upgrade import _content, read_record, write_record
from scaffold.upgrade._content import Opaque, content_sha256, read_content, read_tree
from scaffold.upgrade._pristine import unpack_pristine

INTEGER = Scalar(type=ScalarType.INTEGER, minimum=0, maximum=2**63 - 1)


def make_record(root: Path) -> ProjectRecord:
    """A small project and its record."""
    texts = {
        "app/main.py": b"print('hello')\n",
        "features.py": b"RATIO = 2\n",
        "requirements.txt": b"numpy==2.0 --hash=sha256:aa\n",
        "tests/recorded.json": b'{"requests": [{"age": 1}], "answers": [{"prediction": 0}]}',
        "app/model/model.pkl": b"\x80\x05model",
    }
    for path, content in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    files = {path: content_sha256(read_content(root / path)) for path in texts}
    spec = ProjectSpec(
        name="demo",
        version="1.0.0",
        artifact=Artifact(
            path=root / "app/model/model.pkl",
            sha256=files["app/model/model.pkl"],
            size_bytes=7,
            format=ModelFormat.PICKLE,
            globals=(GlobalName(module="a", qualname="B", offset=3),),
            provenance="/home/someone/model.pkl",
        ),
        signature=Signature(
            input=Table(
                columns=(
                    Field(
                        name="age", attribute="age", schema=Optional(of=INTEGER), example={"type": [1, None]}
                    ),
                ),
                container=Pandas(),
            ),
            output=Value(field=Field(name="prediction", attribute="prediction", schema=INTEGER)),
            call=PythonCall(method="predict", batching=Batching.TOGETHER),
        ),
        dependencies=Dependencies(
            python="3.11",
            requirements=(Requirement(distribution="numpy", specifier="==2.0", reason="the model"),),
            lock="numpy==2.0 --hash=sha256:aa\n",
            sources=(LocalSource(path="features.py", content=b"RATIO = 2\n", reason="imported"),),
        ),
        recording=Recording(requests=({"age": 1},), answers=({"prediction": 0},)),
        answers={"targets": ["kubernetes"]},
        generator="0.1.0",
    )
    proof = Verification(checks=(Check(name="start", outcome=Outcome.PASSED, detail="ready"),))
    return ProjectRecord(spec=spec, files=files, options={"pin": ["numpy==2.0"]}, verification=proof)


def test_a_record_survives_writing_and_reading(tmp_path: Path) -> None:
    record = make_record(tmp_path)
    write_record(tmp_path, record)
    read, tree = read_record(tmp_path)
    artifact = dataclasses.replace(record.spec.artifact, provenance="model.pkl")
    assert read == dataclasses.replace(record, spec=dataclasses.replace(record.spec, artifact=artifact))
    assert tree["app/main.py"] == b"print('hello')\n"
    assert tree["app/model/model.pkl"] == Opaque(record.spec.artifact.sha256)


def test_weights_beside_a_model_may_be_larger_than_any_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = make_record(tmp_path)
    monkeypatch.setattr(checked, "LARGEST_TEXT_BYTES", 10_000)
    monkeypatch.setattr(_content, "LARGEST_TEXT_BYTES", 10_000)
    weights = b"\0" * 10_001
    (tmp_path / "features.py").write_bytes(weights)
    files = {**record.files, "features.py": content_sha256(read_content(tmp_path / "features.py"))}
    write_record(tmp_path, dataclasses.replace(record, files=files))
    read, tree = read_record(tmp_path)
    assert read.spec.dependencies.sources[0].content == weights
    assert isinstance(tree["features.py"], Opaque)


def test_the_record_has_the_same_bytes_each_time_and_no_local_path(tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        root = tmp_path / name
        write_record(root, make_record(root))
        written.append({path.name: path.read_bytes() for path in (root / ".scaffold").iterdir()})
    assert written[0] == written[1]
    assert b"/home/someone" not in written[0]["record.json"]
    assert str(tmp_path).encode() not in written[0]["record.json"]
    assert b"model" not in written[0]["pristine.tar.xz"]


def test_edits_do_not_touch_the_pristine_tree(tmp_path: Path) -> None:
    write_record(tmp_path, make_record(tmp_path))
    (tmp_path / "app/main.py").write_text("mine\n")
    (tmp_path / "features.py").unlink()
    _, tree = read_record(tmp_path)
    assert tree["app/main.py"] == b"print('hello')\n"
    assert tree["features.py"] == b"RATIO = 2\n"


@pytest.mark.parametrize("damage", ["lost", "cut short", "of another time"])
def test_a_lost_archive_is_replaced_by_unchanged_files(tmp_path: Path, damage: str) -> None:
    record = make_record(tmp_path)
    write_record(tmp_path, record)
    packed = tmp_path / ".scaffold/pristine.tar.xz"
    if damage == "lost":
        packed.unlink()
    elif damage == "cut short":
        packed.write_bytes(packed.read_bytes()[:40])
    else:
        other = tmp_path / "other"
        changed = make_record(other)
        (other / "app/main.py").write_text("print('another')\n")
        write_record(other, changed)
        shutil.copy(other / ".scaffold/pristine.tar.xz", packed)
    (tmp_path / "app/main.py").write_text("mine\n")
    _, tree = read_record(tmp_path)
    assert tree["features.py"] == b"RATIO = 2\n"
    assert tree["app/main.py"] == Opaque(record.files["app/main.py"])
    _, rebuilt = read_record(tmp_path, rebuild=lambda _: {"app/main.py": b"print('hello')\n"})
    assert rebuilt["app/main.py"] == b"print('hello')\n"


@pytest.mark.skipif(not shutil.which("git"), reason="git is not here")
def test_a_lost_pristine_tree_comes_from_git(tmp_path: Path) -> None:
    write_record(tmp_path, make_record(tmp_path))
    author = ["-c", "user.name=me", "-c", "user.email=me@example.com"]
    for command in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    (tmp_path / ".scaffold/pristine.tar.xz").unlink()
    (tmp_path / "app/main.py").write_text("mine\n")
    _, tree = read_record(tmp_path)
    assert tree["app/main.py"] == b"print('hello')\n"
    assert sorted(path.name for path in (tmp_path / ".scaffold").iterdir()) == [
        ".gitattributes",
        ".gitignore",
        "record.json",
    ]


def test_a_folder_without_a_record_is_reported(tmp_path: Path) -> None:
    with pytest.raises(NoRecordError, match=r"has no \.scaffold/record\.json"):
        read_record(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ('{"format": 99, "generator": "9.0"}', r"another version of model-scaffold \(9\.0\)"),
    ],
)
def test_a_record_that_cannot_be_read_says_what_to_do(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / ".scaffold").mkdir()
    (tmp_path / ".scaffold/record.json").write_text(text)
    with pytest.raises(UpgradeError, match=message):
        read_record(tmp_path)


def test_a_record_with_unknown_values_is_reported(tmp_path: Path) -> None:
    write_record(tmp_path, make_record(tmp_path))
    path = tmp_path / ".scaffold/record.json"
    document = json.loads(path.read_text())
    document["spec"]["signature"]["input"]["type"] = "Hologram"
    path.write_text(json.dumps(document))
    with pytest.raises(UpgradeError, match="Hologram"):
        read_record(tmp_path)


def test_a_file_whose_hash_is_known_is_not_hashed_again(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(b"\x80\x05model")
    assert read_tree(tmp_path, ["model.pkl"], known_hashes={"model.pkl": "ab" * 32})["model.pkl"] == Opaque(
        "ab" * 32
    )


def _archive(kind: bytes, target: str = "", sparse_bytes: int = 0) -> bytes:
    """A pristine archive with one member of this kind."""
    member = tarfile.TarInfo("app/main.py")
    member.type, member.linkname = kind, target
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    if sparse_bytes:
        header[386:410] = b"00000000000\0" * 2
        header[483:495] = b"%011o\0" % sparse_bytes
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
    return lzma.compress(bytes(header) + bytes(1024))


@pytest.mark.parametrize(
    "packed",
    [
        _archive(tarfile.SYMTYPE, "app/main.py"),
        _archive(tarfile.SYMTYPE, "nowhere"),
        _archive(tarfile.LNKTYPE, "nowhere"),
        _archive(tarfile.GNUTYPE_SPARSE, sparse_bytes=1 << 32),
        _archive(tarfile.DIRTYPE),
    ],
    ids=["a link to itself", "a link to nowhere", "a hard link to nowhere", "a sparse file", "a folder"],
)
def test_an_archive_of_anything_but_plain_files_is_damaged(packed: bytes) -> None:
    assert unpack_pristine(packed, {"app/main.py": sha256(b"").hexdigest()}) is None
