"""`--answer slim=true`: an image without the libraries of the model."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import KNNImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import scaffold
from scaffold.base.files import sha256_file
from scaffold.base.layout import (
    DOCKERFILE,
    DOCKERIGNORE,
    FAST_CONSTANTS,
    FAST_LOCK,
    FAST_REQUIREMENTS,
    LOCK,
    README,
    REQUIREMENTS,
    RUNTIME,
)
from scaffold.base.lockfile import Lock
from scaffold.errors import ReplacedModelError, SlimImageError, VerificationError
from scaffold.events import Event, Noted
from scaffold.verbs._model_hash import require_compiled_from_file
from scaffold.verbs.project import Project

SLIM = {"slim": True}
OF_MODEL = ["joblib", "pandas", "scikit-learn", "scipy"]
GENERATOR = np.random.default_rng(0)
FRAME = pd.DataFrame({"width": GENERATOR.normal(size=60), "height": GENERATOR.normal(size=60)})
LABELS = (FRAME["width"] > FRAME["height"]).astype(int)


def _train(*steps: Any, strength: float = 1.0) -> tuple[Any, pd.DataFrame]:
    model = make_pipeline(*steps, StandardScaler(), LogisticRegression(C=strength))
    return model.fit(FRAME, LABELS), FRAME.head(10)


def _names(root: Path, path: str) -> tuple[str, ...]:
    return Lock.parse((root / path).read_text()).names


@pytest.fixture(scope="module")
def slim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A slim project, as `new` writes it."""
    root = tmp_path_factory.mktemp("slim") / "boxes"
    scaffold.new(*_train(), None, root, accelerate="numpy", answers=SLIM)
    return root


@pytest.fixture
def project(slim: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(slim, tmp_path / "boxes"))


@pytest.mark.slow
def test_the_libraries_of_the_model_are_in_the_lock_of_the_tests_alone(slim: Path) -> None:
    service, tests = _names(slim, LOCK), _names(slim, FAST_LOCK)
    assert not set(OF_MODEL) & set(service)
    assert {*OF_MODEL, *service} <= set(tests)
    pinned = {pin.name: pin.requirement for pin in Lock.parse((slim / FAST_LOCK).read_text()).pins}
    for pin in Lock.parse((slim / LOCK).read_text()).pins:
        assert pin.requirement == pinned[pin.name]
        assert set(pin.via) <= {*service, REQUIREMENTS}
    of_model = (slim / REQUIREMENTS).read_text().partition("# The model.\n")[2].partition("\n\n")[0]
    assert of_model.startswith("numpy==")
    assert of_model.endswith("  # imported by app/convert.py, app/fast.py, app/score.py")
    of_tests = (slim / FAST_REQUIREMENTS).read_text().partition("# The model.\n")[2].splitlines()
    assert [line.partition("==")[0] for line in of_tests] == ["pandas", "scikit-learn"]
    assert of_tests[0].endswith("  # imported by tests/fast, which asks the model itself")


