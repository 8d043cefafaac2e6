"""Code of a script or notebook, lifted into modules of the service."""
