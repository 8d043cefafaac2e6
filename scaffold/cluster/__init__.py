"""Deploy a project to a cluster, check its live answers, record the deploy; roll a failed one back."""

from scaffold.cluster._deploy import deploy_project, plan_deployment
from scaffold.cluster._kubeconfig import ClusterAccess
from scaffold.cluster._manifests import read_image
from scaffold.cluster._plan import Plan
from scaffold.cluster._rollout import Pace
from scaffold.cluster._undeploy import Removal, remove_deployment
from scaffold.cluster._verbs import read_history, read_status, release_to_promote, roll_back, stream_logs

__all__ = [
    "ClusterAccess",
    "Pace",
    "Plan",
    "Removal",
    "deploy_project",
    "plan_deployment",
    "read_history",
    "read_image",
    "read_status",
    "release_to_promote",
    "remove_deployment",
    "roll_back",
    "stream_logs",
]
