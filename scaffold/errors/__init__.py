"""The whole error tree: one branch per stage, a leaf where a caller would act differently.

    ScaffoldError
    ├── UsageError                what was typed cannot be done
    │   ├── MissingExtraError     an extra of this package is not installed
    │   ├── NeverTrustedError     --trust names what can never be trusted
    │   ├── InvalidAnswerError    an answer holds a value that it cannot hold
    │   └── TargetNotEmptyError
    ├── ReadError
    │   ├── ModelNotFetchedError  a model that another tool keeps cannot be had
    │   ├── NoSuchFileError
    │   ├── NotAModelError
    │   ├── TruncatedFileError
    │   ├── UntrustedCodeError    a pickle names what is on no allow list
    │   │   └── CarriedCodeError  a pickle carries code, and nothing confines what loads it
    │   ├── UnseenNameError       a pickle looks up, while it loads, what it did not show when it was read
    │   ├── FileChangedError      a file is another than the one that was read
    │   ├── MissingLibraryError   no installed distribution provides what a pickle names
    │   ├── ForeignCodeError      a pickle carries functions that another Python compiled
    │   ├── VersionMismatchError  the installed library has not, or not so, what a pickle names
    │   ├── LoadFailedError       the file names nothing bad and does not load
    │   ├── NotASampleError       a file holds no sample
    │   └── UnpicklableModelError an object in memory cannot be written to a file
    ├── WorkerError               the process that loads the model broke off
    │   ├── WorkerDiedError       a signal ended it
    │   ├── WorkerLimitError      it exceeded a limit of time or memory
    │   ├── ConfinementError      the model wants what the process may not do
    │   └── MissingVariableError  the model reads an environment variable that the service would not have
    ├── EnvironmentSpecError      what `--environment` names cannot be used
    │   ├── NotAnEnvironmentError     a path that is no environment, interpreter or requirement file
    │   ├── RequirementFileError      a requirement file, or a requirement, that cannot be read
    │   ├── PythonNotFoundError       a Python that is not installed and that uv cannot install
    │   ├── PythonTooOldError         a Python older than this package supports
    │   ├── UnresolvableError         uv finds no versions that go together, or cannot install them
    │   └── BrokenEnvironmentError    an environment whose Python, libraries or pydantic do not work
    ├── IntrospectionError
    │   ├── UnsupportedSampleError
    │   ├── UnknownFieldError     an option names a field that the sample does not have
    │   ├── CallError             the model does not take the sample, or does not give the output
    │   ├── AmbiguousCallError    several methods give the output
    │   └── UnstableModelError    the same input gets different answers
    ├── ResolutionError
    │   ├── SourceNotFoundError   what a pickle looks for in `__main__` is defined nowhere
    │   ├── SourceChangedError    a script is not what it was when the pickle was made
    │   ├── TwoModulesError       two local modules have one name
    │   ├── MissingModuleError    no installed distribution provides a module
    │   ├── BrokenInstallError    an installed distribution cannot be had again
    │   ├── TraceFailedError      the process that traces the model died
    │   └── LockFailedError
    │       ├── NoSuchVersionError
    │       └── ConflictError
    ├── RenderError
    ├── VerificationError
    │   ├── EnvironmentFailedError
    │   ├── ServiceFailedError
    │   ├── AnswersDifferError
    │   ├── RowsDependError       an answer depends on the rows that are asked with it
    │   └── AnswerChangedError    the service gives another answer than it gave before
    ├── ProjectError              a file of a project is not what this package writes there
    │   ├── UnsafePathError       a path leads out of the project
    │   └── UnsafeLockError       a line of the lock is more than a pin
    ├── UpgradeError
    │   ├── ForeignChangeError    a half finished change that was not begun here
    │   ├── NoRecordError         a folder without the record that an update starts from
    │   ├── DirtyTreeError        changes that are not committed
    │   ├── MergeConflictError    files that both sides changed
    │   ├── BreakingChangeError   callers of the service would have to change
    │   └── UndoError             there is nothing to take back, or it was changed since
    ├── ImageError
    │   ├── DockerfileError       the layers builder cannot do what a line of it says
    │   ├── EngineNotRunningError
    │   ├── BuildStepError        a step of the Dockerfile failed
    │   ├── PackagesError         what the lock names cannot be had for the image's platform
    │   ├── RegistryLoginError
    │   ├── RepositoryNotFoundError
    │   ├── UploadError           the connection broke, again and again
    │   ├── DiskFullError         here, or at the registry
    │   ├── RegistryError         the registry answered something else
    │   └── ImageCheckError       the image runs, but not as it should
    ├── DeployError
    │   ├── ClusterUnreachableError
    │   ├── ManifestError         the files under deploy/ cannot be used
    │   ├── ApplyConflictError    someone else set a field that a manifest sets
    │   ├── ClusterRefusedError   the API, a quota or an admission policy said no
    │   ├── DeployBusyError       another deploy to the target is under way
    │   ├── RolloutFailedError
    │   ├── LiveAnswersDifferError
    │   ├── NotDeployedError
    │   └── PromotionRefusedError
    ├── StoreError
    └── CommandError              a command that we ran failed

Facts stand in the constructor's arguments, the message is written in `__str__`: what failed, what was
found, what to type. Every error here pickles. Standard library only.
"""

from __future__ import annotations

