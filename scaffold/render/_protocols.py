"""The protocols that a service speaks besides `/score`: `app/protocols/`, and the lines of main.py."""

from __future__ import annotations

from collections.abc import Mapping

from scaffold.base.layout import PROTOCOL_FILES
from scaffold.render._knobs import read_protocols
from scaffold.render._tree import jinja_environment, template_path
from scaffold.spec import Profile, ProjectSpec

_SHARED = ("__init__.py.jinja", "core.py.jinja", "refusals.py")
_TABLES, _IMPORTS_TABLES = "tables.py", b"from app.protocols.tables"
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
    environment = jinja_environment(template_path("service") / "protocols")

    def rendered(name: str) -> bytes:
        return environment.get_template(name).render(values).encode()

    files = {name: rendered(name) for name in (*_SHARED, *(f"{name}.py" for name in names))}
    if any(_IMPORTS_TABLES in text for text in files.values()):
        files[_TABLES] = rendered(_TABLES)
    return {f"{PROTOCOL_FILES}/{name.removesuffix('.jinja')}": text for name, text in files.items()}
