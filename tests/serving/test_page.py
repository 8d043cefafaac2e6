"""`--answer page=true`: the page to try a service, in Chromium."""

import ast
import base64
import csv
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.ensemble import RandomForestClassifier

import scaffold
from scaffold.errors import InvalidAnswerError
from scaffold.render import _page
from tests.serving._chromium import CHROMIUM, Page, browser, field
from tests.serving._page_models import area, shades, total, words
from tests.serving._scrape import KEY
from tests.serving._toy import Service, running, write_project

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "templates" / "service" / "page"
HTML = (TEMPLATE / "page.html").read_text()
MOST_BYTES = 60_000
SLOW = pytest.mark.slow
HASHES = {"API_KEY_HASHES": hashlib.sha256(KEY.encode()).hexdigest()}
ROWS = pd.DataFrame({"length": [1.0, 2.5, 4.0, 0.5], "width": [0.5, None, 1.5, 2.0], "kind": [*"aabb"]})
ANSWERED = "document.getElementById('answer').innerText.includes('Answered')"
IDLE = "!document.getElementById('send').disabled"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    if not CHROMIUM:
        end = pytest.fail if os.environ.get("SCAFFOLD_REQUIRE_CHROMIUM") else pytest.skip
        end("Chromium is not installed.")
    with browser() as opened:
        opened.resize(1280, 800)
        yield opened


def write_toy(root: Path) -> Path:
    """Write the toy service with the page."""
    settings = "\n    page: bool = True"
    lines = {"page_import": _page._IMPORT, "page_added": _page._ADDED, "page_public": _page._PUBLIC}
    write_project(root, settings_fields=settings, **lines)
    code = jinja2.Template((TEMPLATE / "page.py.jinja").read_text(), keep_trailing_newline=True)
    (root / "app/page.py").write_text(code.render(page_proof="- 20 rows\n"))
    shutil.copy(TEMPLATE / "page.html", root / "app")
    (root / "model").mkdir()
    (root / "model/README.md").write_text("# The <b>toy</b>\n\n| | |\n| --- | --- |\n| size | `3` |\n")
    return root


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy(tmp_path_factory.mktemp("page") / "toy")


@pytest.fixture(scope="module")
def service(toy: Path) -> Iterator[Service]:
    with running(toy) as started:
        yield started


@pytest.fixture(scope="module")
def locked(toy: Path) -> Iterator[Service]:
    """The toy with API keys and with little room."""
    with running(toy, MAX_RECORDS="10", SCORE_TIMEOUT_S="1", **HASHES) as started:
        yield started


def home(service: Service) -> str:
    return f"http://127.0.0.1:{service.port}/"


def send(page: Page) -> None:
    page.click("#send")
    page.wait(IDLE)


def test_the_page_is_one_small_file_that_loads_nothing_and_writes_no_html() -> None:
    assert len(HTML.encode()) <= MOST_BYTES
    assert re.findall(r"https?://", HTML) == []
    assert re.findall(r"<link[^>]*>|<img|<iframe|@import|\burl\(", HTML) == [
        '<link rel="icon" href="data:,">'
    ]
    assert re.findall(r"<script[^>]+>|<[^>]* (?:style|on\w+)=", HTML) == []
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function", HTML)
    assert not re.search(r"localStorage|sessionStorage|cookie", HTML)


