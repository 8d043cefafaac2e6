"""The proof: a clean environment from the lock, the service started in it, the sample replayed.

And the tests of a project that ask a deployed service.
"""

from scaffold.proof._environment import make_environment
from scaffold.proof._junit import join_suites
from scaffold.proof._live import LiveRun, Load, run_functional_test, run_stress_test
from scaffold.proof._proof import Proof, start_proof, verify_project
from scaffold.proof._service import ProofAccess, Service, serve_project
from scaffold.proof._speed import Speed, measure_compiled_model

__all__ = [
    "LiveRun",
    "Load",
    "Proof",
    "ProofAccess",
    "Service",
    "Speed",
    "join_suites",
    "make_environment",
    "measure_compiled_model",
    "run_functional_test",
    "run_stress_test",
    "serve_project",
    "start_proof",
    "verify_project",
]
