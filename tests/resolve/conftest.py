"""Small distributions that are installed into a folder of the test's own, and models that need them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scaffold.spec import Artifact, GlobalName
from tests.resolve._models import artifact_of

Install = Callable[..., Path]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on `sys.path` that distributions are installed into."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def install(site: Path) -> Install:
    """Installs a distribution: its name, its files by path, and what it requires."""

    def _install(
        name: str,
        files: dict[str, str],
        *,
        version: str = "1.0",
        requires: tuple[str, ...] = (),
        origin: str = "",
    ) -> Path:
        folder = f"{name.replace('-', '_')}-{version}.dist-info"
        metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        metadata += [f"Requires-Dist: {line}" for line in requires]
        everything = {
            **files,
            f"{folder}/METADATA": "\n".join([*metadata, ""]),
            f"{folder}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        if origin:
            everything[f"{folder}/direct_url.json"] = origin
        everything[f"{folder}/RECORD"] = "".join(f"{path},,\n" for path in (*everything, f"{folder}/RECORD"))
        for path, text in everything.items():
            (site / path).parent.mkdir(parents=True, exist_ok=True)
            (site / path).write_text(text)
        return site / folder

    return _install


@pytest.fixture
def model_of(tmp_path: Path) -> Callable[[str], Artifact]:
    """Pickles an instance of `MODULE.Model` without importing it here."""

    def _model(module: str) -> Artifact:
        # A class by name, called without arguments.
        content = f"c{module}\nModel\n(tR.".encode()
        path = tmp_path / "model.pkl"
        path.write_bytes(content)
        names = (GlobalName(module=module, qualname="Model", offset=0),)
        return artifact_of(path, names)

    return _model