def test_it_allows_only_its_own_script_and_style(service: Service) -> None:
    answer = service.get("/")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = answer.headers["content-security-policy"]
    for tag in ("script", "style"):
        [inline] = re.findall(f"<{tag}>(.*?)</{tag}>", answer.body.decode(), re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    head = service.request("HEAD", "/")
    assert (head.status, head.body) == (200, b"")
    assert "/" not in service.get("/openapi.json").json["paths"]


def test_it_is_filled_with_the_example_and_answers_as_score_does(page: Page, service: Service) -> None:
    page.open(home(service))
    page.fill("value", "2.50")
    page.click('[aria-label="left out: count"]')
    page.fill("count", "9007199254740993")
    send(page)
    assert page.text("#answer dd").strip() == "2.5"
    whole = page.run("document.getElementById('response').textContent")
    answer = service.post("/score", {"value": 2.5, "act": "answer", "count": 9007199254740993})
    assert json.loads(whole) == answer.json == {"prediction": 2.5, "together": 1}
    assert '"value": 2.50' in page.text("#snippet")
    assert page.errors == []


def test_a_fault_is_shown_at_its_field_which_gets_the_focus(page: Page, service: Service) -> None:
    page.open(home(service))
    page.fill("value", "")
    page.click('[aria-label="left out: count"]')
    page.fill("count", "9223372036854775808")
    send(page)
    assert page.run(f"document.activeElement === {field('value')}")
    for label in ("value", "count"):
        about = page.run(
            f"(() => {{ const it = {field(label)};"
            " const ids = it.getAttribute('aria-describedby').split(' ');"
            " const shown = ids.map((id) => document.getElementById(id).textContent);"
            " return [it.getAttribute('aria-invalid'), ...shown]; })()"
        )
        assert about[0] == "true"
        assert re.match("Field required|Input should be less than", about[2])
    assert page.text("#recordAlert") == "2 fields need a change."
    page.fill("value", "1")
    assert page.run(f"{field('value')}.getAttribute('aria-invalid')") is None
    assert [error for error in page.errors if "422" not in error] == []


def test_a_service_with_keys_takes_one_that_is_kept_nowhere(page: Page, locked: Service) -> None:
    assert locked.get("/").status == locked.get("/docs").status == 200
    assert locked.get("/page.json").status == 401
    page.open(home(locked))
    send(page)
    assert "valid API key" in page.text("#recordAlert")
    assert page.run("document.activeElement.id") == "key"
    page.type(KEY)
    send(page)
    page.wait(ANSWERED)
    assert '-H "X-API-Key: $API_KEY"' in page.text("#snippet")
    assert KEY not in page.run("document.body.innerText")
    page.click("#tabCard")
    page.wait("document.querySelector('#modelCard h2')")
    assert page.text("#modelCard h2") == "The <b>toy</b>"
    assert page.text("#proof") == "20 rows"
    page.open(home(locked))
    assert page.run("document.getElementById('key').value") == ""


@pytest.mark.parametrize(
    ("act", "message"),
    [
        ("raise", "The model failed. The log has more at the id"),
        ("sleep", "The prediction took too long."),
    ],
)
def test_a_failure_is_one_clear_message(page: Page, locked: Service, act: str, message: str) -> None:
    page.open(home(locked))
    page.fill("API key (kept in this page only)", KEY)
    page.fill("value", "1.5")
    page.click('[aria-label="left out: act"]')
    page.fill("act", act)
    send(page)
    assert page.text("#recordAlert").startswith(message)


def test_without_a_connection_it_says_so(page: Page, service: Service) -> None:
    page.open(home(service))
    page.slow_down(0, offline=True)
    try:
        send(page)
        assert page.text("#recordAlert").startswith("The service does not answer.")
    finally:
        page.slow_down(0)


def test_the_keyboard_alone_is_enough(page: Page, service: Service) -> None:
    page.open(home(service))
    seen = []
    for _ in range(20):
        page.press("Tab")
        seen.append(page.run("document.activeElement.id"))
        if seen[-1].startswith("field"):
            break
    assert "tabOne" in seen
    assert page.run(f"document.activeElement === {field('value')}")
    page.type("3.5")
    page.press("Enter")
    page.wait(ANSWERED)
    assert "3.5" in page.text("#answer")
    page.run("document.getElementById('tabOne').focus()")
    page.press("ArrowRight")
    assert page.run("[document.activeElement.id, document.getElementById('csv').hidden]") == ["tabCsv", False]
    page.press("Tab")
    assert page.run("document.activeElement.id") == "file"


def upload(page: Page, text: str, *, key: str = "") -> None:
    """Give a CSV file to the page."""
    given = page.downloads / "rows.csv"
    given.write_text(text)
    if key:
        page.fill("API key (kept in this page only)", key)
    page.click("#tabCsv")
    page.give("#file", given)
    page.wait("!document.getElementById('start').disabled || !document.getElementById('csvAlert').hidden")


def result(page: Page) -> list[dict[str, str]]:
    """Return the rows of the file that the page gives back."""
    page.wait("!document.getElementById('result').hidden", seconds=300)
    path = page.downloads / "rows-predictions.csv"
    path.unlink(missing_ok=True)
    page.click("#download")
    for _ in range(200):
        if path.exists():
            return list(csv.DictReader(io.StringIO(path.read_text())))
        page.run("new Promise((go) => setTimeout(go, 50))")
    raise AssertionError("nothing was downloaded")


def test_a_csv_file_comes_back_with_predictions_and_the_fault_of_each_row(
    page: Page, locked: Service
) -> None:
    lines = [f"{row},{row / 2},{'answer' if row != 13 else 'raise'}" for row in range(25)]
    lines[7] = "7,much,answer"
    lines[22] = '"22, or so",1.5,answer'
    page.open(home(locked))
    upload(page, "\ufeffid,Value,act\r\n" + "\r\n".join(lines), key=KEY)
    assert page.text("#fileNote") == "25 rows. Not sent, but kept in the result: id."
    page.click("#start")
    page.wait("document.activeElement.id === 'resultTitle'")
    rows = result(page)
    assert [row["id"] for row in rows] == [*map(str, range(22)), "22, or so", "23", "24"]
    assert rows[7]["error"].startswith("value: Input should be a valid number")
    assert rows[13]["error"].startswith("The model failed.")
    for number, row in enumerate(rows):
        if number not in (7, 13):
            assert (float(row["prediction"]), row["error"]) == (number / 2 if number != 22 else 1.5, "")
    assert "23 predictions in" in page.text("#resultTitle")
    assert "2 rows refused" in page.text("#resultTitle")
    assert "Row 8: value: Input should be a valid number" in page.text("#rowFaults")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("valu,act\n1,answer\n", "The file has no column value. Its columns: valu, act."),
        ('value,act\n1,"answer\n2,answer\n', "A quotation mark in the file is not closed."),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_before_it_is_sent(
    page: Page, service: Service, text: str, message: str
) -> None:
    page.open(home(service))
    upload(page, text)
    assert page.text("#csvAlert") == message


def test_a_row_with_more_cells_than_names_is_refused_alone(page: Page, service: Service) -> None:
    page.open(home(service))
    upload(page, "value,act\n1,5,answer\n2.5,answer\n3,answer,\n")
    page.click("#start")
    rows = result(page)
    assert [row["error"] for row in rows] == ["more than 2 cells", "", ""]
    assert [row["prediction"] for row in rows] == ["", "2.5", "3.0"]


def test_an_empty_text_of_a_file_with_one_column_is_a_row(page: Page, service: Service) -> None:
    page.open(home(service))
    cells = page.run("""JSON.stringify(parseCsv('text\\r\\n"a"\\r\\n""\\r\\n\\r\\n"b""c"\\n""', ','))""")
    assert json.loads(cells) == [["text"], ["a"], [""], ['b"c'], [""]]


def test_a_setting_switches_it_off_and_it_is_as_public_as_the_api_page(toy: Path) -> None:
    for settings in ({"PAGE": "false"}, {"DOCS": "false"}):
        with running(toy, **settings) as started:
            assert [started.get(path).status for path in ("/", "/page.json")] == [404, 404]
    with running(toy, PUBLIC_PATHS="/metrics", **HASHES) as started:
        assert [started.get(path).status for path in ("/", "/docs")] == [401, 401]
        assert started.get("/", **{"X-API-Key": KEY}).status == 200


@pytest.mark.parametrize("given", ["yes", 3])
def test_another_answer_is_refused(given: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidAnswerError, match="page"):
        scaffold.new(area, ROWS, target=tmp_path / "a", answers={"page": given}, verify=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the service of a name, which is made at first."""
    folder = tmp_path_factory.mktemp("made")
    forest = RandomForestClassifier(5, random_state=1).fit(ROWS.fillna(1)[["length", "width"]], ROWS["kind"])
    inputs = ROWS.fillna(1)[["length", "width"]]
    services: dict[str, tuple[Any, ...]] = {
        "table": (area, ROWS),
        "forest": (forest, inputs, forest.predict_proba(inputs)),
        "image": (shades, Image.new("RGB", (8, 6), "orange")),
        "text": (words, ["one two", "three"]),
        "grid": (total, np.arange(24.0).reshape(4, 2, 3)),
    }

    def make(name: str) -> Path:
        root = folder / name
        if name == "titanic" and not root.exists():
            example = folder / "example"
            shutil.copytree(ROOT / "examples/titanic", example, ignore=shutil.ignore_patterns("service"))
            subprocess.run([sys.executable, "train.py"], cwd=example, check=True)
            services[name] = (example / "model.pkl", example / "sample_input.pkl")
        if not root.exists():
            profile: Any = "plain" if name in ("grid", "text") else "fast"
            model, sample, *answer = services[name]
            scaffold.new(
                model,
                sample,
                answer[0] if answer else None,
                target=root,
                answers={"page": True},
                verify=False,
                profile=profile,
            )
        return root

    return make


@SLOW
def test_titanic_scores_5000_rows_as_batch_does_and_can_be_cancelled(
    page: Page, made: Callable[[str], Path]
) -> None:
    table = pd.read_csv(ROOT / "examples/titanic/titanic.csv").sample(5000, replace=True, random_state=5)
    names = ["Pclass", "Sex", "Age", "SibSp", "Parch", "Fare", "Embarked"]
    with running(made("titanic")) as service:
        page.open(home(service))
        upload(page, table.to_csv(index=False))
        assert "5,000 rows" in page.text("#fileNote")
        page.click("#start")
        rows = result(page)
        records = json.loads(table[names].to_json(orient="records"))
        expected = []
        for begin in range(0, 5000, 1000):
            expected += service.post("/score/batch", records[begin : begin + 1000]).json
        assert [int(row["prediction"]) for row in rows] == [each["prediction"] for each in expected]
        assert list(rows[0]) == [*table.columns, "prediction"]
        page.slow_down(1500)
        page.click("#start")
        page.wait("document.getElementById('progress').value === 1000")
        page.click("#cancel")
        page.wait("!document.getElementById('csvAlert').hidden")
        page.slow_down(0)
        assert page.text("#csvAlert").startswith("Cancelled. Done: ")
        assert [row["prediction"] for row in result(page)][:1000] == [row["prediction"] for row in rows][
            :1000
        ]


@SLOW
def test_probabilities_are_bars_and_images_have_a_preview(page: Page, made: Callable[[str], Path]) -> None:
    picture = page.downloads / "orange.png"
    Image.new("RGB", (30, 20), "orange").save(picture)
    with running(made("image")) as service:
        page.open(home(service))
        page.give("input[type=file]", picture)
        page.wait("document.querySelector('#fields').innerText.includes('orange.png, 30 \u00d7 20 pixels')")
        send(page)
        sent = base64.b64encode(picture.read_bytes()).decode()
        expected = service.post("/score", {"data": sent}).json
        assert json.loads(page.run("document.getElementById('response').textContent")) == expected
        shares = expected.get("prediction", expected)
        shown = [f"{name}\n{100 * share:.1f} %" for name, share in shares.items()]
        assert page.text(".bars").replace("\n\n", "\n") == "\n".join(shown)
        widths = page.run(
            "[...document.querySelectorAll('.track div')].map((bar) => parseFloat(bar.style.width))"
        )
        assert widths == pytest.approx([100 * share for share in shares.values()], rel=1e-4)
        assert "base64 < 'orange.png'" in page.text("#snippet")
        assert page.errors == []


@SLOW
@pytest.mark.parametrize("name", ["image", "titanic"])
def test_the_same_call_gives_the_same_answer(page: Page, made: Callable[[str], Path], name: str) -> None:
    Image.new("RGB", (5, 5), "navy").save(page.downloads / "it's.png")
    with running(made(name), **HASHES) as service:
        page.open(home(service))
        page.fill("API key (kept in this page only)", KEY)
        if name == "image":
            page.give("input[type=file]", page.downloads / "it's.png")
            page.wait("document.querySelector('#fields').innerText.includes('5 \u00d7 5')")
        else:
            page.fill("Sex", 'it\'s "$HOME" `x`')
            page.click('[aria-label="missing: Age"]')
        send(page)
        expected = json.loads(page.run("document.getElementById('response').textContent"))
        for tab, command in (
            ("Curl", ["bash", "-c"]),
            ("Python", [sys.executable, "-c"]),
            ("Javascript", ["node", "-e"]),
        ):
            if not shutil.which(command[0]):
                continue
            page.click(f"#tab{tab}")
            code = page.run("document.getElementById('snippet').textContent")
            if tab == "Javascript":
                command = ["node", "--input-type=module", "-e"]
            ended = subprocess.run(
                [*command, code],
                cwd=page.downloads,
                env={**os.environ, "API_KEY": KEY},
                capture_output=True,
                text=True,
            )
            assert ended.returncode == 0, ended
            # Python and JavaScript print their own notation of the same object.
            notation: Any = {"Curl": json.loads, "Python": ast.literal_eval, "Javascript": from_javascript}[
                tab
            ]
            assert notation(ended.stdout) == expected, (tab, ended.stdout)


def from_javascript(printed: str) -> Any:
    return json.loads(re.sub(r"(\w+):", r'"\1":', printed))


@SLOW
def test_an_array_is_json_in_the_form_and_columns_in_a_file(page: Page, made: Callable[[str], Path]) -> None:
    with running(made("grid")) as service:
        page.open(home(service))
        page.fill("data", "[[1, 2, 3], [4, 5")
        send(page)
        assert "This is not JSON" in page.text("#fields")
        page.fill("data", "[[1, 2, 3], [4, 5, 6.5]]")
        send(page)
        assert page.text("#answer .value") == "21.5"
        upload(page, "a,b,c,d,e,f\n1,2,3,4,5,6.5\n1,1,1,1,1,x\n")
        page.click("#start")
        rows = result(page)
        assert rows[0]["prediction"] == "21.5"
        assert rows[1]["error"].startswith("data.1.2: Input should be a valid number")


@SLOW
def test_the_plain_profile_has_the_same_page_and_settings(made: Callable[[str], Path]) -> None:
    root = made("grid")
    for settings in ({"PAGE": "0"}, {"DOCS": "0"}):
        with running(root, **settings) as service:
            assert [service.get(path).status for path in ("/", "/page.json")] == [404, 404]
    with running(root, **HASHES) as service:
        assert [service.request(method, "/").status for method in ("GET", "HEAD")] == [200, 200]
        assert "'sha256-" in service.get("/").headers["content-security-policy"]
        assert service.get("/page.json").status == 401
        assert service.get("/page.json", **{"X-API-Key": KEY}).json["card"].startswith("# The model of grid")


@SLOW
@pytest.mark.parametrize("name", ["titanic", "forest", "image", "text"])
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_screen(
    page: Page, made: Callable[[str], Path], axe: str, name: str
) -> None:
    with running(made(name), **HASHES) as service:
        for width, height in ((375, 812), (768, 1024), (1280, 800)):
            for dark in (False, True):
                page.resize(width, height, dark=dark)
                page.open(home(service))
                page.fill("API key (kept in this page only)", KEY)
                send(page)
                page.run(f"{axe}; 0")
                for tab in ("tabOne", "tabCsv", "tabCard"):
                    page.click(f"#{tab}")
                    if tab == "tabCard":
                        page.wait("document.querySelector('#proof p, #proof li')")
                    found = page.run("axe.run().then(({violations}) => violations)")
                    serious = [each for each in found if each["impact"] in ("serious", "critical")]
                    assert serious == [], (name, width, dark, tab)
                    assert page.run("document.documentElement.scrollWidth") <= width, (name, width, tab)
        page.resize(1280, 800)


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, which npm has."""
    folder = tmp_path_factory.mktemp("axe")
    if not shutil.which("npm"):
        pytest.skip("npm is not installed.")
    subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "axe-core@4"], cwd=folder, check=True
    )
    return (folder / "node_modules/axe-core/axe.min.js").read_text()


