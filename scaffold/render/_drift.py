"""Drift, by answer: `model/baseline.json`, and the code that counts, logs and guards requests by it."""

from __future__ import annotations

from collections.abc import Mapping

from scaffold.base.baseline import baseline_text
from scaffold.base.layout import APP, BASELINE, DRIFT_CODE
from scaffold.base.templates import template_path
from scaffold.errors import VariableTakenError
from scaffold.render._knobs import read_flag, read_guard
from scaffold.render._tree import jinja_environment
from scaffold.spec import JSONValue, ProjectSpec

_VARIABLES = ("LOG_PREDICTIONS", "LOG_PREDICTIONS_TO", "LOG_PREDICTIONS_OMIT")
_SETTINGS = """\
    # The share of the requests, from 0 to 1, that is logged with the predictions as JSON lines;
    # {to}; and fields to leave out, separated by commas.
    log_predictions: float = Field(default=0, ge=0, le=1)
    log_predictions_to: str = "stdout"
    log_predictions_omit: str = ""
"""
_TO = "`stdout`, or the file that they are added to"
_TO_OTLP = "`stdout`, `otlp`, or the file that they go to"
_IMPORT = "from app.drift import DriftBatcher\n"
_GUARD_IMPORTS = {
    "none": "",
    "warn": "from app.guard import GuardMiddleware, check, check_all\n",
    "refuse": "from app.guard import check, check_all\n",
}
_GUARD_ADDED = "\n\napp.add_middleware(GuardMiddleware)\n"
_PLAIN_BATCHER = "from app.serving.batching import Batcher\n"


def drift_settings(answers: Mapping[str, JSONValue]) -> str:
    """Return the lines of `settings.py`; none without drift."""
    if not read_flag("drift", answers):
        return ""
    return _SETTINGS.format(to=_TO_OTLP if read_flag("opentelemetry", answers) else _TO)


def drift_values(spec: ProjectSpec) -> dict[str, object]:
    """Return the lines of `main.py` and `settings.py`; those without drift for a project without it.

    Raises:
        InvalidAnswerError: The answer is neither true nor false; or there is a guard without drift.
        VariableTakenError: The model reads a variable that is a setting of the log.
    """
    guard = read_guard(spec.answers)
    has_drift = read_flag("drift", spec.answers)
    taken = {variable.name for variable in spec.variables} & {*_VARIABLES}
    if has_drift and taken:
        raise VariableTakenError(min(taken))
    names = ["ERROR_RESPONSES", *([] if has_drift else ["Batcher"]), "install", "lifespan"]
    return {
        "drift": has_drift,
        "drift_import": (_IMPORT if has_drift else "") + _GUARD_IMPORTS[guard],
        "drift_serving": ", ".join(names),
        "drift_plain_batcher": "" if has_drift else _PLAIN_BATCHER,
        "drift_batcher": "DriftBatcher" if has_drift else "Batcher",
        "drift_settings": drift_settings(spec.answers),
        "has_otlp": has_drift and read_flag("opentelemetry", spec.answers),
        "guard": guard,
        "guard_one": "    check(record)\n" if guard != "none" else "",
        "guard_all": "    check_all(records)\n" if guard != "none" else "",
        "guard_core_import": "from app.guard import check_all\n" if guard != "none" else "",
        "guard_core": "        check_all(records)\n" if guard != "none" else "",
        "guard_added": _GUARD_ADDED if guard == "warn" else "",
    }


def drift_files(spec: ProjectSpec, values: Mapping[str, object]) -> dict[str, bytes]:
    """Return the files for drift by path; none without a baseline."""
    if spec.baseline is None:
        return {}
    folder = template_path("service") / "drift"
    environment = jinja_environment(folder)
    code = environment.get_template("drift.py.jinja").render(values)
    files = {BASELINE: baseline_text(spec.baseline).encode(), DRIFT_CODE: code.encode()}
    log = environment.get_template("prediction_log.py.jinja").render(values)
    files[f"{APP}/prediction_log.py"] = log.encode()
    for name in ("baseline", *(["otlp_log"] if values["has_otlp"] else [])):
        files[f"{APP}/{name}.py"] = (folder / f"{name}.py").read_bytes()
    if values["guard"] != "none":
        files[f"{APP}/guard.py"] = (folder / f"{values['guard']}.py").read_bytes()
    return files
