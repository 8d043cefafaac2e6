from __future__ import annotations

from importlib import metadata

import pytest
from packaging.requirements import Requirement as Parsed

from scaffold.resolve.lock._choice import RUNNING_PYTHON
from scaffold.resolve.lock._service import ADDITIONS, read_service_layer
from scaffold.spec import Profile

IN = "# A comment.\nweb[fast]  # routes: app/main.py\nserver  # serves: app/server.py\nparser  # reads\n"
LOCK = (
    "core==3 ; python_full_version < '3.11'  # via web\ncore==4 ; python_full_version >= '3.11'  # via web\n"
    "parser==5  # via core, -r service.in\nserver==1  # via -r service.in\nweb==2  # via -r service.in\n"
)


@pytest.fixture
def layer(tmp_path):
    (tmp_path / "service.in").write_text(IN)
    (tmp_path / "service.txt").write_text(LOCK)
    return tmp_path


def test_each_line_has_its_version_and_reason(layer):
    found = read_service_layer("3.11", layer)
    assert [(str(line), line.reason, line.serves) for line in found.requirements] == [
        ("server==1", "serves: app/server.py", "service"),
        ("web[fast]==2", "routes: app/main.py; brings parser", "service"),
    ]


def test_the_pins_are_those_of_the_python(layer):
    assert read_service_layer("3.10", layer).pins["core"] == "3"
    assert read_service_layer("3.12", layer).pins["core"] == "4"


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13", "3.14"])
def test_the_service_layer_is_locked_in_full(python, profile):
    found = read_service_layer(python, profile=profile)
    names = {line.distribution for line in found.requirements}
    metrics = {Profile.FAST: "prometheus-client", Profile.PLAIN: "prometheus-fastapi-instrumentator"}
    assert {"uvicorn", metrics[profile]} <= names <= set(found.pins)
    for line in found.requirements:
        assert Parsed(str(line)).specifier.contains(found.pins[line.distribution])
        assert line.reason


@pytest.mark.parametrize("profile", Profile)
def test_the_tests_run_with_the_versions_that_are_locked(profile):
    pins = read_service_layer(RUNNING_PYTHON, profile=profile, additions=["oip"]).pins
    assert {name: metadata.version(name) for name in pins} == pins


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize(
    ("name", "requirement", "brings"),
    [
        ("oip", "msgspec", "msgspec"),
        ("onnx", "onnxruntime", "protobuf"),
        ("opentelemetry", "fastapi[opentelemetry]", "opentelemetry-exporter-otlp-proto-http"),
    ],
)
def test_what_an_addition_brings_is_locked_where_it_is_asked_for(python, profile, name, requirement, brings):
    without = read_service_layer(python, profile=profile)
    asked = read_service_layer(python, profile=profile, additions=[name])
    assert brings not in without.pins
    assert brings in asked.pins
    assert asked.pins.items() > without.pins.items()
    before = {*map(str, without.requirements)}
    [added] = [line for line in asked.requirements if str(line) not in before]
    assert str(added).partition("==")[0] == requirement
    assert ADDITIONS[name].reason in added.reason


@pytest.mark.parametrize("profile", Profile)
def test_additions_come_together(profile):
    asked = read_service_layer("3.10", profile=profile, additions=[*ADDITIONS])
    for name in ADDITIONS:
        one = read_service_layer("3.10", profile=profile, additions=[name])
        assert asked.pins.items() > one.pins.items()
        assert {line.distribution for line in one.requirements} <= {
            line.distribution for line in asked.requirements
        }
