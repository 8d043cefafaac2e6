"""A conda environment file as requirements that pip takes.

Source: conda's documentation, "Package match specifications": `=` matches a prefix, `==` one version, and a
second `=` the build.
"""

from __future__ import annotations

import re
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from scaffold.errors import RequirementFileError

# Distributions that conda calls otherwise than the Python Package Index.
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
# Programs and libraries that are no distributions of Python: wheels bring their own, or the system has them.
_NATIVE = re.compile(
    r"_.*|lib(?!cst|rosa|linear|svm$).*|.*-ng|mkl.*|intel-openmp|nomkl|blas.*|openblas.*|cuda.*|cudnn.*|nccl"
    r"|pytorch-(?:cuda|mutex)|ca-certificates|certifi-win32|openssl|python_abi|tzdata|xz.*|zlib.*|zstd|lz4-c"
    r"|bzip2|snappy|sqlite|tk|readline|ncurses|ld_impl.*|icu|pip|graphviz|gcc.*|gxx.*|gfortran.*|binutils.*"
    r"|c-compiler|cxx-compiler|compilers|git|curl|make|cmake|r-.*|xorg-.*|freetype|libpng|jpeg|openjpeg|lcms2"
    r"|giflib|lerc|c-ares|krb5|keyutils|aws-c-.*|aws-crt-cpp|aws-sdk-cpp|arrow-cpp|orc|re2|gflags|glog"
    r"|llvm-openmp|ninja-base|vc\d*|vs20.*|ucrt|font-.*|fonts-.*|fontconfig|expat|pcre2?|gettext|glib.*|dal|tbb"
)


def read_conda(path: Path) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """Return the requirements in a `conda.yaml`, the version of Python that it names, and what was left out.

    Raises:
        RequirementFileError: It is no YAML, or has no list of dependencies.
    """
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RequirementFileError(path.name, f"it is no YAML ({str(error).splitlines()[0]})") from error
    dependencies = document.get("dependencies") if isinstance(document, dict) else None
    if not isinstance(dependencies, list):
        raise RequirementFileError(path.name, "it has no list 'dependencies'")
    lines: list[str] = []
    left_out: list[str] = []
    python = ""
    for entry in dependencies:
        if isinstance(entry, dict):
            lines += _pip_lines(path, entry.get("pip") or [])
            continue
        name, version = _split(str(entry))
        if name == "python":
            python = _python_version(version)
        elif _NATIVE.fullmatch(name):
            left_out.append(name)
        else:
            lines.append(_requirement(path, _RENAMED.get(name, name), version))
    note = f"{path.name}: not on the Python Package Index and left out: {', '.join(left_out)}"
    return tuple(lines), python, (note,) if left_out else ()


def _pip_lines(path: Path, entries: object) -> list[str]:
    if not isinstance(entries, list):
        raise RequirementFileError(path.name, "its pip section is no list")
    lines = [str(entry).partition(" #")[0].strip() for entry in entries]
    for line in lines:
        if line.startswith("-"):
            raise RequirementFileError(
                path.name,
                f"its pip section holds '{line}'",
                "Name that file after --environment, or write requirements only.",
            )
        _checked(path, line)
    return lines


def _split(entry: str) -> tuple[str, str]:
    """`numpy` and `=1.26.4` of `conda-forge::numpy=1.26.4=py311h64a7726_0`."""
    entry = entry.partition("#")[0].rpartition("::")[2].strip()
    match = re.match(r"([\w.-]+)\s*(?:\[.*\])?\s*(.*)", entry)
    return (match[1].lower(), match[2].strip()) if match else (entry, "")


def _specifier(version: str) -> str:
    """What pip takes in place of conda's `=1.26.4=build`, `1.26.*` or `>=1.20,<2`."""
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


def _requirement(path: Path, name: str, version: str) -> str:
    return _checked(path, f"{name}{_specifier(version)}")


def _checked(path: Path, line: str) -> str:
    try:
        Requirement(line)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise RequirementFileError(path.name, f"'{line}' is no requirement ({reason})") from error
    return line
