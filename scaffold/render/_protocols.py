"""The protocols that a service speaks besides `/score`: `app/protocols/`, and the lines of main.py."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from scaffold.base.layout import PROTOCOL_FILES
from scaffold.base.templates import template_path
from scaffold.render._choices import read_protocols
from scaffold.render._tree import jinja_environment
from scaffold.spec import Profile, ProjectSpec

_PACKAGE = "app.protocols."
_IMPORT = "from app.protocols import add_protocols\n"
_ADDED = "\n\nadd_protocols(app, batcher)\n"
_TYPES = "[ModelInput, ModelOutput]"


def protocol_values(spec: ProjectSpec) -> dict[str, object]:
    """Return the lines of main.py and the values of `app/protocols/`; empty lines without protocols.

    Raises:
        InvalidAnswerError: A protocol that the template has no file for.
    """
    names = read_protocols(spec.answers)
    return {
        "protocols_import": _IMPORT if names else "",
        "protocols_added": _ADDED if names else "",
        "protocols_names": ", ".join(sorted(names)),
        "protocols_tuple": f"{names[0]}," if len(names) == 1 else ", ".join(names),
        "batcher_types": "" if spec.profile is Profile.PLAIN else _TYPES,
    }


def protocol_files(spec: ProjectSpec, values: Mapping[str, object]) -> dict[str, bytes]:
    """Return the files of `app/protocols/` by path; none without protocols."""
    names = read_protocols(spec.answers)
    if not names:
        return {}
    folder = template_path("service") / "protocols"
    files: dict[str, bytes] = {}
    pending = ["__init__", *names]
    while pending:
        name = pending.pop()
        path = next(folder / each for each in (f"{name}.py", f"{name}.py.jinja") if (folder / each).is_file())
        text = jinja_environment(folder).get_template(path.name).render(values)
        files[f"{PROTOCOL_FILES}/{name}.py"] = text.encode()
        pending += [each for each in _shared_modules(text) if f"{PROTOCOL_FILES}/{each}.py" not in files]
    return files


def _shared_modules(text: str) -> Iterator[str]:
    """Yield the names of the modules of `app/protocols/` that a file of it imports."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(_PACKAGE):
            yield node.module.removeprefix(_PACKAGE)
