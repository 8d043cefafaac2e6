from __future__ import annotations

import base64
import importlib.metadata
from hashlib import sha256

from scaffold.resolve._distributions import Installation


def test_a_module_belongs_to_the_distribution_that_records_its_file(install, site):
    install("Py-Yaml", {"yaml/__init__.py": "", "_yaml.cpython-311-x86_64-linux-gnu.so": ""})
    found = Installation([str(site)])
    assert found.owners_of("yaml.nodes") == ("py-yaml",)
    assert found.owners_of("_yaml") == ("py-yaml",)
    assert found.owners_of("json") == ()


def test_parts_of_a_namespace_package_are_distinguished(install, site):
    install("one", {"shared/one/__init__.py": "", "shared/one/deep.py": ""})
    install("two", {"shared/two.py": ""})
    found = Installation([str(site)])
    assert found.owners_of("shared.one.deep") == ("one",)
    assert found.owners_of("shared.two") == ("two",)
    assert found.owners_of("shared") == ()


def test_two_distributions_may_provide_one_module(install, site):
    install("boost-cpu", {"boost/__init__.py": ""})
    install("boost", {"boost/__init__.py": ""})
    assert sorted(Installation([str(site)]).owners_of("boost")) == ["boost", "boost-cpu"]


def test_of_two_distributions_of_one_module_the_one_with_the_file_is_used(install, site):
    for name in ("boost", "boost-cpu"):
        folder = install(name, {"boost/__init__.py": f"name = {name!r}"})
        digest = base64.urlsafe_b64encode(sha256((site / "boost/__init__.py").read_bytes()).digest())
        record = (folder / "RECORD").read_text()
        line = f"boost/__init__.py,sha256={digest.rstrip(b'=').decode()},1"
        (folder / "RECORD").write_text(record.replace("boost/__init__.py,,", line))
    assert Installation([str(site)]).owner_of("boost.core") == "boost-cpu"


def test_requirements_are_followed_with_extras_and_markers(install, site):
    lines = ("middle[fast]>=1", "windows ; sys_platform == 'win32'", "bad line!")
    install("top", {"top.py": ""}, requires=lines)
    install("middle", {"middle.py": ""}, requires=("speed ; extra == 'fast'", "slow ; extra == 'slow'"))
    for name in ("windows", "speed", "slow"):
        install(name, {f"{name}.py": ""})
    assert list(Installation([str(site)]).closure(["Top"])) == ["middle", "speed", "top"]


def test_build_artifacts_next_to_the_users_code_are_not_a_distribution(tmp_path):
    (tmp_path / "churn.egg-info").mkdir()
    (tmp_path / "churn.egg-info" / "PKG-INFO").write_text("Name: churn\nVersion: 0.1\n")
    (tmp_path / "churn.egg-info" / "top_level.txt").write_text("churn\n")
    assert Installation([str(tmp_path)]).by_name == {}


def test_a_file_that_is_no_identifier_has_its_owner_too(install, site):
    install("fast", {"fast/__init__.py": "", "81d243__mypyc.cpython-311-x86_64-linux-gnu.so": ""})
    assert Installation([str(site)]).owners_of("81d243__mypyc") == ("fast",)


def test_circular_requirements_terminate(install, site):
    install("one", {"one.py": ""}, requires=("two",))
    install("two", {"two.py": ""}, requires=("one",))
    assert list(Installation([str(site)]).closure(["one"])) == ["one", "two"]


def test_the_owners_are_those_that_the_standard_library_finds():
    """`packages_distributions` knows topmost modules only, and takes longer."""
    found = Installation()
    for module, names in importlib.metadata.packages_distributions().items():
        owners = found.owners.get(module)
        if owners and module.isidentifier():
            assert {name.lower().replace("_", "-").replace(".", "-") for name in names} >= set(owners), module
    assert found.owners_of("sklearn.pipeline") == ("scikit-learn",)
    assert found.owners_of("xgboost.sklearn") == ("xgboost-cpu",)
    assert found.owners_of("google.protobuf.message") == ("protobuf",)
