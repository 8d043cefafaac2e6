"""The project's Dockerfile, and the files that it copies."""
