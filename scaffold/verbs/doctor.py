"""`doctor`: what this machine has of all that the verbs use, and the line that mends what is missing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.base.checked import target_names
from scaffold.base.docker_hub import DOCKER_HUB, split_registry
from scaffold.errors import MissingDriverError, MissingExtraError, ScaffoldError
from scaffold.errors.wording import in_one_line, shell_line
from scaffold.spec import Prerequisite, State
from scaffold.verbs import _machine

if TYPE_CHECKING:
    from scaffold.cluster import ClusterAccess

TIMEOUT_S = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """One check: it may hang, and it may raise."""

    name: str
    run: Callable[[], Prerequisite]
    mend: str
    """The line to type if it does."""
    needed: bool = False


def doctor(
    project: str | Path = ".",
    *,
    registry: str | None = None,
    access: ClusterAccess | None = None,
    store: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> tuple[Prerequisite, ...]:
    """Return what the verbs use, as it is found here. `new` works if all that is `needed` is ok.

    Args:
        project: A project, whose manifests name the registry; another folder is as good as none.
        registry: The registry to ask instead.
        access: The cluster to ask, as for `deploy`.
        store: The store to ask, as for `register`.
        timeout_s: For all checks together, which run side by side; what takes longer is not reachable.
    """
    registries = (registry,) if registry else _registries(Path(project), timeout_s / 4)
    return _run_all(tuple(_checks(registries, access, store, timeout_s)), timeout_s)


def _checks(
    registries: Sequence[str], access: ClusterAccess | None, store: str | None, timeout_s: float
) -> Iterator[_Check]:
    uv = shell_line("pip", "install", "--force-reinstall", "uv")
    index = "export UV_DEFAULT_INDEX=https://index.example.org/simple"
    within_s = 0.8 * timeout_s
    yield _Check(name="python", run=lambda: _machine.check_python(within_s), mend=uv, needed=True)
    yield _Check(name="uv", run=_machine.check_uv, mend=uv, needed=True)
    yield _Check(name="index", run=lambda: _machine.check_index(within_s), mend=index, needed=True)
    yield _Check(name="certificates", run=_machine.check_certificates, mend="unset SSL_CERT_FILE")
    yield _Check(name="confinement", run=_machine.check_confinement, mend="uname -r")
    yield _Check(name="git", run=_machine.check_git, mend="git --version")
    yield _Check(name="engine", run=_check_engine, mend="sudo systemctl restart docker")
    for host in registries:
        yield _registry_check(host, within_s)
    cluster = "kubectl config get-contexts"
    yield _Check(name="cluster", run=lambda: _check_cluster(access, within_s), mend=cluster)
    file = "export SCAFFOLD_STORE=sqlite:///path/to/store.db"
    yield _Check(name="store", run=lambda: _check_store(store), mend=file)


def _registry_check(host: str, timeout_s: float) -> _Check:
    def run() -> Prerequisite:
        from scaffold.image import check_registry

        return check_registry(host, timeout_s)

    return _Check(name=f"registry {host}", run=run, mend=shell_line("docker", "login", host))


def _check_engine() -> Prerequisite:
    from scaffold.image import check_engine

    return check_engine()


def _check_cluster(access: ClusterAccess | None, timeout_s: float) -> Prerequisite:
    from scaffold.cluster import check_cluster

    return check_cluster(access, timeout_s)


def _check_store(url: str | None) -> Prerequisite:
    from scaffold.store import check_store

    return check_store(url)


def _registries(root: Path, timeout_s: float) -> tuple[str, ...]:
    """The registries of the project's targets, else those that Docker is logged in at, else Docker Hub."""
    from scaffold.image import logged_in_registries

    registries: list[str] = []
    # A kustomization may need kubectl, which may hang.
    reader = threading.Thread(target=lambda: registries.extend(_target_registries(root)), daemon=True)
    reader.start()
    reader.join(timeout_s)
    return tuple(dict.fromkeys(registries)) or logged_in_registries() or (DOCKER_HUB,)


def _target_registries(root: Path) -> list[str]:
    from scaffold.cluster import read_image

    try:
        return [split_registry(read_image(root, target))[0] for target in target_names(root)]
    except (ScaffoldError, OSError):
        return []


def _run_all(checks: Sequence[_Check], timeout_s: float) -> tuple[Prerequisite, ...]:
    """Run the checks side by side, each in a thread that may be left behind."""
    results: dict[str, Prerequisite] = {}

    def run(check: _Check) -> None:
        results[check.name] = _result(check)

    threads = [threading.Thread(target=run, args=(check,), daemon=True) for check in checks]
    end = time.monotonic() + timeout_s
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    finished = dict(results)
    return tuple(finished.get(check.name) or _timed_out(check, timeout_s) for check in checks)


def _timed_out(check: _Check, timeout_s: float) -> Prerequisite:
    details = f"no answer within {timeout_s:g} s"
    return Prerequisite(
        name=check.name, state=State.UNREACHABLE, found=details, fix=check.mend, needed=check.needed
    )


def _result(check: _Check) -> Prerequisite:
    """What a check finds; an extra that is not installed, or an error, is a finding too."""
    try:
        return replace(check.run(), name=check.name)
    except MissingExtraError as error:
        details = f"the extra '{error.extra}' is not installed"
        fix = shell_line("pip", "install", f"model-scaffold[{error.extra}]")
    except MissingDriverError as error:
        details, _, fix = str(error).partition("\n")
        fix = fix.strip()
    except ScaffoldError as error:
        details, fix = str(error).partition("\n")[0], check.mend
    except Exception as error:
        details, fix = in_one_line(error), check.mend
    return Prerequisite(name=check.name, state=State.MISSING, found=details, fix=fix, needed=check.needed)
