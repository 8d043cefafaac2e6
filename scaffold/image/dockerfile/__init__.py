"""The project's Dockerfile, and which files it takes."""
