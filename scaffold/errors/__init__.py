"""The whole error tree: one branch per stage, a leaf where a caller would act differently.

    ScaffoldError
    ├── UsageError                      a call or a command that cannot be carried out
    │   ├── MissingExtraError           an extra of this package is not installed
    │   ├── InvalidOptionError          an option has a value that it cannot have
    │   ├── NotAnAssignmentError        an option of the command line wants `NAME=VALUE`
    │   ├── InvalidAnswerError          an answer holds a value that it cannot hold
    │   ├── UnknownAnswerError          the template asks no such question
    │   ├── UnreadableAnswerError       an answer of the command line is no YAML
    │   ├── AnswersFileError            a file of answers cannot be read, or has no answers
    │   ├── RefusedAnswerError          a template refuses an answer, by a rule of its own
    │   ├── BaselineNotFoundError       the training data for a baseline are not there
    │   ├── BaselineFormatError         the training data for a baseline are no table
    │   ├── BaselineFieldsError         the training data for a baseline have no field of the model
    │   ├── BaselineWithoutModelError   `update` is called with other training data and without the model
    │   ├── SlimImageError              `slim=true`, and there is no compiled model
    │   ├── NoTerminalError             a template asks questions, and there is no terminal
    │   ├── TargetNotEmptyError
    │   ├── FolderNotMadeError          a folder cannot be made
    │   ├── NoTemporaryFolderError      no temporary folder can be made
    │   ├── MissingTargetError          `new` is called without the folder to write
    │   ├── MissingInputError           a model is given without a sample, and its source has none
    │   ├── MissingSampleError          a new model is given without a sample of its input
    │   ├── UnusedSampleError           `update` is called with a sample, and without a model
    │   ├── NotAProjectError            a folder is no generated project
    │   ├── OtherLockError              a project has a lock of another tool only
    │   ├── ReportNotWrittenError       the page of a report cannot be written
    │   ├── NestedCallError             the code of the model calls this package while the model is loaded
    │   ├── NeverTrustedError           --trust names what can never be trusted
    │   ├── UnsetVariableError          an environment variable that the model needs has no value here
    │   ├── VariableTakenError          the model reads a variable that is a setting of the service
    │   ├── MultilineVariableError      the value of an environment variable has several lines
    │   ├── ExclusiveOptionsError       two options of the command line exclude each other
    │   ├── InvalidRegistrationError    a model cannot be registered under that name and version
    │   ├── InvalidAliasError           an alias of a model has a name that no alias can have
    │   ├── InvalidFactError            a metric or a parameter has a value that the store does not keep
    │   ├── InvalidConfusionMatrixError true and predicted classes are none, or not as many
    │   ├── InvalidTrainingDataError    the training data is neither a file nor a frame
    │   ├── BuilderOptionError          a builder does not have this option
    │   ├── MissingDestinationError     the layers builder needs the destination of the image
    │   ├── NoRegistryError             the name of an image to push has no registry
    │   ├── NamedTwiceError             a tag names the registry, and an option names another one
    │   ├── UnnamedImageError           neither an option nor the labels of the Dockerfile name the image
    │   ├── IncompleteLoginError        a user name for the registry comes without a password, or the reverse
    │   ├── MissingFileError            an option names a file that does not exist
    │   ├── PasswordInUrlError          the URL of a package index holds a password
    │   ├── TargetAndUrlError           both a target and a URL are to be verified
    │   ├── PinWithoutPushError         `--pin` without `--push`
    │   ├── UnknownErrorNameError       `explain` is asked for an error that does not exist
    │   ├── NoBatchError                a project has no code that scores files
    │   ├── NoAddressError              neither a URL nor a target says where a service runs
    │   ├── StressOptionError           an option of the stress test is given without it
    │   ├── UnknownTrafficError         a text is no source of traffic that is known
    │   ├── SinceError                  the time that is compared is no duration
    │   ├── NoRowsToLabelError          labels are named for a source that has no rows
    │   └── NoRegistryInManifestsError  the manifests name no registry for the image
    ├── ReadError
    │   ├── NoSuchFileError
    │   ├── UnreadableFileError         the system does not let a file be opened
    │   ├── ModelNotFetchedError        a model cannot be downloaded from its source
    │   ├── SourceNotFollowedError      the source of a project's model does not say what is new
    │   ├── NotAModelError
    │   ├── TruncatedFileError
    │   ├── UntrustedCodeError          a pickle names code that is on no allow list
    │   │   └── CarriedCodeError        a pickle carries code, and nothing confines what loads it
    │   ├── UnseenNameError             a pickle looks up a name that the gate did not see
    │   ├── FileChangedError            a file changed after the gate read it
    │   ├── MissingLibraryError         no installed distribution provides what a pickle names
    │   ├── ForeignCodeError            a pickle carries functions that another Python compiled
    │   ├── VersionMismatchError        the installed library lacks what a pickle names
    │   ├── LoadFailedError             a file passed the gate and does not load
    │   ├── NotASampleError             a file holds no sample
    │   │   └── DamagedSampleError      a sample is inconsistent
    │   └── UnpicklableModelError       an object in memory cannot be written to a file
    ├── WorkerError                     the process that loads the model failed
    │   ├── WorkerEndedError            it ended by itself
    │   ├── WorkerMessageError          it sent an invalid message
    │   ├── ModelChangedError           the file of the model changed meanwhile
    │   ├── WorkerDiedError             a signal ended it
    │   ├── WorkerLimitError            it exceeded a limit of time or memory
    │   ├── ConfinementError            the model needs an action that the confinement forbids
    │   └── MissingVariableError        the model reads a variable that the service would not have
    ├── EnvironmentSpecError            the value of `--environment` cannot be used
    │   ├── NotAnEnvironmentError       a path that is no environment, interpreter or requirement file
    │   ├── RequirementFileError        a requirement file, or a requirement, that cannot be read
    │   ├── PythonNotFoundError         a Python that is not installed and that uv cannot install
    │   ├── PythonTooOldError           a Python older than this package supports
    │   ├── UnresolvableError           uv finds no compatible versions, or cannot install them
    │   └── BrokenEnvironmentError      an environment whose Python, libraries or pydantic do not work
    │       ├── LibrariesBrokenError    the libraries of an environment do not import
    │       ├── LibraryTooOldError      an environment has a library in a version that the worker cannot use
    │       └── LibrariesConflictError  what the worker needs cannot be installed beside an environment
    ├── IntrospectionError
    │   ├── UnsupportedSampleError
    │   ├── UnknownFieldError           an option names a field that the sample does not have
    │   ├── CallError                   the model does not take the sample, or does not give the output
    │   │   ├── NoFittingCallError      no call that was tried takes the sample, or gives the output
    │   │   ├── EmptySampleError        the input sample holds no records
    │   │   ├── TooDeepError            the model, or its answer, is nested too deeply
    │   │   ├── ChangingMethodError     an option names a method that changes something, by its name
    │   │   ├── NoSuchMethodError       an option names a method that the model does not have
    │   │   ├── NothingToCallError      the file holds an object without a method to call
    │   │   └── IndexNeededError        the answers depend on the index of a frame
    │   ├── AmbiguousCallError          several methods give the output
    │   └── UnstableModelError          the same input gets different answers
    ├── ResolutionError
    │   ├── SourceNotFoundError         no script defines what a pickle looks up in `__main__`
    │   ├── SourceChangedError          a script changed after the pickle was made
    │   ├── TwoModulesError             two local modules have one name
    │   ├── MissingModuleError          no installed distribution provides a module
    │   ├── BrokenInstallError          an installed distribution cannot be installed elsewhere
    │   ├── TraceFailedError            the process that traces the model died
    │   └── LockFailedError
    │       ├── NoSuchVersionError
    │       └── ConflictError
    ├── RenderError
    │   └── BadTemplateError            a template is invalid
    ├── VerificationError
    │   ├── EnvironmentFailedError
    │   ├── RecordingError              the recorded sample of a project cannot be used
    │   │   ├── MissingRecordingError   it cannot be read
    │   │   ├── InvalidRecordingError   it has another form than `new` writes
    │   │   └── RecordingLengthError    it is empty, or has no answer for each request
    │   ├── SampleRefusedError          the service refuses the sample
    │   ├── BatchLengthError            the service does not give one answer for each row of a batch
    │   ├── ExampleRefusedError         the service does not answer the request that its README shows
    │   ├── UnfitAcceptedError          the service does not refuse a body that does not fit
    │   ├── ServiceFailedError
    │   │   ├── ServiceNotStartedError  the service does not start
    │   │   ├── NoReadinessError        the service runs, but refuses /readyz
    │   │   └── ServiceBrokeOffError    the service closes the connection at a request
    │   ├── CompiledModelDiffersError   the compiled model does not return what the model returns
    │   ├── AnswersDifferError
    │   ├── RowsDependError             the answer to a row depends on the rows beside it
    │   └── AnswerChangedError          the service gives another answer than it gave before
    ├── ProjectError                    a file of a project is not what this package writes there
    │   ├── FilesDisagreeError          its files do not belong together
    │   ├── CompiledFileError           a file of the compiled model is absent, or another one
    │   ├── ReplacedModelError          the compiled model was made from another model file
    │   ├── NotARegularFileError        a folder, a device or a socket stands where a project has a file
    │   ├── FileTooLargeError           a file of a project is larger than this package writes it
    │   ├── UnreadableLockError         the lock of a project cannot be read
    │   ├── PythonVersionError          `.python-version` of a project holds no version
    │   ├── UnsafePathError             a path leads out of the project
    │   └── UnsafeLockError             a line of the lock is not a pin
    ├── UpgradeError
    │   ├── ModelGoneError              a project does not hold the model that it was made from
    │   ├── RecordError                 the record of a project cannot be used
    │   │   ├── DamagedRecordError      it cannot be read
    │   │   ├── MarkedRecordError       it has the conflict markers of git
    │   │   ├── NoMarkersError          it has no conflict markers to settle
    │   │   ├── RecordSidesError        the pristine files belong to neither side of it
    │   │   ├── NewerRecordError        another version of this package wrote it
    │   │   └── UnknownOptionsError     it holds options that this package does not have
    │   ├── ChangeFailedError           the files of a project cannot be changed; they are as they were before
    │   ├── ChangedMeanwhileError       a file of a project was changed while an update ran
    │   ├── DamagedJournalError         the journal of a change is invalid
    │   ├── UnknownContentError         only the hash of a file of the new state is known
    │   ├── ForeignChangeError          an unfinished change that this user did not begin here
    │   ├── NoRecordError               a folder without the record that an update starts from
    │   ├── DirtyTreeError              changes that are not committed
    │   ├── PathTakenError              files of the owner where generated files move
    │   ├── MergeConflictError          files that both sides changed
    │   ├── BreakingChangeError         callers of the service would have to change
    │   └── UndoError                   there is nothing to take back, or it was changed since
    │       ├── NothingToUndoError      there is no update to take back
    │       ├── ChangedSinceError       files of an update were changed after it
    │       └── DamagedBackupError      what files held before an update is damaged or gone
    ├── ImageError
    │   ├── NoDockerfileError           a folder has no Dockerfile
    │   ├── MissingLockError            a project has no lock
    │   ├── NoModelForImageError        the image would not hold the model that its label names
    │   ├── ContextFileError            a file of the build context cannot be read, or changes meanwhile
    │   ├── CacheFolderError            the folder that keeps layers between builds cannot be made
    │   ├── BaseError                   the base image cannot be used
    │   │   ├── BasePlatformError       the base is not made for the platform of the image
    │   │   ├── NoPythonInBaseError     the base holds no Python 3
    │   │   └── BaseLayerError          a layer of the base cannot be read
    │   ├── DebianError                 the Debian packages of the image cannot be installed
    │   │   ├── NoDebianSourceError     the base names no archive of Debian packages
    │   │   ├── NoSuchPackageError      no source of the base has a package
    │   │   ├── UnreadablePackageError  a package is packed in an unknown way
    │   │   ├── DownloadError           a file of an archive cannot be downloaded
    │   │   ├── WrongHashError          a file of an archive has another hash than the archive says
    │   │   ├── UnsignedListError       a list of packages is not signed by a key of the base
    │   │   ├── WrongListError          it is of another suite
    │   │   └── ListDateError           its date cannot be read, has expired, or lies in the future
    │   ├── DockerfileError             the layers builder does not support a line
    │   ├── EngineNotRunningError
    │   ├── EngineIdsError              a rootless engine has no id for the owner of a file
    │   ├── EngineRefusedError          the Docker Engine refuses a request
    │   ├── BuildStepError              a step of the Dockerfile failed
    │   ├── PackagesError               the lock cannot be installed for the image's platform
    │   ├── CredentialHelperError       a credential helper of Docker's configuration failed
    │   ├── DockerConfigError           Docker's configuration cannot be read
    │   ├── UntrustedRegistryError      the certificate of a registry is not trusted
    │   ├── CertificateFileError        a file of certificates for a registry cannot be used
    │   ├── ClientCertificateError      a registry wants another client certificate
    │   ├── PlainHttpRegistryError      a registry speaks plain HTTP where TLS is expected
    │   ├── RegistryLoginError
    │   ├── RepositoryNotFoundError
    │   ├── UploadError                 the connection broke repeatedly
    │   ├── DiskFullError               here, or at the registry
    │   ├── RegistryError               the registry sent an unexpected response
    │   ├── ImagePythonError            the image was built, and its Python does not run
    │   ├── ImageNotRunnableError       this machine cannot run the image
    │   └── ImageCheckError             the image runs, but not as it should
    ├── DeployError
    │   ├── ClusterUnreachableError
    │   ├── ManifestError               the files under deploy/ cannot be used
    │   ├── ApplyConflictError          someone else set a field that a manifest sets
    │   ├── ClusterRefusedError         the API, a quota or an admission policy refused a request
    │   ├── DeployBusyError             another deploy to the target is under way
    │   ├── EditedDuringDeployError     the code changed while its image was built
    │   ├── RolloutFailedError
    │   │   ├── NoRoomError             no node has room for the pods, or the quota has none
    │   │   └── ServiceNotAskedError    no key was accepted, or this machine cannot reach it
    │   ├── CanaryFailedError           the canary does worse than the former pods
    │   ├── NoEndpointError             the Service leads to no pod, or to others
    │   │   └── ScaledToZeroError       the Deployment has no pod
    │   ├── LiveAnswersDifferError
    │   ├── NotDeployedError
    │   └── PromotionRefusedError
    ├── LiveTestsError                  the tests of a deployed service cannot be run
    │   ├── NoLiveTestsError            a project lacks them
    │   ├── ServiceUnreachableError     no service is ready at a URL
    │   ├── ServiceKeyError             a service wants an API key
    │   ├── SuiteBrokeOffError          tests ended before they had a result
    │   └── ToolsNotInstalledError      their requirements cannot be installed
    ├── StoreError
    │   ├── NoModelToRegisterError      there is no file to register as a model
    │   ├── UnknownModelError           it has no model of that name and version, or of that alias
    │   ├── UnknownMetricError          no model or run has a metric
    │   ├── UnknownServiceError         it has no deployment of a service
    │   ├── ModelMovedError             the file of a registered model has changed, or is gone
    │   ├── VersionTakenError           another model is registered under that name and version
    │   ├── StoreBusyError              other writers took every version that was tried
    │   ├── StoreFilesError             the folder of files cannot be read or written
    │   ├── StoreUrlError               a variable holds no URL of a database
    │   ├── MissingDriverError          the driver of a database is not installed
    │   ├── StoreFolderError            the folder of the store cannot be made
    │   ├── MlflowStoreError            the store is MLflow, which does not do that
    │   ├── NewerStoreError             a newer version of this package wrote the store
    │   └── StoreUnusableError          the database refuses a request
    ├── DriftError                      traffic cannot be compared with a baseline
    │   ├── NoBaselineError             a project has no baseline
    │   ├── EmptyBaselineError          the baseline of a project has no field
    │   ├── InvalidBaselineError        the baseline of a project is not what this package writes
    │   ├── TrafficNotFoundError        a path of traffic or of labels names no file
    │   ├── TrafficUnreadableError      a log, a table, labels or an answer of a server are invalid
    │   ├── NoTrafficError              the source has no request to compare
    │   ├── LabelsNotJoinedError        no label belongs to any prediction
    │   └── LabelColumnError            labels have no column for the key, or none for the label
    └── CommandError                    a command that we ran failed

`branches` has the branches, and what to do about their errors; the leaves have one file for each room,
several for a large one. The fields of an error are its facts, and `__str__` words the
message from them: what failed, what was found, what to type. `wording` has the words for a Python caller and
for the command line.
Every error pickles. Standard library only.
"""

