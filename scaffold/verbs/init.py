"""`init`: begin a training project."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def init(
    target: str | Path,
    answers: Mapping[str, object] | None = None,
    *,
    answers_file: Path | None = None,
    template: str | None = None,
    ask: bool = False,
) -> list[str]:
    """Write a training project to `target` and return its files.

    Args:
        target: A folder that is absent or empty.
        answers: Answers by question, e.g. `{"variant": "text"}`; they win over those of the file.
        answers_file: YAML or JSON with further answers.
        template: A path or URL of another template that copier takes.
        ask: Whether open questions are asked on the terminal.
    """
    from scaffold.render import read_answers_file, render_bootstrap

    from_file = read_answers_file(answers_file) if answers_file else {}
    return render_bootstrap(Path(target), {**from_file, **(answers or {})}, template=template, ask=ask)
