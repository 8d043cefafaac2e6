"""Resolve conflicts with the user's merge tool."""

from __future__ import annotations

import shlex
from pathlib import Path, PurePosixPath

from scaffold.base.markers import marked_lines
from scaffold.base.process import Runner, run_command
from scaffold.base.temporary import TemporaryFolder
from scaffold.upgrade._content import is_text
from scaffold.upgrade._outcome import MergedTree


def resolve_with_tool(
    tool: str,
    merged: MergedTree,
    run: Runner = run_command,
) -> dict[str, bytes]:
    """Return the files that a merge tool resolved; a file that still has markers is left out.

    Args:
        tool: A command with `{base}`, `{ours}`, `{theirs}` and `{merged}`: the last one is the file to write.
        merged: The files as they are merged so far, with markers.
        run: Runs a command.

    Raises:
        CommandError: The tool ended with an error.
    """
    resolved = {}
    for path in merged.conflicts:
        file = merged.files[path]
        texts = dict(zip(("base", "ours", "theirs"), (side or b"" for side in file.sides), strict=True))
        texts["merged"] = file.content or b""
        if not all(isinstance(text, bytes) for text in texts.values()):
            continue
        with TemporaryFolder("merge") as folder:
            places = {name: Path(folder) / f"{name}-{PurePosixPath(path).name}" for name in texts}
            for name, text in texts.items():
                assert isinstance(text, bytes)
                places[name].write_bytes(text)
            run([part.format(**places) for part in shlex.split(tool)])
            content = places["merged"].read_bytes()
        if is_text(content) and not marked_lines(content.decode()):
            resolved[path] = content
    return resolved
