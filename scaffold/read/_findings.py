"""The error for what the gate found in a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlparse

from scaffold.base.modules import distribution_by_table
from scaffold.errors import (
    BrokenInstallError,
    CarriedCodeError,
    LoadFailedError,
    MissingLibraryError,
    UntrustedCodeError,
    VersionMismatchError,
)
from scaffold.read._versions import environment_like, installed_version
from scaffold.read.gate._allowed import TRUST_BY_VALUE
from scaffold.read.gate._libraries import DISTRIBUTIONS
from scaffold.read.gate._policy import Policy
from scaffold.read.gate._report import Findings, Refusal
from scaffold.spec import MadeWith

_CHANGED = """It changed since the file was made. Save the model again, or name the folder of the old module:
  PYTHONPATH=FOLDER scaffold new ..."""


def raise_findings(path: Path, policy: Policy, findings: Findings, made_with: MadeWith) -> None:
    """Raise the error for the first refused, missing or changed name in the file; return if there is none."""
    refusals = dict(findings.refusals)
    if not findings.makes_code:
        refusals = findings.by_value | refusals
    elif not _may_run_by_value(policy, findings):
        # Code by value is refused with the names that it uses.
        refusals |= findings.carried or findings.by_value
    if refusals:
        refused = tuple(_facts_of(refusal) for refusal in refusals.values())
        if findings.makes_code and not findings.refusals:
            raise CarriedCodeError(path.name, refused, policy.trusted)
        advice = policy.trust_advice(tuple(refusals))
        raise UntrustedCodeError(path.name, refused, advice.tokens, advice.never)
    for top, name in findings.missing.items():
        _require_whole_install(top)
        requirement, guess = DISTRIBUTIONS.get(top, ""), distribution_by_table(top)
        if requirement in made_with.versions:
            requirement = f"{requirement}=={made_with.versions[requirement]}"
        raise MissingLibraryError(path.name, top, name.dotted.rstrip("."), requirement, guess)
    if findings.changed:
        names = tuple(findings.changed)
        top = names[0].partition(".")[0]
        distribution = DISTRIBUTIONS.get(top, top)
        version = installed_version(distribution)
        if version is None:
            raise LoadFailedError(path.name, f"your own module has no {names[0]} any more", _CHANGED)
        raise _change_error(path, names, distribution, version, made_with)


def _change_error(
    path: Path, names: Sequence[str], distribution: str, version: str, made_with: MadeWith
) -> VersionMismatchError:
    """The error for names that the installed version does not have, with the version that the file names."""
    written, environment = made_with.versions.get(distribution, ""), environment_like(made_with)
    if not written and (bound := made_with.bounds.get(distribution)):
        written = bound
        environment = (*environment, f"{distribution}{bound}")
    return VersionMismatchError(
        path.name,
        names,
        distribution,
        version,
        written=written,
        python=made_with.python or "",
        environment=environment,
    )


def _require_whole_install(module: str) -> None:
    """Raise BrokenInstallError if an editable install may provide `module` from a folder that is gone.

    Some build backends do not say which modules they install so: these are blamed where nobody else is known
    for the module.
    """
    for installed in metadata.distributions():
        origin = json.loads(installed.read_text("direct_url.json") or "{}")
        if not origin.get("dir_info", {}).get("editable"):
            continue
        places = [Path(unquote(urlparse(origin.get("url", "")).path)), *_folders_of(installed)]
        gone = next((place for place in places if not place.exists()), None)
        listed = (installed.read_text("top_level.txt") or "").split()
        if gone and (module in listed or (not listed and module not in DISTRIBUTIONS)):
            reason = f"its editable install leads to {gone}, which is gone"
            raise BrokenInstallError(installed.name, installed.version, reason)


def _folders_of(installed: metadata.Distribution) -> list[Path]:
    """The folders that an editable install adds to `sys.path`."""
    files = [Path(str(file.locate())) for file in installed.files or () if file.suffix == ".pth"]
    texts = [file.read_text(encoding="utf-8") for file in files if file.is_file()]
    return [Path(line) for text in texts for line in text.splitlines() if Path(line).is_absolute()]


def _may_run_by_value(policy: Policy, findings: Findings) -> bool:
    """Whether code by value may run: the process is confined, or a person trusts that code."""
    trusted = bool(findings.carried) and all(policy.trusts(place) for place in findings.carried)
    return policy.confined or trusted or policy.trusts(TRUST_BY_VALUE)


def _facts_of(refusal: Refusal) -> tuple[str, str, str]:
    place = f"at byte {refusal.offset}" + (f" of {refusal.member}" if refusal.member else "")
    return refusal.name, place, refusal.reason
