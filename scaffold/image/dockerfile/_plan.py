"""The parsed Dockerfile: the configuration of the image, and which files go where.

The layers builder takes the configuration from here, so that an edit of the Dockerfile has the same effect
with `docker` and with `layers`. Nothing is run: a step that needs a container is listed as an error.

Source: docs.docker.com/reference/dockerfile, the sections on each instruction.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from scaffold.errors import DockerfileError
from scaffold.image.dockerfile._instructions import Instruction, exec_form, expand, split_words, unreadable
from scaffold.image.dockerfile._stages import argument_values, last_stage

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TARGET_ARGUMENTS = ("TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT")
_DEBIAN_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(=[A-Za-z0-9.+~:-]+)?")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_NANOSECONDS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_HEALTHCHECK_KEYS = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start-period": "StartPeriod",
    "start-interval": "StartInterval",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A COPY of the last stage; `stage` is the build stage that it takes from, if any."""

    sources: tuple[str, ...]
    target: str
    stage: str | None
    line: int


@dataclass(slots=True, kw_only=True)
class ImagePlan:
    """What the last stage of a Dockerfile defines: base, configuration, copied files, Debian packages."""

    base: str
    env: dict[str, str] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    """The image configuration's `config`, in the words of the OCI image specification."""
    copies: list[Copy] = field(default_factory=list)
    debian_packages: list[str] = field(default_factory=list)
    """Debian packages that an `apt-get install` names."""
    errors: list[DockerfileError] = field(default_factory=list)
    """An error for each instruction that the layers builder does not support."""

    @property
    def workdir(self) -> str:
        """The working directory of the service, without the leading slash."""
        return str(self.config.get("WorkingDir", "/")).strip("/")

    @property
    def labels(self) -> Mapping[str, str]:
        """The image's labels."""
        return dict(self.config.get("Labels") or {})


def read_plan(
    text: str, arguments: Mapping[str, str], base_config: Mapping[str, Any], platform: str = ""
) -> ImagePlan:
    """Return the configuration of the last stage, on top of that of the base.

    Instructions that only an engine supports are listed in `errors`, which the docker builder ignores.

    Args:
        text: The Dockerfile.
        arguments: The build arguments (`--build-arg`).
        base_config: `config` of the base's image configuration.
        platform: The platform of the image, such as `linux/amd64`; empty if the image is for none.

    Raises:
        DockerfileError: There is no FROM, or a FROM or an ARG before it cannot be read.
    """
    defaults = (
        dict(zip(_TARGET_ARGUMENTS, (platform, *platform.split("/")), strict=False)) if platform else {}
    )
    stage = last_stage(text, arguments, defaults)
    config = _without_empty(base_config)
    environment = dict(item.partition("=")[::2] for item in config.get("Env", ()))
    environment.setdefault("PATH", DEFAULT_PATH)
    plan = ImagePlan(base=stage.base, env=environment, config=config)
    variables: dict[str, str] = {}
    sets_cmd = False
    for step in stage.steps:
        try:
            match step.keyword:
                case "FROM":
                    _require_platform(step, platform, defaults)
                    sets_cmd = False
                case "ARG":
                    variables |= argument_values(step, variables | plan.env, arguments, defaults)
                case _:
                    _apply(step, plan, variables | plan.env)
        except DockerfileError as error:
            plan.errors.append(error)
        except (ValueError, IndexError):
            plan.errors.append(unreadable(step))
        sets_cmd = sets_cmd or step.keyword == "CMD"
        if step.keyword == "ENTRYPOINT" and not sets_cmd:
            plan.config.pop("Cmd", None)  # that of the base, or of a stage before
    plan.config = _without_empty(plan.config) | {
        "Env": [f"{name}={value}" for name, value in plan.env.items()]
    }
    return plan


def _require_platform(step: Instruction, platform: str, variables: Mapping[str, str]) -> None:
    if platform and expand(step.flags.get("platform", ""), variables) not in ("", platform):
        raise DockerfileError(step.line, f"FROM --platform={step.flags['platform']}", "option")


def _without_empty(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if value not in (None, "", [], {})}


