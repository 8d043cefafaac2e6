"""Whole projects are merged file by file."""

from scaffold.upgrade import Prefer
from scaffold.upgrade._content import Content, Link, Opaque
from scaffold.upgrade._outcome import FileOutcome
from scaffold.upgrade._trees import merge_trees

BASE: dict[str, Content] = {
    "Dockerfile": b"FROM python:3.11\nRUN install\nCMD serve\n",
    "README.md": b"hello\n",
    "app/model/model.pkl": Opaque("1" * 64),
    "deploy/service.yaml": b"kind: Service\n",
}


def test_an_untouched_file_is_updated_and_a_touched_one_that_did_not_change_is_kept() -> None:
    ours = {**BASE, "README.md": b"my words\n"}
    theirs = {**BASE, "Dockerfile": b"FROM python:3.12\nRUN install\nCMD serve\n"}
    tree = merge_trees(BASE, theirs, ours)
    assert tree.files["Dockerfile"].outcome is FileOutcome.UPDATED
    assert tree.files["Dockerfile"].content == theirs["Dockerfile"]
    assert tree.files["README.md"].outcome is FileOutcome.KEPT
    assert tree.files["README.md"].content == b"my words\n"
    assert tree.files["deploy/service.yaml"].outcome is FileOutcome.UNCHANGED


def test_a_file_that_the_owner_deleted_stays_deleted_even_where_the_new_state_changed_it() -> None:
    ours = {path: content for path, content in BASE.items() if path != "deploy/service.yaml"}
    tree = merge_trees(BASE, {**BASE, "deploy/service.yaml": b"kind: Other\n"}, ours)
    assert tree.files["deploy/service.yaml"].outcome is FileOutcome.KEPT_DELETED
    assert tree.files["deploy/service.yaml"].content is None
    assert not tree.conflicts


def test_a_file_that_the_new_state_drops_goes_unless_the_owner_changed_it() -> None:
    theirs = {path: content for path, content in BASE.items() if path not in {"README.md", "Dockerfile"}}
    tree = merge_trees(BASE, theirs, {**BASE, "README.md": b"my words\n"})
    assert tree.files["Dockerfile"].outcome is FileOutcome.REMOVED
    assert tree.files["README.md"].content == b"my words\n"
    assert tree.conflicts == {"README.md": "you changed it, the new state lacks it; yours is kept"}


def test_a_file_of_the_owner_where_the_new_state_has_one_too_is_a_conflict_unless_they_are_equal() -> None:
    theirs = {**BASE, "Makefile": b"test:\n"}
    assert merge_trees(BASE, theirs, {**BASE, "Makefile": b"test:\n"}).files["Makefile"].outcome is (
        FileOutcome.UNCHANGED
    )
    tree = merge_trees(BASE, theirs, {**BASE, "Makefile": b"mine:\n"})
    assert tree.files["Makefile"].content == b"<<<<<<< yours\nmine:\n=======\ntest:\n>>>>>>> new\n"


def test_a_model_is_replaced_where_the_owner_left_it_and_a_conflict_where_they_did_not() -> None:
    theirs = {**BASE, "app/model/model.pkl": Opaque("2" * 64)}
    assert merge_trees(BASE, theirs, BASE).files["app/model/model.pkl"].content == Opaque("2" * 64)
    ours = {**BASE, "app/model/model.pkl": Opaque("3" * 64)}
    assert merge_trees(BASE, theirs, ours).conflicts == {
        "app/model/model.pkl": "both sides changed it; yours is kept"
    }
    forced = merge_trees(BASE, theirs, ours, prefer=Prefer.THEIRS)
    assert forced.files["app/model/model.pkl"].content == Opaque("2" * 64)


def test_bytes_that_are_no_text_are_never_merged_by_line() -> None:
    sides = ({"logo.png": b"\x89PNG\n\xff" + end} for end in (b"1\n", b"2\n", b"3\n"))
    assert merge_trees(*sides).conflicts == {"logo.png": "both sides changed it; yours is kept"}


