"""Rename local modules whose names the service has for itself, and all references to them.

`app` and `tests` belong to the service. A user's package `app` is copied as `model_app`: imports of it are
rewritten in all copied code, and so are the pickles.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import libcst as cst

from scaffold.base import model
from scaffold.base.modules import Modules
from scaffold.errors import TraceFailedError
from scaffold.resolve.lift._files import link_data_files, prepend_search_path, save
from scaffold.resolve.lift._moved import RESERVED_TOP_LEVEL, Renamed, top_level_name
from scaffold.spec import Artifact, LocalSource

# These functions take the name of a module as a string.
_BY_TEXT = frozenset(
    {
        "import_module",
        "__import__",
        "files",
        "get_data",
        "open_text",
        "open_binary",
        "read_text",
        "read_binary",
    }
)


def rename(
    sources: Sequence[LocalSource], artifacts: Mapping[Path, Artifact], folder: Path, search: Sequence[Path]
) -> Renamed:
    """Move and rename the sources whose path is that of a part of the service.

    Args:
        sources: The local code that goes along.
        artifacts: The model and the samples, by the file that is to be read for each.
        folder: The folder for the code under its new names, first on the search path.
        search: Folders of local code.

    Raises:
        TraceFailedError: A renamed module does not import.
    """
    finder = Modules([str(place) for place in search])
    clashing = {top_level_name(source.path) for source in sources} & RESERVED_TOP_LEVEL
    names = {name: _unused_name(f"model_{name}", finder) for name in sorted(clashing)}
    if not names:
        return Renamed(list(sources))
    result = Renamed([_renamed(source, names) for source in sources])
    changed = {
        top_level_name(new.path)
        for old, new in zip(sources, result.sources, strict=True)
        if old.content != new.content
    } | set(names.values())
    for name in changed:
        module = finder.module(next((old for old, new in names.items() if new == name), name))
        for origin in module.folders if module else ():
            _copy_package(Path(origin), folder / name, names)
    for source in result.sources:
        if top_level_name(source.path) in changed:
            _copy_source(source, folder, search)
    with prepend_search_path([folder, *search]):
        _forget(changed)
        for path, artifact in artifacts.items():
            modules = {name.module for name in artifact.globals}
            if path != artifact.path or {top_level_name(module, ".") for module in modules} & {
                *names,
                *changed,
            }:
                renamed_modules = {module for module in modules if top_level_name(module, ".") in names}
                result.moved[artifact.path] = _rewrite_pickle(path, artifact, renamed_modules, names, folder)
    result.notes = [
        f"{old} is {new} in the service, which has an {old} of its own" for old, new in names.items()
    ]
    return result


def _renamed(source: LocalSource, names: Mapping[str, str]) -> LocalSource:
    top = top_level_name(source.path)
    path = names[top] + source.path[len(top) :] if top in names else source.path
    reason = f"{source.reason}; {source.path} there" if path != source.path else source.reason
    content = _content_with(source.content, names) if path.endswith(".py") else source.content
    return replace(source, path=path, content=content, reason=reason)


def _content_with(content: bytes, names: Mapping[str, str]) -> bytes:
    """Return a Python file with renamed imports; the names that the imports bind stay."""
    if not any(name.encode() in content for name in names):
        return content
    try:
        return cst.parse_module(content).visit(_Imports(names)).bytes
    except cst.ParserSyntaxError:
        return content


class _Imports(cst.CSTTransformer):
    """Rewrites imports, and strings that name a module."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def leave_Import(self, original_node: cst.Import, updated_node: cst.Import) -> cst.Import:  # noqa: N802, ARG002
        aliases: list[cst.ImportAlias] = []
        for alias in updated_node.names:
            name = alias.evaluated_name
            new = self._new(name)
            if new == name:
                aliases.append(alias)
                continue
            if alias.asname or "." in name:
                aliases.append(alias.with_changes(name=_dotted(new)))
            if not alias.asname:
                old = cst.AsName(cst.Name(top_level_name(name, ".")))
                aliases.append(cst.ImportAlias(name=cst.Name(top_level_name(new, ".")), asname=old))
        comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
        *before, last = aliases
        return updated_node.with_changes(
            names=[
                *(alias.with_changes(comma=comma) for alias in before),
                last.with_changes(comma=cst.MaybeSentinel.DEFAULT),
            ]
        )

    def leave_ImportFrom(  # noqa: N802
        self,
        original_node: cst.ImportFrom,  # noqa: ARG002
        updated_node: cst.ImportFrom,
    ) -> cst.ImportFrom:
        if updated_node.relative or updated_node.module is None:
            return updated_node
        name = cst.Module([]).code_for_node(updated_node.module)
        return (
            updated_node.with_changes(module=_dotted(self._new(name)))
            if self._new(name) != name
            else updated_node
        )

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:  # noqa: N802, ARG002
        function = cst.Module([]).code_for_node(updated_node.func).rpartition(".")[2]
        first = updated_node.args[0].value if updated_node.args else None
        if function not in _BY_TEXT or not isinstance(first, cst.SimpleString):
            return updated_node
        name = first.evaluated_value
        if not isinstance(name, str) or self._new(name) == name:
            return updated_node
        return updated_node.with_deep_changes(first, value=repr(self._new(name)))

    def _new(self, name: str) -> str:
        top = top_level_name(name, ".")
        return self._names[top] + name[len(top) :] if top in self._names else name


