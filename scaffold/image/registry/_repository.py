"""A client of container registries: manifests, blobs, resumable uploads.

It uses requests, which the Docker SDK requires, and not oras-py: that client sends a layer again from a
stream that is already read, waits minutes before it gives up, knows neither image indexes nor mounts, and
writes a manifest's JSON anew, so that its digest is another one.

Source: github.com/opencontainers/distribution-spec, version 1.1.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from requests import Response

from scaffold.errors import ImageError, RegistryError, RegistryLoginError
from scaffold.image._disk import needs_room
from scaffold.image._tar import Blob
from scaffold.image.registry._credentials import Credentials
from scaffold.image.registry._reference import Reference
from scaffold.image.registry._requests import BLOCK_BYTES, OnBytes, Patience, Requests
from scaffold.image.registry._upload import Upload

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEXES = (OCI_INDEX, _DOCKER_INDEX)
_ACCEPT = ", ".join((OCI_INDEX, OCI_MANIFEST, _DOCKER_INDEX, _DOCKER_MANIFEST))
_LARGEST_MANIFEST_BYTES = 4 << 20  # registries must accept this size, and may refuse more


class Repository:
    """One repository at a registry."""

    def __init__(
        self,
        reference: Reference,
        credentials: Credentials | None,
        *,
        insecure: bool = False,
        ca_bundle: Path | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Create a client of the registry of `reference`.

        Args:
            reference: Names the repository; its tag does not matter.
            credentials: A login; anonymous without one.
            insecure: Use plain HTTP, as always for a registry on this machine.
            ca_bundle: Certificates of a proxy that opens TLS.
            patience: How often a broken request is tried.
        """
        self.registry, self.name = reference.registry, reference.repository
        self._http = Requests(
            reference, credentials, insecure=insecure, ca_bundle=ca_bundle, patience=patience or Patience()
        )

    def manifest(self, version: str) -> tuple[bytes, str, str]:
        """Return a manifest's or index's bytes, its media type and its digest.

        Raises:
            RepositoryNotFoundError: The repository has no such tag or digest.
        """
        response = self._http.request_with_retries(
            "GET", f"manifests/{version}", headers={"Accept": _ACCEPT}, stream=True, good=(200,)
        )
        content = self._content(response, f"{self.name}:{version}")
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if version.startswith("sha256:") and version != digest:
            raise RegistryError(
                f"{self.name}@{version}", response.status_code, f"its bytes have digest {digest}"
            )
        return content, response.headers.get("Content-Type", "").partition(";")[0], digest

    def _content(self, response: Response, subject: str) -> bytes:
        """Return the body of a response; refuse bodies too large for a manifest."""
        content = b""
        with response:
            for block in response.iter_content(BLOCK_BYTES):
                content += block
                if len(content) > _LARGEST_MANIFEST_BYTES:
                    raise RegistryError(subject, response.status_code, "it is too large for a manifest")
        return content

    def put_manifest(self, version: str, content: bytes, media_type: str) -> bool:
        """Store a manifest or index; return whether the registry maintains the list of referrers."""
        headers = {"Content-Type": media_type}
        response = self._http.request_with_retries(
            "PUT", f"manifests/{version}", headers=headers, data=content, good=(200, 201, 202)
        )
        return "OCI-Subject" in response.headers

    def set_tag(self, tag: str, content: bytes, media_type: str) -> None:
        """Give a tag to a manifest or index; a tag that has it already is left, for it may be immutable."""
        headers = {"Accept": _ACCEPT}
        response = self._http.request_with_retries(
            "HEAD", f"manifests/{tag}", headers=headers, good=(200, 404)
        )
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if response.status_code == 404 or response.headers.get("Docker-Content-Digest") != digest:
            self.put_manifest(tag, content, media_type)

    def has_blob(self, digest: str) -> bool:
        """Return whether the repository holds the blob."""
        return self._http.request_with_retries("HEAD", f"blobs/{digest}", good=(200, 404)).status_code == 200

    def has_manifest(self, version: str) -> bool:
        """Return whether the repository holds the manifest."""
        headers = {"Accept": _ACCEPT}
        return (
            self._http.request_with_retries(
                "HEAD", f"manifests/{version}", headers=headers, good=(200, 404)
            ).status_code
            == 200
        )

    def read_blob(self, digest: str, path: Path, on_bytes: OnBytes, *, most_bytes: int) -> None:
        """Download a blob to `path`; resume after a broken connection.

        Args:
            digest: Of the blob.
            path: Where it goes.
            on_bytes: Called with the size of each piece.
            most_bytes: The size that its manifest says; what goes on beyond that is not read.

        Raises:
            RegistryError: The bytes have another digest, or are more.
        """
        partial = path.with_name(f"{path.name}.part")
        partial.unlink(missing_ok=True)

        def download(_: int) -> None:
            done = partial.stat().st_size if partial.exists() else 0
            headers = {"Range": f"bytes={done}-"} if done else {}
            response = self._http.request(
                "GET", f"blobs/{digest}", headers=headers, stream=True, good=(200, 206)
            )
            with response, partial.open("ab" if response.status_code == 206 else "wb") as file:
                for block in response.iter_content(BLOCK_BYTES):
                    if file.tell() + len(block) > most_bytes:
                        raise RegistryError(
                            f"{self.name}@{digest}", response.status_code, f"more than its {most_bytes} bytes"
                        )
                    file.write(block)
                    on_bytes(len(block))

        try:
            with needs_room(path.parent):
                self._http.retry(download, digest, is_read=True)
            if f"sha256:{_sha256(partial)}" != digest:
                raise RegistryError(f"{self.name}@{digest}", 200, "the received bytes have another digest")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    def mount_blob(self, digest: str, source: str) -> bool:
        """Mount a blob from another repository of the same registry; return whether that succeeded."""
        self._http.mounted_from = source
        try:
            response = self._http.request_with_retries(
                "POST", f"blobs/uploads/?mount={digest}&from={source}", good=(201, 202, 401, 403, 404)
            )
        except RegistryLoginError:
            return False
        finally:
            self._http.mounted_from = None
        if response.status_code == 202:  # an upload was opened instead
            with contextlib.suppress(ImageError):
                self._http.request_with_retries(
                    "DELETE", self._http.location(response), good=(200, 202, 204, 404, 405)
                )
        return response.status_code == 201

    def push_blob(self, blob: Blob, on_bytes: OnBytes) -> None:
        """Upload a blob that the repository lacks; a broken upload is resumed, an abandoned one deleted.

        Raises:
            UploadError: The upload failed in all attempts.
            DiskFullError: The registry's disk is full.
        """
        Upload(self._http, blob, on_bytes).run()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