from __future__ import annotations

from scaffold.errors.answers import (
    AnswersFileError,
    BaselineFieldsError,
    BaselineFormatError,
    BaselineNotFoundError,
    BaselineWithoutModelError,
    InvalidAnswerError,
    NoTerminalError,
    RefusedAnswerError,
    SlimImageError,
    UnknownAnswerError,
    UnreadableAnswerError,
)
from scaffold.errors.base import ScaffoldError
from scaffold.errors.branches import (
    DriftError,
    EnvironmentSpecError,
    ImageError,
    IntrospectionError,
    LiveTestsError,
    ProjectError,
    ReadError,
    RenderError,
    ResolutionError,
    StoreError,
    UpgradeError,
    UsageError,
    VerificationError,
    WorkerError,
)
from scaffold.errors.build import (
    BuilderOptionError,
    IncompleteLoginError,
    MissingDestinationError,
    MissingFileError,
    NamedTwiceError,
    NoRegistryError,
    PasswordInUrlError,
    UnnamedImageError,
)
from scaffold.errors.cluster import (
    ApplyConflictError,
    CanaryFailedError,
    ClusterRefusedError,
    ClusterUnreachableError,
    DeployBusyError,
    DeployError,
    EditedDuringDeployError,
    LiveAnswersDifferError,
    ManifestError,
    NoEndpointError,
    NoRegistryInManifestsError,
    NoRoomError,
    NotDeployedError,
    PromotionRefusedError,
    RolloutFailedError,
    ScaledToZeroError,
    ServiceNotAskedError,
    TargetAndUrlError,
)
from scaffold.errors.command import CommandError
from scaffold.errors.compiled import CompiledFileError, CompiledModelDiffersError, ReplacedModelError
from scaffold.errors.debian import (
    DebianError,
    DownloadError,
    ListDateError,
    NoDebianSourceError,
    NoSuchPackageError,
    UnreadablePackageError,
    UnsignedListError,
    WrongHashError,
    WrongListError,
)
from scaffold.errors.drift import (
    EmptyBaselineError,
    InvalidBaselineError,
    LabelColumnError,
    LabelsNotJoinedError,
    NoBaselineError,
    NoRowsToLabelError,
    NoTrafficError,
    SinceError,
    TrafficNotFoundError,
    TrafficUnreadableError,
    UnknownTrafficError,
)
from scaffold.errors.environment import (
    BrokenEnvironmentError,
    LibrariesBrokenError,
    LibrariesConflictError,
    LibraryTooOldError,
    NotAnEnvironmentError,
    PythonNotFoundError,
    PythonTooOldError,
    RequirementFileError,
    UnresolvableError,
)
from scaffold.errors.explain import UnknownErrorNameError
from scaffold.errors.image import (
    BaseError,
    BaseLayerError,
    BasePlatformError,
    BuildStepError,
    CacheFolderError,
    ContextFileError,
    DockerfileError,
    EngineIdsError,
    EngineNotRunningError,
    EngineRefusedError,
    ImageCheckError,
    ImageNotRunnableError,
    ImagePythonError,
    MissingLockError,
    NoDockerfileError,
    NoModelForImageError,
    NoPythonInBaseError,
    PackagesError,
    PinWithoutPushError,
)
from scaffold.errors.introspect import (
    AmbiguousCallError,
    CallError,
    ChangingMethodError,
    EmptySampleError,
    IndexNeededError,
    NoFittingCallError,
    NoSuchMethodError,
    NothingToCallError,
    Remedy,
    TooDeepError,
    UnknownFieldError,
    UnstableModelError,
    UnsupportedSampleError,
)
from scaffold.errors.live import (
    NoAddressError,
    NoBatchError,
    NoLiveTestsError,
    ReportNotWrittenError,
    ServiceKeyError,
    ServiceUnreachableError,
    StressOptionError,
    SuiteBrokeOffError,
    ToolsNotInstalledError,
)
from scaffold.errors.project import (
    FilesDisagreeError,
    FileTooLargeError,
    NotARegularFileError,
    PythonVersionError,
    UnreadableLockError,
    UnsafeLockError,
    UnsafePathError,
)
from scaffold.errors.proof import (
    AnswerChangedError,
    AnswersDifferError,
    BatchLengthError,
    EnvironmentFailedError,
    ExampleRefusedError,
    InvalidRecordingError,
    MissingRecordingError,
    NoReadinessError,
    RecordingError,
    RecordingLengthError,
    RowsDependError,
    SampleRefusedError,
    ServiceBrokeOffError,
    ServiceFailedError,
    ServiceNotStartedError,
    UnfitAcceptedError,
)
from scaffold.errors.read import (
    CarriedCodeError,
    DamagedSampleError,
    FileChangedError,
    ForeignCodeError,
    LoadFailedError,
    MissingLibraryError,
    ModelNotFetchedError,
    NoSuchFileError,
    NotAModelError,
    NotASampleError,
    SourceNotFollowedError,
    TruncatedFileError,
    UnpicklableModelError,
    UnreadableFileError,
    UnseenNameError,
    UntrustedCodeError,
    VersionMismatchError,
)
from scaffold.errors.registration import (
    InvalidAliasError,
    InvalidConfusionMatrixError,
    InvalidFactError,
    InvalidRegistrationError,
    InvalidTrainingDataError,
)
from scaffold.errors.registry import (
    CertificateFileError,
    ClientCertificateError,
    CredentialHelperError,
    DiskFullError,
    DockerConfigError,
    PlainHttpRegistryError,
    RegistryError,
    RegistryLoginError,
    RepositoryNotFoundError,
    UntrustedRegistryError,
    UploadError,
)
from scaffold.errors.render import BadTemplateError
from scaffold.errors.resolve import (
    BrokenInstallError,
    ConflictError,
    LockFailedError,
    MissingModuleError,
    NoSuchVersionError,
    SourceChangedError,
    SourceNotFoundError,
    TraceFailedError,
    TwoModulesError,
)
from scaffold.errors.store import (
    MissingDriverError,
    MlflowStoreError,
    ModelMovedError,
    NewerStoreError,
    NoModelToRegisterError,
    StoreBusyError,
    StoreFilesError,
    StoreFolderError,
    StoreUnusableError,
    StoreUrlError,
    UnknownMetricError,
    UnknownModelError,
    UnknownServiceError,
    VersionTakenError,
)
from scaffold.errors.undo import (
    ChangedSinceError,
    DamagedBackupError,
    NothingToUndoError,
    UndoError,
)
from scaffold.errors.upgrade import (
    BreakingChangeError,
    ChangedMeanwhileError,
    ChangeFailedError,
    DamagedJournalError,
    DamagedRecordError,
    DirtyTreeError,
    ForeignChangeError,
    MarkedRecordError,
    MergeConflictError,
    ModelGoneError,
    NewerRecordError,
    NoMarkersError,
    NoRecordError,
    PathTakenError,
    RecordError,
    RecordSidesError,
    UnknownContentError,
    UnknownOptionsError,
)
from scaffold.errors.usage import (
    ExclusiveOptionsError,
    FolderNotMadeError,
    InvalidOptionError,
    MissingExtraError,
    MissingInputError,
    MissingSampleError,
    MissingTargetError,
    MultilineVariableError,
    NestedCallError,
    NeverTrustedError,
    NotAnAssignmentError,
    NotAProjectError,
    NoTemporaryFolderError,
    OtherLockError,
    TargetNotEmptyError,
    UnsetVariableError,
    UnusedSampleError,
    VariableTakenError,
)
from scaffold.errors.wording import name_commands
from scaffold.errors.worker import (
    ConfinementError,
    MissingVariableError,
    ModelChangedError,
    WorkerDiedError,
    WorkerEndedError,
    WorkerLimitError,
    WorkerMessageError,
)

