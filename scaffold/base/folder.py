"""A model that is a folder: the list of its files, and the library that loads it.

The list is the model's file, and the files lie beside it in `FILES`: the hash of the list is that of all.
Standard library only at import, as `base.model`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from scaffold.base.checked import is_safe_path
from scaffold.base.files import sha256_file
from scaffold.errors import NotAModelError
from scaffold.spec import ModelFormat

LIST = "model.json"
FILES = "files"
FORMATS = (
    ModelFormat.TRANSFORMERS,
    ModelFormat.SENTENCE_TRANSFORMERS,
    ModelFormat.SPACY,
    ModelFormat.PYTHON_FUNCTION,
)
TASKS = {
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForMaskedLM": "fill-mask",
    "ForCausalLM": "text-generation",
    "LMHeadModel": "text-generation",
    "ForImageClassification": "image-classification",
}
"""What `transformers.pipeline` does with a network, by the end of its class's name."""
NO_HEAD = "feature-extraction"
AUTO_MODELS = {
    "text-classification": "AutoModelForSequenceClassification",
    "token-classification": "AutoModelForTokenClassification",
    "fill-mask": "AutoModelForMaskedLM",
    "text-generation": "AutoModelForCausalLM",
    "image-classification": "AutoModelForImageClassification",
    NO_HEAD: "AutoModel",
}
"""The class of transformers that loads the network alone, by task."""
_KEY = "model_folder"
_MOST_LIST_BYTES = 4 << 20
_WEIGHTS = frozenset({".json", ".jsonl", ".txt", ".model", ".safetensors", ".jinja", ".tiktoken", ".md"})
_CODE = frozenset({".py", ".pyc", ".pyd", ".so", ".pkl", ".pickle", ".joblib", ".pt", ".pth"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFolder:
    """What the list of a folder says."""

    format: ModelFormat
    task: str
    """Of transformers: a task of `pipeline`, or the class that loads a network without a tokenizer."""
    files: Mapping[str, str]
    """The sha256 of each file by its path."""

    def content(self) -> bytes:
        """Return the bytes of the list file."""
        listed = {_KEY: self.format.value, "task": self.task, "files": dict(sorted(self.files.items()))}
        return (json.dumps(listed, indent=1, ensure_ascii=True) + "\n").encode()


def _mismatch_error(path: Path, problem: str) -> NotAModelError:
    return NotAModelError(path.name, problem, "Name the folder of the model itself, which is listed anew.")


def folder_format(head: bytes) -> ModelFormat | None:
    """Return the format of a list of files that starts with these bytes; None where they are another file."""
    start = head[:100].split(b",")[0].decode("ascii", "replace")
    return next((each for each in FORMATS if start == f'{{\n "{_KEY}": "{each.value}"'), None)


def parse_folder(path: Path, content: bytes) -> ModelFolder:
    """Return what the list of a folder says.

    Raises:
        NotAModelError: It is no list that this package wrote.
    """
    try:
        document = dict(json.loads(content[:_MOST_LIST_BYTES]))
        files, task = document["files"], document["task"]
        folder = ModelFolder(format=ModelFormat(document[_KEY]), task=str(task), files=dict(files))
        paths = [name for name, sha256 in folder.files.items() if not (is_safe_path(name) and str(sha256))]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _mismatch_error(path, "its list of files cannot be read") from error
    tasks = {*AUTO_MODELS, *AUTO_MODELS.values()} if folder.format is ModelFormat.TRANSFORMERS else {""}
    if paths or folder.format not in FORMATS or folder.task not in tasks or folder.content() != content:
        raise _mismatch_error(path, "its list of files is not one that scaffold wrote")
    return folder


def listed_paths(path: Path) -> Iterator[Path]:
    """Yield the files that the list at `path` has.

    Raises:
        NotAModelError: It is no list that this package wrote.
    """
    for name in parse_folder(path, path.read_bytes()).files:
        yield path.absolute().parent / FILES / name


def require_listed(path: Path, folder: ModelFolder) -> Path:
    """Return the folder beside the list at `path`, whose files are those that are listed.

    Raises:
        NotAModelError: It has other files, or a link.
    """
    place = path.absolute().parent / FILES
    present: dict[str, Path] = {}
    for top, folders, names in os.walk(place):
        for name in (*folders, *names):
            each = Path(top, name)
            if each.is_symlink():
                raise _mismatch_error(path, f"{each.relative_to(place)} is a symbolic link")
        present |= {Path(top, name).relative_to(place).as_posix(): Path(top, name) for name in names}
    for name in sorted({*present, *folder.files}):
        if name not in present or name not in folder.files:
            raise _mismatch_error(path, f"{name} is " + ("missing" if name in folder.files else "new"))
        if not is_taken(folder.format, name) or sha256_file(present[name]) != folder.files[name]:
            raise _mismatch_error(path, f"{name} is another file than is listed")
    return place


def is_taken(format: ModelFormat, name: str) -> bool:
    """Whether a file of a folder goes along: no code, no hidden file, and no weights but safetensors.

    The artifacts of a `PythonModel` are of any kind: its own code reads them.
    """
    place = PurePosixPath(name)
    if format is ModelFormat.PYTHON_FUNCTION:
        return not any(part.startswith(".") or part == "__pycache__" for part in place.parts)
    if any(part.startswith((".", "__")) for part in place.parts):
        return False
    suffix = place.suffix.lower()
    return suffix not in _CODE if format is ModelFormat.SPACY else suffix in _WEIGHTS


def load_folder(path: Path, content: bytes) -> Any:
    """Return the object that the library makes of the folder beside the list at `path`.

    Args:
        path: The list, which must have passed the gate.
        content: What it holds.

    Raises:
        NotAModelError: Its files are not those that are listed.
    """
    folder = parse_folder(path, content)
    place = str(require_listed(path, folder))
    match folder.format:
        case ModelFormat.SPACY:
            import spacy

            return SpacyTexts(spacy.load(place))
        case ModelFormat.SENTENCE_TRANSFORMERS:
            from sentence_transformers import SentenceTransformer

            safe = {"use_safetensors": True}
            return SentenceTransformer(place, device="cpu", local_files_only=True, model_kwargs=safe)
        case _:
            import transformers

            if folder.task in AUTO_MODELS:
                safe = {"use_safetensors": True}
                return transformers.pipeline(folder.task, model=place, device="cpu", model_kwargs=safe)
            network = getattr(transformers, folder.task)
            return network.from_pretrained(place, use_safetensors=True, local_files_only=True)


class SpacyTexts:
    """A pipeline of spaCy: what `Doc.to_json` writes of a text. The generated service has the same class."""

    def __init__(self, nlp: Any) -> None:
        self._nlp = nlp

    def predict(self, texts: list[str]) -> list[dict[str, Any]]:
        """Return entities, categories and tokens of each text."""
        return [doc.to_json() for doc in self._nlp.pipe(texts)]
