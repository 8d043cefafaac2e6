"""Models in S3 (moto), Azure Blob (Azurite), a stand-in for Google's, and by SFTP (asyncssh).

scaffold runs in an environment of its own with the libraries of these places, as where a person has them.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scaffold.base.uv import uv_command, uv_environment
from tests.find._web import silent_port
from tests.find.test_fsspec import X, fitted

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
LIBRARIES = ["scikit-learn", "pandas", "s3fs", "moto[server]", "adlfs", "paramiko", "asyncssh", "gcsfs"]
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The key of the account `devstoreaccount1`, which the documentation of Azurite publishes."""


@dataclass
class Place:
    """Where a model is kept."""

    url: str
    """Of the folder of the models."""
    login: dict[str, str]
    wrong: dict[str, str]
    """A login that is refused."""
    silent: dict[str, str]
    """A server that never answers; `{port}` is its port."""
    silent_url: str = ""
    refused: str = ""
    """What the message says of the wrong login."""
    folder: Path | None = None
    """The folder on this machine, where it is one."""
    python: Path = field(default_factory=Path)

    def put(self, name: str, content: bytes) -> None:
        if self.folder:
            (self.folder / name).write_bytes(content)
            return
        code = (
            "import fsspec, sys\nwith fsspec.open(sys.argv[1], 'wb') as f: f.write(sys.stdin.buffer.read())"
        )
        command = [str(self.python), "-c", code, f"{self.url}/{name}"]
        subprocess.run(command, input=content, check=True, env={**os.environ, **self.login})


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment's Python."""
    given = os.environ.get("SCAFFOLD_TEST_BUCKETS")
    if given:
        return Path(given)
    folder = tmp_path_factory.mktemp("buckets")
    made = folder / "env" / "bin" / "python"
    run = [uv_command(), "venv", "-q", "--python", sys.executable, str(folder / "env")]
    subprocess.run(run, check=True, env=uv_environment())
    run = [uv_command(), "pip", "install", "-q", "--python", str(made), "--editable", str(ROOT), *LIBRARIES]
    subprocess.run(run, check=True, env=uv_environment())
    return made


@contextlib.contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[None]:
    """A server that listens at a port of loopback."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=log.parent)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            assert process.poll() is None, log.read_text()
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait(20)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextlib.contextmanager
def s3(python: Path, folder: Path) -> Iterator[Place]:
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    login = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    login |= {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "secret"}
    silent = {**login, "AWS_ENDPOINT_URL": "http://127.0.0.1:{port}"}
    moto = [str(python.parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with running(moto, port, folder / "log"):
        code = "import boto3; s3 = boto3.client('s3'); s3.create_bucket(Bucket='models'); "
        code += "s3.put_bucket_versioning(Bucket='models', VersioningConfiguration={'Status': 'Enabled'})"
        subprocess.run([str(python), "-c", code], check=True, env={**os.environ, **login})
        yield Place(
            "s3://models", login, wrong={**login, "MOTO": endpoint}, silent=silent, refused="AWS_PROFILE"
        )


@contextlib.contextmanager
def azure(python: Path, folder: Path) -> Iterator[Place]:
    port = free_port()
    text = "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={key};"
    text += "BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"

    def login(key: str, port: object) -> dict[str, str]:
        return {"AZURE_STORAGE_CONNECTION_STRING": text.format(key=key, port=port)}

    command = [azurite(folder), "--blobHost", "127.0.0.1", "--blobPort", str(port), "--silent"]
    command += ["--skipApiVersionCheck", "--inMemoryPersistence"]
    with running(command, port, folder / "log"):
        place = Place(
            "abfs://models",
            login(AZURITE_KEY, port),
            wrong=login(AZURITE_KEY[::-1].strip("=") + "==", port),
            silent=login(AZURITE_KEY, "{port}"),
            refused="AZURE_STORAGE_CONNECTION_STRING",
        )
        code = "import fsspec; fsspec.filesystem('abfs').mkdir('models')"
        subprocess.run([str(python), "-c", code], check=True, env={**os.environ, **place.login})
        yield place


def azurite(folder: Path) -> str:
    """The server of Azure Blob that Microsoft publishes on npm."""
    found = os.environ.get("SCAFFOLD_TEST_AZURITE") or shutil.which("azurite-blob")
    if found:
        return found
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("azurite-blob is not installed, and there is no npm")
    install = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), "azurite@3"]
    subprocess.run(install, check=True)
    return str(folder / "node_modules" / ".bin" / "azurite-blob")


@contextlib.contextmanager
def sftp(python: Path, folder: Path) -> Iterator[Place]:
    port, files = free_port(), folder / "files"
    (files / "models").mkdir(parents=True)
    serve = [str(python), str(Path(__file__).parent / "serve_sftp.py"), str(files), str(port)]
    login = {"FSSPEC_SFTP_USERNAME": "me", "FSSPEC_SFTP_PASSWORD": "secret"}
    with running(serve, port, folder / "log"):
        yield Place(
            f"sftp://127.0.0.1:{port}/models",
            login,
            wrong={**login, "FSSPEC_SFTP_PASSWORD": "guessed"},
            silent=login,
            silent_url="sftp://127.0.0.1:{port}/models",
            refused="Authentication failed; paramiko reads the credentials from FSSPEC_SFTP_USERNAME",
            folder=files / "models",
        )


@contextlib.contextmanager
def google(python: Path, folder: Path) -> Iterator[Place]:
    """No emulator of Google's is on an index of packages: `serve_gcs.py` has what a reader asks."""
    port = own = free_port()
    files = folder / "files"
    (files / "models").mkdir(parents=True)
    code = "from cryptography.hazmat.primitives.asymmetric import rsa\n"
    code += "from cryptography.hazmat.primitives.serialization import *\n"
    code += "key = rsa.generate_private_key(public_exponent=65537, key_size=2048)\n"
    code += (
        "form = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()\nprint(key.private_bytes(*form).decode())"
    )
    made = subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True)

    def login(account: str, port: object) -> dict[str, str]:
        path = folder / f"{account}.json"
        facts = {"type": "service_account", "client_email": account, "private_key": made.stdout}
        facts |= {"project_id": "models", "private_key_id": "1", "client_id": "1"}
        path.write_text(json.dumps(facts | {"token_uri": f"http://127.0.0.1:{own}/token"}))
        return {
            "GOOGLE_APPLICATION_CREDENTIALS": str(path),
            "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}",
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",  # it asks by gRPC
        }

    serve = [str(python), str(Path(__file__).parent / "serve_gcs.py"), str(files), str(port)]
    with running(serve, port, folder / "log"):
        yield Place(
            "gs://models",
            login("me@models", port),
            wrong=login("other@models", port),
            silent=login("me@models", "{port}"),
            refused="GOOGLE_APPLICATION_CREDENTIALS",
            folder=files / "models",
        )


