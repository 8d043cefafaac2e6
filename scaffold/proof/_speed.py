"""How many times as fast as its model a compiled model is, in the environment of the proof."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from scaffold.base.locks import open_model_lock
from scaffold.base.process import Runner, run_command
from scaffold.base.templates import template_path
from scaffold.base.temporary import TemporaryFolder
from scaffold.errors import CommandError, CompiledModelDiffersError
from scaffold.proof._compiled import compare_compiled_model, run_beside
from scaffold.proof._environment import make_environment
from scaffold.proof._service import ProofAccess

_SCRIPT = "time_compiled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """The time of the model, divided by that of its compiled form; both with the conversion of requests."""

    one_row: float
    many_rows: float
    """64 rows."""

    @property
    def mean(self) -> float:
        """The geometric mean, by which compiled forms are compared."""
        return math.sqrt(self.one_row * self.many_rows)


def measure_compiled_model(
    root: Path, *, python: str, access: ProofAccess, run: Runner = run_command
) -> Speed:
    """Compare the compiled model of a project with its model, and time both.

    Args:
        root: A project with a compiled model.
        python: The Python version of its lock.
        access: What the model may read.
        run: Runs the commands.

    Raises:
        CompiledModelDiffersError: The compiled model returns something else than the model.
        VerificationError: The environment cannot be made.
    """
    with TemporaryFolder("speed") as folder:
        lock = open_model_lock(root)
        interpreter = make_environment(root, Path(folder) / "env", python=python, lock=lock, run=run)
        compare_compiled_model(root, interpreter, access, run)
        script = {_SCRIPT: (template_path("service") / f"{_SCRIPT}.py").read_text(encoding="utf-8")}
        try:
            output = run_beside(root, interpreter, access, _SCRIPT, scripts=script, run=run)
            one, many = json.loads(output.strip().rpartition("\n")[2])
            return Speed(one_row=float(one), many_rows=float(many))
        except (CommandError, ValueError, TypeError) as error:
            end = error.tail if isinstance(error, CommandError) else str(error)
            raise CompiledModelDiffersError("", "", "", (end[-2000:], "")) from error
