"""The new model goes where the owner's code loads it: it is never left behind, and never without its hash."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scaffold.base.files import sha256_file
from scaffold.errors import MergeConflictError
from scaffold.upgrade import Prefer
from scaffold.upgrade._content import Content, Opaque
from scaffold.upgrade._model_file import NO_PLACE, loaded_path
from scaffold.upgrade._outcome import FileOutcome
from scaffold.upgrade._trees import merge_trees
from scaffold.verbs.update import update
from tests.upgrade._edits import edit

OLD, NEW, OWN = (Opaque(digit * 64) for digit in "123")
MODEL = 'MODEL = Path(__file__).parents[1] / "model" / "model.pkl"'
Train = Callable[..., tuple[Any, Any]]
Tree = dict[str, Content]


def state(model: Opaque, version: str = "1.0.0") -> Tree:
    """A pristine project, as far as it names its model."""
    return {
        "app/main.py": b"from app import score\n",
        "app/score.py": f"from pathlib import Path\n\n{MODEL}\n".encode(),
        "app/settings.py": f'MODEL_VERSION = "{version}"\nMODEL_SHA256 = "{model.sha256}"\n'.encode(),
        "model/model.pkl": model,
    }


BASE, THEIRS = state(OLD), state(NEW, "1.0.1")
MOVED = {
    "another folder": ("models/model.pkl", 'parents[1] / "models" / "model.pkl"'),
    "another name": ("model/churn.pkl", 'parents[1] / "model" / "churn.pkl"'),
    "another ending": ("model/churn.bin", 'parents[1] / "model" / "churn.bin"'),
    "in the package": ("app/files/m.pkl", 'parent / "files" / "m.pkl"'),
    "resolved": ("m.pkl", 'resolve().parent.parent / "m.pkl"'),
}


def owner_with(place: str, code: str, model: Content | None = OLD) -> tuple[Tree, Tree]:
    """The owner's files at the pristine paths, and their others."""
    ours = {path: content for path, content in BASE.items() if path != "model/model.pkl"}
    text = MODEL.replace('parents[1] / "model" / "model.pkl"', code)
    ours["app/score.py"] = f"from pathlib import Path\n\n{text}\n".encode()
    if place in BASE and model:
        ours[place] = model
    return ours, {} if model is None or place in BASE else {place: model}


@pytest.mark.parametrize("moved", MOVED)
def test_a_model_that_was_moved_or_is_not_there_goes_where_the_code_loads_it(moved: str) -> None:
    place, code = MOVED[moved]
    for model in (OLD, None):
        ours, others = owner_with(place, code, model)
        tree = merge_trees(BASE, THEIRS, ours, added_files=others)
        assert tree.files[place].content == NEW
        assert not tree.conflicts
        assert NEW.sha256.encode() in content_of(tree.files["app/settings.py"].content)


def test_a_file_of_known_hash_is_found_though_the_code_does_not_say_what_it_loads() -> None:
    ours, others = owner_with("models/model.pkl", "parents[1] / FOLDER / NAME")
    tree = merge_trees(BASE, THEIRS, ours, added_files=others)
    assert tree.files["models/model.pkl"].content == NEW
    assert not tree.conflicts


@pytest.mark.parametrize(("prefer", "gets"), [(Prefer.THEIRS, NEW), (Prefer.OURS, None)])
def test_a_model_without_a_place_is_a_conflict(prefer: Prefer, gets: Content | None) -> None:
    ours, others = owner_with("", "parents[1] / FOLDER / NAME", None)
    tree = merge_trees(BASE, THEIRS, ours, added_files=others)
    assert tree.conflicts == {"model/model.pkl": NO_PLACE}
    preferred = merge_trees(BASE, THEIRS, ours, added_files=others, prefer=prefer)
    assert preferred.files["model/model.pkl"].content == gets
    assert preferred.files["model/model.pkl"].detail == ("" if gets else "the new model is not taken")
    assert not merge_trees(BASE, BASE, ours, added_files=others).conflicts


@pytest.mark.parametrize("place", ["model/model.pkl", "models/own.pkl"])
def test_a_model_that_the_owner_replaced_keeps_its_hash_in_the_settings(place: str) -> None:
    folder, name = place.split("/")
    ours, others = owner_with(place, f'parents[1] / "{folder}" / "{name}"', OWN)
    for prefer in (Prefer.NEITHER, Prefer.OURS):
        tree = merge_trees(BASE, THEIRS, ours, added_files=others, prefer=prefer)
        assert tree.files[place].content == OWN
        settings = content_of(tree.files["app/settings.py"].content)
        assert OWN.sha256.encode() in settings
        assert b"1.0.1" in settings
        conflict = {place: "both sides changed it; yours is kept"}
        assert tree.conflicts == ({} if prefer is Prefer.OURS else conflict)
    taken = merge_trees(BASE, THEIRS, ours, added_files=others, prefer=Prefer.THEIRS)
    assert taken.files[place].content == NEW
    assert NEW.sha256.encode() in content_of(taken.files["app/settings.py"].content)


