"""The upload of a blob: opened, sent, resumed where it broke off, finished, and deleted if it is given up.

Source: github.com/opencontainers/distribution-spec, version 1.1, "Pushing blobs". Amazon ECR answers a PATCH
with 201 where the specification has 202. Docker's registry 2 neither resumes nor deletes an upload whose
PATCH broke, because its addresses hold the size of before; it removes the upload after a week.
"""

from __future__ import annotations

import contextlib
import re

from requests import RequestException, Response

from scaffold.errors import ImageError
from scaffold.image._tar import Blob
from scaffold.image.registry._requests import Body, BrokenError, OnBytes, Requests

_STORED_S = 1800
_DELETED_S = 5


class Upload:
    """The upload of one blob from its file."""

    def __init__(self, http: Requests, blob: Blob, on_bytes: OnBytes) -> None:
        assert blob.path is not None
        self._http, self._blob, self._path, self._on_bytes = http, blob, blob.path, on_bytes
        self._place = ""
        """Where the upload goes on; empty where none is open."""

    def run(self) -> None:
        """Send the blob; delete the unfinished upload at the registry after any failure."""
        try:
            self._http.retry(self._send, f"a layer of {self._blob.size_bytes / 1e6:.0f} MB")
        except BaseException:
            self._delete()
            raise

    def _send(self, attempt: int) -> None:
        """Open or resume the upload, send the missing bytes, and finish."""
        if self._place and self._is_stored():
            return  # the whole blob had arrived when the connection broke
        start = self._resume() if attempt else 0
        if not self._place:
            self._place = self._http.location(self._http.request("POST", "blobs/uploads/", good=(202,)))
        if start < self._blob.size_bytes:
            self._place = self._http.location(self._patch(start))
        joint = "&" if "?" in self._place else "?"
        final_url = f"{self._place}{joint}digest={self._blob.digest}"
        # The registry reads the whole blob again.
        self._http.request("PUT", final_url, good=(201, 204), timeout=(60, _STORED_S))

    def _is_stored(self) -> bool:
        return self._http.request("HEAD", f"blobs/{self._blob.digest}", good=(200, 404)).status_code == 200

    def _patch(self, start: int) -> Response:
        """Send the blob from byte `start` on."""
        size_bytes = self._blob.size_bytes
        with self._path.open("rb") as file:
            file.seek(start)
            headers = {"Content-Type": "application/octet-stream"}
            if start:
                headers["Content-Range"] = f"{start}-{size_bytes - 1}"
            body = Body(file, size_bytes - start, self._on_bytes)
            return self._http.request("PATCH", self._place, headers=headers, data=body, good=(201, 202, 204))

    def _resume(self) -> int:
        """Return how many bytes the registry holds; an upload that cannot be resumed is deleted."""
        if not self._place:
            return 0
        response = self._http.request("GET", self._place, good=(204, 200, 400, 404, 405))
        received = re.fullmatch(r"(?:bytes=)?0-(\d+)", response.headers.get("Range", ""))
        # `0-0` stands for nothing yet, and for a single byte: a new upload is right for both.
        if response.status_code not in (200, 204) or not received or received[1] == "0":
            self._delete()
            return 0
        if response.headers.get("Location"):
            self._place = self._http.location(response)
        return int(received[1]) + 1

    def _delete(self) -> None:
        """Delete the unfinished upload, if the registry supports that."""
        place, self._place = self._place, ""
        if place:
            with contextlib.suppress(ImageError, BrokenError, RequestException):
                self._http.request("DELETE", place, good=(200, 202, 204, 404, 405), timeout=_DELETED_S)
