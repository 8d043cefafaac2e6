"""The owner changed what callers send: the proof asks as their callers do, and keeps their own requests."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import scaffold
from scaffold.base.recording import read_recording
from scaffold.errors import SampleRefusedError
from scaffold.spec import Recording
from scaffold.upgrade import Content
from scaffold.upgrade._class_fields import read_classes
from scaffold.upgrade._recorded import follow_wire_names, has_own_requests
from scaffold.verbs.update import update
from tests.upgrade._edits import edit

Train = Callable[..., tuple[Any, Any]]
SCHEMAS = """
class ModelInput(BaseModel):
    Pclass: int = Field(examples=[3])
    fare: float = Field(alias="Fare (gbp)")
    Sex: str


class ModelOutput(BaseModel):
    prediction: int
"""
ROW: dict[str, Any] = {"Pclass": 3, "Fare (gbp)": 7.5, "Sex": "male"}
ANSWER: dict[str, Any] = {"prediction": 1}


@pytest.mark.parametrize(
    ("old", "new", "row", "answer"),
    [
        ("    Pclass: int", "    travel_class: int", {**ROW, "Pclass": None, "travel_class": 3}, ANSWER),
        ("    Pclass: int = Field(", '    travel_class: int = Field(alias="Pclass", ', ROW, ANSWER),
        ('alias="Fare (gbp)"', 'alias="fare"', {**ROW, "Fare (gbp)": None, "fare": 7.5}, ANSWER),
        ("    prediction: int", "    survived: int", ROW, {"survived": 1}),
        ("    prediction: int", '    prediction: int = Field(alias="p")', ROW, {"p": 1}),
    ],
)
def test_a_recording_follows_the_names_for_callers(
    old: str, new: str, row: dict[str, Any], answer: dict[str, Any]
) -> None:
    owner: dict[str, Content] = {"app/schemas.py": SCHEMAS.replace(old, new).encode()}
    ancestor: dict[str, Content] = {"app/schemas.py": SCHEMAS.encode()}
    generated = Recording(requests=(ROW,), answers=(ANSWER,))
    followed = follow_wire_names(generated, ancestor, owner)
    assert followed.requests == ({name: value for name, value in row.items() if value is not None},)
    assert followed.answers == (answer,)
    assert follow_wire_names(followed, ancestor, owner) == followed


ADDRESSES = """class Address(BaseModel):
    zip: str
    town: str


class ModelInput(BaseModel):
    address: Address
    others: list[Address] | None
    by_name: dict[str, Address]
    zip: int


class ModelOutput(BaseModel):
    prediction: float
