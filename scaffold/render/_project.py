"""The service's project: the template, the source that differs by model, the model and its sample."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from scaffold.base.files import sha256_file
from scaffold.base.layout import (
    APP,
    COLUMNS,
    COLUMNS_TEST,
    CONVERT,
    LOCK,
    MODEL_FOLDER,
    PYTHON,
    RECORDED,
    SCHEMAS,
    SCORE,
)
from scaffold.base.templates import template_path
from scaffold.errors import ExclusiveOptionsError
from scaffold.render._batch import batch_files
from scaffold.render._card import card_origin
from scaffold.render._client import client_files
from scaffold.render._deploy import deploy_files
from scaffold.render._drift import drift_files
from scaffold.render._fast import fast_files
from scaffold.render._fast_booster import booster_check
from scaffold.render._fast_check import fast_check_files
from scaffold.render._fast_graph import with_runtime
from scaffold.render._fast_signature import fast_columns, fast_signature, plain_signature
from scaffold.render._folder import folder_files
from scaffold.render._model_card import model_card_files
from scaffold.render._page import page_files
from scaffold.render._profile import left_out, profile_files
from scaffold.render._protocols import protocol_files
from scaffold.render._score import is_shortened, score_values
from scaffold.render._shadow import shadow_files
from scaffold.render._slim import slim_files, slim_values
from scaffold.render._source import add_example, render_convert, render_source
from scaffold.render._tree import render_tree
from scaffold.render._values import project_values
from scaffold.spec import (
    Artifact,
    FastPlan,
    Measurements,
    Profile,
    ProjectSpec,
    Recording,
    RenderedProject,
    Signature,
)

_SCORE = SCORE.removeprefix(f"{APP}/")
"""The template has it: what depends on the model are its finished strings."""


def model_code(artifact: Artifact, signature: Signature, profile: Profile) -> dict[str, str]:
    """Return the modules that depend on the model, by their path in `app`; of score.py the imports.

    `schemas.py` has no record as `EXAMPLE`: `render_project` adds it, for a model that is known to answer it.

    Args:
        artifact: The model.
        signature: How it is called.
        profile: Which code serves it.
    """
    files = render_source(signature) | _columns_file(signature, profile) | folder_files(artifact)
    source = {path.removeprefix(f"{APP}/"): text for path, text in files.items()}
    score = score_values(artifact, signature, profile)
    return {**source, _SCORE: f"{score['score_imports']}\n{score['score_libraries']}"}


def render_project(spec: ProjectSpec, root: Path, *, template: str | None = None) -> RenderedProject:
    """Write the project of `spec` into the empty folder `root`.

    Args:
        spec: The project.
        root: An empty folder.
        template: A path or URL that copier takes; the service template of this package when absent.

    Raises:
        ExclusiveOptionsError: The template is someone else's, and the profile is not the default.
        RenderError: The template is invalid, or uses an unknown value.
    """
    if template and spec.profile is not Profile.FAST:
        raise ExclusiveOptionsError("profile", "template")
    if spec.fast:
        if template:
            raise ExclusiveOptionsError("accelerate", "template")
        spec = _compiled(spec, spec.fast)
    values = project_values(spec)
    code = spec.code or model_code(spec.artifact, spec.signature, spec.profile)
    source = {f"app/{name}": text for name, text in code.items() if name != _SCORE}
    if spec.dependencies.takes_example:
        source[SCHEMAS] = add_example(source[SCHEMAS], spec.signature.input)
    extra = profile_files(spec.profile, values)
    extra |= {path: text.encode() for path, text in source.items()}
    compiled = fast_files(spec.fast) if spec.fast else {}
    if spec.fast:
        checks = fast_check_files(spec.artifact, spec.signature, spec.fast)
        extra |= compiled | booster_check(checks, spec.signature.call)
    if COLUMNS in extra:
        extra[COLUMNS_TEST] = (template_path("service") / "test_fast_column_transformer.py").read_bytes()
    extra |= deploy_files(spec) | protocol_files(spec, values)
    extra |= page_files(spec, values) | client_files(spec, values)
    extra |= drift_files(spec, values) | shadow_files(spec)
    extra |= model_card_files(spec, card_origin(spec.artifact).strip("`"))
    extra |= batch_files(spec, values, source)
    service = _service_code(extra, values)
    values |= slim_values(spec, compiled, service)
    extra |= {source.path: source.content for source in spec.dependencies.sources}
    extra[LOCK] = spec.dependencies.lock.encode()
    extra |= slim_files(spec, str(values["model_file"]), service)
    extra[PYTHON] = f"{spec.dependencies.python}\n".encode()
    extra[RECORDED] = recorded_sample(spec.recording)
    model = root / MODEL_FOLDER / str(values["model_file"])
    exclude = left_out(spec.profile)
    rendered = render_tree(template or template_path("service"), values, extra, root, exclude=exclude)
    shutil.copyfile(spec.artifact.path, model)
    files = {**rendered.files, model.relative_to(root).as_posix(): sha256_file(model)}
    return RenderedProject(root=root, files=dict(sorted(files.items())))


def _service_code(files: Mapping[str, bytes], values: Mapping[str, object]) -> dict[str, str]:
    """Return the modules of `app` that depend on the model or on answers; of score.py the imports."""
    modules = {path: content.decode() for path, content in files.items() if path.endswith(".py")}
    code = {path: text for path, text in modules.items() if path.startswith(f"{APP}/")}
    return {**code, SCORE: f"{values['score_imports']}\n{values['score_libraries']}"}


def _compiled(spec: ProjectSpec, plan: FastPlan) -> ProjectSpec:
    """Return the spec with the code of a compiled model in place of the code that calls the model."""
    signature = plain_signature(spec.signature)
    code = dict(model_code(spec.artifact, signature, spec.profile))
    code[CONVERT.removeprefix(f"{APP}/")] = render_convert(
        fast_signature(signature, plan), fast_columns(plan)
    )
    needs = tuple(
        replace(line, reason="imported by tests/fast, which asks the model itself")
        if line.reason == f"imported by {CONVERT}" and line.distribution != "numpy"
        else line
        for line in spec.dependencies.requirements
    )
    dependencies = replace(spec.dependencies, requirements=needs)
    if plan.graph:
        dependencies = with_runtime(dependencies, plan.graph)
    return replace(spec, signature=signature, code=code, dependencies=dependencies)


def _columns_file(signature: Signature, profile: Profile) -> dict[str, str]:
    """Return what takes the place of a pipeline's first step, where the service has that."""
    if not is_shortened(signature.call, profile):
        return {}
    return {COLUMNS: (template_path("service") / "fast_column_transformer.py").read_text("utf-8")}


def filled_manifests(spec: ProjectSpec, measurements: Measurements) -> dict[str, bytes]:
    """Return the manifests by path, with what the proof measured in place of the placeholders."""
    return deploy_files(spec, measurements)


def recorded_sample(recording: Recording) -> bytes:
    """Return the sample over HTTP, one row a line, so that a change shows as the rows that it touches."""
    lines = ['{"requests": [']
    for key, rows in (("requests", recording.requests), ("answers", recording.answers)):
        if key == "answers":
            lines.append('], "answers": [')
        lines += [
            json.dumps(row, ensure_ascii=False, allow_nan=False) + ("," if number < len(rows) else "")
            for number, row in enumerate(rows, 1)
        ]
    return "\n".join([*lines, "]}", ""]).encode()
