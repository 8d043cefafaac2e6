"""Run in the worker in place of the product's own program: load a file without any gate."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from scaffold.worker._channel import Channel
from scaffold.worker._witness import Witness


def run(channel: Channel, job: dict[str, Any], witness: Witness) -> None:
    """Load `job["model"]` in each way that may take it, and say what came of the last one."""
    said = ""
    for load in (_by_pickle, _by_joblib, _by_torch):
        try:
            said = f"loaded: {type(load(Path(job['model']))).__name__}"
        except BaseException as error:  # whatever the file raises
            said = f"{type(error).__name__}: {error}"
    channel.send({"said": said[:500], "holds": job["confined"]})


def _by_pickle(path: Path) -> Any:
    with path.open("rb") as file:
        return pickle.load(file)


def _by_joblib(path: Path) -> Any:
    import joblib

    return joblib.load(path)


def _by_torch(path: Path) -> Any:
    import torch

    return torch.load(path, weights_only=False)
