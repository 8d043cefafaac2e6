"""Program that replaces the worker's own: load a file without a gate."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scaffold.worker._channel import Channel
from scaffold.worker._witness import Witness


def run(channel: Channel, job: dict[str, Any], witness: Witness) -> None:
    """Load `job["model"]` with every loader for such a file, and report the result of the last one."""
    path, said = Path(job["model"]), ""
    for load in _ways(path.read_bytes()[:32], path.suffix):
        try:
            said = f"loaded: {type(load(path)).__name__}"
        except BaseException as error:  # whatever the file raises
            said = f"{type(error).__name__}: {error}"
    channel.send({"said": said[:500], "holds": job["confined"]})


def _ways(start: bytes, ending: str) -> list[Callable[[Path], Any]]:
    """Return the loaders for a file; torch takes seconds to import, and loads only its own formats."""
    of_torch = ending in (".pt", ".pth") or start[:2] == b"PK" or b"l\xfc\x9cF" in start
    plain = ending == ".pkl" and start[:1] == b"\x80"
    return [_by_torch] if of_torch else [_by_pickle] if plain else [_by_pickle, _by_joblib]


def _by_pickle(path: Path) -> Any:
    with path.open("rb") as file:
        return pickle.load(file)


def _by_joblib(path: Path) -> Any:
    import joblib

    return joblib.load(path)


def _by_torch(path: Path) -> Any:
    import torch

    return torch.load(path, weights_only=False)
