"""Samples and a model in, a `Signature` out."""
