"""Pointers of Git LFS: the small text that stands for a file that was not fetched. Standard library only."""

from __future__ import annotations

import re

LARGEST_POINTER_BYTES = 1024
"""Git LFS reads no larger file as a pointer."""
_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\r?\noid sha256:([0-9a-f]{64})\r?\n")


def pointed_sha256(content: bytes) -> str:
    """Return the hash of the file for which a pointer stands; empty if the content is no pointer."""
    match = _POINTER.match(content)
    return match[1].decode() if match else ""
