"""Leave the libraries of a compiled model out of the image: the answer `slim`.

`requirements.in` then has what the service imports. The libraries of the model stay in the requirements of
`tests/fast`, which compares the compiled model with the model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from scaffold.base.layout import (
    DOCKERIGNORE,
    FAST_LOCK,
    FAST_REQUIREMENTS,
    LOCK,
    MODEL_FOLDER,
    REQUIREMENTS,
    RUNTIME,
)
from scaffold.base.lockfile import Lock, to_model_lock
from scaffold.base.modules import imported_distributions, imported_modules
from scaffold.base.templates import template_path
from scaffold.render._card import commented, is_slim, requirements_of_model
from scaffold.spec import LocalSource, ProjectSpec, Requirement, TorchCall

_ASKED_FOR = "asked for"
"""The reason of what `--require` names."""
_HEAD = f"""\
# What tests/fast needs to ask the model itself, and why. After a change, lock it again:
#   uv pip compile --generate-hashes {FAST_REQUIREMENTS} --output-file {FAST_LOCK}

# The service, in the versions of the image.
-r ../../{REQUIREMENTS}
-c ../../{LOCK}

# The model.
"""
_IGNORED = "# app/fast.py runs in place of the model, which only tests/fast loads."


def slim_values(
    spec: ProjectSpec, compiled: Mapping[str, bytes], code: Mapping[str, str]
) -> dict[str, object]:
    """Return the values of the template that differ in a slim project.

    Args:
        spec: The project.
        compiled: The files of the compiled model, by path.
        code: The modules of the service that depend on the model, by path.
    """
    if not is_slim(spec):
        return {"compiled_label": ""}
    constants = [content for path, content in compiled.items() if path.startswith(f"{MODEL_FOLDER}/")]
    sha256 = ",".join(hashlib.sha256(content).hexdigest() for content in constants)
    own, imported = _own_requirements(spec, code), _code_requirements(spec, code)
    values: dict[str, object] = {
        "compiled_label": f' \\\n    model.compiled-sha256="{sha256}"',
        "requirements_of_model": requirements_of_model(spec, _by_name(own, imported)),
    }
    # Debian packages are traced for all libraries of the model together.
    return values if own else {**values, "system_packages": ""}


def slim_files(spec: ProjectSpec, model_file: str, code: Mapping[str, str]) -> dict[str, bytes]:
    """Return the files that differ in a slim project, by path; none in another one.

    Args:
        spec: The project.
        model_file: The name of the model file.
        code: The modules of the service that depend on the model, by path.
    """
    if not is_slim(spec):
        return {}
    lines, text = spec.dependencies.requirements, spec.dependencies.lock
    kept = {line.distribution for line in lines if line.serves == "service"}
    kept |= {line.distribution for line in (*_own_requirements(spec, code), *_code_requirements(spec, code))}
    of_model = "".join(f"{commented(line)}\n" for line in lines if line.distribution not in kept)
    templates = template_path("service")
    ignored = (templates / "project" / DOCKERIGNORE).read_text("utf-8")
    return {
        LOCK: Lock.parse(text).part(kept, REQUIREMENTS).text.encode(),
        FAST_LOCK: to_model_lock(text).encode(),
        FAST_REQUIREMENTS: f"{_HEAD}{of_model}".encode(),
        RUNTIME: (templates / "slim" / RUNTIME).read_bytes(),
        DOCKERIGNORE: f"{ignored}{_IGNORED}\n{MODEL_FOLDER}/{model_file}\n".encode(),
    }


def _by_name(*groups: Sequence[Requirement]) -> list[Requirement]:
    lines = {line.distribution: line for group in groups for line in group}
    return [lines[name] for name in sorted(lines)]


def _own_requirements(spec: ProjectSpec, code: Mapping[str, str]) -> list[Requirement]:
    """Return what code of the owner needs of the libraries of the model, and what was asked for."""
    sources = spec.dependencies.sources
    if isinstance(spec.signature.call, TorchCall):  # the class of a network is code of the owner's too
        sources = _sources_of(code, sources)
    reasons = {f"imported by {source.path}" for source in sources} | {_ASKED_FOR}
    lines = [line for line in spec.dependencies.requirements if line.reason in reasons]
    return [*lines, *_imported(spec, {name: [path] for name, path in spec.own_imports.items()})]


def _sources_of(code: Mapping[str, str], sources: Sequence[LocalSource]) -> tuple[LocalSource, ...]:
    """Return the local files that code imports, directly or not."""
    waiting: list[str] = [*code.values()]
    found: dict[LocalSource, None] = {}
    while waiting:
        modules = {*imported_modules(waiting.pop())}
        for source in sources:
            if source.module in modules and source not in found:
                found[source] = None
                waiting.append(source.content.decode("utf-8", "replace"))
    return tuple(found)


def _code_requirements(spec: ProjectSpec, code: Mapping[str, str]) -> list[Requirement]:
    """Return what the code of the compiled model imports."""
    importers: dict[str, list[str]] = {}
    for path, text in sorted(code.items()):
        for name in imported_distributions(text):
            importers.setdefault(name, []).append(path)
    return _imported(spec, importers)


def _imported(spec: ProjectSpec, importers: Mapping[str, Sequence[str]]) -> list[Requirement]:
    """Return the libraries of the lock that files import, but not those of the service itself."""
    lines = {line.distribution: line for line in spec.dependencies.requirements}
    lock = Lock.parse(spec.dependencies.lock)
    of_service = {name for name, line in lines.items() if line.serves == "service"}
    graph = spec.fast.graph if spec.fast else None
    # What runs a graph brings numpy, which the code of the compiled model imports by itself.
    runtime = {graph.requirement.distribution} if graph and graph.requirement else set()
    of_service |= lock.required_by(of_service - runtime)
    specifiers = {name: f"=={version}" for name, version in lock.releases.items()}
    specifiers |= {name: line.specifier for name, line in lines.items()}
    return [
        Requirement(distribution=name, specifier=specifiers[name], reason=f"imported by {', '.join(paths)}")
        for name, paths in importers.items()
        if name in specifiers and name not in of_service
    ]
