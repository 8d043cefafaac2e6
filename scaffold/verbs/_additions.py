"""What answers add to the service layer."""

from __future__ import annotations

from collections.abc import Mapping

from scaffold.spec import JSONValue


def additions_of(answers: Mapping[str, JSONValue]) -> frozenset[str]:
    """Return the names of what answers add: of flags that are on, and of protocols."""
    if not answers:
        return frozenset()  # the renderer takes a while to import
    from scaffold.render import read_protocols
    from scaffold.resolve import ADDITIONS

    flags = [name for name, answer in answers.items() if answer is True]
    return frozenset(ADDITIONS.keys() & {*flags, *read_protocols(answers)})
