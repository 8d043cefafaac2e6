"""What the folder of an MLflow model holds, by its `MLmodel`: input of somebody else's.

Source: MLflow's documentation, "MLflow Model Format". A value of another type than it says is passed over; a
path that is not below the folder is refused.
"""

from __future__ import annotations

import json
import math
import pickle
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from scaffold.base.checked import is_safe_path
from scaffold.base.facts import as_dict, identifier, one_line
from scaffold.base.yaml_text import yaml_document
from scaffold.errors import ModelNotFetchedError
from scaffold.find._source import Declared, DeclaredField

DESCRIPTION = "MLmodel"
_LIBRARY_FLAVORS = ("sklearn", "xgboost", "lightgbm", "catboost", "pytorch", "onnx", "statsmodels", "keras")
"""The flavours whose file is read as one of the formats of `read`."""
_ANY = "python_function"
_PYTHON_MODELS = ("mlflow.pyfunc.model", "mlflow.pyfunc.loaders.code_model")
"""What loads a class of the owner's; the second one by running a script."""
_FILE = "file"
"""The flavour of a file that MLflow does not load: `register` writes it."""
_FILE_KEYS = ("model_path", "pickled_model", "python_model", "data", "model_data", "path")
"""What the flavours of an `MLmodel` call their file."""
_MOST_TEXT_BYTES = 4 << 20
_MOST_EXAMPLE_BYTES = 64 << 20
_MOST_LINES = 1000
_MOST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What an `MLmodel` says."""

    run: str = ""
    model_id: str = ""
    flavors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fields: tuple[DeclaredField, ...] = ()
    example: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> Iterator[str]:
        """The files that the flavours name: those of a known flavour first."""
        library_flavors = [self.flavors[name] for name in _LIBRARY_FLAVORS if name in self.flavors]
        others = [self.flavors[name] for name in (_ANY, _FILE) if name in self.flavors]
        for flavor in (*library_flavors, *others):
            for key in _FILE_KEYS:
                if isinstance(flavor.get(key), str):
                    yield flavor[key]

    @property
    def code(self) -> str:
        """The folder with the modules of the model's owner; empty without one."""
        named = (flavor.get("code") for flavor in self.flavors.values())
        return next((code for code in named if isinstance(code, str)), "")

    @property
    def python_model(self) -> Mapping[str, Any] | None:
        """The flavour of a class of the owner's that gets its artifacts by a context; None for any other."""
        flavor = self.flavors.get(_ANY, {})
        return flavor if flavor.get("loader_module") in _PYTHON_MODELS else None

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes on the flavours."""
        unknown = [name for name in self.flavors if name != _ANY and name not in _LIBRARY_FLAVORS]
        if not unknown or _ANY not in self.flavors or any(name in _LIBRARY_FLAVORS for name in self.flavors):
            return ()
        return (f"MLflow's flavour {one_line(unknown[0], _MOST_NAME)} is not known: its {_ANY} is taken",)


def read_description(folder: Path) -> Description:
    """Return what the `MLmodel` of a folder says; nothing where it is none."""
    import yaml

    try:
        document = as_dict(yaml_document(_text(folder / DESCRIPTION)))
    except (OSError, ValueError, yaml.YAMLError):
        return Description()
    flavors = {
        str(name): value
        for name, value in as_dict(document.get("flavors")).items()
        if isinstance(value, dict)
    }
    return Description(
        run=identifier(document.get("run_id")),
        model_id=identifier(document.get("model_id")),
        flavors=flavors,
        fields=_fields(as_dict(document.get("signature")).get("inputs")),
        example=as_dict(document.get("saved_input_example_info")),
    )


def declared_by(folder: Path, description: Description, written: str, work: Path) -> Declared:
    """Return what the folder of a model says beside its bytes.

    Args:
        folder: The folder of the model.
        description: What its `MLmodel` says.
        written: What a person typed, for messages.
        work: A folder of ours, for the sample.
    """
    requirements, notes = _requirements(folder, any(name in _LIBRARY_FLAVORS for name in description.flavors))
    example, unread = _example(folder, description, written, work)
    return Declared(
        input=example,
        fields=description.fields,
        requirements=requirements,
        python=_python(folder),
        notes=(*description.notes, *notes, *unread),
    )


def below(folder: Path, name: str, written: str) -> Path:
    """Return the path of `name` in a folder.

    Raises:
        ModelNotFetchedError: It is absolute, leads upwards or goes through a symbolic link.
    """
    if not is_safe_path(name):
        raise ModelNotFetchedError(
            written, f"its {DESCRIPTION} names the path {name[:100]!r}, which is not below its folder", ""
        )
    place = folder
    for part in name.split("/"):
        place /= part
        if place.is_symlink():
            raise ModelNotFetchedError(written, f"its path {name!r} leads through a symbolic link", "")
    return place


def _fields(inputs: Any) -> tuple[DeclaredField, ...]:
    """The columns of a signature, which is JSON in a text; nothing for tensors, which have no names."""
    try:
        columns = json.loads(inputs) if isinstance(inputs, str) else None
    except (ValueError, RecursionError):
        return ()
    if not isinstance(columns, list):
        return ()
    return tuple(
        DeclaredField(
            name=column["name"],
            type=column["type"] if isinstance(column.get("type"), str) else "",
            required=column.get("required") is not False,
        )
        for column in columns[:_MOST_LINES]
        if isinstance(column, dict) and isinstance(column.get("name"), str)
    )


def _requirements(folder: Path, is_known: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The requirements as names with versions, and what is left out: options and URLs are never passed on."""
    try:
        lines = _text(folder / "requirements.txt").splitlines()[:_MOST_LINES]
    except (OSError, ValueError):
        return (), ()
    kept: list[str] = []
    notes: list[str] = []
    for line in lines:
        text = re.sub(r"(^|\s)#.*$", "", line).strip()
        if not text:
            continue
        if text.startswith("-"):
            option = one_line(re.split(r"[\s=]", text)[0], _MOST_NAME)
            notes.append(f"MLflow's requirements have the option {option}, which is left out")
            continue
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            notes.append("MLflow's requirements have a line that is no requirement, which is left out")
            continue
        if requirement.url:
            notes.append(f"MLflow's requirements have a URL for {requirement.name}, which is left out")
        elif not (is_known and canonicalize_name(requirement.name) in ("mlflow", "mlflow-skinny")):
            if requirement.name == "mlflow":
                requirement.name = "mlflow-skinny"  # the same modules, without a server and its page
            kept.append(str(requirement) if requirement.specifier else f"{requirement}>=0")
    return tuple(dict.fromkeys(kept)), tuple(dict.fromkeys(notes))


