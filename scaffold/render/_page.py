"""The page to try the service: `app/page.py`, `app/page.html`, and the lines that switch it on."""

from __future__ import annotations

from collections.abc import Mapping

from scaffold.base.layout import PAGE_CODE, PAGE_HTML
from scaffold.base.templates import template_path
from scaffold.errors import VariableTakenError
from scaffold.render._knobs import read_flag
from scaffold.render._model_card import proof_words
from scaffold.render._tree import jinja_environment
from scaffold.spec import ProjectSpec

_IMPORT = "from app.page import add_page\n"
_ADDED = "\n\nif settings.docs and settings.page:\n    add_page(app)\n"
_PUBLIC = """
        if "/docs" in public:  # the page at / is as public
            self._public += ("/",)"""
_SETTING = "    page: bool = True  # the page at /, to try the service; it needs `docs`\n"


def page_values(spec: ProjectSpec) -> dict[str, object]:
    """Return the lines of `main.py`, `settings.py` and `auth.py`; empty lines without the page.

    Raises:
        InvalidAnswerError: The answer is neither true nor false.
        VariableTakenError: The model reads the environment variable of the page's setting.
    """
    has_page = read_flag("page", spec.answers)
    if has_page and any(variable.name == "PAGE" for variable in spec.variables):
        raise VariableTakenError("PAGE")
    return {
        "page": has_page,
        "page_import": _IMPORT if has_page else "",
        "page_added": _ADDED if has_page else "",
        "page_public": _PUBLIC if has_page else "",
        "page_setting": _SETTING if has_page else "",
        "page_proof": proof_words(spec) if has_page else "",
    }


def page_files(spec: ProjectSpec, values: Mapping[str, object]) -> dict[str, bytes]:
    """Return the two files of the page by path; none without the answer."""
    if not read_flag("page", spec.answers):
        return {}
    folder = template_path("service") / "page"
    code = jinja_environment(folder).get_template("page.py.jinja").render(values)
    return {PAGE_CODE: code.encode(), PAGE_HTML: (folder / "page.html").read_bytes()}
