"""The parsed Dockerfile: the configuration of the image, and which files go where.

The layers builder is configured by this, so that an owner's edit of the Dockerfile holds for both builders.
Nothing is run: a step that needs a container is refused, and the error names its line.

Source: docs.docker.com/reference/dockerfile, the sections on each instruction and on environment replacement.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.errors import DockerfileError

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_VARIABLE = re.compile(r"\\\$|\$(\w+)|\$\{(\w+)(?::([-+])([^}]*))?\}")
_DEBIAN_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(=[A-Za-z0-9.+~:-]+)?")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_NANOSECONDS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction: `COPY --from=build /opt/venv /opt/venv`."""

    line: int
    keyword: str
    flags: Mapping[str, str]
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A COPY of the last stage; `stage` is the build stage that it takes from, if any."""

    sources: tuple[str, ...]
    target: str
    stage: str | None
    line: int


@dataclass(slots=True, kw_only=True)
class Plan:
    """The result of the last stage."""

    base: str
    env: dict[str, str] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    """The image configuration's `config`, in the words of the OCI image specification."""
    copies: list[Copy] = field(default_factory=list)
    system: list[str] = field(default_factory=list)
    """Debian packages that an `apt-get install` names."""
    refused: list[DockerfileError] = field(default_factory=list)
    """Instructions that need an engine."""

    @property
    def workdir(self) -> str:
        """The working directory of the service, without the leading slash."""
        return str(self.config.get("WorkingDir", "/")).strip("/")

    @property
    def labels(self) -> Mapping[str, str]:
        """The image's labels."""
        return dict(self.config.get("Labels") or {})


def read_base(text: str, arguments: Mapping[str, str]) -> str:
    """Return the reference of the image that the last stage starts from."""
    base = ""
    variables: dict[str, str] = {}
    for step in instructions(text):
        if step.keyword == "ARG" and not base:
            variables |= _argument(step, variables, arguments)
        elif step.keyword == "FROM":
            base = _replace(step.value.split()[0], variables)
    if not base:
        raise DockerfileError(1, "FROM", "from")
    return base


def read_plan(text: str, arguments: Mapping[str, str], base_config: Mapping[str, Any]) -> Plan:
    """Return the configuration of the last stage, on top of that of the base.

    Instructions that need an engine are listed in the plan: the docker builder ignores that list.
    """
    base = read_base(text, arguments)
    steps = list(instructions(text))
    last = max(i for i, step in enumerate(steps) if step.keyword == "FROM")
    config = {key: value for key, value in base_config.items() if value not in (None, "", [], {})}
    environment = dict(item.partition("=")[::2] for item in config.get("Env", ()))
    environment.setdefault("PATH", DEFAULT_PATH)
    plan = Plan(base=base, env=environment, config=config)
    variables: dict[str, str] = {}
    for step in steps[last + 1 :]:
        if step.keyword == "ARG":
            variables |= _argument(step, variables | plan.env, arguments)
        else:
            try:
                _apply(step, plan, variables | plan.env)
            except DockerfileError as error:
                plan.refused.append(error)
            except (ValueError, IndexError):
                line = f"{step.keyword} {step.value}"
                plan.refused.append(DockerfileError(step.line, line, "unreadable"))
    plan.config["Env"] = [f"{name}={value}" for name, value in plan.env.items()]
    return plan


def instructions(text: str) -> Iterator[Instruction]:
    """Yield the instructions, continuation lines joined and comments left out."""
    joined, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or (not line.strip() and joined):
            continue
        start = start if joined else number
        stripped = line.rstrip()
        if stripped.endswith("\\"):
            joined += stripped[:-1]
            continue
        if step_text := (joined + stripped).strip():
            yield _instruction(step_text, start)
        joined = ""
    if joined.strip():
        yield _instruction(joined.strip(), start)


def _instruction(text: str, line: int) -> Instruction:
    keyword, _, value = text.partition(" ")
    flags: dict[str, str] = {}
    value = value.strip()
    while match := re.match(r"--([a-z-]+)(?:=(\S+))?\s+", value):
        flags[match[1]] = match[2] or ""
        value = value[match.end() :]
    return Instruction(line=line, keyword=keyword.upper(), flags=flags, value=value)


