"""The base image is defined in one place, and documents and scripts name the same."""

import re
from pathlib import Path

import pytest

from scaffold.base.base_image import base_image, uv_platform
from scaffold.resolve.lock._lock import _UV_PLATFORMS
from tests.image._projects import dockerfile, make_spec

ROOT = Path(__file__).parents[1]
TAG = re.compile(r"\bpython:(3\.\d+|X\.Y)-([\w-]+)")


@pytest.mark.parametrize("path", ["docs/images.md", "tests/image/engine.sh", "benchmarks/image/measure.py"])
def test_documentation_and_scripts_name_the_base_that_is_generated(path: str) -> None:
    variants = {variant for _, variant in TAG.findall((ROOT / path).read_text("utf-8"))}
    assert variants == {base_image("3.11").partition("3.11-")[2]}


def test_the_dockerfile_starts_from_the_base_and_the_lock_is_for_its_c_library() -> None:
    assert f"ARG BASE={base_image('3.11')}\n" in dockerfile(make_spec())
    assert [platform for platform, _ in _UV_PLATFORMS.values()] == list(
        map(uv_platform, ("x86_64", "aarch64"))
    )
