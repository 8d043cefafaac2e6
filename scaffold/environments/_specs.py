"""The values of `--environment`: a path, requirement files, or requirements."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from scaffold.environments._conda import read_conda
from scaffold.errors import NotAnEnvironmentError, RequirementFileError

_FILE_ENDINGS = (".txt", ".in", ".toml", ".lock", ".yaml", ".yml")
# Between two requirements; a comma before an operator, and one in brackets, belongs to a requirement.
_BETWEEN = re.compile(r"[\s,]+(?=[A-Za-z])(?![^\[]*\])")
_HASH = re.compile(r"^[^#\n]*--hash[= ]", re.MULTILINE)
_REQUIRES_PYTHON = re.compile(r"^requires-python\s*=\s*[\"']([^\"']+)[\"']", re.MULTILINE)
# What pip-compile and uv write at the top of a lock.
_MADE_FOR = re.compile(r"^#.*(?:with Python |--python-version[= ])(3\.\d+)", re.MULTILINE)
# Files beside a requirement file that name its Python: pyenv's and uv's, and MLflow's.
_BESIDE = ((".python-version", r"(3\.\d+)"), ("python_env.yaml", r"python:\s*[\"']?(3\.\d+)"))


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSpec:
    """The contents of an environment to create, or an existing environment."""

    interpreter: Path | None = None
    """The Python of an existing environment, which is not modified."""
    files: tuple[Path, ...] = ()
    """Files that uv resolves: `requirements.txt`, `pyproject.toml`."""
    lines: tuple[str, ...] = ()
    """Requirements."""
    lock: Path | None = None
    """A file that pins every version: `pylock.toml`, `uv.lock`, a requirement file with hashes."""
    python: str = ""
    """The version of Python or a specifier, `3.11` or `>=3.10,<3.13`; empty for any."""
    python_hint: str = ""
    """The minor version that a file was made for, which is tried first."""
    notes: tuple[str, ...] = ()
    """Notes on entries that were left out, one sentence each."""
    label: str = ""
    """The option as typed, for messages."""
    from_file: bool = False
    """Whether a file defines the environment, so that no requirement is added."""

    @property
    def names(self) -> frozenset[str]:
        """The normalised names of the requirements in `lines`."""
        return frozenset(canonicalize_name(Requirement(line).name) for line in self.lines)

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the requirements start from."""
        named = [*self.files, *([self.lock] if self.lock else [])]
        return named[0].parent if named else Path.cwd()


def parse_environment(spec: str | Sequence[str]) -> EnvironmentSpec:
    """Parse the values of `--environment`.

    Raises:
        NotAnEnvironmentError: A path leads nowhere, or to something else.
        RequirementFileError: A file or a requirement cannot be read, or two values do not go together.
    """
    parts = [spec] if isinstance(spec, str) else list(spec)
    label = " ".join(parts)
    parsed = [_parse_part(part.strip()) for part in parts if part.strip()]
    if not parsed:
        raise RequirementFileError("''", "empty")
    if len(parsed) > 1 and any(entry.interpreter for entry in parsed):
        raise RequirementFileError(f"'{label}'", "existing")
    locks = [entry.lock for entry in parsed if entry.lock]
    if len(locks) > 1 or (locks and any(entry.files or entry.lines for entry in parsed)):
        raise RequirementFileError(f"'{label}'", "lock")
    return EnvironmentSpec(
        interpreter=parsed[0].interpreter,
        files=tuple(file for entry in parsed for file in entry.files),
        lines=tuple(line for entry in parsed for line in entry.lines),
        lock=locks[0] if locks else None,
        # A typed `python==3.11` wins over the version in a file.
        python=next(
            (entry.python for entry in sorted(parsed, key=lambda entry: entry.from_file) if entry.python), ""
        ),
        python_hint=next((entry.python_hint for entry in parsed if entry.python_hint), ""),
        notes=tuple(note for entry in parsed for note in entry.notes),
        label=label,
        from_file=any(entry.from_file for entry in parsed),
    )


