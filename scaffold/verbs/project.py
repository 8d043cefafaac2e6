"""A generated project on disk, and the values that its files hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from scaffold.base.checked import model_files, path_below, python_version, target_names
from scaffold.base.code import code_sha256
from scaffold.base.files import sha256_file
from scaffold.base.layout import LOCK, MAIN, UPDATE
from scaffold.base.lockfile import Lock
from scaffold.base.locks import lock_file, open_lock
from scaffold.base.other_tools import find_locking_tool
from scaffold.base.package import find_package
from scaffold.base.recording import read_recording
from scaffold.errors import NoRecordError, NotAProjectError, OtherLockError, ScaffoldError
from scaffold.errors.wording import shell_line
from scaffold.spec import ProjectRecord, ProjectSpec, Recording, Variable, Verification


def require_lock(root: Path) -> None:
    """Return if the project `root` has a lock that can be read, or no lock at all.

    Raises:
        OtherLockError: It has the lock of a tool that has to export it.
    """
    tool = find_locking_tool(root)
    if tool and not lock_file(root):
        raise OtherLockError(str(root), tool.lock, shell_line(*tool.export))


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project. Its files are read when they are asked for, and checked: anybody may have written them."""

    root: Path
    written: ProjectRecord | None = field(default=None, repr=False)
    """The record of the project, if this process wrote it."""

    @classmethod
    def open(cls, root: str | Path) -> Project:
        """Return the project in the folder `root`; an interrupted update is finished or taken back first.

        Raises:
            ForeignChangeError: The update was not begun here. Nothing was done with it.
            UnsafePathError: It leads out of the project. Nothing was done with it.
            UpgradeError: It was taken back.
        """
        root = Path(root)
        if path_below(root, UPDATE).is_dir():
            from scaffold.upgrade import finish_interrupted

            finish_interrupted(root)
        return cls(root=root)

    @classmethod
    def open_service(cls, root: str | Path) -> Project:
        """Return the project as `open` does, if it has a service and a lock.

        Raises:
            UsageError: The folder is no generated project, or has a lock that its tool has to export.
        """
        project = cls.open(root)
        require_lock(project.root)
        if not find_package(project.root) or not lock_file(project.root):
            raise NotAProjectError(str(root), (MAIN, LOCK))
        return project

    @property
    def python(self) -> str:
        """The Python that the lock is for: `3.11`.

        Raises:
            ProjectError: `.python-version` holds something else than a version.
        """
        return python_version(self.root)

    @property
    def lock(self) -> Lock:
        """The lock.

        Raises:
            UnsafeLockError: A line of it is more than a pinned distribution.
            ProjectError: It is not there, or no text.
        """
        return open_lock(self.root)

    @property
    def recording(self) -> Recording:
        """The requests and predictions of the sample.

        Raises:
            VerificationError: They are not there, or not what `new` wrote.
        """
        return read_recording(self.root)

    @cached_property
    def record(self) -> ProjectRecord:
        """The record of the project.

        Raises:
            NoRecordError: There is no record.
            UpgradeError: It cannot be read.
        """
        from scaffold.upgrade import read_record

        return self.written or read_record(self.root)[0]

    @property
    def spec(self) -> ProjectSpec:
        """The answers to the templates' questions."""
        return self.record.spec

    @property
    def files(self) -> Mapping[str, str]:
        """The sha256 of each file as it was generated, by path."""
        return self.record.files

    @property
    def verification(self) -> Verification | None:
        """The last proof; None where it was left out."""
        return self.record.verification

    @property
    def code_sha256(self) -> str:
        """The hash of what the service runs: code, model and lock, as they stand now."""
        return code_sha256(self.root)

    @property
    def model_sha256(self) -> str:
        """The sha256 of the model's file; empty where the project does not hold one such file."""
        files = self.model_files
        return sha256_file(files[0]) if len(files) == 1 else ""

    @property
    def model_files(self) -> Sequence[Path]:
        """The files in the model's folder that may be the model, else the model where the owner moved it."""
        if files := model_files(self.root):
            return files
        try:
            path = self.record.spec.artifact.path
        except ScaffoldError:
            return ()
        return (path,) if path.is_file() else ()

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets that it can be deployed to, by the folders below `deploy/`."""
        return tuple(target_names(self.root))

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The environment variables that the model reads; empty without a record."""
        try:
            return self.record.spec.variables
        except NoRecordError:
            return ()

    @property
    def example(self) -> str:
        """A made-up body of `POST /score`, quoted for a shell."""
        from scaffold.render import shell_example

        return shell_example(self.spec)

    def __str__(self) -> str:
        proof_state = "proven" if self.verification and self.verification.passed else "not proven"
        return f"{self.spec.name} {self.spec.version} in {self.root} ({len(self.files)} files, {proof_state})"
