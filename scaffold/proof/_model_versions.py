"""The distributions of a lock that the model's answers can depend on."""

from __future__ import annotations

import re
from pathlib import Path

from scaffold.base.layout import REQUIREMENTS
from scaffold.base.lockfile import Lock
from scaffold.base.modules import normalized

_SERVICE = "# The service around it."
"""In `requirements.in`: what the model needs stands above, what the generated code needs below."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def versions_of_model(root: Path, lock: Lock) -> dict[str, str]:
    """Return the locked versions that may cause different answers.

    These are the model's requirements in `requirements.in` and their transitive dependencies by the `# via`
    lines of the lock; all distributions if the project has no `requirements.in`.
    """
    path = root / REQUIREMENTS
    if not path.is_file():
        return lock.installed_here
    above = path.read_text(encoding="utf-8").partition(_SERVICE)[0]
    names = [normalized(match[0]) for line in above.splitlines() if (match := _NAME.match(line))]
    of_model = lock.required_by(names)
    return {name: version for name, version in lock.installed_here.items() if name in of_model}
