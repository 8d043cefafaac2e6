"""The settings of pip apply to uv."""

from pathlib import Path

from scaffold.base.uv import uv_environment


def environment(home: Path, **more: str) -> dict[str, str]:
    return {
        "HOME": str(home),
        "XDG_CONFIG_DIRS": str(home / "xdg"),
        "PIP_CONFIG_FILE": str(home / "pip.conf"),
        **more,
    }


def test_settings_of_pips_files_are_given_to_uv(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = https://a/simple\nextra-index-url = https://b https://c\n"
    )
    found = uv_environment(environment(tmp_path))
    assert found["UV_DEFAULT_INDEX"] == "https://a/simple"
    assert found["UV_INDEX"] == "https://b https://c"
    assert found["UV_INDEX_STRATEGY"] == "unsafe-best-match"


def test_pips_variables_win_over_its_files(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nfind-links = /one\n")
    assert (
        uv_environment(environment(tmp_path, PIP_FIND_LINKS="/two /three"))["UV_FIND_LINKS"] == "/two,/three"
    )


def test_uvs_own_settings_win_over_pips(tmp_path: Path) -> None:
    found = uv_environment(environment(tmp_path, PIP_INDEX_URL="https://pip", UV_DEFAULT_INDEX="https://uv"))
    assert found["UV_DEFAULT_INDEX"] == "https://uv"
    assert "UV_INDEX" not in found


def test_a_broken_pip_file_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("no section\n")
    assert "UV_INDEX" not in uv_environment(environment(tmp_path))


def test_colour_settings_of_a_notebook_do_not_reach_the_output_of_uv(tmp_path: Path) -> None:
    found = uv_environment(environment(tmp_path, FORCE_COLOR="1", CLICOLOR_FORCE="1"))
    assert found["NO_COLOR"] == "1"
    assert not {"FORCE_COLOR", "CLICOLOR_FORCE"} & set(found)


def test_the_callers_virtual_environment_does_not_leak_into_uv(tmp_path: Path) -> None:
    found = uv_environment(environment(tmp_path, VIRTUAL_ENV="/venv", PYTHONPATH="/lib"))
    assert "VIRTUAL_ENV" not in found
    assert "PYTHONPATH" not in found
