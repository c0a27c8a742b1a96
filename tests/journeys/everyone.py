"""Every provider at its HTTP edge, played from the samples that the adapters are proved with.

Each provider has a trunk, a DID and an extension; what it answers and what it posts are the bodies
of ``tests/providers/fixtures``, with our DID in place of theirs and files that this stub serves.
"""

import base64
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import quote, quote_plus, unquote_plus, urlsplit

from providers import registry
from tests.journeys.conftest import TELNYX_PUBLIC
from tests.providers.cases import Case, of

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
LINK = "/media/"  # what every link to a file of ours holds
# What makes the strongest proof that the provider has, where the samples leave it out.
PROOFS: dict[str, dict[str, str]] = {
    "telnyx": {"public_key": TELNYX_PUBLIC},
    "bandwidth": {"callback_user_id": "alder", "callback_password": "s3cret-of-the-callbacks"},
}


@dataclass(frozen=True)
class Player:
    """One provider: which of its samples it plays, and what our side of it is called."""

    key: str
    number: int
    text: Case
    picture: Case | None
    post: Case | None
    post_picture: Case | None

    @property
    def did(self) -> str:
        """The ten digits of the provider's DID."""
        return f"2025552{self.number:03}"

    @property
    def extension(self) -> str:
        """The extension that the DID belongs to."""
        return f"2{self.number:03}"

    @property
    def sender_id(self) -> str:
        """The word it sends from, empty where a number does."""
        sender: str = self.text.data["message"]["sender"]
        return sender if sender.isalpha() else ""

    @property
    def credentials(self) -> dict[str, str]:
        """What the trunk is given."""
        return {**self.text.credentials, **PROOFS.get(self.key, {})}


def players() -> list[Player]:
    """Return every provider but the sandbox."""
    keys = [key for key in sorted(registry.all()) if key != "sandbox"]
    return [_player(key, number) for number, key in enumerate(keys, 1)]


def _player(key: str, number: int) -> Player:
    cases = of(key)
    sends = [case for case in cases if case.kind == "send_request"]
    picture = next((case for case in sends if case.data["message"]["media_urls"]), None)
    ours = picture.credentials if picture else cases[0].credentials
    texts = [
        case
        for case in sends
        if case.credentials == ours and not case.data["message"]["media_urls"]
    ]
    # From a number where the provider takes one: only numbers send files.
    text = min(texts, key=lambda case: bool(case.data["message"]["sender"].isalpha()))
    posts = [case for case in cases if _is_plain_post(case)]
    with_file = [case for case in posts if _has_file(case)]
    plain = [case for case in posts if not _has_file(case) and case.data["expect"][0]["text"]]
    return Player(
        key=key,
        number=number,
        text=text,
        picture=picture,
        post=plain[0] if plain else None,
        post_picture=with_file[0] if with_file else None,
    )


def _is_plain_post(case: Case) -> bool:
    told = case.data.get("expect")
    return (
        case.kind == "inbound"
        and isinstance(told, list)
        and len(told) == 1
        and "text" in told[0]
        and "credentials" not in case.data
        and case.data.get("method", "POST") == "POST"
        and case.data["file"] is not None
    )


def _has_file(case: Case) -> bool:
    event = case.data["expect"][0]
    return bool(event.get("media_urls") or event.get("files"))


def body_of(player: Player, case: Case, host: str) -> bytes:
    """Return what the provider posts: its sample, for our DID, with files that we serve."""
    event, body = case.data["expect"][0], case.body
    body = body.replace(event["recipients"][0][-10:].encode(), player.did.encode())
    for index, url in enumerate(event.get("media_urls", ())):
        ours = f"{host}/{player.key}/{index}.png"
        for write in (str, quote_plus, lambda text: quote(text, safe="")):
            body = body.replace(write(url).encode(), write(ours).encode())
    return body


@dataclass
class Everyone:
    """The stub: answers each provider's calls below a path of its own, and remembers them."""

    heard: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.players = {player.key: player for player in players()}
        everyone = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Remember the request and answer it."""
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length).decode(errors="replace")
                status, content_type, answer = everyone.answer(self.path, body)
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def do_GET(self) -> None:
                """Serve a file, or answer a call without a body."""
                self.do_POST()

            def log_message(self, *_: Any) -> None:
                """Say nothing: the test reads ``heard``."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.host}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, target: str, body: str) -> tuple[int, str, bytes]:
        """Return what the provider whose path this is answers."""
        _, key, rest = target.split("/", 2)
        player, path = self.players[key], f"/{rest}"
        if path.endswith(".png"):
            return 200, "image/png", PICTURE
        for exchange in player.text.before:
            if urlsplit(exchange["path"]).path == urlsplit(path).path:
                return self._told(player.text, exchange)
        self.heard.setdefault(key, []).append(unquote_plus(f"{path}\n{body}"))
        picture = player.picture if LINK in unquote_plus(body) else None
        case = picture or player.text
        return self._told(case, case.data)

    def _told(self, case: Case, told: dict[str, Any]) -> tuple[int, str, bytes]:
        content_type = told.get("content_type", "application/json")
        return told["http_status"], content_type, case.read(told["file"])