__all__ = [
    "AmbiguousCallError",
    "AnswerChangedError",
    "AnswersDifferError",
    "AnswersFileError",
    "ApplyConflictError",
    "BadTemplateError",
    "BaseError",
    "BaseLayerError",
    "BasePlatformError",
    "BaselineFieldsError",
    "BaselineFormatError",
    "BaselineNotFoundError",
    "BaselineWithoutModelError",
    "BatchLengthError",
    "BreakingChangeError",
    "BrokenEnvironmentError",
    "BrokenInstallError",
    "BuildStepError",
    "BuilderOptionError",
    "CacheFolderError",
    "CallError",
    "CanaryFailedError",
    "CarriedCodeError",
    "CertificateFileError",
    "ChangeFailedError",
    "ChangedMeanwhileError",
    "ChangedSinceError",
    "ChangingMethodError",
    "ClientCertificateError",
    "ClusterRefusedError",
    "ClusterUnreachableError",
    "CommandError",
    "CompiledFileError",
    "CompiledModelDiffersError",
    "ConfinementError",
    "ConflictError",
    "ContextFileError",
    "CredentialHelperError",
    "DamagedBackupError",
    "DamagedJournalError",
    "DamagedRecordError",
    "DamagedSampleError",
    "DebianError",
    "DeployBusyError",
    "DeployError",
    "DirtyTreeError",
    "DiskFullError",
    "DockerConfigError",
    "DockerfileError",
    "DownloadError",
    "DriftError",
    "EditedDuringDeployError",
    "EmptyBaselineError",
    "EmptySampleError",
    "EngineIdsError",
    "EngineNotRunningError",
    "EngineRefusedError",
    "EnvironmentFailedError",
    "EnvironmentSpecError",
    "ExampleRefusedError",
    "ExclusiveOptionsError",
    "FileChangedError",
    "FileTooLargeError",
    "FilesDisagreeError",
    "FolderNotMadeError",
    "ForeignChangeError",
    "ForeignCodeError",
    "ImageCheckError",
    "ImageError",
    "ImageNotRunnableError",
    "ImagePythonError",
    "IncompleteLoginError",
    "IndexNeededError",
    "IntrospectionError",
    "InvalidAliasError",
    "InvalidAnswerError",
    "InvalidBaselineError",
    "InvalidConfusionMatrixError",
    "InvalidFactError",
    "InvalidOptionError",
    "InvalidRecordingError",
    "InvalidRegistrationError",
    "InvalidTrainingDataError",
    "LabelColumnError",
    "LabelsNotJoinedError",
    "LibrariesBrokenError",
    "LibrariesConflictError",
    "LibraryTooOldError",
    "ListDateError",
    "LiveAnswersDifferError",
    "LiveTestsError",
    "LoadFailedError",
    "LockFailedError",
    "ManifestError",
    "MarkedRecordError",
    "MergeConflictError",
    "MissingDestinationError",
    "MissingDriverError",
    "MissingExtraError",
    "MissingFileError",
    "MissingInputError",
    "MissingLibraryError",
    "MissingLockError",
    "MissingModuleError",
    "MissingRecordingError",
    "MissingSampleError",
    "MissingTargetError",
    "MissingVariableError",
    "MlflowStoreError",
    "ModelChangedError",
    "ModelGoneError",
    "ModelMovedError",
    "ModelNotFetchedError",
    "MultilineVariableError",
    "NamedTwiceError",
    "NestedCallError",
    "NeverTrustedError",
    "NewerRecordError",
    "NewerStoreError",
    "NoAddressError",
    "NoBaselineError",
    "NoBatchError",
    "NoDebianSourceError",
    "NoDockerfileError",
    "NoEndpointError",
    "NoFittingCallError",
    "NoLiveTestsError",
    "NoMarkersError",
    "NoModelForImageError",
    "NoModelToRegisterError",
    "NoPythonInBaseError",
    "NoReadinessError",
    "NoRecordError",
    "NoRegistryError",
    "NoRegistryInManifestsError",
    "NoRoomError",
    "NoRowsToLabelError",
    "NoSuchFileError",
    "NoSuchMethodError",
    "NoSuchPackageError",
    "NoSuchVersionError",
    "NoTemporaryFolderError",
    "NoTerminalError",
    "NoTrafficError",
    "NotAModelError",
    "NotAProjectError",
    "NotARegularFileError",
    "NotASampleError",
    "NotAnAssignmentError",
    "NotAnEnvironmentError",
    "NotDeployedError",
    "NothingToCallError",
    "NothingToUndoError",
    "OtherLockError",
    "PackagesError",
    "PasswordInUrlError",
    "PathTakenError",
    "PinWithoutPushError",
    "PlainHttpRegistryError",
    "ProjectError",
    "PromotionRefusedError",
    "PythonNotFoundError",
    "PythonTooOldError",
    "PythonVersionError",
    "ReadError",
    "RecordError",
    "RecordSidesError",
    "RecordingError",
    "RecordingLengthError",
    "RefusedAnswerError",
    "RegistryError",
    "RegistryLoginError",
    "Remedy",
    "RenderError",
    "ReplacedModelError",
    "ReportNotWrittenError",
    "RepositoryNotFoundError",
    "RequirementFileError",
    "ResolutionError",
    "RolloutFailedError",
    "RowsDependError",
    "SampleRefusedError",
    "ScaffoldError",
    "ScaledToZeroError",
    "ServiceBrokeOffError",
    "ServiceFailedError",
    "ServiceKeyError",
    "ServiceNotAskedError",
    "ServiceNotStartedError",
    "ServiceUnreachableError",
    "SinceError",
    "SlimImageError",
    "SourceChangedError",
    "SourceNotFollowedError",
    "SourceNotFoundError",
    "StoreBusyError",
    "StoreError",
    "StoreFilesError",
    "StoreFolderError",
    "StoreUnusableError",
    "StoreUrlError",
    "StressOptionError",
    "SuiteBrokeOffError",
    "TargetAndUrlError",
    "TargetNotEmptyError",
    "TooDeepError",
    "ToolsNotInstalledError",
    "TraceFailedError",
    "TrafficNotFoundError",
    "TrafficUnreadableError",
    "TruncatedFileError",
    "TwoModulesError",
    "UndoError",
    "UnfitAcceptedError",
    "UnknownAnswerError",
    "UnknownContentError",
    "UnknownErrorNameError",
    "UnknownFieldError",
    "UnknownMetricError",
    "UnknownModelError",
    "UnknownOptionsError",
    "UnknownServiceError",
    "UnknownTrafficError",
    "UnnamedImageError",
    "UnpicklableModelError",
    "UnreadableAnswerError",
    "UnreadableFileError",
    "UnreadableLockError",
    "UnreadablePackageError",
    "UnresolvableError",
    "UnsafeLockError",
    "UnsafePathError",
    "UnseenNameError",
    "UnsetVariableError",
    "UnsignedListError",
    "UnstableModelError",
    "UnsupportedSampleError",
    "UntrustedCodeError",
    "UntrustedRegistryError",
    "UnusedSampleError",
    "UpgradeError",
    "UploadError",
    "UsageError",
    "VariableTakenError",
    "VerificationError",
    "VersionMismatchError",
    "VersionTakenError",
    "WorkerDiedError",
    "WorkerEndedError",
    "WorkerError",
    "WorkerLimitError",
    "WorkerMessageError",
    "WrongHashError",
    "WrongListError",
    "name_commands",
]
