"""The software bill of materials: what is in an image, as an SPDX document that its registry keeps beside it.

Source: spdx.github.io/spdx-spec/v2.3.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from scaffold.image._dependencies import Package
from scaffold.image._oci import EPOCH, Document, document
from scaffold.image._push import EMPTY
from scaffold.image._registry import OCI_MANIFEST

SPDX = "application/spdx+json"


def make_sbom(image: str, base: str, packages: Sequence[Package], labels: Mapping[str, str]) -> Document:
    """Return the SPDX document: the image, its base, the model and each package.

    Args:
        image: The image's digest, which also makes the document's name unique.
        base: The base's reference.
        packages: What is installed.
        labels: The image's labels: title, version and the model's hash are taken from them.
    """
    title = labels.get("org.opencontainers.image.title", "service")
    version = labels.get("org.opencontainers.image.version", "")
    root = _package(title, version, "APPLICATION")
    model = _package(f"{title}-model", version, "FILE")
    if digest := labels.get("model.sha256"):
        model["checksums"] = [{"algorithm": "SHA256", "checksumValue": digest}]
    parts = [_package(base, "", "CONTAINER"), model]
    for package in sorted(packages, key=lambda package: package.name):
        locator = f"pkg:{package.kind}/{package.name}@{package.version}"
        reference = {
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": locator,
        }
        parts.append(_package(package.name, package.version, "LIBRARY") | {"externalRefs": [reference]})
    relations = [
        {
            "spdxElementId": root["SPDXID"],
            "relationshipType": "CONTAINS",
            "relatedSpdxElement": part["SPDXID"],
        }
        for part in parts
    ]
    return document(
        {
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": "SPDXRef-DOCUMENT",
            "name": f"{title}-{version}",
            "documentNamespace": f"urn:{image}",
            "creationInfo": {"created": EPOCH, "creators": ["Tool: model-scaffold"]},
            "documentDescribes": [root["SPDXID"]],
            "packages": [root, *parts],
            "relationships": relations,
        },
        SPDX,
    )


def make_referrer(subject: Mapping[str, Any], sbom: Document) -> Document:
    """Return the manifest by which a registry finds the document from the image that it is about."""
    return document(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": SPDX,
            "config": EMPTY.descriptor(),
            "layers": [sbom.descriptor()],
            "subject": dict(subject),
        },
        OCI_MANIFEST,
    )


def _package(name: str, version: str, purpose: str) -> dict[str, Any]:
    weighed = hashlib.sha256(f"{name} {version}".encode()).hexdigest()[:12]
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")
    package: dict[str, Any] = {
        "SPDXID": f"SPDXRef-{readable}-{weighed}",
        "name": name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "primaryPackagePurpose": purpose,
    }
    return package | ({"versionInfo": version} if version else {})
