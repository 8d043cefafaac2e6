"""What skops writes: a zip archive with a schema of nodes, and arrays beside it.

skops builds an object as a pickle does: it finds a class by its name, makes an instance without `__init__`,
sets a state. So the schema is followed as the pickle that does the same, and the gate judges names, calls and
states by the same rules. Arrays are data: numpy and scipy read them without pickles.
"""

from __future__ import annotations

import json
import lzma
import zipfile
import zlib
from functools import partial
from typing import BinaryIO

from scaffold.read._streams import MalformedError, require_no_bomb, stream_of
from scaffold.read.gate._machine import follow
from scaffold.read.gate._schema import SchemaPickle
from scaffold.read.gate._stack import Visitor
from scaffold.read.gate._torch import require_one_directory

SCHEMA = "schema.json"
_PROTOCOL = 2
_MOST_SCHEMA_BYTES = 256 << 20


def is_skops(file: BinaryIO) -> bool:
    """Whether a zip archive has a schema as skops writes it."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            return SCHEMA in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False


def follow_skops(file: BinaryIO, visitor: Visitor) -> None:
    """Follow the schema of an archive.

    Raises:
        MalformedError: It has another form than skops writes, or a node that is not known.
        zipfile.BadZipFile: It is damaged or cut short.
    """
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        if len({name.lower() for name in names}) != len(names):
            raise MalformedError(0, "an archive with two members of one name")
        require_one_directory(file, archive)
        require_no_bomb(archive)
        if archive.getinfo(SCHEMA).file_size > _MOST_SCHEMA_BYTES:
            raise MalformedError(0, f"a {SCHEMA} that is too large to be read")
        try:
            schema = json.loads(_read(archive, SCHEMA))
            if not isinstance(schema, dict) or schema.get("protocol") != _PROTOCOL:
                raise MalformedError(0, f"a {SCHEMA} of another protocol than {_PROTOCOL}")
            translated = SchemaPickle(frozenset(names), partial(_read, archive)).pickle_of(schema)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise MalformedError(0, f"a {SCHEMA} of another form ({error})") from error
        except RecursionError as error:
            raise MalformedError(0, f"a {SCHEMA} that is nested too deeply") from error
    follow(stream_of(translated), visitor)


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    """A member; raises MalformedError if it is encrypted, damaged, or compressed in an unknown way."""
    try:
        return archive.read(name)
    except (OSError, RuntimeError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise MalformedError(0, f"a member {name[:60]!r} that cannot be unpacked ({error})") from error
