"""An image, and the service that runs it in a cluster."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer of an image."""

    digest: str
    size_bytes: int
    part: str
    """`base`, `dependencies`, `code` or `model`."""
    pushed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that was built: its reference, its digest and what it weighs by part."""

    reference: str
    digest: str
    layers: tuple[Layer, ...] = ()
    largest: tuple[tuple[str, int], ...] = ()
    """The largest packages in it, with their size in bytes."""
    checked: bool = False
    """Whether it was run before its push, and gave the model's answers to the whole sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The facts about a deployment besides its image, as the cluster and the store record them."""

    model_sha256: str
    proof: str
    """How the clean-environment proof of the code in the image ended: `passed`, `failed`, `skipped`,
    `outdated` where it is of other code, or `not recorded`."""
    git_revision: str = ""
    """The commit, with `-dirty` for a folder with uncommitted changes."""
    by: str = ""
    approved_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodState:
    """One pod, as a person would look at it."""

    name: str
    ready: bool
    restarts: int
    state: str
    """`running`, `pulling the image`, `CrashLoopBackOff`, ..."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionShare:
    """The share of the callers that one revision gets."""

    revision: int
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A service that runs, or ran, in a cluster."""

    target: str
    namespace: str
    name: str
    image: str
    """Reference by digest."""
    url: str
    revision: int
    replicas: int = 0
    """Pods that are ready."""
    wanted: int = 0
    """Pods that there should be."""
    unready: tuple[PodState, ...] = ()
    """Pods that are not ready, each with its state; one that stops is not among them."""
    at: str = ""
    """When it was deployed: UTC, ISO 8601."""
    live: str = ""
    """The result of the replay against the URL: `passed`, or why not."""
    release: Release | None = None
    """Absent where another tool deployed it."""
    traffic: tuple[RevisionShare, ...] = ()
    """Who gets the callers, with KServe and Knative; empty with a Deployment, where it is one revision."""


def read_shares(text: str) -> tuple[int, ...]:
    """Return the shares of the callers that a canary gets, in percent: `10,50`; none for an empty text.

    Raises:
        ValueError: They do not rise, or are not whole numbers from 1 to 99.
    """
    shares = tuple(int(one) for one in text.split(",")) if text.strip() else ()
    if list(shares) != sorted({*shares}) or not all(0 < one < 100 for one in shares):
        raise ValueError(text)
    return shares
