"""`score`: score a file, a folder or a table with the code of a project."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from scaffold.base.checked import path_below
from scaffold.base.layout import BATCH, BATCH_REQUIREMENTS
from scaffold.base.process import end_process, start_command
from scaffold.errors import InvalidOptionError, NoBatchError
from scaffold.events import Finished, OnEvent, Started, ignore
from scaffold.verbs.project import Project

_ENGINES = {
    "local": (),
    "ray": ("ray[data]",),
    "spark": ("pyspark>=4",),
    "dask": ("dask[dataframe,distributed]>=2025.1",),
}
"""What each needs that `batch/requirements.txt` does not have."""
_STOP_S = 5.0
_SQLITE = re.compile(r"(?P<head>sqlite(\+\w+)?:///)(?P<path>[^/#?][^#?]*)(?P<table>([#?].*)?)")
"""A database in a file, by a path from where the command was typed."""
_OTHER_PYTHON = re.compile(r"PYTHON|VIRTUAL_ENV$|CONDA")


def score(
    project: str | Path,
    source: str,
    out: str,
    *,
    on: str = "local",
    options: Sequence[str] = (),
    on_event: OnEvent = ignore,
) -> int:
    """Score `source` with `python -m batch score` of a project, and return its exit status.

    The status is 0; 3 if more rows were rejected than `--max-rejected` allows; 1 if the input cannot be
    scored. A run that was ended goes on where it stopped.

    Args:
        project: The project's folder. Its `batch/` comes by the answer `batch=local`.
        source: A file, a folder, a URL that fsspec knows, or a table: `postgresql://host/db#table`.
        out: A folder, the URL of one, or a table: `postgresql://host/db#scored`.
        on: Where: `local`, `ray`, `ray://head:10001`, `spark`, `spark://master:7077`, `dask`, `dask://host:8786`.
        options: Further options of that command: `["--keep", "id", "--max-rejected", "1%"]`.
        on_event: Called with each event.

    Raises:
        UsageError: The folder is no project, or has no such file in `batch/`.
        VerificationError: The environment cannot be made.
    """
    from scaffold.environments import environment_folder
    from scaffold.proof import make_environment

    opened = Project.open_service(project)
    root = opened.root.absolute()
    engine = on.partition(":")[0]
    _require_engine(root, str(project), engine)
    on_event(Started("environment"))
    requirements = path_below(root, BATCH_REQUIREMENTS).read_text(encoding="utf-8")
    also = [*requirements.splitlines(), *_missing(engine, requirements)]
    folder = environment_folder("\n".join([opened.python, opened.lock.text, *also]))
    python = make_environment(root, folder, python=opened.python, also=also)
    on_event(Finished("environment", f"what {BATCH}/ and the lock name is installed"))
    command = [str(python), "-m", BATCH, "score", _absolute(source), _absolute(out), "--on", on, *options]
    inherited = {name: value for name, value in os.environ.items() if not _OTHER_PYTHON.match(name)}
    process = start_command(command, cwd=root, env={**inherited, "PYTHONDONTWRITEBYTECODE": "1"}, output=None)
    try:
        return process.wait()
    finally:
        end_process(process, patience_s=_STOP_S)


def _require_engine(root: Path, project: str, engine: str) -> None:
    if engine not in _ENGINES:
        raise InvalidOptionError("on", engine)
    for file, needed in (("run.py", True), (f"on_{engine}.py", engine != "local")):
        if needed and not path_below(root, f"{BATCH}/{file}").is_file():
            engines = "local" if engine == "local" else f"local,{engine}"
            raise NoBatchError(project, f"{BATCH}/{file}", engines)


def _missing(engine: str, requirements: str) -> Sequence[str]:
    """The requirements of an engine, unless the project pins the version of its cluster."""
    names = {re.split(r"[^A-Za-z0-9-]", line, maxsplit=1)[0].lower() for line in requirements.splitlines()}
    return [each for each in _ENGINES[engine] if re.split(r"[^A-Za-z0-9-]", each, maxsplit=1)[0] not in names]


def _absolute(url: str) -> str:
    """Return a path from where the command was typed: the project's code runs in its own folder."""
    if file := _SQLITE.fullmatch(url):
        return f"{file['head']}{Path(file['path']).absolute()}{file['table']}"
    return url if "://" in url else str(Path(url).absolute())
