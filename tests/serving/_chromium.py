"""A headless Chromium, driven by its DevTools protocol."""

import base64
import contextlib
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import websocket

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)
KEYS = {
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    "Space": (32, " "),
    "ArrowRight": (39, ""),
    "ArrowLeft": (37, ""),
    "ArrowDown": (40, ""),
    "Home": (36, ""),
    "End": (35, ""),
    "a": (65, ""),
}


class Page:
    """A tab of the browser."""

    def __init__(self, address: str, downloads: Path) -> None:
        self._socket = websocket.create_connection(address, timeout=60)
        self._number = 0
        self.downloads = downloads
        self.errors: list[str] = []
        """Uncaught exceptions, and what the browser refused: by the policy of the page, for example."""
        for domain in ("Page", "Runtime", "Log", "DOM", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """Return the result of a command."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            self._note(message)
            if message.get("id") == self._number:
                assert "error" not in message, (method, message)
                return message["result"]

    def _note(self, message: dict[str, Any]) -> None:
        match message.get("method"):
            case "Runtime.exceptionThrown":
                self.errors.append(json.dumps(message["params"]["exceptionDetails"]))
            case "Log.entryAdded" if message["params"]["entry"]["level"] == "error":
                self.errors.append(message["params"]["entry"]["text"])

    def open(self, url: str) -> None:
        """Open an address and wait until the page of the service has its form, or a message."""
        self.errors.clear()
        self.call("Page.navigate", url=url)
        self.wait(
            "document.getElementById('tabs')?.hidden === false || !document.getElementById('problem').hidden"
        )

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page; a promise is awaited."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, (script, result)
        return result["result"].get("value")

    def wait(self, condition: str, seconds: float = 60) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(AssertionError):  # while a page is loaded, there is none
                if self.run(f"Boolean({condition})"):
                    return
            assert time.monotonic() < end, f"never: {condition}\n{self.errors}\n{self.text('body')}"
            time.sleep(0.03)

    def text(self, selector: str) -> str:
        """Return the text of an element as it is shown."""
        return str(self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def click(self, selector: str) -> None:
        """Click an element where it is on the screen."""
        place = self.run(
            f"(() => {{ const it = document.querySelector({json.dumps(selector)});"
            " it.scrollIntoView({block: 'center', behavior: 'instant'});"
            " const box = it.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1
            )

    def press(self, key: str, *, modifiers: int = 0, times: int = 1) -> None:
        """Press a key; of modifiers, 2 is Ctrl and 8 is Shift."""
        code, text = KEYS[key]
        about = {"key": " " if key == "Space" else key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        for _ in range(times):
            self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
            self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def type(self, text: str) -> None:
        """Type text over what the focused element has."""
        self.press("a", modifiers=2)
        self.call("Input.insertText", text=text)

    def fill(self, label: str, text: str) -> None:
        """Type text into the field of a label."""
        self.run(f"{field(label)}.focus()")
        self.type(text)

    def give(self, selector: str, path: Path) -> None:
        """Choose a file."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        """Change the size of the window, and the colour scheme that the person prefers."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def slow_down(self, latency_ms: float, *, offline: bool = False) -> None:
        """Add latency to each request, or take the network away."""
        self.call(
            "Network.emulateNetworkConditions",
            offline=offline,
            latency=latency_ms,
            downloadThroughput=-1,
            uploadThroughput=-1,
        )

    def photograph(self, path: Path, *, whole: bool = True) -> None:
        """Save a picture of the page."""
        taken = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(taken["data"]))


def field(label: str) -> str:
    """The expression for the field of a label."""
    text = json.dumps(label)
    return f"[...document.querySelectorAll('label[for]')].find((each) => each.innerText === {text}).control"


@contextlib.contextmanager
def browser() -> Iterator[Page]:
    """Start Chromium, and end it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        downloads = Path(folder) / "downloads"
        downloads.mkdir()
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [CHROMIUM, *OPTIONS, f"--user-data-dir={folder}/profile", "about:blank"],
                stdout=output,
                stderr=output,
            )
        try:
            found = Path(folder) / "profile" / "DevToolsActivePort"
            end = time.monotonic() + 60
            while not found.exists() or found.read_text().count("\n") < 1:
                assert process.poll() is None and time.monotonic() < end, log.read_text()  # noqa: PT018
                time.sleep(0.05)
            port, path = found.read_text().splitlines()[:2]
            whole = websocket.create_connection(f"ws://127.0.0.1:{port}{path}", timeout=60)
            whole.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
            targets = json.loads(whole.recv())["result"]["targetInfos"]
            target = next(each["targetId"] for each in targets if each["type"] == "page")
            page = Page(f"ws://127.0.0.1:{port}/devtools/page/{target}", downloads)
            page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
            yield page
        finally:
            process.terminate()
            process.wait(30)