def test_a_link_in_place_of_a_file_is_kept_and_reported() -> None:
    ours = {**BASE, "README.md": Link("../README.md")}
    assert merge_trees(BASE, BASE, ours).files["README.md"].content == Link("../README.md")
    assert "README.md" in merge_trees(BASE, {**BASE, "README.md": b"new\n"}, ours).conflicts


LOCK = """# made by uv
{numpy} \\
    --hash=sha256:{hash}
    # via {via}
scipy==1.14 \\
    --hash=sha256:bb
"""


def test_a_lock_is_merged_by_distribution() -> None:
    base = LOCK.format(numpy="numpy==2.0", hash="aa", via="scipy")
    ours = base.replace(
        "numpy==", "httpx==0.28 \\\n    --hash=sha256:cc\n    # via -r requirements.in\nnumpy=="
    ).replace("via scipy", "via scipy, httpx")
    theirs = LOCK.format(numpy="numpy==2.1", hash="dd", via="scipy")
    merged = merge_trees(*({"requirements.txt": text.encode()} for text in (base, theirs, ours)))
    content = merged.files["requirements.txt"].content
    assert not merged.conflicts
    assert isinstance(content, bytes)
    assert b"httpx==0.28 \\\n    --hash=sha256:cc\n" in content
    assert b"numpy==2.1 \\\n    --hash=sha256:dd\n" in content


def test_a_distribution_that_both_pinned_anew_is_a_conflict() -> None:
    sides = (
        LOCK.format(numpy=f"numpy=={version}", hash=version, via="scipy") for version in ("2.0", "2.1", "2.2")
    )
    merged = merge_trees(*({"requirements.txt": text.encode()} for text in sides))
    assert merged.files["requirements.txt"].outcome is FileOutcome.CONFLICT


SCHEMAS = '''"""What goes over HTTP."""

from pydantic import BaseModel, Field


class ModelInput(BaseModel):
    """One record."""

    # Seen: 1 to 3.
    age: int = Field(examples=[2])
    # Seen: 0 to 5.
    kin: int = Field(examples=[1])


class ModelOutput(BaseModel):
    """The answer."""

    prediction: int
'''
NEXT = SCHEMAS.replace("    # Seen: 0 to 5.\n    kin: int = Field(examples=[1])\n", "    fare: float\n")
SCORE = """from app.schemas import ModelInput


def run(records: list[ModelInput]) -> int:
    return len(records)
"""


def merged_texts(
    base: dict[str, str], theirs: dict[str, str], ours: dict[str, str], added: dict[str, str] | None = None
) -> dict[str, str]:
    """Return the merged texts of a merge that must have no conflict."""
    sides = (
        {path: text.encode() for path, text in tree.items()} for tree in (base, theirs, ours, added or {})
    )
    ancestor, new, mine, others = sides
    merged = merge_trees(ancestor, new, mine, added_files=others)
    assert not merged.conflicts
    return {
        path: file.content.decode() for path, file in merged.files.items() if isinstance(file.content, bytes)
    }


def test_a_file_that_the_owner_renamed_is_updated_under_its_new_name() -> None:
    base, theirs = ({"app/schemas.py": text, "app/score.py": SCORE} for text in (SCHEMAS, NEXT))
    theirs["app/score.py"] = SCORE.replace("len(records)", "2 * len(records)")
    theirs["app/more.py"] = "from app.schemas import ModelInput\n"
    ours = {"app/score.py": SCORE.replace("app.schemas", "app.contract")}
    added = {
        "app/contract.py": SCHEMAS.replace('"""One record."""', '"""One of ours."""'),
        "app/own.py": "1\n",
    }
    texts = merged_texts(base, theirs, ours, added)
    assert texts == {
        "app/contract.py": NEXT.replace('"""One record."""', '"""One of ours."""'),
        "app/more.py": "from app.contract import ModelInput\n",
        "app/score.py": theirs["app/score.py"].replace("app.schemas", "app.contract"),
    }


