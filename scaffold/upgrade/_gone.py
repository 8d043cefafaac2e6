"""Find references in a project's code to modules, names, arguments and fields that no longer exist."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from scaffold.base.layout import APP, CONVERT, MAIN, SCHEMAS, SCORE, SETTINGS
from scaffold.upgrade._imports import module_name, unbound_names

GENERATED = (CONVERT, MAIN, SCHEMAS, SCORE, SETTINGS)
_SERVING = "app.serving"
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def gone_references(files: Mapping[str, str], checked: set[str]) -> dict[str, list[str]]:
    """Return the dangling references in each of the files `checked`, with the lines.

    Args:
        files: All Python files of the project, by path.
        checked: The paths of the files to search.
    """
    modules = {module_name(path): _parse(text) for path, text in files.items()}
    faults_by_path: dict[str, list[str]] = {}
    for path in sorted(checked):
        faults = set(_faults(modules[module_name(path)], modules))
        if path == SCHEMAS:
            faults |= set(_example_faults(modules[module_name(path)]))
        faults_by_path[path] = [f"line {line}: {fault}" for line, fault in sorted(faults)]
        if path in GENERATED and (names := unbound_names(files[path])):
            faults_by_path[path].append(f"{', '.join(sorted(names))}: not defined")
    return {path: faults for path, faults in faults_by_path.items() if faults}


def _parse(text: str) -> ast.Module:
    """Return the syntax tree of a module; if it does not parse, a tree that may bind any name."""
    try:
        return ast.parse(text)
    except SyntaxError:
        return ast.parse("from anything import *")


def _faults(tree: ast.Module, modules: Mapping[str, ast.Module]) -> Iterator[tuple[int, str]]:
    aliases: dict[str, str] = {}
    functions: dict[str, ast.stmt] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and _is_ours(node.module or ""):
            for alias in node.names:
                if fault := _missing(node.module or "", alias.name, modules):
                    yield node.lineno, fault
                aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                if definition := _definition(node.module or "", alias.name, modules):
                    functions[alias.asname or alias.name] = definition
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if _is_ours(alias.name) and not _exists(alias.name, modules):
                    yield node.lineno, f"{alias.name} is gone"
                aliases[alias.asname or ""] = alias.name
    yield from _attributes(tree, aliases, modules)
    yield from _calls(tree, functions)


def _missing(module: str, name: str, modules: Mapping[str, ast.Module]) -> str:
    """Return the missing module or name of `from module import name`; empty if both exist."""
    qualified = f"{module}.{name}"
    if _exists(qualified, modules):
        return ""
    if not _exists(module, modules):
        return f"{module} is gone"
    tree = modules.get(module)
    return "" if name == "*" or (tree and name in _bound_names(tree)) else f"{qualified} is gone"


def _is_ours(name: str) -> bool:
    return name == APP or name.startswith(f"{APP}.")


def _exists(module: str, modules: Mapping[str, ast.Module]) -> bool:
    return module in modules or any(name.startswith(f"{module}.") for name in modules)


def _attributes(
    tree: ast.Module, aliases: Mapping[str, str], modules: Mapping[str, ast.Module]
) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = aliases.get(node.value.id, "")
            if module in modules and (fault := _missing(module, node.attr, modules)):
                yield node.lineno, fault


def _calls(tree: ast.Module, functions: Mapping[str, ast.stmt]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name, positional_count = node.func, len(node.args)
        if isinstance(name, ast.Attribute) and name.attr == "add_middleware" and node.args:
            name = node.args[0]  # called later, with the app in place of the class
        if isinstance(name, ast.Name) and (definition := functions.get(name.id)):
            expected = _wrong_arguments(definition, positional_count, [key.arg for key in node.keywords])
            if expected and not any(isinstance(argument, ast.Starred) for argument in node.args):
                yield node.lineno, f"{name.id} takes other arguments now: {expected}"


def _definition(module: str, name: str, modules: Mapping[str, ast.Module]) -> ast.stmt | None:
    """The function or class of the serving code of that name, where it is defined."""
    if not module.startswith(_SERVING) or module not in modules:
        return None
    for node in modules[module].body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name == name:
            return node
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _definition(node.module, alias.name, modules)
    return None


def _wrong_arguments(definition: ast.stmt, positional_count: int, keywords: list[str | None]) -> str:
    """Return the parameters of a function that a call does not fit; empty if the call fits."""
    function: ast.stmt | None = definition
    if isinstance(definition, ast.ClassDef):
        inits = [n for n in definition.body if isinstance(n, _Function) and n.name == "__init__"]
        function = inits[0] if inits else None
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return ""
    parameters = function.args
    names = [each.arg for each in (*parameters.posonlyargs, *parameters.args)]
    names = names[1:] if isinstance(definition, ast.ClassDef) else names
    needed = names[: len(names) - len(parameters.defaults)]
    only = [each.arg for each in parameters.kwonlyargs]
    needed += [name for name, value in zip(only, parameters.kw_defaults, strict=True) if value is None]
    filled = {*names[:positional_count], *keywords}
    too_many = positional_count > len(names) and not parameters.vararg
    too_few = None not in keywords and not filled >= set(needed)
    unknown = not parameters.kwarg and not filled <= {*names, *only, None}
    return ", ".join([*names, *only]) if too_many or too_few or unknown else ""


def _bound_names(tree: ast.Module) -> set[str]:
    """Return the names that a module binds."""
    names_bound: set[str] = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names_bound.add(name)
                continue
            case ast.ImportFrom(names=names) | ast.Import(names=names):
                if any(alias.name == "*" for alias in names):
                    return _Everything()
                names_bound |= {alias.asname or alias.name.partition(".")[0] for alias in names}
            case ast.Name(id=name, ctx=ast.Store()):
                names_bound.add(name)
            case ast.Global(names=global_names):
                names_bound |= set(global_names)
            case _:
                pass
        waiting += ast.iter_child_nodes(node)
    if "__getattr__" in names_bound:
        return _Everything()
    return names_bound | {"__name__", "__file__", "__doc__", "__path__"}


class _Everything(set[str]):
    """A set that contains every name, for a module whose names cannot be listed."""

    def __contains__(self, _name: object) -> bool:
        return True


def _example_faults(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the required values that `EXAMPLE` lacks, and its values for unknown fields."""
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="EXAMPLE")], value=ast.Call(func=ast.Name(id=name)) as call):
                if name not in classes or any(key.arg is None for key in call.keywords):
                    continue
                fields = dict(_fields(classes[name]))
                keywords = {key.arg for key in call.keywords}
                if missing := [
                    wire for wire, required in fields.items() if required and wire not in keywords
                ]:
                    yield node.lineno, f"EXAMPLE needs a value for {', '.join(missing)}"
                plain = all(
                    isinstance(base, ast.Name) and base.id == "BaseModel" for base in classes[name].bases
                )
                if plain and (unknown := [f"{each}" for each in keywords if each not in fields]):
                    yield (
                        node.lineno,
                        f"{name} has no field {', '.join(sorted(unknown))}, which EXAMPLE gives",
                    )
            case _:
                pass


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, bool]]:
    """Each field by the name under which it is given, and whether it must be."""
    for item in node.body:
        match item:
            case ast.AnnAssign(target=ast.Name(id=name), value=value):
                call = value if isinstance(value, ast.Call) else None
                words = {key.arg: key.value for key in call.keywords} if call else {}
                alias = words.get("validation_alias", words.get("alias"))
                if isinstance(alias, ast.Constant) and isinstance(alias.value, str):
                    name = alias.value
                defaults = {"default", "default_factory"}.isdisjoint(words)
                first = call.args[0] if call and call.args else None
                bare = first is None or (isinstance(first, ast.Constant) and first.value is Ellipsis)
                private = name.startswith("_") or "ClassVar" in ast.unparse(item.annotation)
                if not private:
                    yield name, value is None or (call is not None and defaults and bare)
            case _:
                pass
