"""Deploy a project to a cluster, check its live answers, record the deploy; roll a failed one back."""

from scaffold.cluster._check import check_cluster
from scaffold.cluster._deploy import deploy_project, describe_failure, plan_deployment
from scaffold.cluster._kubeconfig import ClusterAccess
from scaffold.cluster._pin import check_pin, pin_image, read_image
from scaffold.cluster._plan import Plan
from scaffold.cluster._promote import release_to_promote
from scaffold.cluster._rollout import Pace
from scaffold.cluster._stream import stream_logs
from scaffold.cluster._tunnel import reach_target
from scaffold.cluster._undeploy import Removal, remove_deployment
from scaffold.cluster._verbs import read_history, read_status, roll_back
from scaffold.cluster._verify import verify_target, verify_url

__all__ = [
    "ClusterAccess",
    "Pace",
    "Plan",
    "Removal",
    "check_cluster",
    "check_pin",
    "deploy_project",
    "describe_failure",
    "pin_image",
    "plan_deployment",
    "reach_target",
    "read_history",
    "read_image",
    "read_status",
    "release_to_promote",
    "remove_deployment",
    "roll_back",
    "stream_logs",
    "verify_target",
    "verify_url",
]
