"""Debian packages in an image that is built without a container, from an archive on loopback."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler
from itertools import pairwise
from pathlib import Path

import pytest

from scaffold.errors import ImageError
from scaffold.events import Noted
from scaffold.image.debian._control import version_key
from scaffold.spec import SystemPackage
from tests.http_server import serving
from tests.image._projects import dockerfile, make_spec, put_base
from tests.image.conftest import Bench
from tests.image.test_layers import layer_of

STATUS = b"Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\n\n"
ACCEPTS = """#!/bin/sh
for last; do :; done
while [ "$1" != --output ]; do shift; done
cp "$last" "$2"
"""
REFUSES = "#!/bin/sh\necho '[GNUPG:] BADSIG 0123 Nobody' >&2\nexit 1\n"


def now(days: float) -> str:
    """Return a date in the format of an archive, some days from now."""
    moment = dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=days)
    return moment.strftime("%a, %d %b %Y %H:%M:%S UTC")


class Archive:
    """A folder with the layout of a Debian archive."""

    def __init__(self, root: Path) -> None:
        self.root, self.listed = root, ""
        self.release = {"Suite": "stable", "Codename": "bookworm", "Date": now(-1), "Valid-Until": now(6)}
        self.url = ""

    def add(
        self, name: str, version: str, files: Mapping[str, str], postinst: str = "", **fields: str
    ) -> None:
        control = {"./control": f"Package: {name}\n"} | ({"./postinst": postinst} if postinst else {})
        deb = b"!<arch>\n"
        for member, content in (("control.tar.xz", tar_xz(control)), ("data.tar.xz", tar_xz(files))):
            deb += f"{member:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
            deb += content + b"\n" * (len(content) % 2)
        path = self.root / f"pool/{name}_{version}.deb"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(deb)
        paragraph = {
            "Package": name,
            "Version": version,
            "Architecture": "amd64",
            **{key.replace("_", "-"): value for key, value in fields.items()},
            "Filename": f"pool/{path.name}",
            "SHA256": hashlib.sha256(deb).hexdigest(),
        }
        self.listed += "".join(f"{key}: {value}\n" for key, value in paragraph.items()) + "\n"
        place = self.root / "dists/stable/main/binary-amd64/Packages"
        place.parent.mkdir(exist_ok=True, parents=True)
        place.write_text(self.listed)
        digest = hashlib.sha256(self.listed.encode()).hexdigest()
        release = "".join(f"{key}: {value}\n" for key, value in self.release.items())
        release += f"SHA256:\n {digest} {len(self.listed)} main/binary-amd64/Packages\n"
        (self.root / "dists/stable/InRelease").write_text(release)


def tar_xz(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            if content.startswith("-> "):
                member.type, member.linkname = tarfile.SYMTYPE, content[3:]
                content = ""
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content.encode()))
    return buffer.getvalue()


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    """An archive over HTTP, whose signature is accepted."""
    made = Archive(tmp_path / "archive")
    made.root.mkdir()
    gpgv(tmp_path, monkeypatch, ACCEPTS)
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with serving(partial(handler, directory=str(made.root))) as port:
        made.url = f"http://127.0.0.1:{port}"
        yield made


def gpgv(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "bin/gpgv"
    program.parent.mkdir(exist_ok=True)
    program.write_text(script)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def build(
    bench: Bench, archive: Archive, *names: str, files: Mapping[str, bytes] | None = None
) -> tarfile.TarFile:
    """Build a project with Debian packages on a base with further files; return their layer."""
    system = [SystemPackage(name=name, reason="the model loads it") for name in names]
    (bench.root / "Dockerfile").write_text(dockerfile(make_spec(system=system)))
    all_files = {
        **(files or {}),
        "etc/apt/sources.list.d/one.sources": (
            f"# As Debian writes it.\nTypes: deb\nURIs: {archive.url}\nSuites: stable\nComponents: main\n"
            "Signed-By: /usr/share/keyrings/one.gpg\n"
        ).encode(),
        "usr/share/keyrings/one.gpg": b"key",
        "var/lib/dpkg/status": STATUS,
    }
    return layer_of(bench, bench.build(base=put_base(bench.registry, files=all_files)), "dependencies")


def text_of(layer: tarfile.TarFile, name: str) -> str:
    file = layer.extractfile(name)
    assert file is not None
    return file.read().decode()


def test_a_package_brings_the_dependencies_that_the_base_lacks(bench: Bench, archive: Archive) -> None:
    archive.add(
        "gcc-base", "12-1", {"./usr/share/doc/gcc/copyright": "GPL", "./usr/share/doc/gcc/NEWS": "much"}
    )
    files = {"./usr/lib/libgomp.so.1": "-> libgomp.so.1.0", "./usr/lib/libgomp.so.1.0": "ELF"}
    needs = "gcc-base (= 12-1), libc6 (>= 2.34)"
    archive.add("libgomp1", "12-1", files, Depends=needs, Multi_Arch="same")
    layer = build(bench, archive, "libgomp1")
    names = {member.name for member in layer if not member.isdir()}
    assert names == {
        "usr/lib/libgomp.so.1",
        "usr/lib/libgomp.so.1.0",
        "usr/share/doc/gcc/copyright",
        "var/lib/dpkg/status",
        *(
            f"var/lib/dpkg/info/{package}.{kind}"
            for package in ("gcc-base", "libgomp1:amd64")
            for kind in ("list", "md5sums")
        ),
    }
    status = text_of(layer, "var/lib/dpkg/status")
    assert status.startswith("Package: libc6\n")
    assert "\n\nPackage: libgomp1\nStatus: install ok installed\n" in status


def test_the_bill_of_materials_lists_debian_packages(bench: Bench, archive: Archive) -> None:
    archive.add("libgomp1", "12-1", {"./usr/lib/libgomp.so.1": "ELF"})
    build(bench, archive, "libgomp1")
    blobs = b"\n".join(bench.registry.blobs["team/churn"].values())
    assert b'"pkg:deb/debian/libgomp1@12-1"' in blobs


def test_a_package_is_found_by_what_it_provides_and_the_newest_is_taken(
    bench: Bench, archive: Archive
) -> None:
    for version in ("2.9-1", "2.10-1", "2.10~rc1-1"):
        archive.add(
            "libglib2.0-0t64", version, {"./usr/lib/libglib.so": version}, Provides="libglib2.0-0 (= 2.10-1)"
        )
    assert text_of(build(bench, archive, "libglib2.0-0"), "usr/lib/libglib.so") == "2.10-1"


def test_a_library_of_several_kinds_gets_its_link(bench: Bench, archive: Archive) -> None:
    asks = (
        "update-alternatives --install /usr/lib/libblas.so.3 \\\n libblas.so.3 /usr/lib/blas/libblas.so.3 10"
    )
    script = f"#!/bin/sh\nset -e\n{asks}\nexit 0\n"
    archive.add("libblas3", "3-1", {"./usr/lib/blas/libblas.so.3": "ELF"}, postinst=script)
    layer = build(bench, archive, "libblas3")
    assert layer.getmember("usr/lib/libblas.so.3").linkname == "/etc/alternatives/libblas.so.3"
    assert layer.getmember("etc/alternatives/libblas.so.3").linkname == "/usr/lib/blas/libblas.so.3"
    assert not [event for event in bench.told if isinstance(event, Noted)]


def test_a_skipped_setup_script_is_reported(bench: Bench, archive: Archive) -> None:
    archive.add("fontconfig", "2-1", {"./etc/fonts/fonts.conf": "x"}, postinst="#!/bin/sh\nfc-cache\n")
    build(bench, archive, "fontconfig")
    (note,) = (event.text for event in bench.told if isinstance(event, Noted))
    assert note.startswith("fontconfig has a setup script")


def test_a_package_with_another_hash_is_refused(bench: Bench, archive: Archive) -> None:
    archive.add("libgomp1", "12-1", {"./usr/lib/libgomp.so.1": "ELF"})
    (archive.root / "pool/libgomp1_12-1.deb").write_bytes(b"!<arch>\n")
    with pytest.raises(ImageError, match="libgomp1 that came has another hash"):
        build(bench, archive, "libgomp1")


def test_a_package_list_with_an_unknown_signature_is_refused(
    bench: Bench, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.add("libgomp1", "12-1", {"./usr/lib/libgomp.so.1": "ELF"})
    gpgv(tmp_path, monkeypatch, REFUSES)
    with pytest.raises(ImageError, match="not signed by a key of the base"):
        build(bench, archive, "libgomp1")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"Valid-Until": now(-1)}, "was valid until"),
        ({"Date": now(3)}, "and the clock here says"),
        ({"Suite": "oldstable", "Codename": "bullseye"}, "is a list of bullseye or oldstable, not of stable"),
        ({"Suite": "sid"}, None),
        ({"Codename": "stable", "Suite": ""}, None),
        ({"Valid-Until": "tomorrow"}, "has a date that cannot be read: tomorrow"),
        ({"Date": "Sat, 99 Foo 2026"}, "has a date that cannot be read"),
        ({"Valid-Until": ""}, None),
        ({"Valid-Until": "", "Date": ""}, None),
    ],
)
def test_a_signed_package_list_of_another_time_or_suite_is_refused(
    bench: Bench, archive: Archive, fields: dict[str, str], said: str | None
) -> None:
    archive.release |= fields
    if fields == {"Suite": "sid"}:
        archive.release["Codename"] = "stable"
    archive.add("libgomp1", "12.2.0-14", {"usr/lib/libgomp.so.1": "gomp"})
    if said is None:
        build(bench, archive, "libgomp1")
        return
    with pytest.raises(ImageError, match=said):
        build(bench, archive, "libgomp1")


def test_a_package_that_no_source_has_is_named(bench: Bench, archive: Archive) -> None:
    archive.add("libgomp1", "12-1", {}, Depends="absent | gone (>= 2)")
    with pytest.raises(ImageError, match=r"no Debian package for 'absent \| gone \(>= 2\)'"):
        build(bench, archive, "libgomp1")


def test_a_base_without_sources_says_so(bench: Bench) -> None:
    spec = make_spec(system=[SystemPackage(name="libgomp1", reason="lightgbm loads libgomp.so.1")])
    (bench.root / "Dockerfile").write_text(dockerfile(spec))
    with pytest.raises(ImageError, match="names no source of Debian packages"):
        bench.build()


def test_versions_are_ordered_as_dpkg_orders_them() -> None:
    ordered = [
        "1.0~rc1-1",
        "1.0-1~bpo1",
        "1.0-1",
        "1.0-1+deb12u1",
        "1.0-1+deb12u10",
        "1.0a-1",
        "1.0.1-1",
        "1.10-1",
        "1:0.1-1",
    ]
    for earlier, later in pairwise(ordered):
        assert version_key(earlier) < version_key(later), (earlier, later)
