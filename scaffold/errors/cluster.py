"""A service cannot be deployed."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.errors.base import ScaffoldError
from scaffold.errors.branches import UsageError
from scaffold.errors.wording import invocation


class NoRegistryInManifestsError(UsageError):
    """The manifests name the image without a registry, so that no cluster can pull it."""

    project: str
    image: str
    target: str

    def __str__(self) -> str:
        command = invocation(
            "deploy", self.project, target=self.target, registry="registry.example.org/models"
        )
        return (
            f"The manifests name no registry for the image, only '{self.image}';"
            " the cluster pulls it from one.\n"
            "Write it into kustomization.yaml (`newName: registry.example.org/models/...`), or say it here:\n"
            f"  {command}"
        )


class TargetAndUrlError(UsageError):
    """Both a target and a URL are to be verified."""

    target: str
    url: str

    def __str__(self) -> str:
        return f"Name the target '{self.target}' or the URL {self.url}, not both."


class DeployError(ScaffoldError):
    """A service cannot be deployed.

    What the command applied was undone, unless the message says otherwise (docs/deploy.md).
    `scaffold status --target T` shows the pods, `scaffold logs --target T` what they print, and
    `scaffold rollback --target T` returns to the last revision that went live.

    Args:
        problem: What failed, in one sentence.
        found: The facts, a line each.
        fix: What to do or to type.
        after: What was done about it: `Rolled back to revision 3.`
    """

    problem: str
    found: Sequence[str] = ()
    fix: str = ""
    after: str = ""

    def __str__(self) -> str:
        facts = ["  " + line for text in self.found for line in text.splitlines()]
        return "\n".join([self.problem, *facts, *filter(None, (self.fix, self.after))])


class ClusterUnreachableError(DeployError):
    """The cluster cannot be reached: no kubeconfig, no such context, no answer, no valid login.

    Try `kubectl get pods` with the same `--kubeconfig` and `--context`.
    """


class ManifestError(DeployError):
    """The files under `deploy/` cannot be used.

    `kubectl kustomize deploy/TARGET` shows what they make.
    """


class ApplyConflictError(DeployError):
    """Someone else set a field that a manifest sets, to another value.

    Write that value into the manifest, or remove the field from the manifest.
    """


class ClusterRefusedError(DeployError):
    """The API, a quota or an admission policy refused a request.

    docs/deploy.md#permissions has the Role that the commands need.
    """


class DeployBusyError(DeployError):
    """Another deploy to the same target is under way.

    Wait until it ends, then run the same command again.
    """


class EditedDuringDeployError(DeployError):
    """The project was edited while its image was built, so that the recorded proof may be of other code.

    Save all files, then run the same command again.
    """


class RolloutFailedError(DeployError):
    """The new pods do not become ready, or cannot be reached.

    `scaffold logs --target T` prints the last log lines of each pod.
    """


class NoRoomError(RolloutFailedError):
    """No node has room for the new pods, or the quota of the namespace has none."""


class ServiceNotAskedError(RolloutFailedError):
    """The service could not be asked, so whether its answers are right is not known.

    It accepts no key or token that was sent, or its address cannot be reached from this machine.
    """


class NoEndpointError(DeployError):
    """The Service leads to no pod, or to others than those of the Deployment."""


class ScaledToZeroError(NoEndpointError):
    """The Deployment has no pod, because it is scaled to zero: whether its answers are right is not known."""


class LiveAnswersDifferError(DeployError):
    """The live service does not give the model's answers.

    `scaffold verify` shows whether the project gives them on this machine.
    """


class CanaryFailedError(DeployError):
    """The pods of the new revision that got a share of the callers do worse than the former pods."""


class NotDeployedError(DeployError):
    """The target runs nothing, or not the revision that was asked for.

    `scaffold deployments --target T` lists the revisions that the cluster keeps.
    """


class PromotionRefusedError(DeployError):
    """The service to promote is not proven, or serves another model than the project's.

    `scaffold verify --target T` proves what runs at a target.
    """
