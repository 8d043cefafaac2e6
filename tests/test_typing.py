"""A type checker refuses an option that a verb does not have."""

import subprocess
import sys
from dataclasses import fields
from typing import get_type_hints

import pytest

from scaffold.image import BuildChoices, BuildOptions
from scaffold.verbs.options import ModelOptions, Options


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the errors of `mypy --strict` by call; all in one run."""
    folder = tmp_path_factory.mktemp("typed")
    lines = ["import scaffold", "from scaffold import ClusterAccess", *(GOOD | BAD)]
    (folder / "calls.py").write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--no-error-summary"]
    done = subprocess.run(
        [*command, "--cache-dir", str(folder / "cache"), str(folder / "calls.py")],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert not done.stderr
    said = dict.fromkeys(lines, "")
    for line in done.stdout.splitlines():
        place, _, message = line.partition(": error: ")
        if message:
            said[lines[int(place.split(":")[1]) - 1]] += message
    return said


GOOD = dict.fromkeys(
    [
        "scaffold.new(1, 2, 3, 's', trust=['posix.system'], types={'zip': 'str'}, gpu=True, time_limit=5)",
        "scaffold.new(1, 2, target='s', answers={'replicas': 3, 'targets': ['staging']})",
        "scaffold.inspect(1, 2, include=['a.py'], source=None)",
        "scaffold.update('s', 1, 2, environment=['.venv'], allow_network=True, dry_run=True)",
        "scaffold.build('s', builder='layers', push=True, platforms=('linux/amd64',))",
        "scaffold.deploy('s', access=ClusterAccess(context='lab'), insecure=True)",
        "scaffold.register(1, 'm', input=2, metrics={'auc': 0.5, 'n': 3}, params={'layers': [3, None]})",
        "scaffold.models('m', best='auc')[0].run",
    ],
    "",
)
BAD = {
    "scaffold.new(1, 2, 3, 's', truts=['posix.system'])": 'Unexpected keyword argument "truts"',
    "scaffold.new(1, 2, 3, 's', trust=5)": 'Argument "trust" to "new" has incompatible type "int"',
    "scaffold.inspect(1, 2, meth='predict')": 'Unexpected keyword argument "meth"',
    "scaffold.update('s', 1, 2, pins=['numpy==1'])": 'Unexpected keyword argument "pins"',
    "scaffold.build('s', bilder='layers')": 'Unexpected keyword argument "bilder"',
    "scaffold.deploy('s', tag='x:1')": 'Unexpected keyword argument "tag"',
    "scaffold.register(1, 'm', metrics={'auc': '0.5'})": '"str"; expected "str": "SupportsFloat"',
    "scaffold.register(1, 'm', metric={'auc': 0.5})": 'Unexpected keyword argument "metric"',
    "scaffold.deploy('s', access='lab')": 'Argument "access" to "deploy" has incompatible type "str"',
}


@pytest.mark.parametrize("call", GOOD)
def test_a_call_with_the_options_of_a_verb_is_accepted(found: dict[str, str], call: str) -> None:
    assert found[call] == ""


@pytest.mark.parametrize(("call", "message"), BAD.items())
def test_a_call_with_another_option_is_refused(found: dict[str, str], call: str, message: str) -> None:
    assert message in found[call]


def test_the_keywords_are_the_fields() -> None:
    hints = get_type_hints(Options)
    assert get_type_hints(ModelOptions) == {each.name: hints[each.name] for each in fields(Options)}
    hints = get_type_hints(BuildOptions)
    own = ("check", "check_if_possible")  # `build` makes them from its own `check`
    wanted = {each.name: hints[each.name] for each in fields(BuildOptions) if each.name not in own}
    assert get_type_hints(BuildChoices) == wanted
