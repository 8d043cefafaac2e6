"""Bills of materials, of a project's lock and of an image. Standard library only.

Source: the CycloneDX 1.6 specification.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

MEDIA_TYPE = "application/vnd.cyclonedx+json"
Component = Mapping[str, Any]


def bill_of_materials(
    subject: Component,
    components: Sequence[Component],
    dependencies: Mapping[str, Sequence[str]],
    *,
    seed: str,
) -> dict[str, Any]:
    """Return the document; the same arguments give the same one.

    Args:
        subject: What the bill is of, from `application`.
        components: What is in it.
        dependencies: Who requires whom, by `bom-ref`.
        seed: A hash of the subject's bytes, from which the serial number of the document is made.
    """
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, seed)}",
        "version": 1,
        "metadata": {"component": subject},
        "components": list(components),
        "dependencies": [
            {"ref": reference, "dependsOn": sorted(set(names))} for reference, names in dependencies.items()
        ],
    }


def application(name: str, version: str = "") -> dict[str, Any]:
    """The service that a bill is of; its `bom-ref` is `service`."""
    return {"type": "application", "bom-ref": "service", "name": name} | _versioned(version)


def library(name: str, version: str, *, kind: str = "pypi", licence: str = "") -> dict[str, Any]:
    """An installed package; its `bom-ref` is its package URL.

    Args:
        name: Its name.
        version: Its version.
        kind: What comes before the name in its package URL: `pypi`, `deb/debian`.
        licence: The name of its licence, where that is known.
    """
    url = package_url(name, version, kind)
    licences = {"licenses": [{"license": {"name": licence}}]} if licence else {}
    return {
        "type": "library",
        "bom-ref": url,
        "name": name,
        "version": version,
        "purl": url,
        **licences,
    }


def package_url(name: str, version: str, kind: str = "pypi") -> str:
    """The URL that names a package. Source: the package-url specification.

    Args:
        name: The package.
        version: Its version.
        kind: The type of the URL: `pypi`, `deb/debian`.
    """
    return f"pkg:{kind}/{name}@{quote(version, safe='')}"


def model(name: str, sha256: str = "", version: str = "") -> dict[str, Any]:
    """A trained model.

    Args:
        name: The name of its file.
        sha256: Of its file; left out where it is empty.
        version: Left out where it is empty.
    """
    hashes = {"hashes": [{"alg": "SHA-256", "content": sha256}]} if sha256 else {}
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{name}",
        "name": name,
        **_versioned(version),
        **hashes,
    }


def container(reference: str) -> dict[str, Any]:
    """An image that another one starts from."""
    return {"type": "container", "bom-ref": f"image:{reference}", "name": reference}


def _versioned(version: str) -> dict[str, str]:
    return {"version": version} if version else {}