"""


@pytest.mark.parametrize("own", ['zip: str = Field(alias="postcode")', "postcode: str"])
def test_a_recording_follows_the_names_of_nested_records(own: str) -> None:
    def request(name: str) -> dict[str, Any]:
        def address() -> dict[str, Any]:
            return {name: "1", "town": "x"}

        return {"address": address(), "others": [address()], "by_name": {"zip": address()}, "zip": 3}

    generated = Recording(requests=(request("zip"),), answers=({"prediction": 1.0},))
    ancestor: dict[str, Content] = {"app/schemas.py": ADDRESSES.encode()}
    owner: dict[str, Content] = {"app/schemas.py": ADDRESSES.replace("zip: str", own).encode()}
    followed = follow_wire_names(generated, ancestor, owner)
    assert followed.requests == (request("postcode"),)
    assert followed.answers == generated.answers
    assert follow_wire_names(followed, ancestor, owner) == followed


BASE = "class Base(BaseModel):\n    {config}\n\n\nclass ModelInput(Base)"
GENERATORS = [
    "class ModelInput(BaseModel, alias_generator=to_camel)",
    "class ModelInput(BaseModel):\n    model_config = ConfigDict(extra='forbid', alias_generator=to_camel)\n",
    BASE.format(config="model_config = {'alias_generator': alias_generators.to_camel}"),
    BASE.format(config="model_config: ClassVar[ConfigDict] = ConfigDict(alias_generator=to_camel)"),
]


@pytest.mark.parametrize("own", GENERATORS, ids=["keyword", "config", "base_class", "annotated"])
def test_a_recording_follows_an_alias_generator(own: str) -> None:
    generated = Recording(requests=({"house_age": 3.0, "rooms": 2},), answers=({"prediction": 1.0},))
    schemas = "class ModelInput(BaseModel):\n    house_age: float\n    rooms: int\n"
    ancestor: dict[str, Content] = {"app/schemas.py": schemas.encode()}
    changed = schemas.replace("class ModelInput(BaseModel)", own).replace("\n:", "")
    owner: dict[str, Content] = {"app/schemas.py": changed.encode()}
    assert follow_wire_names(generated, ancestor, owner).requests == ({"houseAge": 3.0, "rooms": 2},)


def test_class_variables_are_no_fields_and_classes_with_each_others_names_are_read() -> None:
    fields = ("kind: ClassVar[str] = 'x'", "model_config: ConfigDict = {}", "a: int")
    source = "\n    ".join(("class ModelInput(BaseModel):", *fields))
    assert [field.attribute for field in read_classes(source)["ModelInput"]] == ["a"]
    assert set(read_classes("from x import B\nclass A(B): ...\nclass B(A): ...\n")) == {"A", "B"}


def test_requests_are_the_owners_where_they_are_not_the_generated_ones_under_other_names() -> None:
    ancestor: dict[str, Content] = {
        "app/schemas.py": SCHEMAS.encode(),
        "tests/recorded.json": recorded([ROW], [ANSWER]),
    }
    renamed = SCHEMAS.replace("    Sex:", "    gender:").encode()
    same = {"Pclass": 3, "Fare (gbp)": 7.5, "gender": "male"}
    for row, is_own in ((ROW, False), (same, False), ({"passenger": ROW}, True)):
        owner: dict[str, Content] = {
            "app/schemas.py": renamed,
            "tests/recorded.json": recorded([row], [None]),
        }
        assert has_own_requests(ancestor, owner) is is_own


def recorded(requests: list[Any], answers: list[Any]) -> bytes:
    return json.dumps({"requests": requests, "answers": answers}).encode()


def rename_for_callers(root: Path) -> None:
    """A field and the answer get other names."""
    edit(
        root,
        "app/schemas.py",
        ("    Pclass: Int64 = Field(", "    travel_class: Int64 = Field("),
        ("    prediction: ", "    survived: "),
        ("EXAMPLE = ModelInput(Pclass=", "EXAMPLE = ModelInput(travel_class="),
    )
    edit(
        root,
        "app/convert.py",
        ("record.Pclass ", "record.travel_class "),
        ("ModelOutput(prediction=", "ModelOutput(survived="),
    )


@pytest.mark.slow
def test_a_rename_for_callers_is_proven_over_two_updates(project: Path, train: Train) -> None:
    rename_for_callers(project)
    assert scaffold.verify(project).passed
    for strength in (0.5, 0.01):
        model, sample = train("FamilySize", strength)
        done = update(project, model, sample)
        assert done.verification is not None
        assert done.verification.passed
        assert any("20 recorded requests" in note for note in done.notes)
        recorded_now = json.loads((project / "tests/recorded.json").read_text())
        assert all("travel_class" in row and "Pclass" not in row for row in recorded_now["requests"])
        assert [row["survived"] for row in recorded_now["answers"]] == model.predict(sample).tolist()
    assert update(project).is_empty


NESTED = """class Envelope(BaseModel):
    data: ModelInput


class Answer(BaseModel):
    result: ModelOutput


"""
SCORED = """    answers = await batcher.score([record.data for record in records])
    return [Answer(result=answer) for answer in answers]"""


def nest(root: Path) -> None:
    """The body is nested, and the answer is in an envelope."""
    edit(root, "app/schemas.py", ("EXAMPLE = ", f"{NESTED}EXAMPLE = "))
    edit(
        root,
        "app/main.py",
        ("import EXAMPLE, ModelInput, ModelOutput", "import EXAMPLE, Answer, Envelope"),
        ("(record: ModelInput) -> ModelOutput:", "(record: Envelope) -> Answer:"),
        ("score([record])", "score([record.data])"),
        ("    return answer\n", "    return Answer(result=answer)\n"),
        ("list[ModelInput], Field", "list[Envelope], Field"),
        ("-> list[ModelOutput]:", "-> list[Answer]:"),
        ("    return await batcher.score(records)", SCORED),
    )


@pytest.mark.slow
def test_requests_of_the_owner_are_asked_kept_and_accepted(project: Path, train: Train) -> None:
    nest(project)
    model, sample = train("FamilySize", 0.01)
    with pytest.raises(SampleRefusedError, match=r"write requests that it takes into tests/recorded\.json"):
        update(project, model, sample)
    own = [{"data": row} for row in read_recording(project).requests[:5]]
    (project / "tests/recorded.json").write_bytes(recorded(own, [None] * 5))
    assert scaffold.verify(project, accept=True).passed
    accepted = read_recording(project)
    assert accepted.requests == tuple(own)
    assert all(isinstance(answer, dict) and set(answer) == {"result"} for answer in accepted.answers)

    done = update(project, model, sample)
    assert done.verification is not None
    assert done.verification.passed
    assert any("your 5 requests in tests/recorded.json" in note for note in done.notes), done.notes
    after = json.loads((project / "tests/recorded.json").read_text())
    assert after["requests"] == own
    predictions = [answer["result"]["prediction"] for answer in after["answers"]]
    assert predictions == model.predict(sample[:5]).tolist()
    assert update(project).is_empty
