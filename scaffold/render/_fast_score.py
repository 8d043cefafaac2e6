"""The finished strings of `app/score.py` where a compiled model takes the place of the model."""

from __future__ import annotations

from pathlib import PurePosixPath

from scaffold.base.layout import FAST_CONSTANTS
from scaffold.render._score import ALWAYS_IMPORTED, CONVERT_IMPORT, OPEN_IMPORT, score_values
from scaffold.spec import Artifact, Signature

_QUICK = """\
# The model takes less time than a thread. Set False if a step of yours waits, as for a database.
QUICK = True"""
_LOAD_DOC = "Load the constants. `open_model` raises if the file is not that of app/fast.py."
_CHECKED_LOAD_DOC = "Load the constants. `open_model` raises if they are not those of the model in its file."


def compiled_score_values(
    artifact: Artifact, signature: Signature, *, slim: bool = False, is_split: bool = False
) -> dict[str, object]:
    """Return what `score.py.jinja` asks for, for a service with a compiled model; see `score_values`.

    Args:
        artifact: The model.
        signature: How it is called.
        slim: Whether the service runs without the model file.
        is_split: As for `score_values`.
    """
    values = score_values(artifact, signature, is_split=is_split)
    constants = PurePosixPath(FAST_CONSTANTS).name
    if slim:
        values |= {
            "score_settings_line": "",
            "score_constant": "CONSTANTS",
            "score_file": constants,
            "score_sha256": "SHA256",
            "score_load_doc": _LOAD_DOC,
            "score_opened": " as file",
        }
    else:
        values |= {
            "score_settings_line": "\nfrom app.settings import MODEL_SHA256",
            "score_batched": f'CONSTANTS = MODEL.with_name("{constants}")\n{values["score_batched"]}',
            "score_load_doc": _CHECKED_LOAD_DOC,
            "score_opened": ", open_model(CONSTANTS, SHA256) as file",
        }
    return {
        **values,
        "score_batched": f"{values['score_batched']}\n{_QUICK}",
        "score_quick_option": ", quick=score.QUICK",
        "score_imports": "\n".join(ALWAYS_IMPORTED),
        "score_libraries": "\nimport numpy as np\n",
        "score_convert": f"{CONVERT_IMPORT}\nfrom app.fast import SHA256, FastModel",
        "score_serving": OPEN_IMPORT,
        "score_load": "_model = FastModel(np.load(file))",
    }
