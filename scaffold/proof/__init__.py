"""The proof: a clean environment from the lock, the service started in it, the sample replayed."""

from scaffold.proof._environment import make_environment
from scaffold.proof._proof import Proof, started_proof, verify_project
from scaffold.proof._service import ProofAccess, Service, serve_project

__all__ = [
    "Proof",
    "ProofAccess",
    "Service",
    "make_environment",
    "serve_project",
    "started_proof",
    "verify_project",
]
