"""Which version of each distribution: chosen, pinned with hashes, read again."""
