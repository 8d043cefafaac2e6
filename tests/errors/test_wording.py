"""Messages name the call for a Python caller, and the command on the command line."""

import shlex
import sys
from pathlib import Path

import pytest

import scaffold
from scaffold.cli import main
from scaffold.errors import ScaffoldError, UntrustedCodeError, name_commands, wording
from scaffold.errors.wording import invocation, option, with_variable


@pytest.fixture(autouse=True)
def python_in_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wording, "_names_commands", False)


@pytest.mark.parametrize(
    ("options", "call", "command"),
    [
        ({}, "scaffold.new(...)", "scaffold new ..."),
        ({"method": "predict"}, "scaffold.new(..., method='predict')", "scaffold new ... --method predict"),
        (
            {"trust": ("posix.system", "by-value")},
            "scaffold.new(..., trust=['posix.system', 'by-value'])",
            "scaffold new ... --trust posix.system --trust by-value",
        ),
        (
            {"types": {"zip": "str"}},
            "scaffold.new(..., types={'zip': 'str'})",
            "scaffold new ... --type zip=str",
        ),
        (
            {"allow_network": True},
            "scaffold.new(..., allow_network=True)",
            "scaffold new ... --allow-network",
        ),
        ({"time_limit": 3600}, "scaffold.new(..., time_limit=3600)", "scaffold new ... --time-limit 3600"),
        ({"source": ...}, "scaffold.new(..., source=...)", "scaffold new ... --source ..."),
        (
            {"include": ["my file.py"]},
            "scaffold.new(..., include=['my file.py'])",
            "scaffold new ... --include 'my file.py'",
        ),
    ],
)
def test_a_verb_is_named_as_it_is_called(options: dict[str, object], call: str, command: str) -> None:
    assert invocation("new", ..., **options) == call
    with name_commands():
        assert invocation("new", ..., **options) == command
    assert invocation("new", ..., **options) == call


def test_arguments_are_quoted_for_python_or_for_the_shell() -> None:
    path = "my project's"
    assert invocation("verify", path) == 'scaffold.verify("my project\'s")'
    with name_commands():
        assert shlex.split(invocation("verify", path)) == ["scaffold", "verify", path]


def test_an_option_and_a_variable_are_named_for_python_or_the_shell() -> None:
    assert option("types") == "types"
    assert with_variable("UV_INDEX", "https://x", "new") == "os.environ['UV_INDEX'] = 'https://x'"
    with name_commands():
        assert option("types") == "--type"
        assert with_variable("UV_INDEX", "https://x", "new") == "UV_INDEX=https://x scaffold new ..."


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A pickle that would run a command, and a sample."""
    (tmp_path / "model.pkl").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    (tmp_path / "sample.json").write_text("[1.0]")
    return tmp_path


def test_what_new_raises_names_the_call(hostile: Path) -> None:
    with pytest.raises(UntrustedCodeError) as caught:
        scaffold.new(hostile / "model.pkl", hostile / "sample.json", target=hostile / "service")
    assert str(caught.value).endswith("scaffold.new(..., trust=['posix.system'])")


def test_what_the_command_prints_names_the_command(
    hostile: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    files = [str(hostile / name) for name in ("model.pkl", "service", "sample.json")]
    monkeypatch.setattr(sys, "argv", ["scaffold", "new", *files[:2], "--input", files[2]])
    with pytest.raises(SystemExit):
        main()
    assert "scaffold new ... --trust posix.system\n" in capfd.readouterr().err
    assert "scaffold.new" in invocation("new")


@pytest.mark.parametrize(
    ("call", "advice"),
    [
        (
            lambda: scaffold.update("service", model="new.pkl"),
            "scaffold.update('service', model='new.pkl', input=",
        ),
        (lambda: scaffold.verify("/nowhere"), "scaffold.verify('titanic-service')"),
        (
            lambda: scaffold.build("/nowhere", builder="layers"),
            "scaffold.build(..., builder='layers', push=True)",
        ),
        (lambda: scaffold.new("m", "s", target="t", memory_limit="much"), "  memory_limit='32G'"),
    ],
)
def test_messages_for_python_name_keywords(call: object, advice: str) -> None:
    assert callable(call)
    with pytest.raises(ScaffoldError) as caught:
        call()
    assert advice in str(caught.value)
    assert "--" not in str(caught.value)
