"""The templates of the manifests."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from scaffold.base.strategic_merge import manifest_text
from scaffold.render._tree import jinja_environment, template_path

if TYPE_CHECKING:
    from jinja2 import Environment


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
    return environment


def _block(value: Any, indent: int) -> str:
    """A value as lines of YAML that stand `indent` columns in."""
    plain = list(value) if isinstance(value, tuple) else value
    return textwrap.indent(manifest_text(plain), " " * indent).rstrip("\n")
