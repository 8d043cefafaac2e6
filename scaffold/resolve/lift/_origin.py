"""Find the script or notebook that a definition was written in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType

from scaffold.base.live import live_source
from scaffold.errors import SourceChangedError, SourceNotFoundError
from scaffold.resolve.lift._script import Script, UnreadableScriptError, joined_cells, read_script

MOST_CANDIDATES = 200
LARGEST_BYTES = 2_000_000


def script_with_codes(
    codes: Sequence[CodeType], source: Path | None, folders: Sequence[Path], needed_by: str
) -> Script | None:
    """Return the script that holds all of `codes` as they are; None if their source is gone.

    Raises:
        SourceChangedError: Their file exists and has changed since.
        SourceNotFoundError: `source` is no Python script or notebook.
    """
    if source is not None:
        script = _read_named_script(source)
        _require_codes(script, codes, needed_by)
        return script
    origins = sorted({Path(code.co_filename) for code in codes})
    existing = [origin for origin in origins if origin.is_file()]
    for script in (*_scripts(existing), *_live(codes), *_scripts(_candidates(folders))):
        if not _absent(script, codes):
            return script
    changed = [script for script in _scripts(existing) if len(origins) == 1]
    if changed:
        _require_codes(changed[0], codes, needed_by)
    return None


def script_with_names(
    names: Sequence[str], source: Path | None, folders: Sequence[Path], needed_by: str
) -> Script:
    """Return the script that defines all of `names`, which a pickle looks for in `__main__`.

    Raises:
        SourceNotFoundError: No script, or several, define the names.
    """
    if source is not None:
        script = _read_named_script(source)
        # What the script only imports has the name of its own module in a pickle.
        missing = [name for name in names if all(statement.imports for statement in script.binding(name))]
        if missing:
            raise SourceNotFoundError(missing[0], needed_by, (f"{source} does not define it",))
        return script
    scripts = [
        script
        for script in (*_live(()), *_scripts(_candidates(folders)))
        if all(script.defines(name) for name in names)
    ]
    if len(scripts) != 1:
        raise SourceNotFoundError(names[0], needed_by, tuple(script.name for script in scripts))
    return scripts[0]


def _read_named_script(source: Path) -> Script:
    try:
        return Script(read_script(source), source.name)
    except (OSError, ValueError, UnreadableScriptError) as error:
        raise SourceNotFoundError("", "", (f"{source} is no Python script or notebook: {error}",)) from error


def _require_codes(script: Script, codes: Sequence[CodeType], needed_by: str) -> None:
    absent = _absent(script, codes)
    if absent:
        raise SourceChangedError(script.name, _readable(absent[0]), needed_by)


def _absent(script: Script, codes: Sequence[CodeType]) -> list[CodeType]:
    return [code for code in codes if not script.codes_like(code)]


def _readable(code: CodeType) -> str:
    return getattr(code, "co_qualname", code.co_name).replace(".<locals>", "")


def _scripts(paths: Sequence[Path]) -> Iterator[Script]:
    for path in paths:
        try:
            if path.stat().st_size <= LARGEST_BYTES:
                yield Script(read_script(path), path.name)
        except (OSError, ValueError, UnreadableScriptError):
            continue


def _candidates(folders: Sequence[Path]) -> list[Path]:
    """The scripts and notebooks that lie in these folders."""
    local_folders = [folder for folder in folders if "site-packages" not in folder.parts]
    files = [
        file
        for folder in local_folders
        for ending in ("*.py", "*.ipynb")
        for file in sorted(folder.glob(ending))
    ]
    return list(dict.fromkeys(files))[:MOST_CANDIDATES]


def _live(codes: Sequence[CodeType]) -> Iterator[Script]:
    """Yield the code of the caller's session: the cells of a notebook in the order in which they ran."""
    text = joined_cells(live_source().of(code.co_filename for code in codes))
    if text.strip():
        try:
            yield Script(text, "the notebook")
        except UnreadableScriptError:
            return
