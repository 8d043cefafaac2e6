"""What `import scaffold` gives."""

import subprocess
import sys
from types import ModuleType

import pytest

import scaffold


@pytest.mark.parametrize("name", [name for name in scaffold.__all__ if name != "__version__"])
def test_every_name_that_is_promised_is_there(name: str) -> None:
    assert callable(getattr(scaffold, name))


def test_a_name_that_is_not_promised_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'render_tree'"):
        scaffold.render_tree  # noqa: B018


@pytest.mark.parametrize(
    ("verb", "module"),
    [("verify", "proof"), ("deploy", "cluster"), ("verify", "verbs.verify"), ("deploy", "verbs.deploy")],
)
def test_a_verb_stays_callable_after_its_module_is_imported(verb: str, module: str) -> None:
    code = f"import scaffold.{module}, scaffold; scaffold.{verb}('absent')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "is no generated project" in done.stderr or "absent" in done.stderr
    assert "not callable" not in done.stderr


def test_a_room_is_a_module() -> None:
    import scaffold.proof as room

    assert isinstance(room, ModuleType)
    assert room.verify_project.__module__ == "scaffold.proof._proof"
