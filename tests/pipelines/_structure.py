"""What has no published schema: the format of GoCD's YAML plugin, and the sections of a Jenkinsfile.

Source: the README of gocd-yaml-config-plugin ("Format reference", format_version 10), and "Pipeline Syntax"
of the Jenkins handbook. GoCD's and Jenkins' own validators need a server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]


def closed(properties: Schema, *required: str) -> Schema:
    """An object with these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def map_of(value: Schema) -> Schema:
    """An object whose keys are names of GoCD."""
    names = {"pattern": r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}$"}
    return {"type": "object", "propertyNames": names, "additionalProperties": value, "minProperties": 1}


TEXT: Schema = {"type": "string", "minLength": 1}
FLAG: Schema = {"type": "boolean"}
TEXTS: Schema = {"type": "array", "items": TEXT, "minItems": 1}
VARIABLES = map_of({"type": ["string", "number"]})
TASK = closed(
    {
        "exec": closed(
            {
                "command": TEXT,
                # A single # begins a parameter.
                "arguments": {
                    "type": "array",
                    "items": {"type": "string", "pattern": r"^([^#]|##|#\{\w+\})+$"},
                    "minItems": 1,
                },
                "working_directory": TEXT,
                "run_if": {"enum": ["passed", "failed", "any"]},
            },
            "command",
        )
    },
    "exec",
)
PATHS = closed({"source": TEXT, "destination": TEXT}, "source")
APPROVAL: Schema = {
    "oneOf": [
        {"enum": ["manual", "success"]},
        closed(
            {
                "type": {"enum": ["manual", "success"]},
                "allow_only_on_success": FLAG,
                "roles": TEXTS,
                "users": TEXTS,
            },
            "type",
        ),
    ]
}
JOB: Schema = {
    "timeout": {"type": "integer"},
    "resources": TEXTS,
    "elastic_profile_id": TEXT,
    "environment_variables": VARIABLES,
    "artifacts": {
        "type": "array",
        "items": {"oneOf": [closed({"test": PATHS}, "test"), closed({"build": PATHS}, "build")]},
    },
    "tasks": {"type": "array", "items": TASK, "minItems": 1},
}
STAGE = closed(
    {"fetch_materials": FLAG, "keep_artifacts": FLAG, "clean_workspace": FLAG, "approval": APPROVAL, **JOB},
    "tasks",
)
PIPELINE = closed(
    {
        # Letters, digits and underscores only.
        "group": {"type": "string", "pattern": r"^\w+$"},
        "label_template": TEXT,
        "lock_behavior": {"enum": ["none", "lockOnFailure", "unlockWhenFinished"]},
        "timer": closed(
            {"spec": {"type": "string", "pattern": r"^(\S+ ){5,6}\S+$"}, "only_on_changes": FLAG}, "spec"
        ),
        "environment_variables": VARIABLES,
        "materials": map_of(closed({"type": {"const": "configrepo"}, "destination": TEXT}, "type")),
        "stages": {"type": "array", "items": {**map_of(STAGE), "maxProperties": 1}, "minItems": 1},
    },
    "group",
    "materials",
    "stages",
)
GOCD = closed({"format_version": {"const": 10}, "pipelines": map_of(PIPELINE)}, "format_version", "pipelines")
"""What the pipelines use of the format. Single-job stages alone: tasks and artifacts stand in the stage."""


SECTIONS = {
    "": {"pipeline"},
    "pipeline": {
        *("agent", "environment", "libraries", "options", "parameters", "post", "stages", "tools", "triggers")
    },
    "stages": {"stage"},
    "stage": {
        *("agent", "environment", "input", "matrix", "options", "parallel", "post"),
        *("stages", "steps", "tools", "when"),
    },
    "input": {"id", "message", "ok", "parameters", "submitter", "submitterParameter"},
    "post": {
        *("aborted", "always", "changed", "cleanup", "failure", "fixed", "regression"),
        *("success", "unstable", "unsuccessful"),
    },
    "when": {
        *("allOf", "anyOf", "beforeAgent", "beforeInput", "beforeOptions", "branch", "buildingTag"),
        *("changelog", "changeRequest", "changeset", "environment", "equals", "expression", "not", "tag"),
        "triggeredBy",
    },
}
REQUIRED = {"pipeline": {"agent", "stages"}, "stages": {"stage"}, "stage": {"steps"}, "input": {"message"}}


_TOKEN = re.compile(r"'''.*?'''|'[^'\n]*'|//[^\n]*|[{}\n]|\w+", re.DOTALL)


@dataclass
class Block:
    """A word and what stands in the braces after it."""

    word: str
    inside: list[Block] = field(default_factory=list)


def blocks_of(text: str) -> Block:
    """Return the statements of a Jenkinsfile: the first word of each, nested by braces."""
    file = Block("")
    open_blocks: list[Block] = [file]
    current: Block | None = None
    for token in _TOKEN.findall(text):
        if token == "{":
            assert current is not None, "a block without a word"
            open_blocks.append(current)
            current = None
        elif token == "}":
            current = open_blocks.pop()
        elif token == "\n":
            current = None
        elif current is None and not token.startswith("//"):
            current = Block(token)
            open_blocks[-1].inside.append(current)
    assert open_blocks == [file], "a brace is missing"
    return file


def faults_of(block: Block) -> list[str]:
    """Return what a declarative pipeline does not take: unknown sections, missing ones, repeated ones."""
    words = [one.word for one in block.inside]
    known, needed = SECTIONS.get(block.word), REQUIRED.get(block.word, set())
    faults = [f"{block.word} has {word}" for word in words if known is not None and word not in known]
    faults += [f"{block.word} has no {word}" for word in sorted(needed - {*words})]
    if block.word in ("pipeline", "stage"):
        faults += [f"{block.word} has {word} twice" for word in {*words} if words.count(word) > 1]
    return faults + [fault for one in block.inside for fault in faults_of(one)]
