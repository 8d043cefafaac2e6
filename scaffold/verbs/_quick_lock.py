"""Whether the locks of a project fit its requirements, and each other."""

from __future__ import annotations

import re

from scaffold.base.layout import FAST_LOCK, FAST_REQUIREMENTS, LOCK, REQUIREMENTS
from scaffold.base.lockfile import Lock
from scaffold.base.modules import normalized

_COMPILE = ("uv", "pip", "compile", "--generate-hashes")
RELOCK = (*_COMPILE, REQUIREMENTS, "--output-file", LOCK)
RELOCK_TESTS = (*_COMPILE, FAST_REQUIREMENTS, "--output-file", FAST_LOCK)


class Differs(Exception):  # noqa: N818 - a result
    """Two files contradict each other; the message has the values and the command to type."""


def count_locked(name: str, lock: Lock, requirements: str, text: str, relock: str) -> int:
    """Return how many requirements a lock satisfies; it pins nothing for a removed requirement.

    Args:
        name: The file of the lock.
        lock: The lock.
        requirements: The file of the requirements.
        text: Its text.
        relock: The command that makes the lock anew.

    Raises:
        Differs: The lock lacks a requirement, or has another version.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    pins = lock.by_name()
    names = set()
    for line in text.splitlines():
        wanted = re.sub(r"(^|\s)#.*", "", line).strip()
        if not wanted or wanted.startswith(("-", "./")):
            continue
        try:
            requirement = Requirement(wanted)
        except InvalidRequirement as error:
            raise Differs(f"{requirements} has {wanted!r}, which is no requirement: {error}") from None
        distribution = normalized(requirement.name)
        names.add(distribution)
        versions = [pin.version for pin in pins.get(distribution, ()) if pin.is_release]
        if distribution not in pins and requirement.marker is None:
            raise Differs(f"{name} lacks {distribution}, which {requirements} has\n{relock}")
        if versions and not any(requirement.specifier.contains(each, prereleases=True) for each in versions):
            pinned = f"{distribution}=={versions[0]}"
            raise Differs(f"{name} has {pinned}, and {requirements} wants {wanted}\n{relock}")
    for pin in lock.pins:
        if REQUIREMENTS in pin.via and pin.name not in names and not pin.requirement.startswith("./"):
            raise Differs(f"{name} has {pin.name} for {requirements}, which no longer lists it\n{relock}")
    return len(names)


def require_same_versions(lock: Lock, of_tests: Lock, relock: str) -> None:
    """Raise Differs unless the lock of the tests has what the lock of the image has, in the same versions."""
    tested = of_tests.by_name()
    for name, pins in lock.by_name().items():
        wanted = [pin.requirement for pin in pins]
        found = [pin.requirement for pin in tested.get(name, ())]
        if not found:
            raise Differs(f"{FAST_LOCK} lacks {name}, which {LOCK} has\n{relock}")
        if set(found) != set(wanted):
            raise Differs(f"{FAST_LOCK} has {found[0]}, and {LOCK} has {wanted[0]}\n{relock}")
