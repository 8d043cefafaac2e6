"""The lock of a service, with a fake uv."""

from __future__ import annotations

import os
import pickle
import re

import pytest

from scaffold.base.files import sha256_file
from scaffold.base.process import Finished, run_command
from scaffold.errors import CommandError, ConflictError, LockFailedError, NoSuchVersionError
from scaffold.resolve.lock._lock import LARGEST_WHEEL_BYTES, make_lock
from scaffold.spec import LocalSource, Requirement

ONE = Requirement(distribution="one", specifier="==1.0", reason="one.Model in model.pkl")
X86, ARM = "x86_64-manylinux_2_36", "aarch64-manylinux_2_36"
NO_PIP = {"UV_FIND_LINKS": ""}
"""With this variable set, pip's settings on this machine are not read."""
PLAIN = "one==1.0 \\\n    --hash=sha256:aa\n    # via -r requirements.in\n"


class FakeUv:
    """A fake uv: its output by platform, or its error."""

    def __init__(self, answers: dict[str, str], *, cached: bool = True) -> None:
        self.answers, self.cached = answers, cached
        self.commands: list[tuple[list[str], dict[str, str]]] = []
        self.requirements: set[str] = set()

    def __call__(self, command, *, cwd=None, env=None, input=None, timeout_s=None):
        self.commands.append((list(command), dict(env)))
        self.requirements.add((cwd / "requirements.in").read_text() + (cwd / "constraints.txt").read_text())
        platform = next((word for word in command if word in (X86, ARM)), "")
        answer = self.answers.get(platform, "")
        if answer.startswith("error") or ("--offline" in command and not self.cached):
            raise CommandError(tuple(command), 1, answer)
        return Finished(stdout=answer, stderr="")


def lock(uv, requirements=(ONE,), environment=None, **options):
    return make_lock(
        requirements, {"two": "2.0"}, python="3.11", run=uv, environment=environment or NO_PIP, **options
    )


def test_a_requirement_of_every_platform_gets_no_marker():
    uv = FakeUv({X86: PLAIN, ARM: PLAIN.replace("aa", "bb")})
    assert lock(uv).text == (
        "# Locked from requirements.in for Python 3.11 on linux/amd64, linux/arm64.\n\n"
        "one==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via requirements.in\n"
    )
    assert uv.requirements == {"one==1.0\ntwo==2.0\n"}


def test_a_wheel_that_is_too_large_to_copy_is_named_with_a_remedy(tmp_path):
    wheel = tmp_path / "one-1.0-py3-none-any.whl"
    with wheel.open("wb") as file:
        file.truncate(LARGEST_WHEEL_BYTES + 1)
    text = PLAIN.replace("aa", sha256_file(wheel)) + f"    # from {tmp_path.as_uri()}\n"
    result = lock(FakeUv({X86: text, ARM: text}))
    assert [(source.path, source.content.decode()) for source in result.wheels] == [
        (
            "wheels/README.md",
            f"What requirements.txt names and no index has belongs here:\n\n    {wheel.name}\n",
        )
    ]
    assert f"\n# {wheel.name} belongs in wheels/: no index has it.\n--find-links ./wheels\n" in result.text
    [note] = result.notes
    assert note.startswith(
        f"{wheel.name} is only in a folder of this machine, and large: copy it into wheels/"
    )


def test_an_index_in_a_folder_is_no_folder_of_wheels(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "one-1.0-py3-none-any.whl").touch()
    text = PLAIN + f"    # from {tmp_path.as_uri()}\n"
    result = lock(FakeUv({X86: text, ARM: text}))
    assert (result.wheels, "--find-links" in result.text) == ((), False)


def test_what_only_one_platform_needs_gets_a_marker():
    uv = FakeUv({X86: PLAIN + "fast==3\n    # via one\n", ARM: PLAIN})
    assert "fast==3 ; platform_machine == 'x86_64'\n    # via one\n" in lock(uv).text


def test_a_platform_that_cannot_be_locked_is_left_out_and_reported():
    result = lock(
        FakeUv({X86: PLAIN, ARM: "error: No solution\n  cause: Because one==1.0 has no wheels with it"})
    )
    assert "on linux/amd64.\n" in result.text
    assert "platform_machine" not in result.text
    assert result.notes == ("not locked for linux/arm64: Because one==1.0 has no wheels with it",)


def test_the_cache_is_used_before_the_network():
    offline = FakeUv({X86: PLAIN, ARM: PLAIN})
    lock(offline)
    assert ["--offline" in command for command, _ in offline.commands] == [True, True]
    online = FakeUv({X86: PLAIN, ARM: PLAIN}, cached=False)
    lock(online)
    assert sorted("--offline" in command for command, _ in online.commands) == [False, False, True, True]


def test_an_index_that_is_a_folder_of_this_machine_is_asked_last():
    uv = FakeUv({X86: "error: no"})
    with pytest.raises(LockFailedError):
        lock(
            uv,
            environment={"UV_INDEX": "file:///srv/simple https://pypi.corp/simple"},
            platforms=["linux/amd64"],
        )
    assert [env["UV_INDEX"] for _, env in uv.commands] == [
        "https://pypi.corp/simple",
        "https://pypi.corp/simple",
        "file:///srv/simple https://pypi.corp/simple",
        "file:///srv/simple https://pypi.corp/simple",
    ]


def test_torch_is_asked_for_without_cuda_first():
    uv = FakeUv({X86: PLAIN, ARM: PLAIN})
    lock(uv, torch="cpu")
    assert {env.get("UV_TORCH_BACKEND") for _, env in uv.commands} == {"cpu"}


