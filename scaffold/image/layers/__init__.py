"""Assemble an image from files, without an engine."""
