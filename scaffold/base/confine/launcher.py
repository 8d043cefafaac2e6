"""Run a module as `python -m` does, confined: `python launcher.py CONFINEMENT -m app [arguments]`.

Runs with the interpreter of a service, in which nothing of this package is installed: it takes the
confinement from its own folder, and leaves `sys.path` and `sys.argv` as `python -m` does.
"""

import importlib.util
import os
import runpy
import sys
from pathlib import Path

_NAME = "_scaffold_confine"


def main() -> None:
    """Confine this process by the second argument, then become the module that follows `-m`."""
    folder = Path(__file__).absolute().parent
    text, dash_m, module, *arguments = sys.argv[1:]
    if dash_m != "-m":
        raise SystemExit("usage: launcher.py CONFINEMENT -m MODULE [ARGUMENTS]")
    if sys.path and Path(sys.path[0]) == folder:  # not there with PYTHONSAFEPATH
        sys.path[0] = os.getcwd()  # noqa: PTH109 - sys.path holds text
    spec = importlib.util.spec_from_file_location(
        _NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    confine = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = confine
    spec.loader.exec_module(confine)
    confine.enforce(confine.Confinement.from_json(text))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