def test_a_copy_of_an_existing_file_is_not_a_rename_of_a_deleted_one() -> None:
    manifests = {f"deploy/{name}/a.yaml": f"kind: A\nnamespace: {name}\nx: 1\n" for name in ("live", "test")}
    theirs = {path: text.replace("x: 1", "x: 2") for path, text in manifests.items()}
    ours = {"deploy/live/a.yaml": manifests["deploy/live/a.yaml"]}
    texts = merged_texts(manifests, theirs, ours, {"deploy/canary/a.yaml": ours["deploy/live/a.yaml"]})
    assert texts == {"deploy/live/a.yaml": theirs["deploy/live/a.yaml"]}


def test_a_class_that_the_owner_renamed_is_followed() -> None:
    base, theirs = ({"app/schemas.py": text, "app/score.py": SCORE} for text in (SCHEMAS, NEXT))
    theirs["app/score.py"] = SCORE.replace("len(records)", "2 * len(records)")
    ours = {path: text.replace("ModelInput", "Passenger") for path, text in base.items()}
    texts = merged_texts(base, theirs, ours)
    assert texts == {path: text.replace("ModelInput", "Passenger") for path, text in theirs.items()}


def test_a_field_that_the_owner_moved_to_a_base_class_is_updated_there() -> None:
    kin = "    # Seen: 0 to 5.\n    kin: int = Field(examples=[1])\n"
    ours = SCHEMAS.replace(kin, "").replace(
        "class ModelInput(BaseModel)",
        f'class Family(BaseModel):\n    """Who is along."""\n\n{kin}\n\nclass ModelInput(Family)',
    )
    texts = merged_texts({"app/schemas.py": SCHEMAS}, {"app/schemas.py": NEXT}, {"app/schemas.py": ours})
    wanted = ours.replace(kin, "").replace("examples=[2])\n", "examples=[2])\n    fare: float\n")
    assert texts["app/schemas.py"].split() == wanted.split()
    wider = SCHEMAS.replace("kin: int", "kin: int | None")
    texts = merged_texts({"app/schemas.py": SCHEMAS}, {"app/schemas.py": wider}, {"app/schemas.py": ours})
    assert texts["app/schemas.py"] == ours.replace("kin: int", "kin: int | None")


def test_reformatted_code_is_updated() -> None:
    wide = SCORE.replace(
        "def run(records: list[ModelInput]) -> int:", "def run(\n    records: list[ModelInput],\n) -> int:"
    )
    theirs = SCORE.replace("len(records)", "2 * len(records)")
    assert merged_texts({"app/score.py": SCORE}, {"app/score.py": theirs}, {"app/score.py": wide}) == {
        "app/score.py": theirs
    }


def test_a_line_that_is_added_beside_a_changed_one_is_no_conflict() -> None:
    base, theirs = ("images:\n  - name: a\n    tag: 1.0\n", "images:\n  - name: a\n    tag: 2.0\n")
    texts = merged_texts({"k.yaml": base}, {"k.yaml": theirs}, {"k.yaml": f"# ours\n{base}patches: []\n"})
    assert texts == {"k.yaml": f"# ours\n{theirs}patches: []\n"}


def test_a_file_that_was_moved_and_rewritten_is_told_with_its_namesake() -> None:
    base: dict[str, Content] = {"app/score.py": b"a = 1\nb = 2\nc = 3\n"}
    theirs: dict[str, Content] = {"app/score.py": b"a = 1\nb = 2\nc = 4\n"}
    tree = merge_trees(base, theirs, {}, added_files={"core/score.py": b"def predict():\n    return 0\n"})
    assert tree.untouched == {
        "app/score.py": ("you deleted it, the new state changed it; core/score.py is too different to get it")
    }
    followed = merge_trees(base, theirs, {}, added_files={"core/score.py": b"a = 1\nb = 2\nc = 3\nd = 5\n"})
    assert not followed.untouched
