"""The files of a profile: what it has besides the template, and what of the template it has not."""

from __future__ import annotations

from collections.abc import Mapping

from scaffold.base.templates import template_path
from scaffold.render._tree import jinja_environment
from scaffold.spec import Profile

_SUFFIX = ".jinja"
_LEFT_OUT = {
    Profile.FAST: (),
    Profile.PLAIN: ("app/serving/*", "!app/serving/model_file.py", "tests/serving", "RECIPES.md"),
}


def left_out(profile: Profile) -> tuple[str, ...]:
    """Return the files of the template that the profile does not have, as patterns of git."""
    return _LEFT_OUT[profile]


def profile_files(profile: Profile, values: Mapping[str, object]) -> dict[str, bytes]:
    """Return the files that the profile has in place of the template's, or besides them, by path."""
    if profile is Profile.FAST:
        return {}
    folder = template_path("service") / profile.value / "project"
    files = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix in {".py", _SUFFIX}):
        name = path.relative_to(folder).as_posix()
        if path.suffix == _SUFFIX:
            text = jinja_environment(folder).get_template(name).render(values)
        else:
            text = path.read_text(encoding="utf-8")
        files[name.removesuffix(_SUFFIX)] = text.encode()
    return files
