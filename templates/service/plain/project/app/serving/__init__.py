"""Micro-batching, API keys and error responses."""
