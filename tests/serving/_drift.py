"""A service that counts drift, made from the templates, with a model that is a function."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from scaffold.base.baseline import baseline_text, columns_of, summarize_columns
from scaffold.introspect import Introspection, infer_signature
from scaffold.render._drift import drift_settings
from scaffold.render._source import render_source
from scaffold.render._tree import jinja_environment
from scaffold.spec import Baseline
from tests.serving._toy import TEMPLATE, write_project

DRIFT = TEMPLATE.parent / "drift"
VALUES = {
    "settings_imports": "from pydantic import Field\n\n",
    "settings_fields": "\n\n" + drift_settings({"drift": True}).rstrip(),
    "drift_import": "from app.drift import DriftBatcher\n",
    "drift_serving": "ERROR_RESPONSES, install, lifespan",
    "drift_batcher": "DriftBatcher",
}
GUARDS = {
    "none": {},
    "warn": {
        "drift_import": f"{VALUES['drift_import']}from app.guard import GuardMiddleware, check, check_all\n",
        "guard_one": "    check(record)\n",
        "guard_all": "    check_all(records)\n",
        "guard_added": "\n\napp.add_middleware(GuardMiddleware)\n",
    },
    "refuse": {
        "drift_import": f"{VALUES['drift_import']}from app.guard import check, check_all\n",
        "guard_one": "    check(record)\n",
        "guard_all": "    check_all(records)\n",
    },
}


def write_drift(
    root: Path, baseline: Baseline, *, guard: str = "none", otlp: bool = False, **source: str
) -> None:
    """Write a service into `root` that counts drift; `source` is that of its files, by name in `app`."""
    write_project(root, **(VALUES | GUARDS[guard]))
    values = {"profile": "fast", "batcher_types": "[ModelInput, ModelOutput]", "has_otlp": otlp}
    copied = ["baseline", *(["otlp_log"] if otlp else []), *([guard] if guard != "none" else [])]
    files = {"guard" if name == guard else name: (DRIFT / f"{name}.py").read_text() for name in copied}
    for name in ("drift", "prediction_log"):
        files[name] = jinja_environment(DRIFT).get_template(f"{name}.py.jinja").render(values)
    for name, text in (files | source).items():
        (root / "app" / f"{name}.py").write_text(text)
    (root / "model").mkdir(exist_ok=True)
    (root / "model/baseline.json").write_text(baseline_text(baseline))


def baseline_of(requests: Any, answers: Any, labels: Any = ()) -> Baseline:
    return Baseline(
        rows=len(requests),
        made_from="the sample",
        fields=summarize_columns(columns_of(requests)),
        predictions=summarize_columns(columns_of(answers), labels),
        predictions_from="the sample",
        predicted_rows=len(answers),
    )


def introspected(model: Any, sample: Any) -> tuple[Introspection, str]:
    """What is known of a model, and the text of `schemas.py`."""
    found = infer_signature(model, sample)
    return found, render_source(found.signature)["app/schemas.py"]


def run_inside(root: Path, script: str, given: str) -> str:
    """Run a script with the modules of the service; return what it prints."""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=root, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
