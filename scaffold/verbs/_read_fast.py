"""Run in the worker: load a model and read its fitted steps, for each way to compute them.

The file passes the gate here again: the record of a project, which a stranger may have written, is no reason
to load what it names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scaffold.base.codec import decode, encode
from scaffold.errors import FileChangedError, LoadFailedError, ScaffoldError
from scaffold.errors.wording import in_one_line
from scaffold.read import load_model, read_artifact
from scaffold.spec import Accelerate
from scaffold.worker import encode_error
from scaffold.worker.inside import Channel, Witness, refused_error, resume_collection


def run(channel: Channel, job: dict[str, Any], witness: Witness) -> None:
    """Send the plan of the model's steps for each of the ways, or why there is none."""
    witness.phase = "load"
    path = Path(job["model"])
    try:
        artifact = read_artifact(
            path, trusted=job["trusted"], confined=job["confined"], provenance="", ours=job["ours"]
        )
        if artifact.sha256 != job["sha256"]:
            raise FileChangedError(path.name, job["sha256"], artifact.sha256)
        model = load_model(artifact)
        resume_collection()
        from scaffold.introspect import read_fast_plan

        signature = decode("Signature", job["signature"])
        plans = {way: encode(read_fast_plan(model, signature, Accelerate(way))) for way in job["ways"]}
        channel.send({"plans": plans})
    except ScaffoldError as error:
        channel.send(encode_error(refused_error(error) or error))
    except BaseException as error:  # the model raises it: nobody interrupts this process
        channel.send(encode_error(LoadFailedError(path.name, in_one_line(error))))
