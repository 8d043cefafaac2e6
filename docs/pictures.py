"""Make the pictures of README.md anew: python docs/pictures.py [CHROMIUM]

`pictures/new.svg` is a run of `scaffold new` on the Titanic, `pictures/api.png` the API page of that
service as Chromium shows it, and `pictures/page.png` the page to try it, which docs/page.md shows. Without
Chromium, these stay as they are.
"""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
PICTURES = HERE / "pictures"
TITANIC = HERE.parent / "examples" / "titanic"
COLUMNS = 112
NEW = "scaffold new model.pkl --input sample_input.pkl --output sample_output.pkl titanic-service"
ESCAPE = re.compile(r"\x1b\[(\?25[lh]|[0-9;]*[AK])|\r")
FONT_FACE = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)


def main(chromium: str | None) -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        for name in ("train.py", "titanic.csv"):
            shutil.copy(TITANIC / name, place)
        subprocess.run([sys.executable, "train.py"], cwd=place, check=True)
        lines = shortened(settled(run_in_terminal(NEW, place)))
        (PICTURES / "new.svg").write_text(svg("\n".join([f"$ {NEW}", *lines])))
        if chromium:
            service = Path(place) / "titanic-service"
            photograph(chromium, service, PICTURES / "api.png")
            page = ["scaffold", "update", str(service), "--answer", "page=true", "--no-verify"]
            subprocess.run(page, check=True)
            photograph_page(service, PICTURES / "page.png")


def run_in_terminal(command: str, folder: str) -> str:
    """Return what a command prints on a terminal, with the escape sequences."""
    here, there = pty.openpty()
    bytecode = {"UV_COMPILE_BYTECODE": "1"}  # as `make` sets it
    environ = {**os.environ, **bytecode, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": "60"}
    process = subprocess.Popen(
        command.split(), cwd=folder, env=environ, stdin=there, stdout=there, stderr=there
    )
    os.close(there)
    printed = b""
    while True:
        try:
            more = os.read(here, 65536)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        printed += more
    if process.wait():
        sys.exit(printed.decode())
    return printed.decode().replace("\r\n", "\n")


def settled(printed: str) -> list[str]:
    """The lines that stay on the screen: what a spinner wrote is replaced by what follows it."""
    lines = [""]
    at = 0
    for escape in re.finditer(r"\n|" + ESCAPE.pattern, printed):
        lines[-1] += printed[at : escape.start()]
        at = escape.end()
        match escape[0]:
            case "\n":
                lines.append("")
            case "\r" | "\x1b[2K":
                lines[-1] = ""
            case "\x1b[1A":
                lines.pop()
    return [*lines[:-1], lines[-1] + printed[at:]]


def shortened(lines: list[str]) -> list[str]:
    """The lines without the files of the tree that have no remark; their number is added."""
    is_file = [bool(re.search("[├└]── [^/]*$", Text.from_ansi(line).plain)) for line in lines]
    has_remark = [bool(re.search(r"\w  +\w", Text.from_ansi(line).plain)) for line in lines]
    left_out = [file and not remark for file, remark in zip(is_file, has_remark, strict=True)]
    kept = [line for line, out in zip(lines, left_out, strict=True) if not out]
    last = max(at for at, line in enumerate(kept) if "── " in line)
    return [*kept[: last + 1], f"    ({sum(left_out)} more files)", *kept[last + 1 :]]


def svg(text: str) -> str:
    """A terminal with a text in it. Its fonts are those of the reader: nothing is loaded from other hosts."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(text), soft_wrap=True)
    return FONT_FACE.sub("", console.export_svg(title="scaffold new", unique_id="new"))


@contextlib.contextmanager
def serve(service: Path) -> Iterator[str]:
    """Start a service and give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(["scaffold", "serve", str(service), "--port", str(port)])
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def photograph(chromium: str, service: Path, picture: Path) -> None:
    """Take a picture of the API page of a service, with the request and the response opened."""
    options = [
        "--headless",
        "--no-sandbox",
        "--hide-scrollbars",
        "--window-size=1100,3000",
        "--virtual-time-budget=10000",
        f"--screenshot={picture}",
    ]
    with serve(service) as address:
        url = f"{address}/docs#/default/score_one_score_post"
        subprocess.run([chromium, *options, url], check=True, stderr=subprocess.DEVNULL)
    with Image.open(picture) as whole:
        whole.crop((0, 0, 1100, 885)).save(picture, optimize=True)


def photograph_page(service: Path, picture: Path) -> None:
    """Take a picture of the page to try a service, with a prediction."""
    sys.path.insert(0, str(HERE.parent))
    from tests.serving._chromium import browser

    with serve(service) as address, browser() as page:
        page.resize(1100, 760)
        page.open(f"{address}/")
        page.click("#send")
        page.wait("document.getElementById('answer').innerText.includes('Answered')")
        page.run("document.activeElement.blur()")
        page.photograph(picture)
    with Image.open(picture) as whole:
        whole.convert("P", palette=Image.Palette.ADAPTIVE).save(picture, optimize=True)


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    """Return when the service is ready."""
    while server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    sys.exit("the service did not start")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else shutil.which("chromium"))
