"""Rehearse the service with its own requirements only, the other installed distributions hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scaffold.base.modules import distribution_by_table
from scaffold.errors import MissingModuleError, TraceFailedError
from scaffold.resolve._distributions import Installation
from scaffold.resolve.trace._trace import Rehearsing, Request, Trace, TraceReport
from scaffold.resolve.trace._witnesses import trace_reasons
from scaffold.spec import Artifact
from scaffold.worker import WorkerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """Runs the model in clean processes in which only chosen distributions can be imported."""

    artifact: Artifact
    path: Sequence[str]
    """The `sys.path` of the processes."""
    installation: Installation
    request: Request
    always: frozenset[str]
    """Distributions that are never hidden: the service layer."""
    local: Sequence[str] = ()
    """Those entries of `path` that are the user's own folders."""
    settings: WorkerSettings | None = None
    """Where the processes run."""

    def run(
        self, available: Iterable[str], first: Rehearsing | None = None
    ) -> tuple[TraceReport, dict[str, str]]:
        """Return the report of the last rehearsal, and a reason for each distribution added to `available`.

        A distribution that was not found is not needed if the answers are right.

        Args:
            available: Distributions that are available from the start, with all that they require.
            first: A running process. It is the first rehearsal if it hides none of these distributions, and
                nothing else that is installed was imported in it.

        Raises:
            MissingModuleError: A module is imported that is not installed here.
            TraceFailedError: The model fails with the whole environment too.
        """
        available = list(available)
        report = self._attempt(available, first)
        extra: dict[str, str] = {}
        while not report.succeeded and report.missing_distributions:
            culprits = self._culprits(report)
            trial = self._attempt([*available, *extra, *culprits])
            if report.failure is None and not trial.succeeded:
                break  # more distributions do not change the answers
            extra |= trace_reasons(report, culprits)
            report = trial
            if len(culprits) > 1 and report.succeeded:
                report = self._drop_unneeded(available, extra, culprits, report)
        if report.failure:
            raise _error(report, self.artifact)
        return report, extra

    def _culprits(self, report: TraceReport) -> list[str]:
        """Return the likely causes of a failure: the module of the ImportError, else all that was missed."""
        owners = self.installation.owners_of(report.failure.module or "") if report.failure else ()
        return [name for name in owners if name in report.missing_distributions] or list(
            report.missing_distributions
        )

    def _drop_unneeded(
        self, available: Sequence[str], extra: dict[str, str], culprits: Iterable[str], report: TraceReport
    ) -> TraceReport:
        """Remove from `extra` each of `culprits` without which the answers are right."""
        for name in culprits:
            without = [other for other in extra if other != name]
            trial = self._attempt([*available, *without])
            if trial.succeeded:
                del extra[name]
                report = trial
        return report

    def _attempt(self, names: Iterable[str], started: Rehearsing | None = None) -> TraceReport:
        hidden = hidden_modules(self.installation, [*names, *self.always])
        if started and started.sha256 == self.artifact.sha256 and not set(started.hidden) - set(hidden):
            report = started.finish(self.request)
            if not imports_hidden(report, hidden):
                return report
        with Trace(
            self.artifact,
            path=self.path,
            hidden=hidden,
            installation=self.installation,
            local=self.local,
            settings=self.settings,
        ) as trace:
            return trace.finish(self.request)


def imports_hidden(report: TraceReport, hidden: Mapping[str, str]) -> bool:
    """Whether the process imported one of the `hidden` modules, for the model or for this package.

    If so, the report does not show what happens without these modules.
    """
    for place in (*report.imported, *report.ours):
        parts = place.split(".")
        if any(".".join(parts[:end]) in hidden for end in range(1, len(parts) + 1)):
            return True
    return False


def hidden_modules(installation: Installation, names: Iterable[str]) -> Mapping[str, str]:
    """Return, by module, the installed distributions that are neither among `names` nor required by them."""
    available = installation.closure(names)
    return {
        module: owners[0]
        for module, owners in installation.owners.items()
        if not any(owner in available for owner in owners)
    }


def missing_module(module: str, needed_by: str) -> MissingModuleError:
    """Return the error for a missing module, with the distribution that usually provides it."""
    return MissingModuleError(module, needed_by, distribution_by_table(module))


def _error(report: TraceReport, artifact: Artifact) -> MissingModuleError | TraceFailedError:
    failure = report.failure
    assert failure is not None
    if failure.module and failure.type == "ModuleNotFoundError":
        needed_by = report.missing_modules.get(failure.module, "")
        names = [name.dotted for name in artifact.globals if name.module == failure.module]
        return missing_module(failure.module, (names or [needed_by])[0] or artifact.path.name)
    return TraceFailedError(f"{failure.type}: {failure.message}", failure.trace)