@pytest.fixture(scope="module", params=[s3, azure, google, sftp], ids=["s3", "azure", "google", "sftp"])
def place(
    request: pytest.FixtureRequest, python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    with request.param(python, tmp_path_factory.mktemp("place")) as made:
        made.python = python
        yield made


def typed(place: Place, *words: str | Path, env: dict[str, str] | None = None) -> tuple[int, str]:
    command = [str(place.python), "-m", "scaffold", *map(str, words)]
    variables = {**os.environ, **(place.login if env is None else env)}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_a_project_follows_its_model(place: Place, tmp_path: Path) -> None:
    project, sample = tmp_path / "service", tmp_path / "sample.csv"
    X.to_csv(sample, index=False)
    place.put("churn.pkl", fitted(1.0))
    url = f"{place.url}/churn.pkl"
    code, told = typed(place, "new", url, project, "--input", sample, "--no-verify")
    assert code == 0, told
    assert "secret" not in (project / ".scaffold/record.json").read_text()
    code, told = typed(place, "update", project)
    assert (code, f"nothing new at {url}" in told) == (0, True), told
    assert typed(place, "update", project, "--exit-code")[0] == 3
    place.put("churn.pkl", fitted(9.0))
    code, told = typed(place, "update", project, "--input", sample, "--exit-code", "--no-verify")
    assert code == 0, told
    assert (project / "model/model.pkl").read_bytes() == fitted(9.0)
    assert typed(place, "update", project, "--exit-code")[0] == 3


def test_what_fails_is_one_message_and_writes_nothing(place: Place, tmp_path: Path) -> None:
    """A model that is not there, and a server that never answers."""
    project = tmp_path / "service"
    code, told = typed(place, "new", f"{place.url}/gone.pkl", project, "--input", "[[1, 2]]")
    assert code == 1
    assert f"{place.url}/gone.pkl cannot be fetched: there is no such file." in told
    assert "Traceback" not in told
    with silent_port() as port:
        silent = {name: value.replace("{port}", str(port)) for name, value in place.silent.items()}
        url = (place.silent_url or place.url).replace("{port}", str(port))
        began = time.monotonic()
        code, told = typed(place, "new", f"{url}/churn.pkl", project, "--input", "[[1, 2]]", env=silent)
    assert (code, "no answer in 10 s" in told) == (1, True), told
    assert time.monotonic() - began < 60
    assert not project.exists()


def test_a_refused_login_names_what_holds_it(place: Place, tmp_path: Path) -> None:
    """The last test of a place: moto asks for logins only from here on."""
    if "MOTO" in place.wrong:
        url = f"{place.wrong['MOTO']}/moto-api/reset-auth"
        plain = {"Content-Type": "text/plain"}
        urllib.request.urlopen(urllib.request.Request(url, data=b"0", headers=plain)).close()
    url, project = f"{place.url}/churn.pkl", tmp_path / "service"
    code, told = typed(place, "new", url, project, "--input", "[[1, 2]]", env=place.wrong)
    assert (code, place.refused in told) == (1, True), told
    assert "secret" not in told
    assert not project.exists()