def _apply(step: Instruction, plan: Plan, variables: Mapping[str, str]) -> None:
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
            config["WorkingDir"] = posixpath.join("/", plan.workdir, _replace(step.value, variables))
        case "USER":
            config["User"] = _replace(step.value, variables)
        case "STOPSIGNAL":
            config["StopSignal"] = _replace(step.value, variables)
        case "EXPOSE":
            ports = [
                port if "/" in port else f"{port}/tcp" for port in _replace(step.value, variables).split()
            ]
            config["ExposedPorts"] = dict(config.get("ExposedPorts") or {}) | {port: {} for port in ports}
        case "ENTRYPOINT":
            config["Entrypoint"] = _command(step.value)
            config.pop("Cmd", None)
        case "CMD":
            config["Cmd"] = _command(step.value)
        case "HEALTHCHECK":
            config["Healthcheck"] = _health(step)
        case "COPY":
            plan.copies.append(_copy(step, variables))
        case "RUN" if names := _debian_packages(step):
            plan.system += names
        case _:
            line = f"{step.keyword} {step.value}"
            raise DockerfileError(step.line, line, "container")


def _argument(
    step: Instruction, variables: Mapping[str, str], arguments: Mapping[str, str]
) -> dict[str, str]:
    name, equals, default = step.value.partition("=")
    if name in arguments:
        return {name: arguments[name]}
    return {name: _replace(_unquote(default), variables)} if equals else {}


def _pairs(step: Instruction, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the pairs of `NAME=value NAME="value"`, or of the old form `ENV NAME value`."""
    words = shlex.split(step.value, posix=True)
    if "=" not in words[0]:
        name, _, value = step.value.partition(" ")
        return {name: _replace(value.strip(), variables)}
    return {name: _replace(value, variables) for name, _, value in (word.partition("=") for word in words)}


def _copy(step: Instruction, variables: Mapping[str, str]) -> Copy:
    refused = set(step.flags) - {"from"}
    if refused:
        raise DockerfileError(step.line, f"COPY --{min(refused)}", "option")
    words = _exec_form(step.value) or shlex.split(step.value)
    *sources, target = (_replace(word, variables) for word in words)
    return Copy(sources=tuple(sources), target=target, stage=step.flags.get("from"), line=step.line)


def _debian_packages(step: Instruction) -> list[str]:
    """Return the packages of a step that only installs packages with apt; empty for other steps."""
    names: list[str] = []
    for command in " ".join(shlex.split(step.value)).split(" && "):
        words = [word for word in command.split() if not re.match(r"[A-Z_]+=", word)]
        program, *arguments = words or [""]
        flags = [word for word in arguments if word.startswith("-")]
        match [program, *(word for word in arguments if word not in flags)]:
            case ["apt-get" | "apt", "install", *packages] if "--no-install-recommends" in flags:
                names += packages
            case ["apt-get" | "apt", "update" | "clean"] | ["rm", "/var/lib/apt/lists/*"]:
                pass
            case _:
                return []
    return [] if step.flags or not all(map(_DEBIAN_PACKAGE.fullmatch, names)) else names


def _health(step: Instruction) -> dict[str, Any]:
    if step.value.strip().upper() == "NONE":
        return {"Test": ["NONE"]}
    _, _, command = step.value.partition(" ")
    exec_form = _exec_form(command)
    health: dict[str, Any] = {"Test": ["CMD", *exec_form] if exec_form else ["CMD-SHELL", command.strip()]}
    words = {"interval": "Interval", "timeout": "Timeout", "start-period": "StartPeriod"}
    for flag, word in words.items():
        if flag in step.flags:
            health[word] = _nanoseconds(step.flags[flag])
    if "retries" in step.flags:
        health["Retries"] = int(step.flags["retries"])
    return health


def _nanoseconds(text: str) -> int:
    return sum(round(float(number) * _NANOSECONDS[unit]) for number, unit in _DURATION.findall(text))


def _command(value: str) -> list[str]:
    return _exec_form(value) or ["/bin/sh", "-c", value]


def _exec_form(value: str) -> list[str] | None:
    if not value.lstrip().startswith("["):
        return None
    try:
        words = json.loads(value)
    except json.JSONDecodeError:
        return None
    return [str(word) for word in words]


def _unquote(value: str) -> str:
    return "".join(shlex.split(value)) if value else ""


def _replace(text: str, variables: Mapping[str, str]) -> str:
    """Expand `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}`; an undefined name is empty."""

    def value(match: re.Match[str]) -> str:
        if match[0] == "\\$":
            return "$"
        current = variables.get(match[1] or match[2], "")
        if match[3] == "-":
            return current or match[4]
        if match[3] == "+":
            return match[4] if current else ""
        return current

    return _VARIABLE.sub(value, text)
