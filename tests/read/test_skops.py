"""A file of skops passes the gate as a pickle does: names, calls and states are judged, and nothing runs."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from scaffold.errors import NotAModelError, ReadError, UntrustedCodeError
from scaffold.read import load_model, read_artifact
from scaffold.spec import ModelFormat

X = pd.DataFrame({"age": [20.0, 35.0, 50.0, 65.0] * 5, "plan": ["a", "b", "c", "a"] * 5})
Y = np.array([0, 1, 0, 1] * 5)
COLUMNS = make_column_transformer((OneHotEncoder(), ["plan"]), remainder="passthrough")


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(COLUMNS, LogisticRegression()),
        make_pipeline(COLUMNS, RandomForestClassifier(3, random_state=0)),
        make_pipeline(COLUMNS, StandardScaler(), SGDClassifier(random_state=np.random.RandomState(0))),
        make_pipeline(
            COLUMNS, FunctionTransformer(np.log1p), LogisticRegression(class_weight={0: 1.0, 1: 2.0})
        ),
        make_pipeline(COLUMNS, HistGradientBoostingClassifier(max_iter=3)),
        make_pipeline(COLUMNS, KNeighborsClassifier(3, algorithm="kd_tree")),
        make_pipeline(COLUMNS, RadiusNeighborsClassifier(50, algorithm="ball_tree")),
    ],
    ids=lambda model: type(model[-1]).__name__,
)
def test_a_model_is_read_and_loaded(model: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(model.fit(X, Y), path)
    artifact = read_artifact(path)
    assert artifact.format is ModelFormat.SKOPS
    assert (load_model(artifact).predict(X) == model.predict(X)).all()


def node(loader: str, module: str, name: str, number: int, **rest: Any) -> dict[str, Any]:
    return {"__loader__": loader, "__module__": module, "__class__": name, "__id__": number, **rest}


def text(content: Any, number: int) -> dict[str, Any]:
    return node("JsonNode", "builtins", "str", number, content=json.dumps(content), is_json=True)


def items(loader: str, kind: str, number: int, *content: Any) -> dict[str, Any]:
    return node(loader, "builtins", kind, number, content=list(content))


def attributes(number: int, kind: str = "builtins.str", **values: Any) -> dict[str, Any]:
    module, _, name = kind.rpartition(".")
    types = [node("TypeNode", module, name, number + 1 + place) for place in range(len(values))]
    return node(
        "DictNode",
        "builtins",
        "dict",
        number,
        content=values,
        key_types=items("ListNode", "list", number + 50, *types),
    )


RUN = text("touch ran", 1)
ARGUMENTS = items("TupleNode", "tuple", 2, RUN)
SYSTEM = node("FunctionNode", "os", "system", 3)
REGRESSION = ("sklearn.linear_model._logistic", "LogisticRegression")
HOSTILE: dict[str, dict[str, Any]] = {
    "a function": SYSTEM,
    "a function kept by a model": node("ObjectNode", *REGRESSION, 9, content=attributes(100, solver=SYSTEM)),
    "a constructor": node("ConstructorFromReduceNode", "os", "system", 4, content=ARGUMENTS),
    "an object": node("ObjectNode", "subprocess", "Popen", 5),
    "a partial": node(
        "PartialNode",
        "functools",
        "partial",
        6,
        content={"func": SYSTEM, "args": ARGUMENTS, "kwds": attributes(7), "namespace": text(None, 8)},
    ),
    "a dict of another class": {**attributes(10), "__module__": "subprocess", "__class__": "Popen"},
    "a list of another class": {
        **items("ListNode", "list", 11, RUN),
        "__module__": "os",
        "__class__": "system",
    },
    "a type": node("TypeNode", "subprocess", "Popen", 12),
    "a loss": node("LossNode", "os", "system", 13, __reduce__={"args": ARGUMENTS}, content=attributes(14)),
    "an operator": node(
        "OperatorFuncNode",
        "operator",
        "methodcaller",
        15,
        attrs=items("TupleNode", "tuple", 16, text("x", 17)),
    ),
    "a method": node(
        "MethodNode", *REGRESSION, 18, content={"func": "fit", "obj": node("ObjectNode", *REGRESSION, 19)}
    ),
    "a protocol of Python": node("ObjectNode", *REGRESSION, 20, content=attributes(21, __class__=SYSTEM)),
}
MALFORMED: dict[str, dict[str, Any]] = {
    "a node of the type 'EvilNode'": node("EvilNode", "os", "system", 30),
    "a key of the type 'builtins.eval'": attributes(31, "builtins.eval", **{"1": RUN}),
    "a state that is no dict": node(
        "ObjectNode", *REGRESSION, 32, content=items("ListNode", "list", 33, ARGUMENTS)
    ),
    "a state that is no dict, but a tuple": node("ObjectNode", *REGRESSION, 46, content=ARGUMENTS),
    "two different nodes of one number": items("ListNode", "list", 34, text(1, 35), text(2, 35)),
    "two different nodes of one number, but for an attribute": items(
        "ListNode", "list", 34, attributes(200, file=text("a", 300)), attributes(200, file=text("b", 301))
    ),
    "another object where an array is expected": node(
        "DTypeNode", "numpy", "dtype", 41, content=node("ObjectNode", *REGRESSION, 42)
    ),
    "another object where an array": node(
        "MaskedArrayNode",
        "numpy.ma",
        "MaskedArray",
        43,
        content={"data": node("ObjectNode", *REGRESSION, 44), "mask": text(True, 45)},
    ),
    "a node without a number": items("ListNode", "list", 36, {**text(1, 0), "__id__": True}),
    "a state of random numbers": node("RandomStateNode", "subprocess", "Popen", 37, content=attributes(38)),
    "arguments that are no tuple": node(
        "ConstructorFromReduceNode",
        "collections",
        "OrderedDict",
        47,
        content=items("ListNode", "list", 48, attributes(400)),
    ),
    "a state of random numbers that cannot be read": node(
        "RandomGeneratorNode",
        "numpy.random._generator",
        "Generator",
        49,
        content={
            "bit_generator": {
                **node("ConstructorFromReduceNode", "builtins", "dict", 50),
                "content": {"bit_generator": text("PCG64", 51)},
            },
            "seed_seq": text(None, 52),
        },
    ),
    "another form": {"__id__": 39},
    "a node whose file is not in the archive": node("BytesNode", "builtins", "bytes", 40, file="/etc/passwd"),
}


def written(path: Path, schema: dict[str, Any], **changed: Any) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "schema.json", json.dumps({**schema, "protocol": 2, "_skops_version": "0.16", **changed})
        )
    return path


@pytest.mark.parametrize("name", HOSTILE)
def test_what_would_run_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path / "model.skops", HOSTILE[name])
    with pytest.raises(UntrustedCodeError):
        read_artifact(path)
    assert [each.name for each in tmp_path.iterdir()] == ["model.skops"]


@pytest.mark.parametrize("reason", MALFORMED)
def test_what_skops_does_not_write_is_refused(reason: str, tmp_path: Path) -> None:
    with pytest.raises(NotAModelError, match=reason.partition(",")[0]):
        read_artifact(written(tmp_path / "model.skops", MALFORMED[reason]))


@pytest.mark.parametrize("protocol", [0, 1, 3, "2", None])
def test_another_protocol_is_refused(protocol: object, tmp_path: Path) -> None:
    with pytest.raises(NotAModelError, match="another protocol"):
        read_artifact(written(tmp_path / "model.skops", text(1, 1), protocol=protocol))


def test_a_schema_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as archive:
        archive.writestr("schema.json", "[" * 100_000)
    with pytest.raises(NotAModelError, match="nested too deeply"):
        read_artifact(tmp_path / "model.skops")


def test_two_schemas_in_one_archive_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "model.skops", text(1, 1))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("schema.json", "{}")
    with pytest.raises(NotAModelError, match="two members of one name"):
        read_artifact(path)


def test_a_type_that_the_gate_did_not_see_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(make_pipeline(COLUMNS, RandomForestClassifier(3)).fit(X, Y), path)
    import dataclasses

    artifact = read_artifact(path)
    seen = tuple(name for name in artifact.globals if name.qualname != "Tree")
    with pytest.raises(ReadError, match=r"sklearn\.tree\._tree\.Tree"):
        load_model(dataclasses.replace(artifact, globals=seen))


def call(module: str, name: str, *arguments: dict[str, Any]) -> dict[str, Any]:
    content = items("TupleNode", "tuple", 401, *arguments)
    return node("ConstructorFromReduceNode", module, name, 400, content=content)


@pytest.mark.parametrize("number", [5_000_000_000, 10**400])
def test_a_large_number_is_judged_as_it_is(number: int, tmp_path: Path) -> None:
    path = written(tmp_path / "model.skops", call("builtins", "bytearray", text(number, 402)))
    with pytest.raises(UntrustedCodeError, match=r"bytearray.*called with (?!.*\.0)"):
        read_artifact(path)


def test_bytes_are_judged_by_their_content(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    raw = node("BytesNode", "builtins", "bytes", 403, file="raw")
    written(path, call("torch.storage", "_load_from_bytes", raw))
    with zipfile.ZipFile(path, "a") as archive:
        torch = pytest.importorskip("torch")
        saved = io.BytesIO()
        torch.save(torch.FloatStorage([1.0]), saved, _use_new_zipfile_serialization=False)
        archive.writestr("raw", saved.getvalue())
    assert "torch.storage._load_from_bytes" in {name.dotted for name in read_artifact(path).globals}


@pytest.mark.parametrize(("field", "value"), [(6, 1), (8, 8), (8, 12), (8, 99)])
def test_a_schema_that_cannot_be_unpacked_is_refused(field: int, value: int, tmp_path: Path) -> None:
    path = written(tmp_path / "model.skops", text(1, 1))
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\3\4") + field] = value
    data[data.find(b"PK\1\2") + field + 2] = value
    path.write_bytes(data)
    with pytest.raises(NotAModelError, match="cannot be unpacked"):
        read_artifact(path)


def test_members_that_are_a_bomb_together_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "model.skops", text(1, 1))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(str(number), bytes(100 << 20))
    with pytest.raises(NotAModelError, match="unpacks to more than 300 MiB"):
        read_artifact(path)


def test_an_archive_inside_the_archive_counts_as_what_it_unpacks_to(tmp_path: Path) -> None:
    path = written(tmp_path / "model.skops", text(1, 1))
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"{number}.npy", bytes(100 << 20))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("matrix.npz", inner.getvalue())
    with pytest.raises(NotAModelError, match="unpacks to more than 300 MiB"):
        read_artifact(path)


def test_a_model_with_a_sparse_matrix_is_read(tmp_path: Path) -> None:
    matrix = scipy.sparse.csr_matrix(np.eye(4))
    path = tmp_path / "model.skops"
    skops.io.dump(KNeighborsClassifier(1).fit(matrix, [0, 1, 0, 1]), path)
    assert load_model(read_artifact(path)).predict(matrix).tolist() == [0, 1, 0, 1]
