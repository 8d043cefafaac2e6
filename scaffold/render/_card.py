"""Values of the model card and of `requirements.in`."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Sequence
from pathlib import PurePath

from scaffold.base.lockfile import FIND_LINKS
from scaffold.render._knobs import read_flag
from scaffold.render._model_card import cell, model_card_values
from scaffold.spec import Artifact, Origin, ProjectSpec, Requirement

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024


def card_values(spec: ProjectSpec) -> dict[str, object]:
    """Return what `model/README.md` and `requirements.in` say, as finished lines."""
    artifact, call = spec.artifact, spec.signature.call
    lines = spec.dependencies.requirements
    full = model_card_values(spec)
    origin = spec.origin
    if origin and full["card_metrics"]:
        origin = dataclasses.replace(origin, metrics=())  # they have a section
    rows = [
        ("version", spec.version),
        ("format", artifact.format.value + (f", {artifact.compression}" if artifact.compression else "")),
        ("size", _size(artifact.size_bytes)),
        ("sha256", f"`{artifact.sha256}`"),
        ("made from", card_origin(artifact) + (f", of {artifact.written}" if artifact.written else "")),
        *_origin_rows(origin),
        ("called with", f"`{call.method}`" + (f": {call.evidence}" if call.evidence else "")),
        ("Python", spec.dependencies.python),
    ]
    return {
        **full,
        "card_title": f"The model of {spec.name}",
        "card_rows": [f"| {name} | {cell(value)} |" for name, value in rows],
        "card_libraries": [
            f"| `{line.distribution}{line.specifier}` | {cell(line.reason)} |" for line in _of("model", lines)
        ],
        "card_loader": _loader(spec),
        "card_names": [f"- `{name}`" for name in sorted({name.dotted for name in artifact.globals})],
        "card_sources": [
            f"| `{source.path}` | {cell(source.reason)} |" for source in spec.dependencies.sources
        ],
        "card_system": [
            f"| `{package.name}` | {cell(package.reason)} |" for package in spec.dependencies.system
        ],
        "card_notes": [f"- {note}" for note in (*spec.signature.notes, *spec.dependencies.notes)],
        "slim": is_slim(spec),
        "requirements_of_model": requirements_of_model(spec, lines),
        "requirements_of_service": [commented(line) for line in _of("service", lines)],
    }


def _loader(spec: ProjectSpec) -> str:
    """Return the beginning of the sentence on what checks the hash of the file."""
    if is_slim(spec):
        return "The service does not load the file; `tests/fast` checks"
    if spec.fast:
        return "The service does not load the file; `app/score.py` and `tests/fast` check"
    return "`app/score.py` checks"


def is_slim(spec: ProjectSpec) -> bool:
    """Whether the image of a project lacks the libraries of its model.

    Raises:
        InvalidAnswerError: The answer is neither true nor false.
    """
    return read_flag("slim", spec.answers) and spec.fast is not None


def requirements_of_model(spec: ProjectSpec, lines: Sequence[Requirement]) -> list[str]:
    """Return the lines of the model as `requirements.in` has them, and options of pip before them."""
    return [*_options(spec), *(commented(line) for line in _of("model", lines))]


def _of(serves: str, lines: Sequence[Requirement]) -> list[Requirement]:
    return [line for line in lines if line.serves == serves]


def _options(spec: ProjectSpec) -> list[str]:
    """Return the `--find-links` option if the lock has it."""
    is_needed = f"\n{FIND_LINKS}\n" in spec.dependencies.lock
    return [f"{FIND_LINKS}  # lock with --emit-find-links"] if is_needed else []


def commented(line: Requirement) -> str:
    """Return a line of `requirements.in` with its reason."""
    return f"{line}  # {line.reason}" if line.reason else str(line)


def _size(size_bytes: int) -> str:
    size, unit = float(size_bytes), 0
    while size >= _STEP and unit < len(_UNITS) - 1:
        size, unit = size / _STEP, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"


def _origin_rows(origin: Origin | None) -> list[tuple[str, str]]:
    """What the source says of the training. It is text of somebody else's: each value is shown as code."""
    if origin is None:
        return []
    facts = [
        ("server", origin.server),
        ("source's version", origin.version),
        ("run", origin.run),
        ("git revision", origin.revision),
    ]
    for name, pairs in (("parameters", origin.params), ("metrics", origin.metrics), ("tags", origin.tags)):
        facts.append((name, ", ".join(f"{key}={value}" for key, value in pairs)))
    return [(name, f"`{value.replace('`', chr(39))}`") for name, value in facts if value]


def card_origin(artifact: Artifact) -> str:
    """Where the file came from, without what only this machine or its user knows."""
    origin = artifact.provenance or artifact.path.name
    if "://" in origin:
        return f"`{re.sub(r'(?<=://)[^/@]*@', '', origin)}`"
    if PurePath(origin).is_absolute() or os.pardir in PurePath(origin).parts:
        return f"`{PurePath(origin).name}`"
    return f"`{origin}`" if PurePath(origin).suffix else origin
