"""Logins in the manner of the registries of clouds: what they ask for, and what they accept."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class OverloadedError(Exception):
    """The token service answers with 503."""


class FakeLogin(Protocol):
    """What a registry does with the header `Authorization`."""

    token_path: str
    """Of the token service; empty where there is none."""

    def challenge(self, address: str) -> str: ...

    def allows(self, sent: str, method: str) -> bool: ...

    def answer(self, sent: str, form: Mapping[str, Sequence[str]]) -> dict[str, str] | None:
        """Return what the token service answers; None for a wrong password."""


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


@dataclass
class BasicLogin:
    """User and password on each request, as at Amazon ECR with the user `AWS`."""

    username: str
    password: str
    token_path: str = ""

    def challenge(self, address: str) -> str:
        return f'Basic realm="https://{address}/",service="ecr.amazonaws.com"'

    def allows(self, sent: str, method: str) -> bool:
        return sent == basic(self.username, self.password)

    def answer(self, sent: str, form: Mapping[str, Sequence[str]]) -> dict[str, str] | None:
        raise AssertionError("this registry has no token service")


@dataclass
class TokenLogin:
    """A token for each scope from a token service, as at GHCR, Artifact Registry and ACR."""

    username: str = ""
    password: str = ""
    refresh_token: str = ""
    """Accepted by `POST` with `grant_type=refresh_token`, as at ACR."""
    token_path: str = "/token"
    scheme: str = "http"
    key: str = "token"
    """In the answer: `token` or `access_token`."""
    other_challenge: str = ""
    """Stands before the challenge for a token."""
    last_challenge: str = ""
    """Stands after the challenge for a token."""
    failures: int = 0
    """How many requests to the token service fail with 503."""
    expires_before: list[str] = field(default_factory=list)
    """Methods; at the next request of the first of them the tokens of before have expired."""
    scopes: list[str] = field(default_factory=list)
    """What was asked for."""
    _tokens: dict[str, str] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def challenge(self, address: str) -> str:
        service = "fake" if self.other_challenge else '"fake"'  # RFC 9110 has both forms
        realm = f"{self.scheme}://{address}{self.token_path}"
        return f'{self.other_challenge}Bearer realm="{realm}",service={service}{self.last_challenge}'

    def allows(self, sent: str, method: str) -> bool:
        if self.expires_before and self.expires_before[0] == method:
            del self.expires_before[0]
            self._tokens.clear()
        scope = self._tokens.get(sent.removeprefix("Bearer "), "")
        return ("pull" if method in ("GET", "HEAD") else "push") in scope

    def answer(self, sent: str, form: Mapping[str, Sequence[str]]) -> dict[str, str] | None:
        if self.failures:
            self.failures -= 1
            raise OverloadedError
        by_token = form.get("grant_type") == ["refresh_token"] and self.refresh_token
        if not (form.get("refresh_token") == [by_token] or sent == basic(self.username, self.password)):
            return None
        assert form["service"] == ["fake"]
        scope = " ".join(form["scope"])
        self.scopes.append(scope)
        token = f"t{next(self._numbers)}"
        self._tokens[token] = scope
        return {self.key: token}
