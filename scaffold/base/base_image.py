"""The base image of services, and its platform. Standard library only."""

from __future__ import annotations

import re

from scaffold.base.docker_hub import DOCKER_HUB

_VARIANT = "slim-bookworm"
_GLIBC = (2, 36)
"""The C library of Debian 12, bookworm: wheels that need a newer one do not run in the image."""
LIBRARIES = re.compile(
    r"(ld-linux|ld-|libc|libm|libmvec|libdl|libpthread|librt|libutil|libanl|libresolv|libnss_\w+|libnsl|libcrypt"
    r"|libgcc_s|libstdc\+\+|libpython[\d.]*|libz|libzstd|liblz4|libbz2|liblzma|libffi|libssl|libcrypto|libsqlite3"
    r"|libreadline|libncursesw?|libtinfo|libuuid|libexpat|libgdbm\w*|libdb-[\d.]+)[-.\w+]*\.so"
)
"""The shared libraries in it: the C and C++ libraries and what Python's own modules load."""


def base_image(python: str) -> str:
    """Return the reference of the image for a Python, `3.11`."""
    return f"{DOCKER_HUB}/library/python:{python}-{_VARIANT}"


def uv_platform(machine: str) -> str:
    """Return what uv calls the platform of the image on a machine: `x86_64-manylinux_2_36`."""
    return f"{machine}-manylinux_{_GLIBC[0]}_{_GLIBC[1]}"
