"""What `make demo` does: train, generate, prove, serve, ask three times, stop.

Usage: python examples/demo.py FOLDER
"""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

TITANIC = Path(__file__).parent / "titanic"
PASSENGERS = [
    {"Pclass": 1, "Sex": "female", "Age": 38, "SibSp": 1, "Parch": 0, "Fare": 71.2833, "Embarked": "C"},
    {"Pclass": 3, "Sex": "male", "Age": None, "SibSp": 0, "Parch": 0, "Fare": 7.75, "Embarked": "Q"},
    {"Pclass": 3, "Sex": "male", "Age": "old", "SibSp": 0, "Parch": 0, "Fare": 8.05, "Embarked": "S"},
]


def run(*command: str | Path) -> None:
    """Show a command as a person would type it, and run it."""
    print("\n$", *command, flush=True)
    subprocess.run(list(map(str, command)), check=True)


def post(url: str, record: object) -> str:
    """Send one record; return the status and the body of the answer."""
    request = urllib.request.Request(url, json.dumps(record).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return f"{response.status} {response.read().decode()}"
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read().decode()}"


def wait_for(url: str, server: "subprocess.Popen[bytes]") -> None:
    """Return when the service is ready."""
    while server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit("the service did not start")


def main(folder: Path) -> None:
    service = folder / "titanic-service"
    shutil.rmtree(service, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    run(sys.executable, TITANIC / "train.py")
    samples = [f"--{kind}={TITANIC / f'sample_{kind}.pkl'}" for kind in ("input", "output")]
    run("scaffold", "new", TITANIC / "model.pkl", *samples, service)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["scaffold", "serve", str(service), "--port", str(port)]
    print("\n$", *command, flush=True)
    server = subprocess.Popen(command)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/readyz", server)
        for passenger in PASSENGERS:
            print(f"\n$ curl -d '{json.dumps(passenger)}' -H 'Content-Type: application/json' {url}/score")
            print(post(f"{url}/score", passenger), flush=True)
    finally:
        server.terminate()
        server.wait(30)
    print(f"\nThe service is in {service}: it is yours.")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