def _apply(step: Instruction, plan: ImagePlan, variables: Mapping[str, str]) -> None:
    """Apply one instruction to the plan.

    Raises:
        DockerfileError: The instruction needs a container, or has an unsupported option.
    """
    config = plan.config
    match step.keyword:
        case "ENV":
            plan.env |= _pairs(step, variables)
        case "LABEL":
            config["Labels"] = dict(config.get("Labels") or {}) | _pairs(step, variables)
        case "WORKDIR":
            config["WorkingDir"] = posixpath.join("/", plan.workdir, expand(step.value, variables))
        case "USER":
            config["User"] = expand(step.value, variables)
        case "STOPSIGNAL":
            config["StopSignal"] = expand(step.value, variables)
        case "EXPOSE":
            ports = [port if "/" in port else f"{port}/tcp" for port in expand(step.value, variables).split()]
            config["ExposedPorts"] = dict(config.get("ExposedPorts") or {}) | {port: {} for port in ports}
        case "ENTRYPOINT":
            config["Entrypoint"] = _command(step.value, config)
        case "CMD":
            config["Cmd"] = _command(step.value, config)
        case "HEALTHCHECK":
            config["Healthcheck"] = _health(step)
        case "COPY":
            plan.copies.append(_copy(step, variables))
        case "RUN":
            plan.debian_packages += _debian_packages(step)
        case _:
            raise DockerfileError(step.line, f"{step.keyword} {step.value}", "instruction")


def _pairs(step: Instruction, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the pairs of `NAME=value NAME="value"`, or of the old form `ENV NAME value`."""
    words = split_words(step.value)
    if "=" not in words[0]:
        name, _, value = step.value.partition(" ")
        return {name: expand(value.strip(), variables)}
    return {name: expand(value, variables) for name, _, value in (word.partition("=") for word in words)}


def _copy(step: Instruction, variables: Mapping[str, str]) -> Copy:
    options = set(step.flags) - {"from"}
    if options:
        raise DockerfileError(step.line, f"COPY --{min(options)}", "option")
    listed = exec_form(step.value)
    words = split_words(step.value) if listed is None else listed
    first, *others, target = (expand(word, variables) for word in words)
    return Copy(sources=(first, *others), target=target, stage=step.flags.get("from"), line=step.line)


def _debian_packages(step: Instruction) -> list[str]:
    """Return the packages of a step that only installs packages with apt.

    Raises:
        DockerfileError: The step does something else, or installs recommended packages too.
    """
    names: list[str] = []
    problem: Literal["container", "recommends"] | None = "container" if step.flags else None
    for command in " ".join(shlex.split(step.value)).split(" && "):
        words = [word for word in command.split() if not re.match(r"[A-Z_]+=", word)]
        flags = [word for word in words[1:] if word.startswith("-")]
        match [*words[:1], *(word for word in words[1:] if word not in flags)]:
            case ["apt-get" | "apt", "install", *packages]:
                names += packages
                if "--no-install-recommends" not in flags:
                    problem = problem or "recommends"
            case ["apt-get" | "apt", "update" | "clean"] | ["rm", "/var/lib/apt/lists/*"]:
                pass
            case _:
                problem = "container"
    if not names or not all(map(_DEBIAN_PACKAGE.fullmatch, names)):
        problem = "container"
    if problem:
        raise DockerfileError(step.line, f"{step.keyword} {step.value}", problem)
    return names


def _health(step: Instruction) -> dict[str, Any]:
    if step.value.strip().upper() == "NONE":
        return {"Test": ["NONE"]}
    keyword, command = step.value.split(None, 1)
    words = exec_form(command)
    if keyword.upper() != "CMD" or words == []:
        raise ValueError(step.value)
    health: dict[str, Any] = {"Test": ["CMD-SHELL", command.strip()] if words is None else ["CMD", *words]}
    for flag, key in _HEALTHCHECK_KEYS.items():
        if flag in step.flags:
            health[key] = _nanoseconds(step.flags[flag])
    if "retries" in step.flags:
        health["Retries"] = int(step.flags["retries"])
    return health


def _nanoseconds(text: str) -> int:
    return sum(round(float(number) * _NANOSECONDS[unit]) for number, unit in _DURATION.findall(text))


def _command(value: str, config: Mapping[str, Any]) -> list[str]:
    words = exec_form(value)
    return [*config.get("Shell", ("/bin/sh", "-c")), value] if words is None else words
