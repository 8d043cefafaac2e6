"""`--answer card=true`: the full model card, and the same as JSON at `/v1/model`."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import scaffold
from scaffold.errors import InvalidAnswerError
from tests.serving._scrape import KEY
from tests.serving._toy import running

ROWS = pd.DataFrame({"length": [1.0, 2.5, 4.0, 0.5], "width": [0.5, None, 1.5, 2.0], "kind": [*"aabb"]})
NUMBERS = ROWS.fillna(1)[["length", "width"]]
HASHES = {"API_KEY_HASHES": hashlib.sha256(KEY.encode()).hexdigest()}
SLOW = pytest.mark.slow
PROFILES = pytest.mark.parametrize("profile", ["fast", "plain"])


def fitted(strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength).fit(NUMBERS, ROWS["kind"])


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def question(card: Path, heading: str) -> str:
    """The question below a heading of the card."""
    return card.read_text().partition(f"\n## {heading}\n\n")[2].partition("\n")[0]


@SLOW
@PROFILES
def test_it_is_served_with_the_metrics_of_the_source_and_the_owners_answers_outlive_updates(
    profile: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCAFFOLD_STORE", f"sqlite:///{tmp_path}/store.db")
    monkeypatch.setenv("SCAFFOLD_STORE_FILES", str(tmp_path / "files"))
    root = tmp_path / "churn"
    first, second = fitted(1.0), fitted(9.0)
    scaffold.register(
        first, "churn", input=NUMBERS, output=first.predict(NUMBERS), metrics={"auc": 0.87}, alias="live"
    )
    answers: dict[str, Any] = {"card": True, "page": True, "protocols": "oip"}
    is_proven = profile == "fast"
    scaffold.new("store:churn@live", target=root, answers=answers, verify=is_proven, profile=profile)
    for tool in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy", "app"]):
        subprocess.run([sys.executable, "-m", *tool], cwd=root, check=True)
    card = root / "model/README.md"
    assert "| `auc` | `0.87` |" in card.read_text()
    assert "metrics | `auc" not in card.read_text()
    with running(root, **HASHES) as service:
        assert [service.request(method, "/v1/model").status for method in ("GET", "HEAD")] == [401, 401]
        served = service.get("/v1/model", **{"X-API-Key": KEY}).json
        described = service.get("/openapi.json", **{"X-API-Key": KEY}).json
    facts = json.loads((root / "model/card.json").read_text())
    assert {name: served[name] for name in facts} == facts
    assert (served["intended_use"], served["license"]) == (None, None)
    assert (served["metrics"], served["proof"]["rows"]) == ({"auc": 0.87}, 4)
    assert served["made_from"].startswith("store:churn/1")
    for record in json.loads((root / "tests/recorded.json").read_text())["requests"]:
        jsonschema.validate(record, served["input"])
    reply = described["paths"]["/v1/model"]["get"]["responses"]["200"]["content"]["application/json"]
    assert reply["schema"] == {"$ref": "#/components/schemas/ModelCard"}

    edit(card, question(card, "Intended use"), "Letters to customers.\n\nNot for prices.")
    edit(card, question(card, "Licence"), "`Apache-2.0`")
    edit(root / "model/card.json", '"notes": [', '"contact": "churn@example.org",\n  "notes": [')
    scaffold.register(
        second, "churn", input=NUMBERS, output=second.predict(NUMBERS), metrics={"auc": 0.91}, alias="live"
    )
    scaffold.update(root, verify=False)
    assert "| `auc` | `0.91` |" in card.read_text()
    assert "Question to the owner" not in card.read_text()
    with running(root) as service:
        later = service.get("/v1/model").json
    assert (later["intended_use"], later["license"]) == (
        "Letters to customers.\n\nNot for prices.",
        "`Apache-2.0`",
    )
    assert (later["metrics"], later["contact"]) == ({"auc": 0.91}, "churn@example.org")
    assert later["sha256"] != served["sha256"]


@pytest.mark.parametrize("given", ["yes", 3])
def test_another_answer_is_refused(given: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidAnswerError, match="card"):
        scaffold.new(fitted(1.0), NUMBERS, target=tmp_path / "a", answers={"card": given}, verify=False)
