"""Describe the results of the stages: a line for each stage, and the tables of `inspect`."""

from __future__ import annotations

from collections import Counter

from scaffold.base.schema_words import schema_words
from scaffold.errors.wording import counted
from scaffold.spec import (
    Artifact,
    Dependencies,
    Field,
    ProjectSpec,
    Record,
    Schema,
    Signature,
    Table,
    Value,
    words_of,
)


def artifact_line(artifact: Artifact) -> str:
    """`model.pkl: pickle, 4.1 KB, names 14 things of scipy, sklearn`."""
    roots = sorted({name.module.partition(".")[0] for name in artifact.globals})
    names = f", names {counted(len(artifact.globals), 'thing')} of {', '.join(roots[:6])}" if roots else ""
    packed = f" in {artifact.compression}" if artifact.compression else ""
    return f"{artifact.path.name}: {artifact.format.value}{packed}, {size(artifact.size_bytes)}{names}"


def signature_line(signature: Signature) -> str:
    """`7 columns, 2 may be missing; predict, rows together`."""
    call = signature.call
    method = "called" if call.method == "__call__" else call.method
    rows = "rows together" if call.batched else "one record at a time"
    return f"{schema_words(signature.input)}; {method}, {rows}"


def dependencies_line(dependencies: Dependencies) -> str:
    """`5 requirements, 31 locked`."""
    locked = sum(1 for line in dependencies.lock.splitlines() if line and line[0] not in " #-")
    line = f"{counted(len(dependencies.requirements), 'requirement')}, {locked} locked"
    if dependencies.sources:
        line += f", {counted(len(dependencies.sources), 'file')} of your own"
    if dependencies.system:
        line += f", {', '.join(package.name for package in dependencies.system)} from Debian"
    return line


def inspection(spec: ProjectSpec) -> dict[str, list[tuple[str, ...]]]:
    """The tables of `scaffold inspect`: rows of text by title."""
    signature, dependencies = spec.signature, spec.dependencies
    used = Counter(sorted(name.dotted for name in spec.artifact.globals))
    tables: dict[str, list[tuple[str, ...]]] = {
        "Model": [
            ("file", artifact_line(spec.artifact)),
            ("sha256", spec.artifact.sha256),
            ("call", f"{signature.call.method}: {signature.call.evidence}"),
        ],
        "Input": _field_rows(signature.input),
        "Output": _field_rows(signature.output),
        "Requirements": [(str(line), line.reason) for line in dependencies.requirements],
        "Files of your own": [(source.path, source.reason) for source in dependencies.sources],
        "Debian packages": [(package.name, package.reason) for package in dependencies.system],
        "Names in the file": [
            (name, f"{times}x" if times > 1 else "") for name, times in sorted(used.items())
        ],
        "Notes": [(note,) for note in (*signature.notes, *dependencies.notes)],
    }
    return {title: rows for title, rows in tables.items() if rows}


def _field_rows(schema: Schema) -> list[tuple[str, ...]]:
    if isinstance(schema, Table | Record):
        fields: tuple[Field, ...] = schema.columns if isinstance(schema, Table) else schema.fields
        return [(field.name, schema_words(field.schema), words_of(field.evidence)) for field in fields]
    if isinstance(schema, Value):
        return [(schema.field.name, schema_words(schema), words_of(schema.field.evidence))]
    return [(schema_words(schema),)]


def size(number: int) -> str:
    """`4.1 KB`: bytes in the unit that a person would take, by thousands."""
    value = float(number)
    for unit in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