def test_a_deleted_file_is_told_where_the_new_state_changed_it() -> None:
    ours = {path: content for path, content in BASE.items() if path != "app/settings.py"}
    file = merge_trees(BASE, THEIRS, ours).files["app/settings.py"]
    assert file.outcome is FileOutcome.KEPT_DELETED
    assert file.detail == "you deleted it, the new state changed it"
    assert not merge_trees(BASE, BASE, ours).files["app/settings.py"].detail


@pytest.mark.parametrize("text", ["MODEL = None", "MODEL = Path(__file__).parents[5] / 'm'", "MODEL = (", ""])
def test_code_that_does_not_say_what_it_loads_names_no_path(text: str) -> None:
    assert loaded_path({"app/score.py": text.encode()}, BASE) == ""


ENCODER = Opaque("9" * 64)
ENCODER_CODE = b'''"""The encoder of names."""

from pathlib import Path

MODEL = Path(__file__).parent / "encoder.onnx"
NAMES = ("Braund", "Cumings")
'''


@pytest.mark.parametrize("prefer", list(Prefer))
@pytest.mark.parametrize("is_there", [True, False])
def test_a_constant_of_the_same_name_in_another_module_is_not_the_model(
    prefer: Prefer, is_there: bool
) -> None:
    others: Tree = {"app/encoder.py": ENCODER_CODE}
    if is_there:
        others["app/encoder.onnx"] = ENCODER
    tree = merge_trees(BASE, THEIRS, BASE, added_files=others, prefer=prefer)
    assert not tree.conflicts
    assert "app/encoder.onnx" not in tree.files
    assert tree.files["model/model.pkl"].content == NEW
    assert NEW.sha256.encode() in content_of(tree.files["app/settings.py"].content)


@pytest.mark.parametrize("score", ["app/score.py", "src/app/score.py", "titanic/score.py"])
def test_the_model_of_a_moved_score_is_followed_beside_another_constant(score: str) -> None:
    package = score.removesuffix("/score.py")
    code = MODEL.replace("parents[1]", f"parents[{score.count('/')}]").replace('"model" /', '"models" /')
    ours: Tree = {}
    others: Tree = {f"{package}/encoder.py": ENCODER_CODE, f"{package}/encoder.onnx": ENCODER}
    for path, content in BASE.items():
        if path != "model/model.pkl":
            place = path.replace("app/", f"{package}/", 1)
            (ours if place in BASE else others)[place] = content
    (ours if score in BASE else others)[score] = f"from pathlib import Path\n\n{code}\n".encode()
    for model in (OLD, None):
        files = {**others, **({"models/model.pkl": model} if model else {})}
        tree = merge_trees(BASE, THEIRS, ours, added_files=files)
        assert tree.files["models/model.pkl"].content == NEW
        assert not tree.conflicts
        assert f"{package}/encoder.onnx" not in tree.files


@pytest.mark.parametrize("line", ["from app.paths import MODEL", "from .paths import MODEL"])
def test_the_module_from_which_score_imports_the_path_counts(line: str) -> None:
    code = b'from pathlib import Path\n\nMODEL: Path = Path(__file__).parents[1] / "models" / "m.pkl"\n'
    ours, others = owner_with("", "", None)
    ours["app/score.py"] = f"{line}\n".encode()
    tree = merge_trees(BASE, THEIRS, ours, added_files={**others, "app/paths.py": code})
    assert tree.files["models/m.pkl"].content == NEW
    assert not tree.conflicts