def _copy_package(origin: Path, target: Path, names: Mapping[str, str]) -> None:
    """Copy a package: all its code, because modules may be imported by name, and its data files."""
    for place, folders, files in os.walk(origin):
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
        for name in files:
            file, copy = Path(place) / name, target / Path(place).relative_to(origin) / name
            if name.startswith(".") or name.endswith(".pyc"):
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            if name.endswith(".py"):
                copy.write_bytes(_content_with(file.read_bytes(), names))
            else:
                _link(file, copy)


def _link(file: Path, copy: Path) -> None:
    """Link a file to a second place; copy it if the file system has no links."""
    try:
        os.link(file, copy)
    except OSError:
        shutil.copyfile(file, copy)


def _copy_source(source: LocalSource, folder: Path, search: Sequence[Path]) -> None:
    path = folder / source.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(source.content)
    if path.parent == folder and b"__file__" in source.content:
        link_data_files(path, search)


def _rewrite_pickle(
    path: Path, artifact: Artifact, modules: set[str], names: Mapping[str, str], folder: Path
) -> Path:
    """Write a file anew in which the classes of `modules` have their new names."""
    with _alias_modules(modules, names):
        value = model.load(path, artifact.format, artifact.globals if path == artifact.path else None)
    place = folder / f"file-{len(list(folder.glob('file-*')))}" / artifact.path.name
    place.parent.mkdir()
    save(value, place, artifact.format)
    return place


@contextlib.contextmanager
def _alias_modules(modules: set[str], names: Mapping[str, str]) -> Iterator[None]:
    """Register the modules under their old names too, which the pickle uses."""
    every = {
        ".".join(parts[:end]) for m in modules for parts in [m.split(".")] for end in range(1, len(parts) + 1)
    }
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if top_level_name(name, ".") in names}
    try:
        for module in sorted(every):
            new = names[top_level_name(module, ".")] + module[len(top_level_name(module, ".")) :]
            try:
                sys.modules[module] = importlib.import_module(new)
            except Exception as error:
                cause = f"{module}, which the service has as {new}: {type(error).__name__}: {error}"
                raise TraceFailedError(cause, "") from error
        yield
    finally:
        _forget(set(names))
        sys.modules.update(before)


def _forget(top_levels: set[str]) -> None:
    for name in [name for name in sys.modules if top_level_name(name, ".") in top_levels]:
        del sys.modules[name]
    importlib.invalidate_caches()


def _unused_name(name: str, finder: Modules) -> str:
    names = (name, *(f"{name}_{number}" for number in range(2, 100)))
    return next(name for name in names if finder.module(name) is None)


def _dotted(name: str) -> cst.Attribute | cst.Name:
    return cst.ensure_type(cst.parse_expression(name), (cst.Attribute, cst.Name))  # type: ignore[arg-type]
