"""Rehearse the service with its own requirements only, the other installed distributions hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scaffold.base.modules import distribution_by_table
from scaffold.errors import MissingModuleError, TraceFailedError
from scaffold.resolve._distributions import Installation
from scaffold.resolve.trace._trace import Found, Rehearsing, Request, Trace
from scaffold.resolve.trace._witnesses import asked_in_trace
from scaffold.spec import Artifact
from scaffold.worker import WorkerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """The model loads and predicts in clean processes that find only chosen distributions."""

    artifact: Artifact
    path: Sequence[str]
    """Their `sys.path`."""
    installation: Installation
    request: Request
    always: frozenset[str]
    """Distributions that are never hidden: the service layer."""
    local: Sequence[str] = ()
    """Those entries of `path` that are the user's own folders."""
    settings: WorkerSettings | None = None
    """Where the processes run."""

    def run(self, asked: Iterable[str], first: Rehearsing | None = None) -> tuple[Found, dict[str, str]]:
        """Return what the last rehearsal saw, and a reason by distribution for what it took besides `asked`.

        A distribution that was looked up in vain, with right answers all the same, is not needed.

        Args:
            asked: Distributions that are available from the start, with all that they require.
            first: A process that has been started. It serves for the first one if it hides none of these, and
                nothing else that is installed was imported in it.

        Raises:
            MissingModuleError: A module is imported that is not installed here.
            TraceFailedError: The model fails with the whole environment too.
        """
        asked = list(asked)
        found = self._attempt(asked, first)
        extra: dict[str, str] = {}
        while not found.succeeded and found.missed:
            wanted = self._culprits(found)
            trial = self._attempt([*asked, *extra, *wanted])
            if found.failure is None and not trial.succeeded:
                break  # the answers differ with or without them
            extra |= asked_in_trace(found, wanted)
            found = trial
            if len(wanted) > 1 and found.succeeded:
                found = self._drop_idle(asked, extra, wanted, found)
        if found.failure:
            raise _error(found, self.artifact)
        return found, extra

    def _culprits(self, found: Found) -> list[str]:
        """What was missed and made it fail, as far as can be told: the module of the ImportError, or all."""
        owners = self.installation.owners_of(found.failure.module or "") if found.failure else ()
        return [name for name in owners if name in found.missed] or list(found.missed)

    def _drop_idle(
        self, asked: Sequence[str], extra: dict[str, str], wanted: Iterable[str], found: Found
    ) -> Found:
        """Take out of `extra`, one by one, those `wanted` without which the answers are right."""
        for name in wanted:
            without = [other for other in extra if other != name]
            trial = self._attempt([*asked, *without])
            if trial.succeeded:
                del extra[name]
                found = trial
        return found

    def _attempt(self, names: Iterable[str], started: Rehearsing | None = None) -> Found:
        hidden = hidden_modules(self.installation, [*names, *self.always])
        if started and started.sha256 == self.artifact.sha256 and not set(started.hidden) - set(hidden):
            found = started.finish(self.request)
            if not reached(found, hidden):
                return found
        with Trace(
            self.artifact,
            path=self.path,
            hidden=hidden,
            installation=self.installation,
            local=self.local,
            settings=self.settings,
        ) as trace:
            return trace.finish(self.request)


def reached(found: Found, hidden: Mapping[str, str]) -> bool:
    """Whether a module that was imported in the process, by the model or by us, is one of `hidden`.

    If so, that process does not show what happens without them.
    """
    for place in (*found.imported, *found.ours):
        parts = place.split(".")
        if any(".".join(parts[:end]) in hidden for end in range(1, len(parts) + 1)):
            return True
    return False


def hidden_modules(installation: Installation, names: Iterable[str]) -> Mapping[str, str]:
    """Return, by module, the installed distributions that are neither among `names` nor required by them."""
    found = installation.closure(names)
    return {
        module: owners[0]
        for module, owners in installation.owners.items()
        if not any(owner in found for owner in owners)
    }


def missing_module(module: str, needed_by: str) -> MissingModuleError:
    """Return the error, with the distribution that is known for a module that no metadata names."""
    return MissingModuleError(module, needed_by, distribution_by_table(module))


def _error(found: Found, artifact: Artifact) -> MissingModuleError | TraceFailedError:
    failure = found.failure
    assert failure is not None
    if failure.module and failure.type == "ModuleNotFoundError":
        needed_by = found.absent.get(failure.module, "")
        names = [name.dotted for name in artifact.globals if name.module == failure.module]
        return missing_module(failure.module, (names or [needed_by])[0] or artifact.path.name)
    return TraceFailedError(f"{failure.type}: {failure.message}", failure.trace)
