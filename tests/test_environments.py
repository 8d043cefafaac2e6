"""From the value of `--environment` to a Python that can load the model."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from scaffold.base.process import Finished, run_command
from scaffold.base.pythons import RUNNING, candidate_pythons, uv_python_environment
from scaffold.environments import _open
from scaffold.environments._environment import Environment, running_environment
from scaffold.environments._open import open_environment
from scaffold.environments._specs import parse_environment
from scaffold.errors import (
    BrokenEnvironmentError,
    CommandError,
    LibrariesBrokenError,
    NotAnEnvironmentError,
    PythonNotFoundError,
    PythonTooOldError,
    RequirementFileError,
    ScaffoldError,
    UnresolvableError,
)

OLD_MODEL = Path(__file__).parent / "read/made_elsewhere/gradient_boosting_sklearn_1_3_2.pkl"
KNOWN = {"sklearn": "scikit-learn", "numpy": "numpy", "pandas": "pandas"}
NUMPY_2_REFUSED = "ValueError: numpy.dtype size changed, may indicate binary incompatibility."
NUMPY_2_LACKS = "ImportError: cannot import name 'ComplexWarning' from 'numpy.core.numeric' (numeric.py)"


class FakeUv:
    """Stands for uv and for the interpreters that it makes.

    Args:
        wheels: The Pythons for which every distribution has a wheel.
        installed: Version and path of the Pythons that are here.
        has: Versions of what the made environment holds of the worker's needs.
        numpy: Whether libraries import: not with numpy 2, where this is 1.
        refused: What they say then.
    """

    def __init__(
        self,
        wheels: Sequence[str] = (RUNNING,),
        installed: Mapping[str, str] | None = None,
        has: Mapping[str, str] | None = None,
        numpy: int = 2,
        python: str = "3.11.7",
        refused: str = NUMPY_2_REFUSED,
    ) -> None:
        self.refused = refused
        self.wheels, self.installed = wheels, installed or {"3.11.7": sys.executable}
        self.has, self.numpy, self.python = dict(has or {}), numpy, python
        self.commands: list[list[str]] = []
        self.requirements: list[str] = []

    def __call__(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        input: str | None = None,
        timeout_s: float | None = None,
    ) -> Finished:
        words = [Path(command[0]).name, *command[1:]]
        self.commands.append(words)
        match words:
            case ["uv", "pip", "compile", *options]:
                return self._compile(options)
            case ["uv", "venv", *options]:
                (Path(options[-1]) / "bin").mkdir()
                (Path(options[-1]) / "bin/python").write_text("")
                (Path(options[-1]) / "numpy").write_text("1" if "numpy<2" in self.requirements[-1] else "2")
            case ["uv", "python", "list", *_]:
                listed = [{"version": version, "path": path} for version, path in self.installed.items()]
                return Finished(stdout=json.dumps(listed), stderr="")
            case ["uv", "python", "find", *options]:
                path = next((p for v, p in self.installed.items() if v.startswith(options[-1])), None)
                return Finished(stdout=path, stderr="") if path else self._fail(command, "no such Python")
            case ["uv", "python", "install", *_]:
                return self._fail(command, "cause: no way to the internet")
            case ["python", "-I", "-c", code, *_] if "import_module" in code or "__import__" in code:
                numpy = (Path(command[0]).parents[1] / "numpy").read_text()
                if int(numpy) > self.numpy:
                    return self._fail(command, f"import sklearn: {self.refused}")
            case ["python", "-I", "-B", "-c", *_]:
                return Finished(
                    stdout=f"from a .pth file\n{json.dumps(self._facts(command[0]))}\n", stderr=""
                )
        return Finished(stdout="", stderr="")

    def _compile(self, options: Sequence[str]) -> Finished:
        python = options[options.index("--python-version") + 1]
        sources = [Path(name) for name in options if name.endswith((".in", ".txt", ".toml"))]
        text = "".join(path.read_text() for path in sources)
        self.requirements.append(text)
        if "--only-binary" in options and python not in self.wheels:
            return self._fail(["uv"], "scikit-learn==1.3.2 has no usable wheels")
        if "absent" in text:
            return self._fail(["uv"], "Because absent was not found in the package registry")
        return Finished(stdout=text, stderr="")

    def _facts(self, interpreter: str) -> dict[str, object]:
        return {
            "executable": interpreter,
            "version": self.python,
            "path": ["/python/lib", "/python/site-packages"],
            "prefixes": [str(Path(interpreter).parents[1]), "/python", "/python", "/python"],
            "tag": "cpython-linux",
            "versions": self.has,
        }

    def _fail(self, command: Sequence[str], tail: str) -> Finished:
        raise CommandError(tuple(command), 1, tail)

    def count(self, *words: str) -> int:
        return sum(command[1 : len(words) + 1] == list(words) for command in self.commands)


def opened(spec: str | Sequence[str], cache: Path, run: FakeUv, *modules: str) -> Environment:
    return open_environment(spec, modules, distributions=KNOWN, run=run, cache=cache)


# --------------------------------------------------------------------------- what is typed


@pytest.mark.parametrize(
    ("spec", "lines", "python"),
    [
        ("scikit-learn==1.3.2", ("scikit-learn==1.3.2",), ""),
        ("scikit-learn==1.3.2, numpy<2,>=1.20", ("scikit-learn==1.3.2", "numpy<2,>=1.20"), ""),
        ("scikit-learn==1.3.2 python==3.12", ("scikit-learn==1.3.2",), "3.12"),
        ("python=3.12 scikit-learn=1.3.2", ("scikit-learn==1.3.2",), "3.12"),
        (["scikit-learn==1.3.2", "python==3.12.1"], ("scikit-learn==1.3.2",), "3.12.1"),
        (
            "python>=3.10,<3.12 xgboost[pandas,plotting]==2.0",
            ("xgboost[pandas,plotting]==2.0",),
            ">=3.10,<3.12",
        ),
        ("numpy; python_version < '3.12'", ("numpy; python_version < '3.12'",), ""),
        (
            "model @ https://host/model-1-py3-none-any.whl",
            ("model @ https://host/model-1-py3-none-any.whl",),
            "",
        ),
    ],
)
def test_requirements_are_read_as_people_type_them(
    spec: str | list[str], lines: tuple[str, ...], python: str
) -> None:
    parsed = parse_environment(spec)
    assert (parsed.lines, parsed.python) == (lines, python)


def test_a_bare_name_is_a_distribution_though_a_folder_has_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy").mkdir()
    monkeypatch.chdir(tmp_path)
    assert parse_environment("numpy").lines == ("numpy",)


def test_a_value_that_is_neither_requirement_nor_file_is_refused() -> None:
    with pytest.raises(RequirementFileError) as caught:
        parse_environment("scikit-learn 1.3.2")
    assert str(caught.value) == (
        "The environment cannot be read from 'scikit-learn 1.3.2': "
        "'scikit-learn 1.3.2' is neither a requirement nor a file that exists.\n"
        "Write a requirement as pip takes it: --environment scikit-learn==1.3.2"
    )


def test_a_missing_path_is_reported_with_similar_paths(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy\n")
    with pytest.raises(NotAnEnvironmentError, match="there is no such file or folder") as caught:
        parse_environment(str(tmp_path / "requirement.txt"))
    assert caught.value.near == ("requirements.txt",)


def test_a_link_that_leads_nowhere_is_a_missing_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("linkenv").symlink_to("gone")
    with pytest.raises(NotAnEnvironmentError, match="linkenv is not an environment: there is no such file"):
        parse_environment("linkenv")


@pytest.mark.parametrize("option", ["-r ", "-r", "--requirement ", "--requirement="])
def test_a_requirement_file_may_be_written_as_pip_has_it(tmp_path: Path, option: str) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("scikit-learn==1.3.2\n")
    assert parse_environment(f"{option}{path}").files == (path,)


def test_a_folder_without_a_python_is_not_an_environment(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("version = 1\n")
    with pytest.raises(NotAnEnvironmentError, match=r"neither pyvenv.cfg nor conda-meta.*; name its uv.lock"):
        parse_environment(f"{tmp_path}{os.sep}")


def test_a_lock_can_be_combined_only_with_a_python(tmp_path: Path) -> None:
    lock = tmp_path / "pylock.toml"
    lock.write_text('lock-version = "1.0"\nrequires-python = ">=3.10"\n')
    assert parse_environment([str(lock), "python==3.12"]).python == "3.12"
    assert parse_environment(str(lock)).python == ">=3.10"
    with pytest.raises(RequirementFileError, match="a lock settles every version"):
        parse_environment([str(lock), "numpy"])


def test_a_file_of_requirements_says_for_which_python_it_was_made(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("# This file is autogenerated by pip-compile with Python 3.12\nnumpy==1.26.4\n")
    assert parse_environment(str(path)).python_hint == "3.12"
    path.write_text("numpy==1.26.4\n")
    (tmp_path / "python_env.yaml").write_text("python: 3.10.13\nbuild_dependencies:\n- pip==23\n")
    assert parse_environment(str(path)).python_hint == "3.10"


def test_a_requirement_file_with_hashes_is_a_lock(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text(f"six==1.16.0 \\\n    --hash=sha256:{'0' * 64}\n")
    assert parse_environment(str(path)).lock == path


def test_a_conda_file_is_read_as_requirements(tmp_path: Path) -> None:
    path = tmp_path / "environment.yml"
    path.write_text(
        "channels: [conda-forge]\ndependencies:\n- python=3.11.7\n"
        "- conda-forge::numpy=1.26.4=py311h64a7726_0\n"
        "- pandas=2.1\n- pytorch>=2.0,<3\n- scipy 1.11.*\n- libgcc-ng=13\n- mkl\n- pip\n"
        "- pip:\n  - scikit-learn==1.3.2  # the model\n"
    )
    parsed = parse_environment(str(path))
    assert parsed.lines == (
        "numpy==1.26.4",
        "pandas==2.1.*",
        "torch>=2.0,<3",
        "scipy==1.11.*",
        "scikit-learn==1.3.2",
    )
    assert parsed.python == "3.11.7"
    assert parsed.notes == (
        "environment.yml: not on the Python Package Index and left out: libgcc-ng, mkl, pip",
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("dependencies: [", "it is no YAML"),
        ("name: x\n", "it has no list 'dependencies'"),
        ("dependencies:\n- pip:\n  - -r more.txt\n", "it names more.txt, and there is no such file"),
        ("dependencies:\n- pip:\n  - --pre\n", "'--pre' is no requirement"),
        ("dependencies:\n- pip: numpy\n", "its pip section is no list"),
        ("dependencies: " + "[" * 5000, "it is no YAML .it is nested too deeply"),
        ("dependencies: [2020-13-45]", "it is no YAML .month must be in 1..12"),
        ("dependencies: [0b_]", "it is no YAML"),
        (f"dependencies: [{'9' * 6000}]", "it is no YAML"),
        ("dependencies: [[numpy]]", "it is no text"),
    ],
)
def test_an_unreadable_conda_file_is_reported(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "conda.yaml").write_text(text)
    with pytest.raises(RequirementFileError, match=problem):
        parse_environment(str(tmp_path / "conda.yaml"))


def test_mlflows_environment_is_read(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("scikit-learn==1.3.2\n")
    path = tmp_path / "python_env.yaml"
    path.write_text("python: 3.10.13\nbuild_dependencies:\n- pip==23\ndependencies:\n- -r requirements.txt\n")
    parsed = parse_environment(str(path))
    assert (parsed.files, parsed.python) == ((tmp_path / "requirements.txt",), "3.10.13")


# --------------------------------------------------------------------------- which Python


def test_the_running_python_is_tried_first_then_what_is_installed_nearest_below() -> None:
    run = FakeUv(installed={"3.13.0": "/13", "3.10.13": "/10", f"{RUNNING}.7": "/11"})
    order = list(candidate_pythons("", (), run))
    assert order[0] == RUNNING
    assert sorted(order) == ["3.10", "3.11", "3.12", "3.13", "3.14"]
    assert {*order[1:3]} == {"3.10", "3.13"} - {RUNNING} or RUNNING in ("3.10", "3.13")
    assert next(candidate_pythons("", ("3.13",), run)) == "3.13"
    assert next(candidate_pythons("", ("3.14", RUNNING), run)) == RUNNING
    assert list(candidate_pythons(">=3.12,<3.13", ("3.10",), run)) == ["3.12"]


@pytest.mark.parametrize("wanted", ["3.9", "3.8.18", "<3.10", "==3.9.*"])
def test_a_python_that_is_too_old_is_reported(wanted: str) -> None:
    with pytest.raises(PythonTooOldError, match=r"scaffold supports Python 3\.10 and later"):
        list(candidate_pythons(wanted, (), FakeUv()))


def test_an_unavailable_python_is_reported_with_the_available_ones(tmp_path: Path) -> None:
    run = FakeUv(wheels=("3.14",), installed={"3.12.1": "/opt/python3.12", "3.11.7": "/usr/bin/python3.11"})
    with pytest.raises(PythonNotFoundError) as caught:
        opened("six python==3.14", tmp_path, run)
    assert str(caught.value) == (
        "Python 3.14 is not installed, and uv cannot install it.\n"
        "  cause: no way to the internet\n"
        "Installed are:\n"
        "  3.12.1  /opt/python3.12\n"
        "  3.11.7  /usr/bin/python3.11\n"
        "Install Python 3.14 with your system's packages, pyenv or conda, "
        "or give the path of an environment that has it:\n"
        "  scaffold new ... --environment PATH"
    )


def test_a_missing_python_is_installed_by_uv(tmp_path: Path) -> None:
    class Bringing(FakeUv):
        def __call__(self, command: Sequence[str], **options: object) -> Finished:
            if list(command[1:3]) == ["python", "install"]:
                self.installed = {**self.installed, "3.14.2": "/uv/python3.14"}
                return Finished(stdout="", stderr="")
            return super().__call__(command)

    run = Bringing(wheels=("3.14",), python="3.14.2")
    assert opened("six python==3.14", tmp_path, run).version == "3.14"


def test_version_managers_are_searched_and_their_shims_are_not(tmp_path: Path) -> None:
    for version in ("3.9.18", "3.10.13", "3.12.1"):
        (tmp_path / f".pyenv/versions/{version}/bin").mkdir(parents=True)
    env = uv_python_environment({"HOME": str(tmp_path), "PATH": f"{tmp_path}/.pyenv/shims:/usr/bin"})
    assert env["PATH"].split(":") == [
        "/usr/bin",
        *(f"{tmp_path}/.pyenv/versions/{version}/bin" for version in ("3.12.1", "3.10.13", "3.9.18")),
    ]


# --------------------------------------------------------------------------- an environment that uv makes


def test_the_modules_of_the_files_are_added_if_their_library_is_known(tmp_path: Path) -> None:
    run = FakeUv()
    opened("scikit-learn==1.3.2", tmp_path, run, "sklearn", "numpy", "evil_package")
    assert {"scikit-learn==1.3.2", "numpy"} <= set(run.requirements[-1].splitlines())
    assert "scikit-learn" not in run.requirements[-1].splitlines()
    assert not any("evil" in text for text in run.requirements)


def test_nothing_is_added_to_a_requirements_file(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("scikit-learn==1.3.2\n")
    run = FakeUv()
    opened(str(tmp_path / "requirements.txt"), tmp_path / "cache", run, "sklearn", "numpy")
    assert "numpy" not in run.requirements[-1]


def test_an_environment_is_created_once_and_reused(tmp_path: Path) -> None:
    run = FakeUv()
    first = opened("six==1.16.0", tmp_path, run)
    second = opened("six==1.16.0", tmp_path, run)
    other = opened("six==1.17.0", tmp_path, run)
    assert first.python == second.python != other.python
    assert run.count("venv") == 2
    assert first.python.is_file()


def test_an_environment_whose_python_is_gone_is_made_again(tmp_path: Path) -> None:
    run = FakeUv()
    opened("six==1.16.0", tmp_path, run).python.unlink()
    assert opened("six==1.16.0", tmp_path, run).python.is_file()


def test_an_environment_that_nobody_opened_for_two_months_is_removed_when_another_is_made(
    tmp_path: Path,
) -> None:
    run = FakeUv()
    old = opened("six==1.15.0", tmp_path, run).python.parents[1]
    kept = opened("six==1.16.0", tmp_path, run).python.parents[1]
    for path, days in ((old, 61), (kept, 59)):
        os.utime(path, (time.time() - days * 86400,) * 2)
    opened("six==1.17.0", tmp_path, run)
    assert (old.exists(), kept.exists()) == (False, True)


def test_an_environment_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    class Failing(FakeUv):
        def __call__(self, command: Sequence[str], **options: object) -> Finished:
            if list(command[1:3]) == ["pip", "install"]:
                raise CommandError(tuple(command), 1, "error: no space left")
            return super().__call__(command)

    with pytest.raises(UnresolvableError, match="no space left"):
        opened("six==1.16.0", tmp_path, Failing())
    assert not (tmp_path / "environments").exists()


def test_another_python_is_taken_where_the_running_one_has_no_wheels(tmp_path: Path) -> None:
    other = "3.10" if RUNNING != "3.10" else "3.12"
    run = FakeUv(wheels=(other,), installed={f"{other}.1": f"/opt/python{other}"}, python=f"{other}.1")
    assert opened("scikit-learn==1.3.2", tmp_path, run).version == other
    assert [command[command.index("--python") + 1] for command in run.commands if command[1] == "venv"] == [
        f"/opt/python{other}"
    ]


def test_a_distribution_that_does_not_exist_is_reported_after_one_attempt(tmp_path: Path) -> None:
    run = FakeUv()
    with pytest.raises(UnresolvableError) as caught:
        opened("absent==1", tmp_path, run)
    assert str(caught.value).startswith(
        f"No environment can be made of absent==1 with Python {RUNNING}.\n"
        "  Because absent was not found in the package registry\n"
    )
    assert run.count("pip", "compile") == 1


@pytest.mark.parametrize("refused", [NUMPY_2_REFUSED, NUMPY_2_LACKS])
def test_numpy_2_is_left_out_where_a_library_was_built_for_numpy_1(tmp_path: Path, refused: str) -> None:
    run = FakeUv(numpy=1, refused=refused)
    made = opened("scikit-learn==1.2.2", tmp_path, run, "sklearn")
    assert "numpy<2" in run.requirements[-1]
    assert made.notes == ("numpy is kept below 2: what scikit-learn==1.2.2 brings was built for numpy 1",)
    opened("scikit-learn==1.2.2", tmp_path, run, "sklearn")
    assert run.count("venv") == 2  # the first of them with numpy 2; that is remembered


def test_libraries_that_never_import_are_reported(tmp_path: Path) -> None:
    with pytest.raises(BrokenEnvironmentError, match="its libraries do not import") as caught:
        opened("scikit-learn==1.2.2", tmp_path, FakeUv(numpy=0), "sklearn")
    assert NUMPY_2_REFUSED in str(caught.value)


# --------------------------------------------------------------------------- what the worker needs beside it


def test_missing_packages_of_an_environment_are_installed_outside_it(tmp_path: Path) -> None:
    run = FakeUv(has={"cloudpickle": "2.2.1", "typing-extensions": "4.8.0"})
    made = opened("six", tmp_path, run)
    install = next(command for command in run.commands if "--target" in command)
    assert {"pydantic>=2.9", "typing-extensions==4.8.0"} <= set(install)
    assert not any(word.startswith("cloudpickle") for word in install)
    assert len(made.overlay) == 2


def test_a_complete_environment_gets_only_our_package(tmp_path: Path) -> None:
    run = FakeUv(has={"cloudpickle": "3.1", "libcst": "1.8", "packaging": "25.0", "pydantic": "2.11.0"})
    made = opened("six", tmp_path, run)
    assert not any("--target" in command for command in run.commands)
    (package,) = made.overlay
    assert [entry.name for entry in Path(package).iterdir()] == ["scaffold"]
    assert (Path(package) / "scaffold/errors/__init__.py").is_file()


def test_a_pydantic_that_is_too_old_is_reported(tmp_path: Path) -> None:
    with pytest.raises(
        BrokenEnvironmentError, match=r"it has pydantic 1\.10\.13, and scaffold needs pydantic>=2\.9"
    ):
        opened("six", tmp_path, FakeUv(has={"pydantic": "1.10.13"}))


# --------------------------------------------------------------------------- real ones


def test_the_running_environment_is_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    found = running_environment()
    assert found.running
    assert found.overlay == ()
    assert str(tmp_path) not in found.path
    assert found.version == RUNNING
    assert open_environment(sys.prefix, cache=tmp_path / "cache") == found


def test_an_environment_by_path_is_not_modified_and_runs_our_package(tmp_path: Path) -> None:
    run_command([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")])
    before = sorted(tmp_path.joinpath("venv").rglob("*"))
    found = open_environment(str(tmp_path / "venv"), cache=tmp_path / "cache")
    assert sorted(tmp_path.joinpath("venv").rglob("*")) == before
    assert not found.running
    code = (
        f"import sys; sys.path += {list(found.overlay)!r}\n"
        "import cloudpickle, pydantic, scaffold.introspect, scaffold.read\n"
        "print(*{name.partition('.')[0] for name in sys.modules} & {'typer', 'copier', 'libcst', 'numpy'})"
    )
    done = run_command([str(found.python), "-I", "-c", code])
    assert done.stdout.strip() == ""
    # Without the library of a model there, the message names the version that the file was made with.
    code = (
        f"import sys; sys.path += {list(found.overlay)!r}\n"
        f"import pathlib, scaffold.read\nscaffold.read.read_artifact(pathlib.Path({str(OLD_MODEL)!r}))"
    )
    with pytest.raises(CommandError, match=r"environment=\['scikit-learn==1\.3\.2'\]"):
        run_command([str(found.python), "-I", "-c", code])


def test_the_folders_of_an_environment_are_all_that_it_reads_from(tmp_path: Path) -> None:
    site, source = tmp_path / "venv/lib/site-packages", tmp_path / "my project"
    (site / "churn-1.0.dist-info").mkdir(parents=True)
    source.mkdir()
    origin = {"url": source.as_uri(), "dir_info": {"editable": True}}
    (site / "churn-1.0.dist-info/direct_url.json").write_text(json.dumps(origin))
    run = FakeUv(has={"cloudpickle": "3.1", "pydantic": "2.11.0"})
    made = dataclasses.replace(opened("six", tmp_path / "cache", run), path=(str(site),))
    package = Path(_open.__file__).resolve().parents[1]
    assert {str(site), str(source), str(package), *made.overlay} <= set(made.folders)


def test_a_library_that_pydantic_does_not_go_with_is_named(tmp_path: Path) -> None:
    class Failing(FakeUv):
        def __call__(self, command: Sequence[str], **options: object) -> Finished:
            if "--target" in command:
                tail = "x\nAnd because you require pydantic>=2.9 and typing-extensions==4.4.0, no.\n\nhint: y"
                raise CommandError(tuple(command), 1, tail)
            return super().__call__(command)

    with pytest.raises(BrokenEnvironmentError) as caught:
        has = {"typing-extensions": "4.4.0", "cloudpickle": "3.1", "libcst": "1.8", "packaging": "25.0"}
        opened("six", tmp_path, Failing(has=has))
    assert str(caught.value) == (
        "The environment six cannot be used: scaffold needs pydantic>=2.9 beside it, "
        "which may not go with typing-extensions==4.4.0 in it.\n"
        "  And because you require pydantic>=2.9 and typing-extensions==4.4.0, no.\n"
        "Update that library in the environment, or name the model's own requirements instead:\n"
        "  scaffold new ... --environment requirements.txt"
    )


def test_an_old_or_invalid_interpreter_is_reported(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho no JSON\n")
    program.chmod(0o755)
    with pytest.raises(NotAnEnvironmentError, match="it is no Python"):
        open_environment(str(program), cache=tmp_path / "cache")
    program.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(NotAnEnvironmentError, match=r"its Python does not run \(no message\)"):
        open_environment(str(program), cache=tmp_path / "cache")
    facts = {
        "executable": "",
        "version": "3.9.18",
        "path": [],
        "prefixes": ["/p"],
        "tag": "t",
        "versions": {},
    }
    program.write_text(f"#!/bin/sh\necho '{json.dumps(facts)}'\n")
    with pytest.raises(
        PythonTooOldError, match=r"is Python 3\.9\.18; scaffold supports Python 3\.10 and later"
    ):
        open_environment(str(program), cache=tmp_path / "cache")


def test_concurrent_creation_of_one_environment_gives_one_complete_environment(tmp_path: Path) -> None:
    made: list[Environment] = []
    threads = [
        threading.Thread(target=lambda: made.append(open_environment("six==1.16.0", cache=tmp_path)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made[0] == made[1]
    code = f"import sys; sys.path += {list(made[0].overlay)!r}; import six, pydantic; print(six.__version__)"
    done = subprocess.run([made[0].python, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1.16.0\n"
    assert len(list((tmp_path / "environments").iterdir())) == 1


def test_every_error_survives_a_pickle() -> None:
    for error in (
        NotAnEnvironmentError("x", "absent", ("y",)),
        RequirementFileError("x", "neither", "y"),
        PythonNotFoundError("3.9", (("3.11", "/p"),), "cause"),
        PythonTooOldError("3.9", "3.10"),
        UnresolvableError("x", ("3.11",), "tail"),
        LibrariesBrokenError("x", "y"),
    ):
        copy = pickle.loads(pickle.dumps(error))
        assert isinstance(copy, ScaffoldError)
        assert str(copy) == str(error)


def test_the_cache_is_in_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert _open.default_cache() == tmp_path / "model-scaffold"
