"""Refuse text that cannot be encoded as UTF-8."""

from __future__ import annotations

from collections.abc import Iterator

from scaffold.errors import UnsupportedSampleError
from scaffold.spec import JSONValue, Recording

_ADVICE = (
    "Such text comes from bytes in another encoding. Decode them in the model with that one, or lossily:\n"
    '  data.decode("latin-1")\n'
    '  data.decode("utf-8", errors="replace")'
)


def require_unicode(recording: Recording) -> None:
    """Check that UTF-8 can encode all text of the requests and answers.

    Raises:
        UnsupportedSampleError: A surrogate stands alone: JSON is sent in UTF-8, which has none. The model
            decoded bytes with `surrogateescape`, or the sample was read so.
    """
    for name, values in (("sample_input", recording.requests), ("sample_output", recording.answers)):
        for number, value in enumerate(values):
            for text in _texts(value):
                try:
                    text.encode()
                except UnicodeEncodeError as error:
                    reason = f"{text[:40]!a} is no Unicode text: {text[error.start]!a} is half of a pair"
                    raise UnsupportedSampleError(f"{name}[{number}]", reason, _ADVICE) from None


def _texts(value: JSONValue) -> Iterator[str]:
    if isinstance(value, str):
        if not value.isascii():
            yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