@SLOW
def test_it_works_below_a_prefix(page: Page, made: Callable[[str], Path]) -> None:
    with running(made("titanic"), ROOT_PATH="/models/titanic") as service:
        page.open(home(service) + "models/titanic/")
        send(page)
        assert "One of the model's classes" in page.text("#answer")
        assert f":{service.port}/models/titanic/score'" in page.text("#snippet")
        page.click("#tabCard")
        page.wait("document.getElementById('modelCard').innerText.includes('sklearn')")


@SLOW
@pytest.mark.parametrize("profile", ["fast", "plain"])
def test_with_azureml_the_page_is_the_liveness_as_well(profile: Any, tmp_path: Path) -> None:
    root = tmp_path / "azure"
    answers: dict[str, Any] = {"protocols": "azureml", "page": True}
    scaffold.new(area, ROWS, target=root, answers=answers, verify=False, profile=profile)
    with running(root) as service:
        live = service.get("/")
        assert (live.status, live.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "/" not in service.get("/openapi.json").json["paths"]
        assert service.get("/swagger.json").status == 200
    with running(root, PAGE="false") as service:
        assert service.get("/").json == "Healthy"


@SLOW
@pytest.mark.parametrize("profile", ["fast", "plain"])
def test_without_it_the_project_is_the_same_and_an_update_adds_and_removes_it(
    profile: Any, tmp_path: Path
) -> None:
    for name, answers in (("without", {}), ("off", {"page": False})):
        root = tmp_path / name / "line"
        scaffold.new(area, ROWS, target=root, answers=answers, verify=False, profile=profile)
    before = files_of(tmp_path / "without/line")
    assert before == files_of(tmp_path / "off/line")
    scaffold.update(root, answers={"page": True}, verify=False)
    page = root / "app/page.html"
    changed = {path for path, content in files_of(root).items() if before.get(path) != content}
    serving = {"app/serving/auth.py"} if profile == "fast" else set()
    assert changed == {
        "app/main.py",
        "app/page.html",
        "app/page.py",
        "app/settings.py",
        "README.md",
        *serving,
    }
    page.write_text(page.read_text().replace("<title>Try the service", "<title>Try it"))
    scaffold.update(root, answers={"registry": "registry.example.org"}, verify=False)
    assert "<title>Try it" in page.read_text()
    page.write_bytes((TEMPLATE / "page.html").read_bytes())
    scaffold.update(root, answers={"page": False, "registry": ""}, verify=False)
    assert files_of(root) == before


def files_of(root: Path) -> dict[str, bytes]:
    """The files of a project, without its record."""
    paths = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in paths.items() if not name.startswith(".scaffold/")}


@SLOW
def test_the_files_are_clean_and_the_proof_holds_with_the_page(
    made: Callable[[str], Path], tmp_path: Path
) -> None:
    for name in ("titanic", "text"):
        for tool in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy", "app"]):
            subprocess.run([sys.executable, "-m", *tool], cwd=made(name), check=True)
    forest = made("titanic").parent / "example"
    project = scaffold.new(
        forest / "model.pkl", forest / "sample_input.pkl", target=tmp_path / "proven", answers={"page": True}
    )
    assert project.record.verification
    assert project.record.verification.passed
