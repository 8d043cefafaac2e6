"""What `scaffold audit` prints."""

import pytest

from scaffold.cli._project import _show_audit
from scaffold.resolve.lock._audit import Audit, Component, Vulnerability


def test_text_of_others_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """A distribution with an extra, and a note that quotes it, would be taken for a style."""
    note = "uvicorn[standard] was not looked up: it is no release of an index"
    known = Vulnerability(
        name="uvicorn[bold]", version="0.1", id="PYSEC-1[red]", description="", fixed_in=("0.2[/]",)
    )
    component = Component(name="uvicorn[standard]", version="0.1", licence="[BSD]")
    _show_audit(Audit(components=(component,), vulnerabilities=(known,), sbom="", notes=(note,)))
    assert capsys.readouterr().out.splitlines() == [
        "uvicorn[standard]   0.1   [BSD]",
        f"! {note}",
        "✗ uvicorn[bold] 0.1: PYSEC-1[red], fixed in 0.2[/]",
    ]
