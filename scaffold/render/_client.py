"""The typed client of a service: `client/`, a package of its own, by answer."""

from __future__ import annotations

from collections.abc import Mapping

from scaffold.base.layout import CLIENT, CLIENT_TEST
from scaffold.base.templates import template_path
from scaffold.render import _code
from scaffold.render._knobs import read_flag
from scaffold.render._source import render_wire_schemas, shown_example
from scaffold.render._tree import jinja_environment
from scaffold.spec import ProjectSpec

_MAX_RECORDS = 1000
"""The default of the service's MAX_RECORDS."""
_SUFFIX = ".jinja"
_EXAMPLE_INDENT = len("record: ModelInput = ")


def client_values(spec: ProjectSpec) -> dict[str, object]:
    """Return the values of `templates/service/client/`; an empty package name without a client.

    Raises:
        InvalidAnswerError: The answer is neither true nor false.
    """
    package = f"{spec.name.replace('-', '_')}_client"
    example = shown_example(spec)
    record = "..." if example is None else _code.lay_out(_code.value(example), 0, first=_EXAMPLE_INDENT)
    return {
        "client_name": f"{spec.name}-client",
        "client_package": (package if package.isidentifier() else f"service_{package}")
        if read_flag("client", spec.answers)
        else "",
        "client_max_records": _MAX_RECORDS,
        "client_record": record,
    }


def client_files(spec: ProjectSpec, values: Mapping[str, object]) -> dict[str, bytes]:
    """Return the files of `client/` and their test by path; none without a client."""
    package = values["client_package"]
    if not package:
        return {}
    folder = template_path("service") / "client"
    source = f"{CLIENT}/src/{package}"
    schemas = render_wire_schemas(spec.signature.input, spec.signature.output)
    files = {f"{source}/schemas.py": schemas.encode()}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        name = path.relative_to(folder).as_posix()
        content = path.read_bytes()
        if path.suffix == _SUFFIX:
            content = jinja_environment(folder).get_template(name).render(values).encode()
        name = name.removesuffix(_SUFFIX)
        if name == "test_client.py":
            files[CLIENT_TEST] = content
        elif name.startswith("package/"):
            files[f"{source}/{name.removeprefix('package/')}"] = content
        else:
            files[f"{CLIENT}/{name}"] = content
    return files
