"""The environment variables of a process that holds a model: few, so that dependences are noticed."""

from __future__ import annotations

from collections.abc import Mapping

# Variables that libraries need to run as they do in this process.
_INHERITED_PREFIXES = ("OPENBLAS_", "OMP_", "MKL_", "KMP_")
_INHERITED = frozenset({"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "PATH"})
OF_IMAGES = {"LANG": "C.UTF-8", "TZ": "UTC"}
"""What the images of Python have: an answer that depends on local time or language differs here already."""
READ_AT_START = frozenset({"LANG", "LANGUAGE", "LC_ALL", "TZ"})
"""What a process reads when it starts: a model that needs another value needs it before that."""


def minimal_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a process that holds a model: some of `environ`, and those of the image."""
    variables = {
        name: value
        for name, value in environ.items()
        if name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
    }
    return {**variables, **OF_IMAGES, "PYTHONHASHSEED": "0"}
