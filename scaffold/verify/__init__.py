"""The proof: a clean environment from the lock, the service started in it, the sample replayed."""

from scaffold.verify._environment import make_environment
from scaffold.verify._proof import Proof, started_proof, verify_project
from scaffold.verify._service import ProofAccess, Service, serve_project

__all__ = [
    "Proof",
    "ProofAccess",
    "Service",
    "make_environment",
    "serve_project",
    "started_proof",
    "verify_project",
]
