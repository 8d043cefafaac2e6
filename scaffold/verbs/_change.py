"""One update of a project: its plan, its conflicts and its proof."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.base.lockfile import Lock
from scaffold.errors import MergeConflictError
from scaffold.events import OnEvent
from scaffold.spec import ProjectRecord, ProjectSpec
from scaffold.verbs._proving import prove_plan, skip_proof
from scaffold.verbs._slim import own_imports
from scaffold.verbs._states import renderer
from scaffold.verbs.options import Options
from scaffold.verbs.workers import proof_access

if TYPE_CHECKING:
    from scaffold.proof import ProofAccess
    from scaffold.upgrade import Content, Prefer, UpdatePlan


@dataclass(frozen=True, slots=True)
class Change:
    """One update: how it is planned and proven, with a compiled model or without."""

    root: Path
    recorded: tuple[ProjectRecord, Mapping[str, Content]]
    folder: Path
    options: Options
    template: str | None
    prefer: Prefer | None
    tool: str | None
    on_event: OnEvent

    def plan(self, spec: ProjectSpec) -> UpdatePlan:
        """Plan the update to a state."""
        plan = self._plan(spec)
        own = own_imports(spec, plan)
        return self._plan(replace(spec, own_imports=own)) if own else plan

    def _plan(self, spec: ProjectSpec) -> UpdatePlan:
        return _plan_update(
            self.root, self.recorded, spec, self.options, self._place(), self.template, self.prefer
        )

    def prove(
        self, headers: Mapping[str, str] | None, plan: UpdatePlan
    ) -> tuple[UpdatePlan, tuple[str, ...]]:
        """Prove a plan, once its conflicts are resolved."""
        access = _access(plan.record.spec, self.options, headers)
        plan = resolve_conflicts(plan, self.tool)
        return prove_plan(plan, self.recorded[0], self._place() / "merged", access, self.on_event)

    def restore_pristine(self) -> None:
        """Restore the pristine files, where nothing else changes."""
        from scaffold.upgrade import restore_pristine

        restore_pristine(self.root, *self.recorded)

    def _place(self) -> Path:
        """Create a folder."""
        return Path(tempfile.mkdtemp(dir=self.folder))


def _access(spec: ProjectSpec, options: Options, headers: Mapping[str, str] | None) -> ProofAccess:
    """Return what the service may access during the proof."""
    read, network = options.allow_read, options.allow_network
    return proof_access(spec.variables, read=read, network=network, headers=headers)


def _plan_update(
    root: Path,
    recorded_state: tuple[ProjectRecord, Mapping[str, Content]],
    spec: ProjectSpec,
    model_options: Options,
    folder: Path,
    template: str | None,
    prefer: Prefer | None,
) -> UpdatePlan:
    """Plan the update, with a lock that holds what the owner added to `requirements.in`."""
    from scaffold.resolve import lock_again, requirement_of
    from scaffold.upgrade import Prefer, plan_update

    record, ancestor = recorded_state
    pristine = folder / "pristine"
    pristine.mkdir()
    plan = plan_update(
        root,
        record,
        ancestor,
        spec,
        renderer(record, template),
        pristine,
        options=model_options.as_json(),
        template=template,
        prefer=prefer or Prefer.NEITHER,
    )
    own_requirements = plan.own_requirements
    if not own_requirements:
        return plan
    needs = spec.dependencies
    again = functools.partial(lock_again, python=needs.python, sources=needs.sources, gpu=model_options.gpu)
    lines = [requirement_of(line) for line in own_requirements.lines]
    lock = again(lines, own_requirements.versions)
    if not own_requirements.of_model:
        return plan.locked(own_requirements, (lock, ""))
    lines += [requirement_of(line) for line in own_requirements.of_model]
    versions = {**Lock.parse(needs.lock).releases, **Lock.parse(lock).releases}
    return plan.locked(own_requirements, (lock, again(lines, versions)))


def resolve_conflicts(plan: UpdatePlan, tool: str | None) -> UpdatePlan:
    """Return the plan without conflicts.

    Raises:
        MergeConflictError: Conflicts remain; the merged files were written.
    """
    from scaffold.upgrade import apply_update

    if tool and plan.merged.conflicts:
        plan = plan.with_tool(tool)
    if plan.merged.conflicts:
        apply_update(skip_proof(plan))
        new_paths = {path for path, content in plan.pristine.items() if isinstance(content, bytes)}
        unmarked = tuple(path for path in plan.merged.unmarked if path in new_paths)
        raise MergeConflictError(str(plan.root), tuple(plan.merged.conflicts.items()), unmarked)
    return plan
