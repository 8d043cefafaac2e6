"""The lock: choose the version of each distribution, and pin it with hashes."""
