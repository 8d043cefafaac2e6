"""The names for programs that run in the worker."""

from scaffold.worker._channel import Channel
from scaffold.worker._refused import refused_error
from scaffold.worker._rehearse import rehearse, resume_collection
from scaffold.worker._witness import Witness

__all__ = ["Channel", "Witness", "refused_error", "rehearse", "resume_collection"]