def test_a_torch_version_with_a_build_label_is_searched_in_pytorchs_index_last():
    uv = FakeUv({X86: PLAIN, ARM: "error: no"})
    versions = {"torch": "2.0+cpu"}
    make_lock([ONE], versions, python="3.11", torch="cpu", run=uv, environment=NO_PIP)
    backends = {
        platform: [env.get("UV_TORCH_BACKEND") for command, env in uv.commands if platform in command]
        for platform in (X86, ARM)
    }
    assert backends == {X86: [None], ARM: [None, None, "cpu", "cpu"]}


def test_torch_with_cuda_is_reported():
    uv = FakeUv({X86: PLAIN + "nvidia-cublas==1\n", ARM: PLAIN + "nvidia-cublas==1\n"})
    assert lock(uv, torch="cpu").notes == (
        "torch comes with CUDA: no reachable index has a build for the CPU alone",
    )


def test_a_private_index_is_named_without_its_password():
    own = PLAIN + "    # from https://me:secret@pypi.corp/simple\n"
    result = lock(FakeUv({X86: own, ARM: own})).text
    assert "\n--index-url https://pypi.corp/simple\n" in result
    assert "secret" not in result
    both = own + "two==2.0\n    # from https://pypi.org/simple\n"
    assert "\n--extra-index-url https://pypi.corp/simple\n" in lock(FakeUv({X86: both, ARM: both})).text


def test_uv_settings_of_the_users_project_apply(tmp_path, monkeypatch):
    (tmp_path / "uv.toml").write_text("")
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    uv = FakeUv({X86: PLAIN, ARM: PLAIN})
    lock(uv)
    command = uv.commands[0][0]
    assert command[command.index("--project") + 1] == str(tmp_path)


def test_a_folder_of_wheels_of_this_machine_is_not_named():
    text = PLAIN + "    # from /home/me/wheels\n"
    assert "/home/me" not in lock(FakeUv({X86: text, ARM: text})).text


def test_a_version_that_no_index_has_is_named_with_who_needs_it():
    answer = (
        "error: No solution result when resolving dependencies\n  cause: Because there is no version of "
        "one==1.0 and you require one==1.0, we can conclude that your requirements are unsatisfiable."
    )
    with pytest.raises(NoSuchVersionError) as caught:
        lock(FakeUv({X86: answer, ARM: answer}))
    assert str(caught.value) == (
        "No index that uv asks has one==1.0.\n"
        "  needed: one.Model in model.pkl\n"
        "Name the index or the folder of wheels that it came from, or pin another version:\n"
        "  UV_INDEX=https://... scaffold new ...\n"
        "  UV_FIND_LINKS=wheels/ scaffold new ...\n"
        "  scaffold new ... --pin one==VERSION"
    )


def test_a_conflict_names_both_sides():
    answer = (
        "error: No solution result when resolving dependencies\n  cause: Because fastapi>=0.165.0 depends on "
        "pydantic>=2.9.0 and pydantic==2.5.0, we can conclude that fastapi>=0.165.0 cannot be used."
    )
    with pytest.raises(ConflictError) as caught:
        lock(FakeUv({X86: answer, ARM: answer}))
    assert str(caught.value).startswith(
        "fastapi and pydantic cannot be installed together: fastapi needs pydantic>=2.9.0.\n"
    )
    assert "--pin pydantic==VERSION" in str(caught.value)


def test_other_failures_quote_uv_without_a_password():
    answer = "error: Request failed after 3 retries\n  cause: Failed to fetch: https://me:secret@pypi.corp/simple/one/"
    with pytest.raises(LockFailedError) as caught:
        lock(FakeUv({X86: answer, ARM: answer}))
    assert str(caught.value) == (
        "The requirements cannot be locked.\n  Failed to fetch: https://pypi.corp/simple/one/"
    )


@pytest.mark.parametrize(
    "error",
    [
        NoSuchVersionError("one", "==1", "why", "cause"),
        ConflictError("one", "two", ">=1", "cause"),
        LockFailedError("cause"),
    ],
)
def test_the_errors_pickle(error):
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_uv_locks_with_hashes_and_nothing_of_this_machine():
    needed = Requirement(distribution="h11", specifier="==0.16.0", reason="serves")
    text = make_lock([needed], {}, python="3.11").text
    assert re.fullmatch(
        r"# Locked from requirements.in for Python 3.11 on linux/amd64, linux/arm64\.\n\n"
        r"h11==0\.16\.0( \\\n    --hash=sha256:[0-9a-f]{64})+\n    # via requirements.in\n",
        text,
    )


def test_uv_takes_a_wheel_that_goes_with_the_service(install, site):
    from scaffold.resolve._distributions import Installation
    from scaffold.resolve._origins import specifier_of

    origin = f'{{"url": "file://{site}/alpha", "dir_info": {{}}}}'
    install("alpha-local", {"alpha/__init__.py": "value = 1\n"}, origin=origin, version="1.2")
    specifier, wheel = specifier_of(Installation([str(site)]).by_name["alpha-local"])
    assert isinstance(wheel, LocalSource)
    assert wheel.path == "wheels/alpha_local-1.2-py3-none-any.whl"
    requirement = Requirement(
        distribution="alpha-local", specifier=specifier, reason="alpha.Model in model.pkl"
    )
    lock = make_lock([requirement], {}, python="3.11", wheels=[wheel], run=run_command)
    assert f"\n./{wheel.path} \\\n    --hash=sha256:" in lock.text
    assert os.fspath(site) not in lock.text
