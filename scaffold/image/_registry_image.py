"""Read the labels of an image at its registry, and move tags to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from scaffold.errors import RegistryError
from scaffold.image._options import BuilderChoices
from scaffold.image.registry._credentials import explicit_credentials, stored_credentials
from scaffold.image.registry._reference import Reference, parse_reference

if TYPE_CHECKING:
    from scaffold.image.registry._repository import Repository

CODE_LABEL = "model.code-sha256"
"""The label with the `code_sha256` of the project that the image was built from."""
_MOST_CONFIG_BYTES = 4 << 20


def move_tag(image: str, tag: str, choices: BuilderChoices) -> str:
    """Move a tag to an image that is at the registry; return the reference with the tag.

    Args:
        image: The image by digest.
        tag: The tag; another image may have it.
        choices: The options of the push.

    Raises:
        ImageError: The registry does not have the image, or does not move tags.
    """
    reference = parse_reference(image)
    repository = _repository(reference, choices)
    content, media_type, _ = repository.manifest(reference.digest)
    repository.set_tag(tag, content, media_type)
    return f"{reference.name}:{tag}"


def read_labels(image: str, choices: BuilderChoices) -> Mapping[str, str]:
    """Return the labels of an image at its registry; of a multi-platform image, those of the first platform.

    Args:
        image: The image, by digest or by tag.
        choices: The options for the registry.

    Raises:
        ImageError: The registry does not have the image, or does not answer.
    """
    from scaffold.image._store import Store
    from scaffold.image.registry._repository import INDEXES

    reference = parse_reference(image)
    repository = _repository(reference, choices, attempts=1)
    content, media_type, _ = repository.manifest(reference.version)
    try:
        manifest = json.loads(content)
        if media_type in INDEXES:
            manifest = json.loads(repository.manifest(manifest["manifests"][0]["digest"])[0])
        with Store(None).folder() as folder:
            path = folder / "config"
            repository.read_blob(
                manifest["config"]["digest"], path, lambda _count: None, most_bytes=_MOST_CONFIG_BYTES
            )
            config = json.loads(path.read_bytes())
        return dict((config.get("config") or {}).get("Labels") or {})
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise RegistryError(str(reference), 200, "the response does not describe an image") from error


def _repository(reference: Reference, choices: BuilderChoices, *, attempts: int = 5) -> Repository:
    from scaffold.image.registry._repository import Repository
    from scaffold.image.registry._requests import Patience

    login = explicit_credentials(choices.get("credentials")) or stored_credentials(reference.registry)
    return Repository(
        reference,
        login,
        insecure=choices.get("insecure", False),
        ca_bundle=choices.get("ca_bundle"),
        patience=Patience(attempts=attempts),
    )