from scaffold.errors.base import ScaffoldError
from scaffold.errors.cluster import (
    ApplyConflictError,
    ClusterRefusedError,
    ClusterUnreachableError,
    DeployBusyError,
    DeployError,
    LiveAnswersDifferError,
    ManifestError,
    NotDeployedError,
    PromotionRefusedError,
    RolloutFailedError,
)
from scaffold.errors.command import CommandError
from scaffold.errors.environment import (
    BrokenEnvironmentError,
    EnvironmentSpecError,
    NotAnEnvironmentError,
    PythonNotFoundError,
    PythonTooOldError,
    RequirementFileError,
    UnresolvableError,
)
from scaffold.errors.image import (
    BuildStepError,
    DiskFullError,
    DockerfileError,
    EngineNotRunningError,
    ImageCheckError,
    ImageError,
    PackagesError,
    RegistryError,
    RegistryLoginError,
    RepositoryNotFoundError,
    UploadError,
)
from scaffold.errors.introspect import (
    AmbiguousCallError,
    CallError,
    IntrospectionError,
    UnknownFieldError,
    UnstableModelError,
    UnsupportedSampleError,
)
from scaffold.errors.project import ProjectError, UnsafeLockError, UnsafePathError
from scaffold.errors.proof import (
    AnswerChangedError,
    AnswersDifferError,
    EnvironmentFailedError,
    RowsDependError,
    ServiceFailedError,
    VerificationError,
)
from scaffold.errors.read import (
    CarriedCodeError,
    FileChangedError,
    ForeignCodeError,
    LoadFailedError,
    MissingLibraryError,
    ModelNotFetchedError,
    NoSuchFileError,
    NotAModelError,
    NotASampleError,
    ReadError,
    TruncatedFileError,
    UnpicklableModelError,
    UnseenNameError,
    UntrustedCodeError,
    VersionMismatchError,
)
from scaffold.errors.render import RenderError
from scaffold.errors.resolve import (
    BrokenInstallError,
    ConflictError,
    LockFailedError,
    MissingModuleError,
    NoSuchVersionError,
    ResolutionError,
    SourceChangedError,
    SourceNotFoundError,
    TraceFailedError,
    TwoModulesError,
)
from scaffold.errors.store import StoreError
from scaffold.errors.upgrade import (
    BreakingChangeError,
    DirtyTreeError,
    ForeignChangeError,
    MergeConflictError,
    NoRecordError,
    UndoError,
    UpgradeError,
)
from scaffold.errors.usage import (
    InvalidAnswerError,
    MissingExtraError,
    NeverTrustedError,
    TargetNotEmptyError,
    UsageError,
)
from scaffold.errors.worker import (
    ConfinementError,
    MissingVariableError,
    WorkerDiedError,
    WorkerError,
    WorkerLimitError,
)

__all__ = [
    "AmbiguousCallError",
    "AnswerChangedError",
    "AnswersDifferError",
    "ApplyConflictError",
    "BreakingChangeError",
    "BrokenEnvironmentError",
    "BrokenInstallError",
    "BuildStepError",
    "CallError",
    "CarriedCodeError",
    "ClusterRefusedError",
    "ClusterUnreachableError",
    "CommandError",
    "ConfinementError",
    "ConflictError",
    "DeployBusyError",
    "DeployError",
    "DirtyTreeError",
    "DiskFullError",
    "DockerfileError",
    "EngineNotRunningError",
    "EnvironmentFailedError",
    "EnvironmentSpecError",
    "FileChangedError",
    "ForeignChangeError",
    "ForeignCodeError",
    "ImageCheckError",
    "ImageError",
    "IntrospectionError",
    "InvalidAnswerError",
    "LiveAnswersDifferError",
    "LoadFailedError",
    "LockFailedError",
    "ManifestError",
    "MergeConflictError",
    "MissingExtraError",
    "MissingLibraryError",
    "MissingModuleError",
    "MissingVariableError",
    "ModelNotFetchedError",
    "NeverTrustedError",
    "NoRecordError",
    "NoSuchFileError",
    "NoSuchVersionError",
    "NotAModelError",
    "NotASampleError",
    "NotAnEnvironmentError",
    "NotDeployedError",
    "PackagesError",
    "ProjectError",
    "PromotionRefusedError",
    "PythonNotFoundError",
    "PythonTooOldError",
    "ReadError",
    "RegistryError",
    "RegistryLoginError",
    "RenderError",
    "RepositoryNotFoundError",
    "RequirementFileError",
    "ResolutionError",
    "RolloutFailedError",
    "RowsDependError",
    "ScaffoldError",
    "ServiceFailedError",
    "SourceChangedError",
    "SourceNotFoundError",
    "StoreError",
    "TargetNotEmptyError",
    "TraceFailedError",
    "TruncatedFileError",
    "TwoModulesError",
    "UndoError",
    "UnknownFieldError",
    "UnpicklableModelError",
    "UnresolvableError",
    "UnsafeLockError",
    "UnsafePathError",
    "UnseenNameError",
    "UnstableModelError",
    "UnsupportedSampleError",
    "UntrustedCodeError",
    "UpgradeError",
    "UploadError",
    "UsageError",
    "VerificationError",
    "VersionMismatchError",
    "WorkerDiedError",
    "WorkerError",
    "WorkerLimitError",
]
