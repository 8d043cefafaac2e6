"""What the objects of Argo CD and Flux may hold, as far as the manifests use them.

Source: argo-cd.readthedocs.io/en/stable/user-guide/application-specification,
fluxcd.io/flux/components/source/gitrepositories and fluxcd.io/flux/components/kustomize/kustomizations
"""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string", "minLength": 1}
_FLAG = {"type": "boolean"}
_DURATION = {"type": "string", "pattern": "^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$"}
_NAMED = {"name": _TEXT, "namespace": _TEXT}


def _object(*required: str, **properties: Any) -> dict[str, Any]:
    """The schema of an object with these fields and no other."""
    return {
        "type": "object",
        "required": list(required),
        "properties": properties,
        "additionalProperties": False,
    }


def _kind(api_version: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return _object(
        "apiVersion",
        "kind",
        "metadata",
        "spec",
        apiVersion={"const": api_version},
        kind={"const": kind},
        metadata=_object("name", "namespace", **_NAMED),
        spec=spec,
    )


_APPLICATION = _object(
    "project",
    "source",
    "destination",
    project=_TEXT,
    source=_object("repoURL", repoURL=_TEXT, targetRevision=_TEXT, path=_TEXT),
    destination=_object(server=_TEXT, namespace=_TEXT, name=_TEXT),
    syncPolicy=_object(
        automated=_object(prune=_FLAG, selfHeal=_FLAG, allowEmpty=_FLAG, enabled=_FLAG),
        syncOptions={"type": "array", "items": _TEXT},
        retry=_object(limit={"type": "integer"}, backoff={"type": "object"}),
    ),
)
_REPOSITORY = _object(
    "interval",
    "url",
    interval=_DURATION,
    url={"type": "string", "pattern": "^(http|https|ssh)://.*$"},
    ref=_object(branch=_TEXT, tag=_TEXT, semver=_TEXT, name=_TEXT, commit=_TEXT),
    secretRef=_object("name", name=_TEXT),
    timeout=_DURATION,
)
_KUSTOMIZATION = _object(
    "interval",
    "prune",
    "sourceRef",
    interval=_DURATION,
    timeout=_DURATION,
    path=_TEXT,
    prune=_FLAG,
    wait=_FLAG,
    force=_FLAG,
    sourceRef=_object("kind", "name", kind={"enum": ["GitRepository", "OCIRepository", "Bucket"]}, **_NAMED),
    dependsOn={"type": "array", "items": _object("name", **_NAMED)},
)
_SPECS = {
    ("argoproj.io/v1alpha1", "Application"): _APPLICATION,
    ("source.toolkit.fluxcd.io/v1", "GitRepository"): _REPOSITORY,
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"): _KUSTOMIZATION,
}
SCHEMAS = {key: _kind(*key, spec) for key, spec in _SPECS.items()}
