"""The environment variables of a process that holds a model: few, so that dependences are noticed."""

from __future__ import annotations

from collections.abc import Mapping

# Variables that libraries need to run as they do in this process.
_KEPT_PREFIXES = ("LC_", "OPENBLAS_", "OMP_", "MKL_", "KMP_")
_KEPT = frozenset({"LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "PATH"})


def minimal_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of `environ` that a process which holds a model is given."""
    kept = {
        name: value for name, value in environ.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }
    return {**kept, "PYTHONHASHSEED": "0"}
