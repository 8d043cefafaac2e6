"""The environment and the permissions of the processes that load a model, from the options."""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scaffold.base.confine import Closed, Confinement, Open
from scaffold.base.modules import know_environment
from scaffold.base.process import Finished, run_command
from scaffold.base.variables import READ_AT_START, minimal_environment
from scaffold.environments import Environment, running_environment
from scaffold.spec import Variable
from scaffold.verbs._inputs import ModelInputs
from scaffold.verbs.options import Options, secret_value
from scaffold.worker import WorkerSettings

if TYPE_CHECKING:
    from scaffold.proof import ProofAccess


def model_environment(inputs: ModelInputs, options: Options) -> Environment:
    """Return the environment that the model is loaded in.

    It is the one that was named. Without a name it is this one, unless it lacks a known library of the model
    and the model's source says which versions it needs.

    Raises:
        EnvironmentSpecError: What was named, or what the source says, cannot be used.
    """
    declared = inputs.model.declared
    if not (options.environment or declared.requirements):
        return running_environment()
    from scaffold.environments import open_environment
    from scaffold.read import DISTRIBUTIONS, needs_of_files

    needs = needs_of_files(inputs.model.path, inputs.samples)
    requirements, note = list(options.environment), ""
    if not requirements:
        missing = [
            name for name in needs.modules if name in DISTRIBUTIONS and not importlib.util.find_spec(name)
        ]
        if not missing:
            return running_environment()
        requirements, skipped = split_requirements(declared.requirements, DISTRIBUTIONS.values())
        verb = "are" if missing[1:] else "is"
        note = f"{', '.join(missing)} {verb} not installed here: the versions of the model's source are used"
        if skipped:
            note += f". Not installed, being no libraries of models that are known: {', '.join(skipped)}"
    pythons = tuple(dict.fromkeys(filter(None, (*needs.pythons, declared.python))))
    environment = open_environment(
        requirements,
        needs.modules,
        distributions=DISTRIBUTIONS,
        python=pythons,
        run=functools.partial(_run_with, _variables_of(options)),
    )
    if note:
        environment = replace(environment, notes=(*environment.notes, note))
    if not environment.running:
        know_environment(environment.path, environment.overlay)
    return environment


def _variables_of(options: Options) -> dict[str, str]:
    return {v.name: secret_value(v.name) if v.secret else v.value for v in options.variables}


def _run_with(
    variables: Mapping[str, str],
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: str | None = None,
    timeout_s: float | None = None,
) -> Finished:
    """Run a command as `run_command` does, an interpreter with the variables of the model.

    Some libraries read one when they are imported: without `KERAS_BACKEND`, Keras imports tensorflow.
    """
    if "-I" in command:
        env = {**(os.environ if env is None else env), **variables}
    return run_command(command, cwd=cwd, env=env, input=input, timeout_s=timeout_s)


def split_requirements(
    lines: Sequence[str], known_distributions: Iterable[str]
) -> tuple[list[str], list[str]]:
    """Return the requirements of a model's source that may be installed by default, and the others.

    A distribution runs code when it is installed or when Python starts, so a source may name only libraries
    that are known.

    Args:
        lines: The requirements, each a name with a version.
        known_distributions: The names of distributions.
    """
    names = {canonicalize_name(name) for name in known_distributions}
    split: tuple[list[str], list[str]] = ([], [])
    for line in lines:
        split[canonicalize_name(Requirement(line).name) not in names].append(line)
    return split


def worker_settings(inputs: ModelInputs, options: Options, environment: Environment) -> WorkerSettings:
    """Return where the workers that load a model run, and what they may do.

    Args:
        inputs: The model and the samples, as files.
        options: What a person wants otherwise: limits, variables, what may be read.
        environment: The environment that the model is loaded in.
    """
    variables = _variables_of(options)
    named_files = [
        *inputs.paths,
        *map(Path, options.include),
        *(Path(path) for path in (options.source, options.baseline) if path),
    ]
    beside = [inputs.model.path.absolute().parent]
    return WorkerSettings(
        python=environment.python,
        path=[*environment.path, *environment.overlay],
        overlay=environment.overlay,
        environ={**minimal_environment(os.environ), **variables},
        confinement=Confinement(
            readable=tuple(path.absolute() for path in (*beside, *named_files)),
            readable_whole=tuple(Path(path).absolute() for path in options.allow_read),
            network=Open() if options.allow_network else Closed(),
            memory_bytes=options.memory_bytes,
            cpu_s=options.time_limit * max(os.cpu_count() or 1, 1),
            parent_pid=os.getpid(),
        ),
        time_s=float(options.time_limit),
    )


def proof_access(
    variables: Sequence[Variable],
    *,
    read: Sequence[str | Path] = (),
    network: bool = False,
    headers: Mapping[str, str] | None = None,
) -> ProofAccess:
    """Return what a service may reach while it is proven.

    Args:
        variables: What its model reads from the environment; secrets have their value from this process.
            The settings of the service set the others, but for those that a process reads when it starts.
        read: Files and folders that it may read.
        network: Whether it may connect to other machines.
        headers: Headers of the requests that it gets.

    Raises:
        UsageError: A secret has no value here.
    """
    from scaffold.proof import ProofAccess

    set_before = {
        variable.name: secret_value(variable.name) if variable.secret else variable.value
        for variable in variables
        if variable.secret or variable.name in READ_AT_START
    }
    files = tuple(map(Path, read))
    return ProofAccess(variables=set_before, read=files, network=network, headers=headers or {})


def variables_left_out(worker_variables: Mapping[str, str]) -> list[str]:
    """Return the names of this process's variables that a worker with the variables `given` does not have."""
    return sorted(name for name in os.environ if name not in worker_variables and name not in _OF_SESSIONS)


# Every session sets these, and no model depends on them.
_SESSION = """
    CI COLORTERM COLUMNS DISPLAY EDITOR FORCE_COLOR HOME HOSTNAME LINES LOGNAME MAIL MPLCONFIGDIR NO_COLOR
    OLDPWD PAGER PWD PYTHONDONTWRITEBYTECODE PYTHONHASHSEED PYTHONPATH PYTHONUNBUFFERED SHELL SHLVL TERM
    TMPDIR USER USERNAME VIRTUAL_ENV XDG_CACHE_HOME _
"""
_OF_SESSIONS = frozenset(_SESSION.split())
