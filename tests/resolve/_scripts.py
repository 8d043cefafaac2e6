"""Scripts that save a model, and what is lifted from them."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scaffold.resolve._sources import CollectedSources, collect_sources
from scaffold.spec import Artifact, GlobalName, ModelFormat

SAVE = """

if __name__ == "__main__":
    import pickle
    from pathlib import Path

    import cloudpickle

    Path("model.pkl").write_bytes(cloudpickle.dumps(model))
"""


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Forget the modules of one test before the next."""
    before, path = set(sys.modules), sys.path[:]
    yield
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in (
            "model_code",
            "model_app",
            "app",
            "outer",
            "bases",
            "helpers",
            "churn",
            "features",
        ):
            del sys.modules[name]


def train(folder: Path, script: str, name: str = "train.py", **files: str) -> Artifact:
    """Run a training script in `folder` and describe the model that it saves."""
    for file, text in files.items():
        (folder / f"{file}.py").write_text(text)
    (folder / name).write_text(script)
    subprocess.run([sys.executable, name], cwd=folder, check=True)
    return described(folder / "model.pkl")


def described(path: Path) -> Artifact:
    """An artifact with the names that the pickle mentions, as reading it finds them."""
    names: list[GlobalName] = []

    class Finder(pickle.Unpickler):
        def find_class(self, module: str, qualname: str) -> Any:
            names.append(GlobalName(module=module, qualname=qualname, offset=0))
            if module == "__main__":
                return type(qualname, (), {})
            return super().find_class(module, qualname)

    before = sys.path[:]
    sys.path.insert(0, str(path.parent))
    with path.open("rb") as file:
        Finder(file).load()
    sys.path[:] = before
    return Artifact(path=path, sha256="", size_bytes=0, format=ModelFormat.PICKLE, globals=tuple(names))


def collect(artifact: Artifact, tmp_path: Path, **more: Any) -> CollectedSources:
    folder = tmp_path / "lifted"
    folder.mkdir(exist_ok=True)
    return collect_sources([artifact], folder=folder, search=[artifact.path.parent], **more)


def lifted_text(found: CollectedSources) -> str:
    [text] = [source.content.decode() for source in found.sources if source.lifted]
    return text


def answer(found: CollectedSources, tmp_path: Path, call: str) -> str:
    """Return the prediction of the moved model in a process with only the collected files."""
    place = tmp_path / "service"
    for source in found.sources:
        (place / source.path).parent.mkdir(parents=True, exist_ok=True)
        (place / source.path).write_bytes(source.content)
    [model] = found.moved.values()
    (place / "model.pkl").write_bytes(model.read_bytes())
    code = f"import pickle; model = pickle.load(open('model.pkl', 'rb')); print(repr(({call})))"
    # Neither cloudpickle nor the script may be needed any more.
    guard = "import sys; sys.modules['cloudpickle'] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", guard + code], cwd=place, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