def pointer(model: Opaque) -> bytes:
    """What Git LFS leaves in a checkout in place of a file."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{model.sha256}\nsize 1234\n".encode()


@pytest.mark.parametrize("prefer", list(Prefer))
@pytest.mark.parametrize("place", ["model/model.pkl", "models/own.pkl"])
def test_a_pointer_of_git_lfs_counts_as_its_model(place: str, prefer: Prefer) -> None:
    folder, name = place.split("/")
    code = f'parents[1] / "{folder}" / "{name}"'
    for model in (OLD, NEW):
        ours, others = owner_with(place, code, pointer(model))
        tree = merge_trees(BASE, THEIRS, ours, added_files=others, prefer=prefer)
        assert tree.files[place].content == NEW
        assert not tree.conflicts
        assert NEW.sha256.encode() in content_of(tree.files["app/settings.py"].content)
    ours, others = owner_with(place, code, pointer(OWN))
    tree = merge_trees(BASE, THEIRS, ours, added_files=others, prefer=prefer)
    is_new = prefer is Prefer.THEIRS
    assert tree.files[place].content == (NEW if is_new else pointer(OWN))
    kept = NEW if is_new else OWN
    assert kept.sha256.encode() in content_of(tree.files["app/settings.py"].content)
    assert len(tree.conflicts) == (prefer is Prefer.NEITHER)
    ours, others = owner_with(place, code, pointer(OLD))
    unchanged = merge_trees(BASE, BASE, ours, added_files=others, prefer=prefer)
    assert not unchanged.conflicts
    assert all(file.content != OLD for file in unchanged.files.values())


def content_of(content: Content | None) -> bytes:
    assert isinstance(content, bytes)
    return content


def below_src(root: Path) -> str:
    (root / "src").mkdir()
    for name in ("app", "model"):
        (root / name).rename(root / "src" / name)
    return "src/model/model.pkl"


def app_below_src(root: Path) -> str:
    (root / "src").mkdir()
    (root / "app").rename(root / "src/app")
    edit(root, "src/app/score.py", ("parents[1]", "parents[2]"))
    return "model/model.pkl"


def package_renamed(root: Path) -> str:
    (root / "app").rename(root / "titanic")
    for path in root.rglob("*.py"):
        text = path.read_text()
        path.write_text(re.sub(r"\bfrom app\b", "from titanic", text).replace('"app.main', '"titanic.main'))
    return "model/model.pkl"


def folder_renamed(root: Path) -> str:
    (root / "model").rename(root / "models")
    edit(root, "app/score.py", ('/ "model" /', '/ "models" /'))
    edit(root, "Dockerfile", ("COPY model model", "COPY models models"))
    return "models/model.pkl"


def file_renamed(root: Path) -> str:
    (root / "model/model.pkl").rename(root / "model/titanic.pkl")
    edit(root, "app/score.py", ("model.pkl", "titanic.pkl"))
    return "model/titanic.pkl"


def not_in_git(root: Path) -> str:
    (root / "model/model.pkl").unlink()
    return "model/model.pkl"


LAYOUTS = [below_src, app_below_src, package_renamed, folder_renamed, file_renamed, not_in_git]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.slow
def test_two_updates_bring_the_model_and_its_hash_to_their_place(
    project: Path, train: Train, layout: Callable[[Path], str]
) -> None:
    place = layout(project)
    hashes = set()
    for strength in (0.5, 0.01):
        model, sample = train("FamilySize", strength)
        done = update(project, model, sample, verify=False)
        assert done.files[place] in ("updated", "added")
        [settings] = [path for path in project.glob("**/settings.py") if path.parent.name != "serving"]
        hashes.add(sha256_file(project / place))
        assert f'MODEL_SHA256 = "{sha256_file(project / place)}"' in settings.read_text()
        assert [path for path in project.rglob("*.pkl") if ".scaffold" not in path.parts] == [project / place]
    assert len(hashes) == 2
    assert update(project).is_empty


@pytest.mark.parametrize("layout", [folder_renamed, file_renamed])
@pytest.mark.slow
def test_the_project_with_the_model_in_another_place_is_proven(
    project: Path, train: Train, layout: Callable[[Path], str]
) -> None:
    layout(project)
    done = update(project, *train("FamilySize", 0.5))
    assert done.verification is not None
    assert done.verification.passed


def test_a_model_without_a_place_is_listed_and_nothing_says_that_it_is_there(
    project: Path, train: Train
) -> None:
    not_in_git(project)
    edit(project, "app/score.py", ('Path(__file__).parents[1] / "model" / "model.pkl"', "fetched()"))
    with pytest.raises(MergeConflictError) as stopped:
        update(project, *train("FamilySize", 0.5), verify=False)
    assert stopped.value.conflicts == (("model/model.pkl", NO_PLACE),)


def test_a_file_that_the_owner_deleted_is_in_the_report(project: Path, train: Train) -> None:
    shutil.rmtree(project / "deploy/staging")
    done = update(project, *train("FamilySize", 0.5), verify=False)
    assert done.files["deploy/staging/kustomization.yaml"] == "kept deleted"
    assert "deploy/staging/namespace.yaml" not in done.files
