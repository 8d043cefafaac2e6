"""Run in the worker: load a model whose file has passed the gate, and read its fitted steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scaffold.base import model as base_model
from scaffold.base.codec import decode, encode
from scaffold.errors import ScaffoldError
from scaffold.errors.wording import in_one_line
from scaffold.spec import ModelFormat, NoFastPlan
from scaffold.worker import encode_error
from scaffold.worker.inside import Channel, Witness, refused_error, resume_collection


def run(channel: Channel, job: dict[str, Any], witness: Witness) -> None:
    """Send the plan of the model's steps, or why there is none."""
    witness.phase = "load"
    try:
        names = decode("tuple[GlobalName, ...]", job["names"])
        model = base_model.load(Path(job["model"]), ModelFormat(job["format"]), names, job["sha256"])
        resume_collection()
        from scaffold.introspect import read_fast_plan

        channel.send({"plan": encode(read_fast_plan(model, decode("Signature", job["signature"])))})
    except ScaffoldError as error:
        channel.send(encode_error(refused_error(error) or error))
    except BaseException as error:
        reason = f"the model cannot be loaded again: {in_one_line(error)}"
        channel.send({"plan": encode(NoFastPlan(reason=reason))})