@pytest.mark.slow
@pytest.mark.parametrize("command", ["ruff check .", "ruff format --check .", "mypy app runtime.py"])
def test_a_slim_project_passes_its_linters(slim: Path, command: str) -> None:
    done = subprocess.run([sys.executable, "-m", *command.split()], cwd=slim, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_proof_compares_with_the_model_and_starts_the_service_without_it(slim: Path) -> None:
    proof = Project.open(slim).verification
    assert proof is not None
    checks = {check.name: check.detail for check in proof.checks}
    assert f"with the libraries of {FAST_LOCK}" in checks["compiled model"]
    assert checks["environment"].startswith(f"{len(_names(slim, LOCK))} distributions installed from {LOCK}")
    assert checks["one by one"] == "10 of 10 answered as the model does"


@pytest.mark.slow
def test_the_model_file_stays_in_the_project_and_out_of_the_image(slim: Path) -> None:
    from scaffold.image.dockerfile._context import context_files, copied_entries, require_model
    from scaffold.image.dockerfile._plan import read_plan

    plan = read_plan((slim / DOCKERFILE).read_text(), {}, {})
    assert plan.labels["model.sha256"] == sha256_file(slim / "model/model.pkl")
    assert plan.labels["model.compiled-sha256"] == sha256_file(slim / FAST_CONSTANTS)
    names = [entry.name for entry in copied_entries(slim, plan)["model"]]
    assert names == ["service/model/README.md", "service/model/fast.npz"]
    assert "model/model.pkl" not in context_files(slim)
    require_model(slim, plan.labels["model.compiled-sha256"], plan)
    quick = {check.name: check.detail for check in scaffold.verify(slim, quick=True).checks}
    assert quick["model"].startswith("model/model.pkl is ")


def _notes() -> tuple[list[str], Callable[[Event], None]]:
    notes: list[str] = []
    return notes, lambda event: notes.append(event.text) if isinstance(event, Noted) else None


@pytest.mark.slow
def test_a_new_model_without_a_compiled_form_changes_nothing(project: Path) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    model, sample = _train(KNNImputer())
    notes, on_event = _notes()
    with pytest.raises(SlimImageError, match=r"KNNImputer has no compiled form\.\nTake the libraries along"):
        scaffold.update(project, model, sample, model.predict(sample), on_event=on_event)
    assert not any(note.startswith("accelerate: ") for note in notes)
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_a_slim_project_gets_the_libraries_back_and_loses_them_again(project: Path) -> None:
    paths = [LOCK, FAST_LOCK, REQUIREMENTS, FAST_REQUIREMENTS, DOCKERFILE, DOCKERIGNORE, README, RUNTIME]
    slim = {path: (project / path).read_text() for path in paths}
    scaffold.update(project, answers={"slim": False})
    assert (project / LOCK).read_text() == slim[FAST_LOCK].replace(
        f" {FAST_REQUIREMENTS}", f" {REQUIREMENTS}"
    )
    assert not (project / FAST_LOCK).exists()
    assert not (project / RUNTIME).exists()
    dockerfile = (project / DOCKERFILE).read_text()
    own_steps = "RUN groups \\\n    && true\nRUN ['python', '-V']\nUSER 65532".replace("'", '"')
    (project / DOCKERFILE).write_text(dockerfile.replace("USER 65532", own_steps))
    planned = scaffold.update(project, answers=SLIM, dry_run=True)
    no_shell = "the last stage of Dockerfile has no shell now, which `RUN groups` needs: move it before the"
    assert [note for note in planned.notes if "shell" in note] == [f"{no_shell} line that runs runtime.py"]
    (project / DOCKERFILE).write_text(dockerfile)
    score = project / "app/score.py"
    generated = score.read_text()
    score.write_text(generated.replace("import numpy as np\n", "import numpy as np\nimport pandas as pd\n"))
    scaffold.update(project, answers=SLIM)
    assert "  # imported by app/score.py\n" in (project / REQUIREMENTS).read_text()
    assert "pandas" in _names(project, LOCK)
    assert "scipy" not in _names(project, LOCK)
    score.write_text(generated)
    scaffold.update(project, answers=SLIM)
    assert {path: (project / path).read_text() for path in paths} == slim


@pytest.mark.slow
def test_a_requirement_of_the_owner_is_in_both_locks(project: Path) -> None:
    requirements = project / REQUIREMENTS
    requirements.write_text(requirements.read_text() + "humanize==4.12.3  # texts for people\n")
    model, sample = _train(strength=0.5)
    scaffold.update(project, model, sample, model.predict(sample))
    for path in (LOCK, FAST_LOCK):
        assert "humanize" in _names(project, path)
    assert "scipy" not in _names(project, LOCK)


@pytest.mark.slow
def test_a_replaced_model_file_is_found_before_an_image_is_built(project: Path) -> None:
    model = project / "model/model.pkl"
    model.write_bytes(pickle.dumps(_train(strength=0.5)[0]))
    for verb in (scaffold.build, scaffold.verify):
        with pytest.raises(ReplacedModelError, match="in app/settings") as replaced:
            verb(project)
        assert f"scaffold update {project} --model {model} --input sample.pkl" in str(replaced.value)
    model.unlink()  # a checkout without it has the compiled model, which is all that the image needs
    require_compiled_from_file(Project.open(project))


@pytest.mark.slow
def test_an_import_that_the_service_lacks_fails_the_proof(project: Path) -> None:
    score = project / "app/score.py"
    score.write_text(score.read_text().replace("import numpy as np\n", "import numpy as np\nimport scipy\n"))
    with pytest.raises(VerificationError, match="No module named 'scipy'"):
        scaffold.verify(project)


def test_slim_needs_a_compiled_model(tmp_path: Path) -> None:
    root = tmp_path / "boxes"
    with pytest.raises(SlimImageError, match=r"accelerate is off\.\nCompile the model: --accelerate n"):
        scaffold.new(*_train(), None, root, answers=SLIM)
    with pytest.raises(SlimImageError, match="only written with its proof"):
        scaffold.new(*_train(), None, root, accelerate="numpy", answers=SLIM, verify=False)
    with pytest.raises(SlimImageError, match="KNNImputer has no compiled form"):
        scaffold.new(*_train(KNNImputer()), None, root, accelerate="numpy", answers=SLIM)
    assert not root.exists()


def test_part_of_a_lock() -> None:
    text = (
        "# Locked.\n\n"
        "app==1 \\\n    --hash=sha256:aa\n    # via requirements.in\n"
        "lib==2 \\\n    --hash=sha256:bb\n    # via app, model\n"
        "model==3 \\\n    --hash=sha256:cc\n    # via requirements.in\n"
    )
    part = Lock.parse(text).part({"app", "lib"}, REQUIREMENTS)
    assert part.text == (
        "# Locked.\n\n"
        "app==1 \\\n    --hash=sha256:aa\n    # via requirements.in\n"
        "lib==2 \\\n    --hash=sha256:bb\n    # via app, requirements.in\n"
    )
