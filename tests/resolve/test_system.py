from __future__ import annotations

import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from scaffold.base.process import Finished
from scaffold.errors import CommandError
from scaffold.resolve._elf import needed_libraries
from scaffold.resolve._system import find_system_packages
from scaffold.spec import SystemPackage


def no_dpkg(command, **_):
    raise CommandError(tuple(command), 127, "not found: dpkg")


def test_libraries_of_a_slim_image_need_no_package():
    slim = ["/usr/lib/x86_64-linux-gnu/libc.so.6", "/lib/libstdc++.so.6.0.30", "/usr/lib/libssl.so.3"]
    assert find_system_packages(slim, no_dpkg) == ((), ())


def test_a_library_becomes_its_package_with_who_loads_it():
    lightgbm = distribution("lightgbm").locate_file("lightgbm/lib/lib_lightgbm.so")
    sklearn = distribution("scikit-learn").locate_file("sklearn/__check_build")
    others = [str(path) for path in Path(str(sklearn)).glob("*.so")]
    libraries = [*others, str(lightgbm), "/usr/lib/x86_64-linux-gnu/libgomp.so.1.0.0"]
    assert find_system_packages(libraries, no_dpkg) == (
        (SystemPackage(name="libgomp1", reason="libgomp.so.1, which lightgbm loads"),),
        (),
    )


def test_the_libraries_of_an_environment_are_its_own_but_for_openmp():
    libraries = [f"{sys.prefix}/lib/libopenblas.so.0", f"{sys.prefix}/lib/libgomp.so.1"]
    packages, notes = find_system_packages(libraries, no_dpkg)
    assert [package.name for package in packages] == ["libgomp1"]
    assert notes == ()


def test_dpkg_names_the_packages_of_other_libraries():
    def dpkg(command, **_):
        if command[-1] != "/lib/x86_64-linux-gnu/libodd.so.2.1":
            return no_dpkg(command)
        return Finished(stdout="libodd2t64:amd64: /lib/x86_64-linux-gnu/libodd.so.2.1\n", stderr="")

    packages, _ = find_system_packages(["/usr/lib/x86_64-linux-gnu/libodd.so.2.1"], dpkg)
    assert packages == (SystemPackage(name="libodd2", reason="libodd.so.2, which the model loads"),)


def test_an_unknown_system_library_is_reported():
    packages, notes = find_system_packages(["/usr/lib/libodd.so.2"], no_dpkg)
    assert packages == ()
    assert notes == (
        "libodd.so.2, which the model loads, is in no Debian package known here: add it to the Dockerfile",
    )


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF\x02\x01" + b"\xff" * 80, b"text" * 40])
def test_a_file_that_is_not_a_library_needs_no_package(tmp_path, content):
    (tmp_path / "odd.so").write_bytes(content)
    assert needed_libraries(tmp_path / "odd.so") == frozenset()
