from __future__ import annotations

import io
import json
import zipfile

import pytest

from scaffold.errors import BrokenInstallError
from scaffold.resolve._distributions import Installation
from scaffold.resolve._origins import pack_wheel, specifier_of


@pytest.fixture
def specifier(install, site):
    """The specifier of a distribution with this `direct_url.json`."""

    def _specifier(origin: object) -> str:
        install("alpha", {"alpha.py": "value = 1\n"}, origin=json.dumps(origin) if origin else "")
        return specifier_of(Installation([str(site)]).by_name["alpha"])[0]

    return _specifier


def test_a_release_of_an_index_is_pinned_by_version(specifier):
    assert specifier(None) == "==1.0"


@pytest.mark.parametrize(
    ("origin", "commit"),
    [
        (
            {"url": "https://ghp_token@github.com/o/r.git", "subdirectory": "python"},
            "git+https://github.com/o/r.git@abc123#subdirectory=python",
        ),
        ({"url": "ssh://git@github.com/o/r"}, "git+ssh://git@github.com/o/r@abc123"),
        ({"url": "file:///home/me/r"}, "git+a local r@abc123"),
    ],
)
def test_a_git_install_becomes_a_wheel_that_names_the_commit_without_a_token(install, site, origin, commit):
    """pip refuses a commit in a lock with hashes."""
    origin["vcs_info"] = {"vcs": "git", "requested_revision": "main", "commit_id": "abc123"}
    install("alpha", {"alpha.py": ""}, origin=json.dumps(origin))
    specifier, wheel = specifier_of(Installation([str(site)]).by_name["alpha"])
    assert specifier == f" @ ./{wheel.path}" == " @ ./wheels/alpha-1.0-py3-none-any.whl"
    assert wheel.reason == f"packed from {commit}"


def test_an_install_from_a_url_is_pinned_by_the_url_without_a_password(specifier):
    origin = {"url": "https://me:pw@corp/alpha-1.0-py3-none-any.whl", "archive_info": {}}
    assert specifier(origin) == " @ https://corp/alpha-1.0-py3-none-any.whl"


def test_a_local_install_is_packed(specifier):
    assert (
        specifier({"url": "file:///gone/alpha", "dir_info": {}}) == " @ ./wheels/alpha-1.0-py3-none-any.whl"
    )


def test_an_editable_install_is_not_packed(specifier):
    assert specifier({"url": "file:///src/alpha", "dir_info": {"editable": True}}) == "==1.0"


def test_the_build_folder_that_conda_records_is_ignored(install, site):
    folder = install("alpha", {"alpha.py": ""}, origin='{"url": "file:///home/conda/work", "dir_info": {}}')
    (folder / "INSTALLER").write_text("conda")
    assert specifier_of(Installation([str(site)]).by_name["alpha"]) == ("==1.0", None)


def test_a_packed_wheel_holds_what_is_installed_and_is_the_same_every_time(install, site):
    folder = install("alpha", {"alpha.py": "value = 1\n"}, origin='{"url": "file:///home/me/alpha"}')
    (folder / "INSTALLER").write_text("uv")
    alpha = Installation([str(site)]).by_name["alpha"]
    wheel = pack_wheel(alpha)
    assert wheel == pack_wheel(alpha)
    assert wheel.reason == "packed from a local alpha"
    with zipfile.ZipFile(io.BytesIO(wheel.content)) as archive:
        assert sorted(archive.namelist()) == [
            "alpha-1.0.dist-info/METADATA",
            "alpha-1.0.dist-info/RECORD",
            "alpha-1.0.dist-info/WHEEL",
            "alpha.py",
        ]
        assert archive.read("alpha.py") == b"value = 1\n"
        assert b"/home/me" not in b"".join(archive.read(name) for name in archive.namelist())


def test_an_install_with_missing_files_is_named(install, site):
    install("alpha", {"alpha.py": ""}, origin='{"url": "file:///home/me/alpha"}')
    (site / "alpha.py").unlink()
    with pytest.raises(BrokenInstallError) as caught:
        pack_wheel(Installation([str(site)]).by_name["alpha"])
    assert str(caught.value) == (
        "alpha 1.0 is installed here, but cannot go with the service: alpha.py is gone.\n"
        "Install it again, or take it from an index that has it:\n"
        "  scaffold new ... --pin alpha==1.0"
    )
