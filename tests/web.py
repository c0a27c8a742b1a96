"""A plain HTTP client for tests: what is sent is what arrives, byte for byte."""

import contextlib
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Read the body as JSON."""
        return json.loads(self.body)


def call(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send one request over a connection of its own."""
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    client = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    with contextlib.closing(client):
        client.request(method, target, body, dict(headers or {}))
        answer = client.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read())


@dataclass(frozen=True)
class Api:
    """The REST API with one token."""

    url: str
    token: str

    def get(self, path: str) -> Answer:
        """Read something."""
        return call("GET", f"{self.url}/api/v1/{path}", headers=self._headers())

    def post(self, path: str, data: object, key: str = "") -> Answer:
        """Send JSON, with an Idempotency-Key where one is given."""
        headers = self._headers() | {"Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        return call("POST", f"{self.url}/api/v1/{path}", json.dumps(data).encode(), headers)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}
