"""The proof: a clean environment from the lock, the service started in it, the sample replayed."""

from scaffold.verify._compare import first_difference
from scaffold.verify._environment import make_environment
from scaffold.verify._proof import verify_project
from scaffold.verify._service import ProofAccess, Service, serve_project

__all__ = [
    "ProofAccess",
    "Service",
    "first_difference",
    "make_environment",
    "serve_project",
    "verify_project",
]
