"""The environment variables that the model reads, for the settings and for the image."""

from __future__ import annotations

import json
from collections.abc import Sequence

from scaffold.errors import MultilineVariableError, VariableTakenError
from scaffold.render._code import mapping, statement, text
from scaffold.spec import Variable

_SETTINGS = """
    access_log answer_timeout_s api_key_hashes bind_host body_timeout_s cors_origins docs drain_s
    fast_column_transformer fast_routes log_level log_values max_batch max_body_bytes max_connections
    max_records max_waiting metrics metrics_port opentelemetry patience_ms port public_paths
    queue_timeout_s root_path score_timeout_s shutdown_s tls_cert tls_key worker_threads workers
"""
SETTINGS = frozenset(name.upper() for name in _SETTINGS.split())
"""The variables that `app/settings.py` reads."""

_FIRST = "import app.settings  # noqa: F401  # first: it sets what the model reads at import\n"


def environment_values(variables: Sequence[Variable]) -> dict[str, object]:
    """Return the values of `app/__init__.py` and `app/settings.py`; empty without variables.

    Raises:
        UsageError: A variable of the model has the name of a setting.
    """
    if taken := sorted({variable.name for variable in variables} & SETTINGS):
        raise VariableTakenError(taken[0])
    if not variables:
        return {"settings_first": "", "settings_os": "", "model_environment": ""}
    plain = {variable.name: variable.value for variable in variables if not variable.secret}
    return {
        "settings_first": _FIRST,
        "settings_os": "import os\nimport time\n\n" if "TZ" in plain else "import os\n\n",
        "model_environment": _in_settings(plain, [v.name for v in variables if v.secret]),
    }


def _in_settings(plain: dict[str, str], secrets: Sequence[str]) -> str:
    lines = [""]
    if plain:
        values = mapping((text(name), text(value)) for name, value in plain.items())
        lines += [
            "# What the model reads from the environment, with the values that it was proven with.",
            statement("MODEL_ENVIRONMENT = ", values),
            "for _name, _value in MODEL_ENVIRONMENT.items():",
            "    os.environ.setdefault(_name, _value)",
        ]
    if "TZ" in plain:
        lines += ['if hasattr(time, "tzset"):  # not on Windows', "    time.tzset()"]
    if secrets:
        names = ", ".join(json.dumps(name) for name in secrets)
        lines += [
            "# Secrets that the model reads from the environment.",
            f"for _name in ({names},):",
            "    if _name not in os.environ:",
            '        raise SystemExit(f"{_name} is not set: the model reads it.")',
        ]
    return "\n".join([*lines, ""])


def image_environment(variables: Sequence[Variable]) -> str:
    """ENV lines. Source: the Dockerfile reference on quotes: a backslash escapes `"`, `$` and itself."""
    lines = []
    for name, value in ((v.name, v.value) for v in variables if not v.secret):
        quoted = "".join(f"\\{letter}" if letter in '\\"$' else letter for letter in value)
        if "\n" in value:
            raise MultilineVariableError(name)
        lines.append(f'ENV {name}="{quoted}"')
    return "".join(f"{line}\n" for line in ["# What the model reads.", *lines]) if lines else ""
