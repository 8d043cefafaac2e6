"""The requests to the API of a cluster. Only `_kubeconfig` and `_websocket` import `kubernetes`.

The client library reads kubeconfigs, logs in (tokens, certificates, exec plugins) and keeps the connections.
The requests are written here, for they are few and the same for every kind: get, list, apply, delete.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from scaffold.cluster._refusal import UNTRUSTED, ApiError, status_object
from scaffold.cluster._retries import retries_of
from scaffold.cluster._websocket import PortForward, open_forward
from scaffold.errors import ClusterUnreachableError, DeployError
from scaffold.errors.wording import either

FIELD_MANAGER = "model-scaffold"

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """Where the objects of one kind are found."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: tuple[str, ...] = ()

    def path(self, namespace: str, name: str = "") -> str:
        """The path of one object, or of the list of them."""
        root = "/api/" if "/" not in self.api_version else "/apis/"
        scope = f"/namespaces/{quote(namespace)}" if self.namespaced else ""
        return f"{root}{self.api_version}{scope}/{self.plural}" + (f"/{quote(name)}" if name else "")


@dataclass(slots=True)
class Cluster:
    """The API of one cluster, for one user."""

    pool: Any
    configuration: Any
    server: str
    context: str
    service_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers of the requests to a service in it."""
    before_write: Callable[[], None] | None = None
    """Called before each request that changes an object, except PUT: it raises if the lock is lost."""
    _kinds: dict[str, list[Kind]] = field(default_factory=dict)
    _has_answered: bool = False

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        timeout_s: float = 60,
    ) -> Any:
        """Return the body of the answer: parsed, unless it is text such as a log.

        Args:
            method: `GET`, `PATCH`, ...
            path: Begins with `/api`, `/apis` or `/version`.
            query: Parameters of the URL.
            body: What is sent as JSON; nothing where it is None.
            content_type: Of the body: the kind of patch.
            timeout_s: For the whole answer.

        Raises:
            ApiError: Another status than 2xx.
            ClusterUnreachableError: No answer, or the login is not accepted.
        """
        if self.before_write is not None and method not in ("GET", "PUT"):
            self.before_write()
        response = self._send(method, path, query, body, content_type, timeout_s, stream=False)
        text = response.data.decode("utf-8", "replace")
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return json.loads(text) if is_json else text

    def lines(self, path: str, query: Mapping[str, str]) -> Any:
        """Yield the lines of a text that may grow, such as a followed log."""
        response = self._send("GET", path, query, None, "application/json", None, stream=True)
        try:
            rest = b""
            for chunk in response.stream(4096):
                *whole, rest = (rest + chunk).split(b"\n")
                yield from (line.decode("utf-8", "replace") for line in whole)
            if rest:
                yield rest.decode("utf-8", "replace")
        finally:
            response.release_conn()

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Any,
        content_type: str,
        timeout_s: float | None,
        *,
        stream: bool,
    ) -> Any:
        import urllib3

        url = self.server + path + (f"?{urlencode(query)}" if query else "")
        headers = {"Content-Type": content_type, "Accept": "application/json, */*"} | self.login_headers()
        payload = None if body is None else json.dumps(body).encode()
        try:
            response = self.pool.request(
                method,
                url,
                body=payload,
                headers=headers,
                timeout=urllib3.Timeout(connect=10, read=timeout_s),
                retries=retries_of(method, is_known=self._has_answered),
                preload_content=not stream,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:  # OSError: an invalid certificate
            raise self.unreachable(error) from error
        self._has_answered = True
        if response.status == 401:
            another = either("ClusterAccess(context=...)", "--context NAME")
            fix = f"Log in again as you do for this cluster, or name another context: {another}"
            details = (f"context: {self.context}", f"server: {self.server}")
            raise ClusterUnreachableError("The cluster does not accept the login.", details, fix)
        if not 200 <= response.status < 300:
            raise ApiError(response.status, status_object(response.data if not stream else response.read()))
        return response

    def forward(self, namespace: str, pod: str, port: int) -> PortForward:
        """Return a connection to a port of a pod, through the API.

        Raises:
            ApiError: The API refuses the port-forward.
        """
        url = f"{self.server}/api/v1/namespaces/{namespace}/pods/{pod}/portforward"
        headers = {key.lower(): value for key, value in self.login_headers().items()}
        return open_forward(self.configuration, url, port, headers)

    def login_headers(self) -> dict[str, str]:
        """The headers that log in; tokens are refreshed by the library when they run out."""
        return {
            setting["key"]: setting["value"]
            for setting in self.configuration.auth_settings().values()
            if setting.get("in") == "header" and setting.get("value")
        }

    def unreachable(self, error: Exception) -> ClusterUnreachableError:
        """The error for a cluster that does not answer."""
        another = either(
            "ClusterAccess(context=...) or ClusterAccess(kubeconfig=...)",
            "--context NAME or --kubeconfig FILE",
        )
        if UNTRUSTED in str(error):
            return ClusterUnreachableError(
                "The certificate of the cluster's API is signed by a CA that the kubeconfig does not name.",
                (f"context: {self.context}", f"server: {self.server}", _certificate_problem(str(error))),
                "Fetch the kubeconfig of the cluster anew; its `certificate-authority-data` holds the CA. "
                f"Is it another cluster that you mean? {another}.",
            )
        return ClusterUnreachableError(
            "The cluster does not answer.",
            (f"context: {self.context}", f"server: {self.server}", str(error)[:300]),
            f"Is the network up, and the cluster running? Another one: {another}.",
        )

    # ---- kinds of objects

    def kind(self, api_version: str, kind: str) -> Kind:
        """Return where the objects of a kind are found, as the cluster's discovery says.

        Raises:
            DeployError: The cluster does not know the kind.
        """
        for served in self.kinds(api_version):
            if served.kind == kind:
                return served
        raise DeployError(
            f"The cluster does not know {kind} ({api_version}).",
            (f"server: {self.server}",),
            "Install what brings it (an operator, a gateway), or take the file out of kustomization.yaml.",
        )

    def kinds(self, api_version: str) -> list[Kind]:
        """Return the kinds of one API version; none where the cluster does not have it."""
        if api_version not in self._kinds:
            root = "/api/" if "/" not in api_version else "/apis/"
            try:
                resources = self.request("GET", root + api_version)["resources"]
            except ApiError as error:
                if error.status != 404:
                    raise
                resources = []
            self._kinds[api_version] = [
                Kind(api_version, api["kind"], api["name"], api["namespaced"], tuple(api.get("verbs", ())))
                for api in resources
                if "/" not in api["name"]
            ]
        return self._kinds[api_version]

    def api_versions(self) -> list[str]:
        """Return every API version that the cluster prefers, the core one first."""
        groups = self.request("GET", "/apis")["groups"]
        return ["v1", *(group["preferredVersion"]["groupVersion"] for group in groups)]

    def locate(self, manifest: Manifest) -> str:
        """Return the path of the object that `manifest` describes."""
        kind = self.kind(manifest["apiVersion"], manifest["kind"])
        metadata = manifest["metadata"]
        return kind.path(metadata.get("namespace", ""), metadata["name"])

    # ---- objects

    def get(self, path: str) -> Manifest | None:
        """Return the object at `path`, or None where there is none."""
        try:
            manifest = self.request("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return dict(manifest)

    def list(self, path: str, selector: str = "") -> list[Manifest]:
        """Return the objects at `path` whose labels match."""
        answer = self.request("GET", path, query={"labelSelector": selector} if selector else None)
        return list(answer.get("items") or [])

    def apply(
        self,
        manifest: Manifest,
        *,
        field_manager: str = FIELD_MANAGER,
        dry_run: bool = False,
        force: bool = False,
    ) -> Manifest:
        """Server-side apply: we own the fields that `manifest` sets, and no others.

        Args:
            manifest: The object.
            field_manager: The owner of the fields that the manifest sets.
            dry_run: Only check it, and return what it would become.
            force: Take over fields of other managers.
        """
        query = {"fieldManager": field_manager, "force": str(force).lower(), "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        kind_of_body = "application/apply-patch+yaml"
        path = self.locate(manifest)
        return dict(self.request("PATCH", path, query=query, body=manifest, content_type=kind_of_body))

    def delete(self, path: str, *, uid: str = "", version: str = "") -> bool:
        """Delete the object at `path` and, in the background, what it owns; False where there was none."""
        options: Manifest = {"propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid} | ({"resourceVersion": version} if version else {})
        try:
            self.request("DELETE", path, body=options)
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True


def _certificate_problem(text: str) -> str:
    """Return the reason of the TLS library, without the text about the request."""
    return text[text.index(UNTRUSTED) :].partition(" (_ssl")[0]
