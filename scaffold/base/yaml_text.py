"""Untrusted YAML, read with one error type."""

from __future__ import annotations

from typing import Any


def yaml_documents(text: str) -> list[Any]:
    """Return the documents in a text of YAML.

    Raises:
        yaml.YAMLError: It is no YAML, is nested too deeply, or has a date or number that does not exist.
    """
    import yaml

    try:
        return list(yaml.safe_load_all(text))
    except RecursionError as error:
        raise yaml.YAMLError("it is nested too deeply") from error
    except ValueError as error:
        raise yaml.YAMLError(str(error)) from error


def yaml_document(text: str) -> Any:
    """Return the one document in a text of YAML; None in an empty one.

    Raises:
        yaml.YAMLError: As for `yaml_documents`, or there are several.
    """
    import yaml

    documents = yaml_documents(text)
    if len(documents) > 1:
        raise yaml.YAMLError("it holds more than one document")
    return documents[0] if documents else None
