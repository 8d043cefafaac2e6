"""A project with pipelines, and the scripts in them."""

from __future__ import annotations

import dataclasses
import re
import textwrap
from pathlib import Path
from typing import Any

import yaml

from scaffold.render import render_project
from scaffold.spec import JSONValue
from tests.deploy._specs import project_spec

FILES = {
    "github": ".github/workflows/service.yml",
    "azure": "azure-pipelines.yml",
    "gitlab": ".gitlab-ci.yml",
    "gocd": "service.gocd.yaml",
    "jenkins": "Jenkinsfile",
}
ALL = ",".join(FILES)
INSTALL = """\
set -eu
python3 -m venv .venv
. .venv/bin/activate
pip install --quiet 'model-scaffold[image,kubernetes]'
"""


def render(folder: Path, **answers: JSONValue) -> Path:
    """Write a project with these answers; return its folder."""
    model = folder / "model.pkl"
    model.write_bytes(b"model")
    spec = project_spec(answers, name="titanic-service")
    spec = dataclasses.replace(spec, artifact=dataclasses.replace(spec.artifact, path=model))
    root = folder / "project"
    root.mkdir()
    render_project(spec, root)
    return root


def pipelines_of(root: Path) -> dict[str, str]:
    """Return the text of each pipeline that a project has."""
    return {system: (root / path).read_text() for system, path in FILES.items() if (root / path).exists()}


def scripts_of(system: str, text: str) -> list[str]:
    """Return the scripts of a pipeline, in the order of its targets."""
    if system == "jenkins":
        return [
            textwrap.dedent(script) for script in re.findall(r"sh '''#!/bin/bash\n(.*?)'''", text, re.DOTALL)
        ]
    loaded = yaml.load(text, Loader=yaml.BaseLoader)
    match system:
        case "github":
            steps = [step for job in loaded["jobs"].values() for step in job["steps"]]
            return [step["run"] for step in steps if "run" in step]
        case "azure":
            return [step["bash"] for step in _steps_of_azure(loaded) if "bash" in step]
        case "gitlab":
            return ["\n".join(job["script"]) for job in loaded.values() if "script" in job]
        case _:
            [pipeline] = loaded["pipelines"].values()
            stages = [stage for named in pipeline["stages"] for stage in named.values()]
            return [task["exec"]["arguments"][-1] for stage in stages for task in stage["tasks"]]


def _steps_of_azure(loaded: dict[str, Any]) -> list[dict[str, Any]]:
    jobs = [job for stage in loaded["stages"] for job in stage["jobs"]]
    return [
        step
        for job in jobs
        for step in (job["steps"] if "steps" in job else job["strategy"]["runOnce"]["deploy"]["steps"])
    ]
