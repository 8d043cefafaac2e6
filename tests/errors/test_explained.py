"""Each error is explained: on the command line, and on the page of its branch."""

import sys

import pytest
from typer.testing import CliRunner

from scaffold.cli import main
from scaffold.cli._app import app
from scaffold.errors import ScaffoldError, UnknownErrorNameError, UntrustedCodeError
from scaffold.errors.explained import branch_of, branches, explain, meaning, tree

ERRORS = [error for branch in branches() for error in tree(branch)]


def names_of(errors: list[type[ScaffoldError]]) -> list[str]:
    return [error.__name__ for error in errors]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_is_explained_by_its_docstring_its_message_and_its_fields(
    error: type[ScaffoldError],
) -> None:
    text = explain(error)
    assert text.startswith((error.__doc__ or "").partition("\n")[0])
    assert all(f"`{name}`" in text for name in error._fields)
    assert branch_of(error) in branches()


@pytest.mark.parametrize("branch", branches(), ids=lambda branch: branch.__name__)
def test_a_branch_says_what_to_do(branch: type[ScaffoldError]) -> None:
    assert "\n\n" in meaning(branch)


def test_the_message_has_placeholders_and_the_lines_of_other_cases() -> None:
    first, other = explain(UntrustedCodeError).split("In other cases")
    assert "Refused as unsafe: PATH names code that scaffold does not run unasked." in first
    assert "No --trust opens NEVER." in first
    assert "If you made this file and expect that: scaffold new ... --trust TRUST" in other


def test_the_command_explains_an_error_and_its_branch() -> None:
    done = CliRunner().invoke(app, ["explain", "untrustedcodeerror"], catch_exceptions=False)
    assert done.output.startswith("# UntrustedCodeError\n")
    assert meaning(branch_of(UntrustedCodeError)) in done.output


def test_the_command_lists_all_errors() -> None:
    done = CliRunner().invoke(app, ["explain"], catch_exceptions=False)
    assert [line.split()[0] for line in done.output.splitlines()[1:] if line.strip()] == names_of(ERRORS)


def test_an_unknown_error_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownErrorNameError, match="Did you mean UntrustedCodeError"):
        CliRunner().invoke(app, ["explain", "UntrustedCode"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("terminal", "words", "explained"),
    [
        (True, ["inspect", "absent.pkl", "--input", "absent.csv"], True),
        (False, ["inspect", "absent.pkl", "--input", "absent.csv"], False),
        (True, ["explain", "Nothing"], False),  # a usage error says all that there is
    ],
)
def test_a_message_on_a_terminal_names_its_explanation(
    terminal: bool,
    words: list[str],
    explained: bool,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys, "argv", ["scaffold", *words])
    with pytest.raises(SystemExit):
        main()
    printed = capfd.readouterr().err
    assert ("More: scaffold explain NoSuchFileError" in printed) == explained
    assert ("More: " in printed) == explained
