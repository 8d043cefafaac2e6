"""The lock of a project: the text of `requirements.txt`, parsed. Standard library only.

A lock holds a pin for each distribution, or one for each platform, with the hashes of its files and with
comments that say which distributions require it. The text comes from uv, from `make_lock` or from an owner.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from scaffold.base.checked import path_below, read_below
from scaffold.base.layout import FAST_REQUIREMENTS, LOCK, REQUIREMENTS, WHEELS
from scaffold.base.modules import normalized
from scaffold.errors import UnreadableLockError, UnsafeLockError

_HASH = re.compile(r"--hash=sha256:[0-9a-f]+")
_PIN = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9._, -]+\])?"
    r"(==[A-Za-z0-9._+!-]+| @ (git\+)?https?://[^\s@:/]+(:\d+)?/\S*)"
)
_WHEEL = re.compile(rf"\./{WHEELS}/[A-Za-z0-9._+-]+\.(whl|tar\.gz|zip)")
_TERM = r"\(*[a-z_]+ (==|!=|<|<=|>|>=|in|not in) '[A-Za-z0-9_.+-]*'\)*"
_MARKER = re.compile(rf"{_TERM}( (and|or) {_TERM})*")
# This package never writes a URL with a user or a password.
_OPTION = re.compile(rf"--find-links \./{WHEELS}|--(extra-)?index-url https?://[^\s@/]+(/[^\s@]*)?")
FIND_LINKS = f"--find-links ./{WHEELS}"
_PLACES = (
    (f" {REQUIREMENTS}", f" {FAST_REQUIREMENTS}"),
    (f"{FIND_LINKS}\n", f"--find-links ../../{WHEELS}\n"),  # pip and uv look beside the lock
)
"""Texts of the lock of a project, and of the lock in `tests/fast`."""
_INDEX = re.compile(r"^\s+# from (\S+)$")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One distribution of a lock, on all platforms or on those of its marker."""

    requirement: str
    """`numpy==2.4.6`, `churn @ git+https://...@<commit>` or `./wheels/churn-1.0-py3-none-any.whl`."""
    marker: str = ""
    """`platform_machine == 'x86_64'`; empty where it holds everywhere."""
    hashes: tuple[str, ...] = ()
    """`sha256:...` of each file."""
    via: tuple[str, ...] = ()
    """What requires it: names of distributions, and of the file that asks for it."""
    index: str = ""
    """The index that it was found on, as uv notes it."""
    text: str = ""
    """Its lines as they stand in the lock."""

    @property
    def line(self) -> str:
        """The requirement with its marker."""
        return f"{self.requirement} ; {self.marker}" if self.marker else self.requirement

    @property
    def is_release(self) -> bool:
        """Whether it is pinned by a version, and not by a URL or a file."""
        return "==" in self.requirement and " @ " not in self.requirement

    @property
    def name(self) -> str:
        """The normalised name of the distribution."""
        if self.requirement.startswith("./"):
            return normalized(_file_parts(self.requirement)[0])
        match = _NAME.match(self.requirement)
        return normalized(match[0]) if match else self.requirement

    @property
    def version(self) -> str:
        """The version that is pinned; of a file what its name says, of a URL what follows its last `@`."""
        if self.requirement.startswith("./"):
            return _file_parts(self.requirement)[1]
        _, at, url = self.requirement.partition(" @ ")
        if at:
            return url.rpartition("@")[2].partition("#")[0]
        return self.requirement.partition("==")[2]

    def __str__(self) -> str:
        lines = [self.line, *(f"    --hash={value}" for value in self.hashes)]
        comment = f"    # via {', '.join(self.via)}" if self.via else ""
        return " \\\n".join(lines) + (f"\n{comment}" if comment else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The pins of a lock."""

    pins: tuple[Pin, ...]
    head: str = ""
    """What stands before the first pin: comments, and options for the installer."""

    @classmethod
    def parse(cls, text: str) -> Lock:
        """Return what a lock says: one of uv, one of `make_lock`, or one that its owner edited."""
        head: list[str] = []
        pins: list[Pin] = []
        for line in text.splitlines(keepends=True):
            if line.strip() and line[0] not in " \t#-":
                pins.append(_pin(line))
            elif pins:
                pins[-1] = _continued(pins[-1], line)
            else:
                head.append(line)
        return cls(pins=tuple(pins), head="".join(head))

    @property
    def text(self) -> str:
        """The text that it was parsed from."""
        return self.head + "".join(pin.text for pin in self.pins)

    @property
    def names(self) -> tuple[str, ...]:
        """The distributions, in the order of the lock."""
        return tuple(dict.fromkeys(pin.name for pin in self.pins))

    @property
    def releases(self) -> dict[str, str]:
        """The version of each distribution that has one pin, by a version, whatever its marker."""
        return {
            name: pins[0].version
            for name, pins in self.by_name().items()
            if len(pins) == 1 and pins[0].is_release
        }

    @property
    def installed_here(self) -> dict[str, str]:
        """The version of each distribution that is pinned by a version for the machine that this runs on."""
        return {pin.name: pin.version for pin in self.pins if pin.is_release and _holds_here(pin.marker)}

    def by_name(self) -> dict[str, list[Pin]]:
        """The pins of each distribution."""
        pins: dict[str, list[Pin]] = {}
        for pin in self.pins:
            pins.setdefault(pin.name, []).append(pin)
        return pins

    def required_by(self, names: Collection[str]) -> set[str]:
        """The distributions `names` and all that they require, directly or not."""
        required = set(names)
        while more := {pin.name for pin in self.pins if required & set(pin.via)} - required:
            required |= more
        return required

    def part(self, names: Collection[str], asked_by: str) -> Lock:
        """The lock of `names` and of all that they require, which the file `asked_by` lists."""
        kept = self.required_by(names)
        pins = []
        for pin in self.pins:
            if pin.name in kept:
                via = [each for each in pin.via if each in kept]
                pin = replace(pin, via=(*via, *([asked_by] if pin.name in names else [])))
                pins.append(replace(pin, text=f"{pin}\n"))
        return Lock(pins=tuple(pins), head=self.head)


def read_lock(root: Path) -> Lock:
    """Return the lock of the project `root`, which holds only what this package writes there.

    Accepted: pins `name==version` and `name @ https://…`, wheels of the project's own `wheels/`, their hashes
    and markers, comments, `--find-links ./wheels`, and the address of an index without a password. Nothing
    without a hash is installed, so an index can only withhold.

    Raises:
        UnsafeLockError: A line holds something else: another option, an editable install, a path, a file URL.
        ProjectError: It is not there, or no text.
    """
    try:
        text = read_below(root, LOCK).decode()
    except OSError as error:
        raise UnreadableLockError(str(root / LOCK), error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise UnreadableLockError(str(root / LOCK)) from error
    return checked_lock(text, root, LOCK)


def checked_lock(text: str, root: Path, name: str) -> Lock:
    """Return the lock with this text, every line of which `read_lock` accepts.

    Args:
        text: The text.
        root: The project.
        name: The file that an error names.

    Raises:
        UnsafeLockError: A line holds something else.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if not _is_accepted(line.rstrip("\r")):
            raise UnsafeLockError(str(root / name), number, line.strip())
    lock = Lock.parse(text)
    for pin in lock.pins:
        if pin.requirement.startswith("./"):
            path_below(root, pin.requirement.removeprefix("./"))
    return lock


def to_model_lock(text: str) -> str:
    """Return the text of a lock for `tests/fast`, whose requirements and path to the wheels differ."""
    for here, there in _PLACES:
        text = text.replace(here, there)
    return text


def from_model_lock(text: str) -> str:
    """Return the text of the lock in `tests/fast` as that of the project."""
    for here, there in _PLACES:
        text = text.replace(there, here)
    return text


def without_credentials(text: str) -> str:
    """Return a text without the user and the password of the URLs in it."""
    return _CREDENTIALS.sub("", text)


def _pin(line: str) -> Pin:
    """A pin from the first of its lines; hashes and a comment may follow on the same line."""
    text, _, comment = line.strip().rstrip("\\").partition(" #")
    text, *hashes = re.split(r"\s+--hash=", text.strip())
    requirement, _, marker = text.partition(" ;")
    pin = Pin(
        requirement=requirement.strip(),
        marker=marker.strip(),
        hashes=tuple(value.strip() for value in hashes),
        text=line,
    )
    return replace(pin, via=_via(comment))


def _continued(pin: Pin, line: str) -> Pin:
    """The pin with one more of its lines."""
    pin = replace(pin, text=pin.text + line)
    content = line.strip().rstrip("\\").rstrip()
    if content.startswith("--hash="):
        hashes = (value.removeprefix("--hash=") for value in content.split())
        return replace(pin, hashes=(*pin.hashes, *hashes))
    if match := _INDEX.match(line.rstrip()):
        return replace(pin, index=without_credentials(match[1]))
    if content.startswith("#"):
        return replace(pin, via=(*pin.via, *_via(content.removeprefix("#"))))
    return pin


def _via(comment: str) -> tuple[str, ...]:
    """What a comment names: `via fastapi, -r requirements.in`, or one name on a line of its own."""
    source = comment.strip().removeprefix("via").strip()
    if not source or source.startswith("-c "):
        return ()
    return tuple(name.removeprefix("-r ") for name in source.split(", "))


def _file_parts(requirement: str) -> tuple[str, str]:
    """The name and version of a wheel or source archive. Source: PyPA, "Binary distribution format"."""
    file = requirement.rpartition("/")[2]
    if file.endswith(".whl"):
        name, _, remainder = file.partition("-")
        return name, remainder.partition("-")[0]
    stem = file.removesuffix(".zip").removesuffix(".tar.gz")
    name, _, version = stem.rpartition("-")
    return name or stem, version if name else ""


def _holds_here(marker: str) -> bool:
    if not marker:
        return True
    from packaging.markers import InvalidMarker, Marker

    try:
        return Marker(marker).evaluate()
    except InvalidMarker:
        return False


def _is_accepted(line: str) -> bool:
    text = line.removesuffix("\\").strip()
    if not text or text.startswith("#"):
        return True
    if line[:1] in " \t":
        return all(_HASH.fullmatch(word) for word in text.split())
    text, *hashes = re.split(r"\s+(?=--hash=)", text.partition(" #")[0].strip())
    pin, semicolon, marker = (part.strip() for part in text.partition(" ;"))
    if _OPTION.fullmatch(text):
        return not hashes
    return (
        all(map(_HASH.fullmatch, hashes))
        and bool(_PIN.fullmatch(pin) or _WHEEL.fullmatch(pin))
        and (not semicolon or bool(_MARKER.fullmatch(marker)))
    )
