"""`scaffold build`: from project to image."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import scaffold
from scaffold.cli._display import Display
from scaffold.cli._options import HEADER, choices, parse_headers, targets
from scaffold.cli._show import console, show_json
from scaffold.errors import IncompleteLoginError

if TYPE_CHECKING:
    from scaffold.image import BuildChoices, Credentials
    from scaffold.spec import Image

BUILDER = Annotated[
    str | None,
    typer.Option(
        help="docker: an engine follows the Dockerfile, if there is one. layers: none is needed.",
        autocompletion=choices("docker", "layers"),
    ),
]
REGISTRY = Annotated[
    str | None, typer.Option(help="Where it is pushed, if not to that of kustomization.yaml: HOST/team.")
]
TAG = Annotated[
    str | None, typer.Option(help="The whole name, or what stands after the colon; else the version.")
]
PLATFORM = Annotated[
    str,
    typer.Option(
        help="linux/amd64, linux/arm64, or both with a comma (layers).",
        autocompletion=choices("linux/amd64", "linux/arm64", "linux/amd64,linux/arm64"),
    ),
]
OUTPUT = Annotated[
    Path | None, typer.Option(help="Write an OCI layout, or one file for docker load: image.tar (layers).")
]
NETWORK = Annotated[str | None, typer.Option(help="Network of the build's steps, e.g. host (docker).")]
USERNAME = Annotated[str | None, typer.Option(help="For the registry; else as docker login has it.")]
CHECK = Annotated[
    bool | None,
    typer.Option(
        "--check/--no-check", help="Run the image and replay the sample; before a push if it runs here."
    ),
]
PIN = Annotated[bool, typer.Option("--pin", help="Write the digest into kustomization.yaml of the target.")]
TARGET = Annotated[
    str, typer.Option(help="A folder under deploy/: its registry, and its --pin.", autocompletion=targets)
]
HERE = Path()


def register(app: typer.Typer) -> None:
    """Add the verbs of this family to `app`."""
    app.command()(build)


def build(
    project: Annotated[Path, typer.Argument(help="The project's folder.")] = HERE,
    builder: BUILDER = None,
    push: Annotated[bool, typer.Option(help="Push the image to its registry.")] = False,
    registry: REGISTRY = None,
    tag: TAG = None,
    platform: PLATFORM = "",
    output: OUTPUT = None,
    check: CHECK = None,
    pin: PIN = False,
    target: TARGET = "staging",
    base: Annotated[str | None, typer.Option(help="Another base image than the Dockerfile's.")] = None,
    index_url: Annotated[str | None, typer.Option(help="A package index, without a password in it.")] = None,
    netrc: Annotated[Path | None, typer.Option(help="A netrc file with the index's password.")] = None,
    ca_bundle: Annotated[Path | None, typer.Option(help="Certificates of a proxy that opens TLS.")] = None,
    network: NETWORK = None,
    header: HEADER = [],  # noqa: B006 - typer copies it
    username: USERNAME = None,
    password_stdin: Annotated[bool, typer.Option(help="Read the registry's password from stdin.")] = False,
    insecure: Annotated[bool, typer.Option(help="Speak plain HTTP to the registry.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")] = False,
) -> None:
    """Build the image of a project; push it, or write it to a file."""
    from scaffold.verbs.build import choose_builder

    choices: BuildChoices = {
        "push": push,
        "registry": registry,
        "tag": tag,
        "platforms": tuple(filter(None, platform.split(","))),
        "output": output,
        "base": base,
        "index_url": index_url,
        "netrc": netrc,
        "ca_bundle": ca_bundle,
        "network": network,
        "credentials": _credentials(username, password_stdin),
        "insecure": insecure,
        "headers": parse_headers(header),
    }
    choices["builder"] = builder or choose_builder(push=push, output=output, platforms=choices["platforms"])
    with Display(quiet=as_json) as display:
        image = scaffold.build(project, check=check, pin=pin, target=target, on_event=display, **choices)
    if as_json:
        show_json(image)
    else:
        _show_image(image, unpacked=choices["builder"] == "docker")


def _credentials(username: str | None, password_stdin: bool) -> Credentials | None:
    """Return the login of the options; the password comes from a pipe: process lists show arguments."""
    if (username is None) == (not password_stdin):
        if username is None:
            return None
        from scaffold.image import Credentials

        return Credentials(username=username, password=sys.stdin.read().rstrip("\r\n"))
    raise IncompleteLoginError("options")


def _show_image(image: Image, *, unpacked: bool) -> None:
    from rich.table import Table

    sizes: dict[str, int] = {}
    pushed: dict[str, int] = {}
    for layer in image.layers:
        sizes[layer.part] = sizes.get(layer.part, 0) + layer.size_bytes
        pushed[layer.part] = pushed.get(layer.part, 0) + layer.size_bytes * layer.pushed
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("part")
    table.add_column("unpacked" if unpacked else "compressed", justify="right")
    for part, size_bytes in sizes.items():
        table.add_row(part, _size(size_bytes), f"{_size(pushed[part])} pushed" if pushed[part] else "")
    out = console()
    out.print(table)
    if image.largest:
        largest = ", ".join(f"{name} {_size(size_bytes)}" for name, size_bytes in image.largest)
        out.print(f"largest: {largest}", markup=False, style="dim")
    out.print(f"{image.reference}\n{image.digest}", markup=False)


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 100_000 else f"{size_bytes / 1e3:.1f} kB"
