"""Metadata that a model keeps about its input and output: column names, classes, categories, methods."""
