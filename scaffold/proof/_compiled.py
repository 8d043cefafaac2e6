"""Compare the compiled model of a project with its model, in the environment of the proof."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scaffold.base.confine import Closed, Confinement, confined_environment, launch_command
from scaffold.base.layout import FAST_CHECK, FAST_CODE
from scaffold.base.process import Runner, run_command
from scaffold.base.temporary import TemporaryFolder
from scaffold.base.variables import minimal_environment
from scaffold.errors import CommandError, CompiledModelDiffersError
from scaffold.proof._service import ProofAccess, import_path

_TIME_S = 1200.0
_MOST_CHARACTERS = 300
_NO_COMPARISON = (
    f"{FAST_CHECK} is not there. `scaffold update DIR --accelerate off`, and then once more with "
    "`--accelerate` as before, writes it again"
)


def compare_compiled_model(root: Path, python: Path, access: ProofAccess, run: Runner = run_command) -> str:
    """Run `python -m tests.fast` in a project; return on what both were compared.

    The text is empty without a compiled model.

    Args:
        root: The project.
        python: The interpreter of its environment.
        access: What the model may read.
        run: Runs the command.

    Raises:
        CompiledModelDiffersError: They return different values, or the comparison broke off or is not there.
    """
    module = FAST_CHECK.replace("/", ".")
    if not (root / FAST_CHECK / "__main__.py").is_file():
        if (root / FAST_CODE).is_file():
            raise CompiledModelDiffersError("", "", "", (_NO_COMPARISON, ""))
        return ""
    try:
        output = run_beside(root, python, access, module, run=run)
    except CommandError as error:
        output = error.tail
    return _read(output)


def run_beside(
    root: Path,
    python: Path,
    access: ProofAccess,
    module: str,
    *,
    scripts: Mapping[str, str] | None = None,
    run: Runner = run_command,
) -> str:
    """Run a module that loads the model of a project, confined; return its output.

    Args:
        root: The project.
        python: The interpreter of its environment.
        access: What the model may read.
        module: A module of the project, or one of `scripts`.
        scripts: Text by name of modules that are there for this run.
        run: Runs the command.

    Raises:
        CommandError: It failed.
    """
    with TemporaryFolder("compare") as name:
        folder = Path(name)
        for script, text in (scripts or {}).items():
            (folder / f"{script}.py").write_text(text, encoding="utf-8")
        confinement = Confinement(
            readable=(root.absolute(),),
            readable_whole=(*(path.absolute() for path in access.read), folder),
            writable=(folder,),
            network=Closed(),
            parent_pid=os.getpid(),
        )
        path = import_path(root)
        if scripts:
            path = {"PYTHONPATH": os.pathsep.join([*path.values(), str(folder)])}
        environ = {
            **minimal_environment(os.environ),
            **path,
            **confined_environment(folder),
            **access.variables,
        }
        command = launch_command(python, confinement, module)
        return run(command, cwd=root, env=environ, timeout_s=_TIME_S).stdout


def _read(output: str) -> str:
    """Return on what both were compared.

    Raises:
        CompiledModelDiffersError: They differ, or it is no result.
    """
    try:
        found: Mapping[str, Any] = json.loads(output.strip().rpartition("\n")[2])
        difference, rows, points = found["difference"], int(found["rows"]), int(found.get("thresholds", 0))
        *sizes, largest = [str(int(size)) for size in found.get("sizes", (1, 7, 64, 256))]
        others = int(found.get("overflowing", 0))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CompiledModelDiffersError("", "", "", (output[-2000:], "")) from error
    if difference:
        shown = {key: str(difference.get(key, ""))[:_MOST_CHARACTERS] for key in ("fast", "model", "method")}
        row = json.dumps(difference.get("row", {}), ensure_ascii=False)[:_MOST_CHARACTERS]
        step = str(difference.get("step", ""))[:_MOST_CHARACTERS] or "a step"
        raise CompiledModelDiffersError(step, shown["method"], row, (shown["fast"], shown["model"]))
    batches = f"{', '.join(sizes)} and {largest}" if sizes else largest
    thresholds = f" and {points:,} points at thresholds of trees" if points else ""
    overflow = f"; it overflows on {others:,} others" if others else ""
    return f"as the model on {rows:,} rows{thresholds}, in batches of {batches}{overflow}"
