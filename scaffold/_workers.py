"""Where workers run and what they may do: decided here from what a person says."""

from __future__ import annotations

import os
from collections.abc import Mapping

from scaffold._given import Given
from scaffold._options import Options, secret_value
from scaffold.worker import WorkerSettings

# What every session sets, and no model depends on.
_SESSION = """
    CI COLORTERM COLUMNS DISPLAY EDITOR FORCE_COLOR HOME HOSTNAME LINES LOGNAME MAIL MPLCONFIGDIR NO_COLOR
    OLDPWD PAGER PWD PYTHONDONTWRITEBYTECODE PYTHONHASHSEED PYTHONPATH PYTHONUNBUFFERED SHELL SHLVL TERM
    TMPDIR USER USERNAME VIRTUAL_ENV XDG_CACHE_HOME _
"""
_OF_SESSIONS = frozenset(_SESSION.split())
# What a model's libraries need to run as they do here, and nothing that a model may depend on unseen.
_KEPT_PREFIXES = ("LC_", "OPENBLAS_", "OMP_", "MKL_", "KMP_")
_KEPT = frozenset({"LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "PATH"})


def worker_settings(given: Given, options: Options) -> WorkerSettings:
    """Return where the workers that load a model run."""
    said = {v.name: secret_value(v.name) if v.secret else v.value for v in options.variables}
    return WorkerSettings(
        environ={**minimal_environment(os.environ), **said}, time_s=float(options.time_limit)
    )


def variables_left_out(given: Mapping[str, str]) -> list[str]:
    """Return the names of this process's variables that a worker with the variables `given` does not have."""
    return sorted(name for name in os.environ if name not in given and name not in _OF_SESSIONS)


def minimal_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of `environ` that a worker is given."""
    kept = {
        name: value for name, value in environ.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }
    # Processes are not started in a worker: joblib predicts in threads then, with the same result.
    return {**kept, "JOBLIB_MULTIPROCESSING": "0", "PYTHONHASHSEED": "0"}
