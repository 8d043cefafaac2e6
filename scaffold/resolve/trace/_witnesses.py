"""Which distributions are needed, and why: by the pickle's names, by imports in code, by the trace."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from scaffold.resolve._distributions import Installation
from scaffold.resolve.trace._trace import TraceReport
from scaffold.spec import Artifact, ModelFormat

# The library that reads a format which does not name it.
_READERS = {
    ModelFormat.JOBLIB: ("joblib",),
    ModelFormat.TORCH: ("torch",),
    ModelFormat.TORCHSCRIPT: ("torch",),
    ModelFormat.ONNX: ("onnxruntime", "numpy"),
    ModelFormat.XGBOOST: ("xgboost",),
    ModelFormat.LIGHTGBM: ("lightgbm",),
    ModelFormat.CATBOOST: ("catboost",),
    ModelFormat.SKOPS: ("skops",),
    ModelFormat.KERAS: ("keras",),
    ModelFormat.TRANSFORMERS: ("transformers", "torch"),
    ModelFormat.SENTENCE_TRANSFORMERS: ("sentence_transformers",),
    ModelFormat.SPACY: ("spacy",),
    ModelFormat.PYTHON_FUNCTION: ("mlflow",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import in a text."""

    module: str
    certain: bool
    """Whether it runs on every import of the module: it is not in a function, a `try` or an `if`."""


def mentioned_distributions(artifact: Artifact, installation: Installation) -> set[str]:
    """Return the distributions whose names the pickle mentions."""
    return {owner for name in artifact.globals for owner in _owner(installation, name.module)}


def model_reasons(artifact: Artifact, installation: Installation) -> dict[str, str]:
    """Return a reason for each distribution that the pickle names or that reads the format."""
    reasons: dict[str, str] = {}
    for name in artifact.globals:
        for owner in _owner(installation, name.module):
            reasons.setdefault(owner, f"{name.dotted} in {artifact.path.name}")
    for module in _READERS.get(artifact.format, ()):
        for owner in _owner(installation, module):
            reasons.setdefault(owner, f"reads {artifact.path.name}")
    return reasons


def code_reasons(texts: Mapping[str, str], installation: Installation) -> dict[str, str]:
    """Return a reason for each distribution that the Python `texts`, by path, always import."""
    reasons: dict[str, str] = {}
    for path, text in sorted(texts.items()):
        for imported in imports_of(text):
            if imported.certain:
                for owner in _owner(installation, imported.module):
                    reasons.setdefault(owner, f"imported by {path}")
    return reasons


def sample_reasons(modules: Sequence[str], installation: Installation) -> dict[str, str]:
    """Return a reason for each distribution of the sample's classes."""
    return {owner: "the class of the sample" for module in modules for owner in _owner(installation, module)}


def trace_reasons(report: TraceReport, distributions: Iterable[str]) -> dict[str, str]:
    """Return a reason for each distribution that only the trace found."""
    reasons = {}
    for name in distributions:
        importer, phase = report.missing_distributions[name]
        when = "load" if phase == "load" else "predict"
        reasons[name] = f"imported by {importer or 'the model'} at {when}"
    return reasons


def imported_distributions(report: TraceReport, installation: Installation) -> set[str]:
    """Return the distributions with an imported module."""
    return {owner for module in (*report.imported, *report.ours) for owner in installation.owners_of(module)}


def optional_imports(texts: Mapping[str, str], installation: Installation) -> dict[str, str]:
    """Return, by distribution, the path of a text with a conditional import of it."""
    return {
        owner: path
        for path, text in sorted(texts.items(), reverse=True)
        for imported in imports_of(text)
        if not imported.certain
        for owner in _owner(installation, imported.module)
    }


def minimal_reasons(reasons: Mapping[str, str], installation: Installation) -> dict[str, str]:
    """Return `reasons` without transitive dependencies of the other distributions."""
    minimal = dict(reasons)
    for name in sorted(reasons, reverse=True):
        if name in installation.closure(other for other in minimal if other != name):
            del minimal[name]
    return minimal


def imports_of(text: str) -> list[Import]:
    """Return the absolute imports of a Python text, in order; empty for invalid Python."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return []
    return list(_imports(tree, certain=True))


def _imports(node: ast.AST, *, certain: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import():
                for alias in child.names:
                    yield Import(module=alias.name, certain=certain)
            case ast.ImportFrom(module=str(module), level=0):
                yield Import(module=module, certain=certain)
                for alias in child.names:
                    yield Import(module=f"{module}.{alias.name}", certain=certain)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() | ast.Try() | ast.If():
                yield from _imports(child, certain=False)
            case _:
                yield from _imports(child, certain=certain)


def _owner(installation: Installation, module: str) -> tuple[str, ...]:
    """The distribution of `module`; nothing for the standard library and local code."""
    owner = None if module.partition(".")[0] in sys.stdlib_module_names else installation.owner_of(module)
    return (owner,) if owner else ()


def python_texts(sources: Mapping[str, bytes]) -> dict[str, str]:
    """Return the Python files among `sources`, by path."""
    return {
        path: content.decode("utf-8", "replace")
        for path, content in sources.items()
        if PurePosixPath(path).suffix == ".py"
    }
