"""Compare the compiled model with the model on a share of the requests: the answer `shadow`."""

from __future__ import annotations

from scaffold.base.layout import SHADOW_CODE
from scaffold.base.templates import template_path
from scaffold.errors import InvalidAnswerError, VariableTakenError
from scaffold.render import _code
from scaffold.render._fast_check import load_function
from scaffold.render._fast_signature import fast_columns, fast_signature, plain_signature
from scaffold.render._knobs import read_flag
from scaffold.render._score import score_values
from scaffold.render._source import render_to_model
from scaffold.spec import Artifact, FastPlan, Profile, ProjectSpec, PythonCall, Signature

SHADOW_SETTINGS = """\
    # The share of the records, from 0 to 1, that the model scores too, after they were answered:
    # app/shadow/ counts where the compiled model differs.
    shadow: float = Field(default=0, ge=0, le=1)
"""
_VARIABLE = "SHADOW"
_IMPORT = "from app.shadow import add_shadow\n"
_ADDED = "\n\nadd_shadow(batcher)\n"
_COMPILED_WORDS = "What the compiled model takes: app/convert.py as it was generated."
_MODEL_WORDS = "What the model in its file takes."


def has_shadow(spec: ProjectSpec) -> bool:
    """Whether the service can compare its compiled model with the model.

    Raises:
        InvalidAnswerError: The answer is neither true nor false; or another answer or option excludes it.
        VariableTakenError: The model reads the variable of the setting.
    """
    if not read_flag("shadow", spec.answers):
        return False
    if spec.profile is Profile.PLAIN:
        raise InvalidAnswerError("shadow", True, "a service of the profile 'fast'")
    if not isinstance(spec.signature.call, PythonCall):
        raise InvalidAnswerError("shadow", True, "a model of a Python class, not one of a format of its own")
    if any(variable.name == _VARIABLE for variable in spec.variables):
        raise VariableTakenError(_VARIABLE)
    return spec.fast is not None


def shadow_values(spec: ProjectSpec) -> dict[str, object]:
    """Return the lines of `main.py`; empty ones without the answer."""
    on = has_shadow(spec)
    return {"shadow_import": _IMPORT if on else "", "shadow_added": _ADDED if on else ""}


def shadow_files(spec: ProjectSpec) -> dict[str, bytes]:
    """Return the files of `app/shadow/` by path; none without the answer."""
    if spec.fast is None or not has_shadow(spec):
        return {}
    plain, fast = plain_signature(spec.signature), fast_signature(spec.signature, spec.fast)
    files = {
        path.name: path.read_text("utf-8") for path in (template_path("service") / "shadow").glob("*.py")
    }
    files |= {
        "model.py": _model_module(spec.artifact, plain, spec.fast),
        "model_input.py": render_to_model(plain, words=_MODEL_WORDS),
        "compiled_input.py": render_to_model(fast, fast_columns(spec.fast), words=_COMPILED_WORDS),
    }
    return {f"{SHADOW_CODE}/{name}": text.encode() for name, text in sorted(files.items())}


def _model_module(artifact: Artifact, signature: Signature, plan: FastPlan) -> str:
    """Return `model.py`, which loads the model."""
    score = score_values(artifact, signature)
    return f'''"""The model in its file, and the method that the service calls."""

{score["score_imports"]}
{score["score_libraries"]}
{score["score_serving"]}
from app.settings import {score["score_settings"]}

MODEL = Path(__file__).parents[2] / "model" / "{score["score_file"]}"
{_code.statement("METHOD = ", _code.text(plan.methods[0]))}


{load_function(score, signature)}'''