def _parse_part(part: str) -> EnvironmentSpec:
    part = re.sub(r"^(-r|--requirement[= ])\s*", "", part)  # as pip has it
    path = Path(part).expanduser()
    if not _looks_like_a_path(part, path):
        return _parse_lines(part)
    if path.is_dir():
        return EnvironmentSpec(interpreter=_interpreter_of(path))
    if not path.is_file():
        near = sorted(entry.name for entry in path.parent.iterdir()) if path.parent.is_dir() else []
        shown = [name for name in near if name.endswith(_FILE_ENDINGS) or name.endswith("env")]
        raise NotAnEnvironmentError(part, "absent", tuple(shown[:8]))
    if path.name.endswith(_FILE_ENDINGS):
        return _read_file(path.absolute())
    if os.access(path, os.X_OK):
        return EnvironmentSpec(interpreter=path.absolute())
    raise NotAnEnvironmentError(part, "kind")


def _looks_like_a_path(part: str, path: Path) -> bool:
    if "://" in part or " @ " in part or re.search(r"[<>=~!]=", part):
        return False
    if part.startswith((".", "~", os.sep)) or part.endswith(_FILE_ENDINGS):
        return True
    # A bare name is a distribution, even if a folder of that name exists.
    return _environment_python(path) is not None or os.sep in part or path.is_file() or path.is_symlink()


def _interpreter_of(folder: Path) -> Path:
    interpreter = _environment_python(folder)
    if interpreter:
        return interpreter.absolute()
    if (folder / "conda-meta").is_dir():
        raise NotAnEnvironmentError(str(folder), "conda")
    files = [name for name in ("uv.lock", "pylock.toml", "requirements.txt") if (folder / name).is_file()]
    raise NotAnEnvironmentError(str(folder), "folder", files)


def _environment_python(folder: Path) -> Path | None:
    """Return the Python in the folder of an environment or of a Python installation."""
    names = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe")
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _parse_lines(text: str) -> EnvironmentSpec:
    """Parse requirements; conda's `=` means `==`."""
    lines, python = [], ""
    for piece in [text] if _is_requirement(text) else _BETWEEN.split(text):
        piece = re.sub(r"^([\w.\[\]-]+)\s*=\s*(?=[\w.])", r"\1==", piece.strip(" ,"))
        if match := re.fullmatch(r"python\s*(.*)", piece, re.IGNORECASE):
            python = re.sub(r"^===?\s*", "", match[1])
        elif _is_requirement(piece):
            lines.append(piece)
        else:
            raise RequirementFileError(f"'{text}'", "neither", piece)
    return EnvironmentSpec(lines=tuple(lines), python=python)


def _is_requirement(text: str) -> bool:
    try:
        Requirement(text)
    except InvalidRequirement:
        return False
    return True


def _read_file(path: Path) -> EnvironmentSpec:
    spec = EnvironmentSpec(from_file=True)
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix in (".yaml", ".yml"):
        conda = read_conda(path)
        note = f"{path.name}: not on the Python Package Index and left out: {', '.join(conda.left_out)}"
        notes = (note,) if conda.left_out else ()
        return replace(spec, lines=conda.lines, files=conda.files, python=conda.python, notes=notes)
    requires = _REQUIRES_PYTHON.search(text)
    spec = replace(spec, python=requires[1] if requires else "", python_hint=_python_hint(path, text))
    if path.name == "uv.lock" or re.fullmatch(r"pylock(\..+)?\.toml", path.name):
        return replace(spec, lock=path)
    if path.suffix == ".lock" or (path.suffix == ".toml" and path.name != "pyproject.toml"):
        raise RequirementFileError(path.name, "kind")
    if path.name != "pyproject.toml" and _HASH.search(text):
        return replace(spec, lock=path)
    return replace(spec, files=(path,))


def _python_hint(path: Path, text: str) -> str:
    if made_for := _MADE_FOR.search(text):
        return made_for[1]
    for name, pattern in _BESIDE:
        beside = path.parent / name
        if beside.is_file() and (match := re.search(pattern, beside.read_text(errors="replace"))):
            return match[1]
    return ""