def _python(folder: Path) -> str:
    try:
        match = re.search(r"^python:\s*[\"']?(3\.\d{1,2})\b", _text(folder / "python_env.yaml"), re.MULTILINE)
    except (OSError, ValueError):
        return ""
    return match[1] if match else ""


def _example(
    folder: Path, description: Description, written: str, work: Path
) -> tuple[Path | None, tuple[str, ...]]:
    """The input example as a file that `read` takes, and why there is none."""
    name, kind = description.example.get("artifact_path"), description.example.get("type")
    if not isinstance(name, str):
        return None, ()
    shown = one_line(str(kind), _MOST_NAME)
    unread = f"MLflow's input example is not read: it is {shown}; give a sample with --input"
    try:
        rows = _rows(json.loads(_text(below(folder, name, written), _MOST_EXAMPLE_BYTES)), kind)
        dated = _with_dates(rows, {field.name for field in description.fields if field.type == "datetime"})
        content = json.dumps(_without_nan(rows)).encode() if dated is None else pickle.dumps(dated)
    except (OSError, ValueError, RecursionError):
        return None, (unread,)
    if rows is None:
        return None, (unread,)
    work.mkdir(parents=True, exist_ok=True)
    target = work / f"input_example.{'json' if dated is None else 'pkl'}"
    target.write_bytes(content)
    return target, ()


def _rows(content: Any, kind: Any) -> Any:
    """The rows of an example: a list of objects for a frame, a list of lists for an array."""
    match kind, content:
        case "dataframe", {"columns": [*columns], "data": [*rows]}:
            if all(isinstance(row, list) and len(row) == len(columns) for row in rows):
                return [dict(zip(map(str, columns), row, strict=True)) for row in rows]
        case "dataframe", {"data": [*rows]}:
            return rows
        case "ndarray", {"inputs": [*rows]} | [*rows]:
            return rows
        case "json_object", _:
            return content
    return None


def _with_dates(rows: Any, names: set[str]) -> list[dict[str, Any]] | None:
    """The rows with the texts of these columns as datetimes; None if there are no such columns.

    Raises:
        ValueError: A text is no date, or is finer than a microsecond.
    """
    if not names or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return None
    return [
        {name: _date(value) if name in names else value for name, value in _without_nan(row).items()}
        for row in rows
    ]


def _date(value: Any) -> datetime | None:
    if value is None:
        return None
    text = re.sub(r"(\.\d{6})0+(?!\d)", r"\1", str(value))
    if re.search(r"\.\d{7}", text):
        raise ValueError(f"{text[:_MOST_NAME]} is finer than a microsecond")
    return datetime.fromisoformat(re.sub(r"Z\Z", "+00:00", text))


def _without_nan(value: Any) -> Any:
    """The value with null for numbers that JSON does not have."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: _without_nan(each) for key, each in value.items()}
        case list():
            return [_without_nan(each) for each in value]
        case _:
            return value


def _text(path: Path, most_bytes: int = _MOST_TEXT_BYTES) -> str:
    """The text of a file.

    Raises:
        OSError: It is not there, no file of its own, or too large.
        UnicodeDecodeError: It is no text.
    """
    if path.is_symlink() or not path.is_file() or path.stat().st_size > most_bytes:
        raise OSError(f"{path} is not read")
    return path.read_text(encoding="utf-8")
