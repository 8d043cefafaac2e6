"""What the files of a model that is a folder make their library run.

Such libraries make objects by names in configuration: classes of a repository (`auto_map`), functions that
any installed package registered (spaCy), classes by their dotted path (sentence-transformers). Only names of
the library itself pass. A file that cannot be read as its library would read it is refused.
"""

from __future__ import annotations

import configparser
import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from scaffold.base.folder import ModelFolder, parse_folder, require_listed
from scaffold.errors import NotAModelError, UntrustedCodeError
from scaffold.spec import ModelFormat

_MOST_BYTES = 16 << 20
_VOCABULARIES = ("tokenizer.json", "vocab.json", "added_tokens.json", ".index.json", "strings.json")
"""Endings of files whose keys and texts are words: no library takes a name of code from them."""
_NEVER = {
    "auto_map": "code in the folder, or of another repository, in place of the library's own",
    "custom_pipelines": "code in the folder, or of another repository, in place of the library's own",
    "trust_remote_code": "it asks to run code of a repository",
    "quantization_config": "another library makes the weights, by names in this file",
}
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
_OWN_CLASS = re.compile(r"(sentence_transformers|torch\.nn\.modules)\.\w+(\.\w+)*", re.ASCII)
_CONFIGURED = "config.cfg"
_REGISTERED = re.compile(r"(spacy|spacy-legacy)\.\w+\.v\d+", re.ASCII)
_COPIES = "spacy.copy_from_base_model.v1"
_OF_THINC = frozenset(
    f"{name}.v1"
    for name in [
        "Adam",
        "RAdam",
        "SGD",
        "compounding",
        "constant",
        "constant_then",
        "cyclic_triangular",
        "decaying",
        "slanted_triangular",
        "warmup_linear",
        "reduce_first",
        "reduce_last",
        "reduce_max",
        "reduce_mean",
        "reduce_sum",
    ]
)
_FACTORIES = frozenset(
    [
        "attribute_ruler",
        "beam_ner",
        "beam_parser",
        "doc_cleaner",
        "entity_linker",
        "entity_ruler",
        "future_entity_ruler",
        "lemmatizer",
        "merge_entities",
        "merge_noun_chunks",
        "merge_subtokens",
        "morphologizer",
        "ner",
        "parser",
        "senter",
        "sentencizer",
        "span_cleaner",
        "span_finder",
        "span_ruler",
        "spancat",
        "spancat_singlelabel",
        "tagger",
        "textcat",
        "textcat_multilabel",
        "tok2vec",
        "token_splitter",
        "trainable_lemmatizer",
    ]
)
_LANGUAGE = re.compile(r"[a-z]{2,3}")

_Refused = tuple[str, str, str]
"""A name, the file that has it, and why it is refused where the name does not say that."""


def judged_folder(path: Path, content: bytes, trusted: Collection[str]) -> ModelFolder:
    """Return what the list at `path` says, if its files name no code but that of their library.

    Args:
        path: The list of the files.
        content: What it holds.
        trusted: Names that are allowed besides.

    Raises:
        NotAModelError: The files are not those that are listed, or one cannot be read.
        UntrustedCodeError: A file names code that is not run unasked.
    """
    folder = parse_folder(path, content)
    place = require_listed(path, folder)
    refused: list[_Refused] = []
    for name in sorted(folder.files):
        try:
            refused += _names_in(folder.format, name, place / name)
        except (OSError, ValueError, RecursionError, configparser.Error) as error:
            raise NotAModelError(path.name, f"{name} cannot be read: {type(error).__name__}") from error
    refused = [each for each in dict.fromkeys(refused) if each[0] in _NEVER or each[0] not in trusted]
    if refused:
        names = [name for name, _, _ in refused]
        never = [name for name in names if name in _NEVER]
        raise UntrustedCodeError(path.name, refused, [*trusted, *names], never)
    return folder


def _names_in(format: ModelFormat, name: str, path: Path) -> Iterator[_Refused]:
    """The names in one file that are none of its library's own. Pickles are not read here."""
    if format is ModelFormat.PYTHON_FUNCTION:
        return
    if format is ModelFormat.SPACY:
        if name.rpartition("/")[2] == _CONFIGURED:
            yield from _refused_settings(name, _text(path))
        return
    if name.rpartition("/")[2] == "adapter_config.json":
        yield "adapter", f"in {name}", "an adapter names another model, which would be fetched"
    if not name.endswith(".json") or name.endswith(_VOCABULARIES):
        return
    for key, value in _pairs(json.loads(_text(path))):
        if key in _NEVER and value:
            yield key, f"in {name}", _NEVER[key]
        elif "attn_implementation" in key and re.search(r"[/:@]", str(value)):
            yield str(value), f"in {name}", "a kernel of a repository"
        elif format is ModelFormat.SENTENCE_TRANSFORMERS and _is_foreign_class(value):
            yield str(value), f"in {name}", ""


def _is_foreign_class(value: Any) -> bool:
    """Whether a value may be the dotted path of a class of neither sentence-transformers nor torch."""
    return isinstance(value, str) and bool(_DOTTED.fullmatch(value)) and not _OWN_CLASS.fullmatch(value)


def _refused_settings(name: str, text: str) -> Iterator[_Refused]:
    """The functions, factories and other pipelines that a configuration of spaCy names and spaCy has not."""
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    for section in parser.sections():
        settings = {key: _value(value) for key, value in parser.items(section)}
        for key, value in _pairs(settings):
            if key.startswith("@"):
                built_in = isinstance(value, str) and (_REGISTERED.fullmatch(value) or value in _OF_THINC)
                if not built_in or value == _COPIES:
                    yield str(value), f"in {name}", f"no {key[1:] or 'function'} of spaCy's own"
            elif key == "factory" and value not in _FACTORIES:
                yield str(value), f"in {name}", "no component of spaCy's own"
            elif key == "source" and section.startswith("components"):
                yield str(value), f"in {name}", "another pipeline, which would be loaded"
            elif key == "lang" and not (isinstance(value, str) and _LANGUAGE.fullmatch(value)):
                yield str(value), f"in {name}", "no language of spaCy's own"


def _value(text: str) -> Any:
    """A value of a configuration, which is JSON, or else a text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Each key with its value, at any depth; items of a list have the key of the list."""
    waiting = [("", value)]
    while waiting:
        key, each = waiting.pop()
        if isinstance(each, dict):
            waiting += each.items()
        elif isinstance(each, list):
            waiting += ((key, item) for item in each)
        yield key, each


def _text(path: Path) -> str:
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path.name} is too large for a configuration")
    return path.read_text(encoding="utf-8")
