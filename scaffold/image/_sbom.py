"""The bill of materials of an image, as a document that its registry keeps beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scaffold.base.sbom import MEDIA_TYPE, application, bill_of_materials, container, library, model
from scaffold.image._dependencies import Package
from scaffold.image._oci import Document, document
from scaffold.image._push import EMPTY
from scaffold.image.registry._repository import OCI_MANIFEST


def make_sbom(image: str, base: str, packages: Sequence[Package], labels: Mapping[str, str]) -> Document:
    """Return the document: the image, its base, the model and each package.

    Args:
        image: The image's digest, which also makes the document's serial number.
        base: The base's reference.
        packages: What is installed.
        labels: The image's labels: title, version and the model's hash are taken from them.
    """
    title = labels.get("org.opencontainers.image.title", "service")
    version = labels.get("org.opencontainers.image.version", "")
    ordered = sorted(packages, key=lambda package: package.name)
    components = [
        container(base),
        model(f"{title}-model", labels.get("model.sha256", ""), version),
        *(library(package.name, package.version, kind=package.kind) for package in ordered),
    ]
    references = [str(component["bom-ref"]) for component in components]
    service = application(title, version)
    return document(
        bill_of_materials(service, components, {service["bom-ref"]: references}, seed=image), MEDIA_TYPE
    )


def make_referrer(subject: Mapping[str, Any], sbom: Document) -> Document:
    """Return the manifest that attaches the document to the image `subject`."""
    return document(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": MEDIA_TYPE,
            "config": EMPTY.descriptor(),
            "layers": [sbom.descriptor()],
            "subject": dict(subject),
        },
        OCI_MANIFEST,
    )
