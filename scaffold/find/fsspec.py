"""A file at a URL that fsspec opens: `s3://`, `gs://`, `https://`, `sftp://`."""

from __future__ import annotations

from pathlib import Path

from scaffold.errors import ModelNotFetchedError
from scaffold.find._source import FoundModel, Source, download_folder, imported, line_of, scheme_of

_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "http": "aiohttp",
    "https": "aiohttp",
    "sftp": "paramiko",
    "ssh": "paramiko",
    "hf": "huggingface_hub",
}


class FsspecSource(Source):
    """A URL of any scheme that no other source takes."""

    def recognises(self, written: str) -> bool:
        """Whether it is a URL; `file://` is a path."""
        return scheme_of(written) not in ("", "file")

    def fetch(self, written: str) -> FoundModel:
        """Copy the file into a folder of its own.

        Raises:
            ModelNotFetchedError: fsspec or the package for this scheme is missing, or the copy failed.
        """
        return FoundModel(path=_copied(written, scheme_of(written)), provenance=written)


def _copied(url: str, scheme: str) -> Path:
    fsspec = imported("fsspec", url, " ".join(dict.fromkeys(["fsspec", _PACKAGES.get(scheme, "fsspec")])))
    target = download_folder() / (url.partition("?")[0].rstrip("/").rpartition("/")[2] or "model")
    try:
        filesystem, place = fsspec.core.url_to_fs(url)
        filesystem.get_file(place, str(target))
    except ImportError as error:
        package = _PACKAGES.get(scheme, str(error.name or scheme))
        raise ModelNotFetchedError(url, f"{scheme}:// needs {package}", f"pip install {package}") from error
    except Exception as error:
        # Every filesystem has errors of its own; none of them carries a credential in its first line.
        raise ModelNotFetchedError(url, line_of(error), "") from error
    return target
