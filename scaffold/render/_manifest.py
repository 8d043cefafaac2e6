"""The templates of the manifests."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from scaffold.base.strategic_merge import manifest_text
from scaffold.base.templates import template_path
from scaffold.render._tree import jinja_environment

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True, slots=True)
class ChartValue:
    """A value of the Helm chart: the templates of the chart write it as YAML, or nothing if it is empty."""

    name: str
    is_scalar: bool = False


def render_manifest(template: str, values: Mapping[str, object]) -> bytes:
    """Return a template of `templates/service/deploy/` with its values."""
    return _environment().get_template(template).render(values).encode()


def render_manifests(values: Mapping[str, object]) -> dict[str, bytes]:
    """Return the manifests that `values["files"]` lists, by name."""
    names = cast("list[str]", values["files"])
    return {name: render_manifest(f"{name}.jinja", values) for name in names}


@functools.cache
def _environment() -> Environment:
    environment = jinja_environment(template_path("service") / "deploy")
    environment.filters["block"] = _block
    environment.filters["field"] = _field
    return environment


def _block(value: Any, indent: int) -> str:
    """A value as lines of YAML that stand `indent` columns in."""
    if isinstance(value, ChartValue):
        return _if_not_empty(value, f"{{{{- toYaml . | nindent {indent} }}}}", indent)
    plain = list(value) if isinstance(value, tuple) else value
    return textwrap.indent(manifest_text(plain), " " * indent).rstrip("\n")


def _field(value: Any, key: str, indent: int) -> str:
    """A value below its key, as lines of YAML that stand `indent` columns in."""
    if isinstance(value, ChartValue):
        text = " {{ toYaml . }}" if value.is_scalar else f"\n  {{{{- toYaml . | nindent {indent + 2} }}}}"
        return _if_not_empty(value, f"{key}:{text}", indent)
    return _block({key: list(value) if isinstance(value, tuple) else value}, indent)


def _if_not_empty(value: ChartValue, text: str, indent: int) -> str:
    lines = f"{{{{- with .Values.{value.name} }}}}\n{text}\n{{{{- end }}}}"
    return textwrap.indent(lines, " " * indent)
