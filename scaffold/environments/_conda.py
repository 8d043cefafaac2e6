"""A conda environment file as requirements that pip takes.

Source: conda's documentation, "Package match specifications": `=` matches a prefix, `==` one version, and a
second `=` the build.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from scaffold.base.yaml_text import yaml_document
from scaffold.errors import RequirementFileError

# Distributions with another name at the Python Package Index.
_RENAMED = {
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost",
    "py-xgboost-gpu": "xgboost",
    "matplotlib-base": "matplotlib",
    "seaborn-base": "seaborn",
    "dask-core": "dask",
    "numpy-base": "numpy",
    "pyarrow-core": "pyarrow",
    "tensorflow-base": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "tensorflow-mkl": "tensorflow",
    "opencv": "opencv-python-headless",
    "py-opencv": "opencv-python-headless",
    "pytables": "tables",
    "msgpack-python": "msgpack",
    "python-graphviz": "graphviz",
    "python-lmdb": "lmdb",
    "python-xxhash": "xxhash",
    "pytorch-lightning": "pytorch-lightning",
    "ruamel_yaml": "ruamel.yaml",
    "brotli-python": "brotli",
    "prompt_toolkit": "prompt-toolkit",
}
# Programs and libraries that are not Python distributions: wheels contain them, or the system has them.
_NATIVE = re.compile(
    r"_.*|lib(?!cst|rosa|linear|svm$).*|.*-ng|mkl.*|intel-openmp|nomkl|blas.*|openblas.*|cuda.*|cudnn.*|nccl"
    r"|pytorch-(?:cuda|mutex)|ca-certificates|certifi-win32|openssl|python_abi|tzdata|xz.*|zlib.*|zstd|lz4-c"
    r"|bzip2|snappy|sqlite|tk|readline|ncurses|ld_impl.*|icu|pip|graphviz|gcc.*|gxx.*|gfortran.*|binutils.*"
    r"|c-compiler|cxx-compiler|compilers|git|curl|make|cmake|r-.*|xorg-.*|freetype|libpng|jpeg|openjpeg|lcms2"
    r"|giflib|lerc|c-ares|krb5|keyutils|aws-c-.*|aws-crt-cpp|aws-sdk-cpp|arrow-cpp|orc|re2|gflags|glog"
    r"|llvm-openmp|ninja-base|vc\d*|vs20.*|ucrt|font-.*|fonts-.*|fontconfig|expat|pcre2?|gettext|glib.*|dal|tbb"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaFile:
    """The contents of a `conda.yaml`."""

    lines: tuple[str, ...]
    """Requirements, as pip takes them."""
    files: tuple[Path, ...]
    """Requirement files that are named with `-r`."""
    python: str
    """A version or specifier; empty if there is none."""
    left_out: tuple[str, ...]
    """Conda packages that are not Python distributions."""


def read_conda(path: Path) -> CondaFile:
    """Read a `conda.yaml`, or MLflow's `python_env.yaml`.

    Raises:
        RequirementFileError: The file is not YAML, or has no list of dependencies.
    """
    import yaml

    try:
        document = yaml_document(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RequirementFileError(path.name, "YAML", cause=str(error).splitlines()[0]) from error
    dependencies = document.get("dependencies") if isinstance(document, dict) else None
    if not isinstance(dependencies, list):
        raise RequirementFileError(path.name, "dependencies")
    pip: list[str] = []
    lines: list[str] = []
    left_out: list[str] = []
    python = str(document.get("python") or "")
    for entry in dependencies:
        if isinstance(entry, dict):
            pip += _pip_section(path, entry)
            continue
        if not isinstance(entry, str):
            raise RequirementFileError(path.name, "line", repr(entry)[:80], "it is no text")
        name, version = _split(entry)
        if entry.startswith("-r"):
            pip.append(entry)
        elif name == "python":
            python = _python_version(version)
        elif _NATIVE.fullmatch(name):
            left_out.append(name)
        else:
            lines.append(_check_requirement(path, f"{_RENAMED.get(name, name)}{_specifier(version)}"))
    return CondaFile(
        lines=(*lines, *(_check_requirement(path, line) for line in pip if not line.startswith("-r"))),
        files=tuple(_named_file(path, line) for line in pip if line.startswith("-r")),
        python=python,
        left_out=tuple(left_out),
    )


def _pip_section(path: Path, entry: dict[object, object]) -> list[str]:
    entries = entry.get("pip") or []
    if not isinstance(entries, list):
        raise RequirementFileError(path.name, "pip")
    return [str(line).partition(" #")[0].strip() for line in entries]


def _named_file(path: Path, line: str) -> Path:
    file = path.parent / line.removeprefix("-r").strip()
    if not file.is_file():
        raise RequirementFileError(path.name, "missing", file.name)
    return file


def _split(entry: str) -> tuple[str, str]:
    """Split an entry: `numpy` and `=1.26.4` of `conda-forge::numpy=1.26.4=py311h64a7726_0`."""
    entry = entry.partition("#")[0].rpartition("::")[2].strip()
    match = re.match(r"([\w.-]+)\s*(?:\[.*\])?\s*(.*)", entry)
    return (match[1].lower(), match[2].strip()) if match else (entry, "")


def _specifier(version: str) -> str:
    """Convert conda's `=1.26.4=build`, `1.26.*` or `>=1.20,<2` to a specifier of pip."""
    if version.startswith("=") and not version.startswith("=="):
        # A full version, as `conda env export` writes with the build, is that version.
        number, _, build = version.removeprefix("=").strip().partition("=")
        exact = build or number.count(".") >= 2 or number.endswith("*")
        return f"=={number}" if exact else f"=={number}.*"
    if re.match(r"\d", version):
        return f"=={version.split()[0].partition('=')[0]}"
    return re.sub(r"\s+", "", version)


def _python_version(version: str) -> str:
    return re.sub(r"^==?", "", _specifier(version)).removesuffix(".*")


def _check_requirement(path: Path, line: str) -> str:
    try:
        Requirement(line)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise RequirementFileError(path.name, "line", line, reason) from error
    return line
