"""What the tests of providers share: a faked HTTP edge, and a real one on this machine."""

import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import responses


@pytest.fixture
def edge() -> Iterator[responses.RequestsMock]:
    """Fake the HTTP edge: what is not registered cannot be called."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@dataclass
class Server:
    """A server of one script: each connection plays its next line of answers.

    An answer is bytes to send; ``b""`` resets the connection, None leaves it without a word.
    """

    answers: list[bytes | None] = field(default_factory=list)
    seen: list[bytes] = field(default_factory=list)
    connections: int = 0
    first_bytes_are_enough: bool = False  # for a client that does not speak HTTP
    hang_up: bool = False  # after each answer

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens at."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop listening and hang up."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()
        self._thread.join(timeout=5)

    def _play(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        while request := self._read(connection):
            self.seen.append(request)
            answer = self.answers.pop(0)
            if answer is None:
                return
            if not answer:
                # Close with a reset instead of a farewell.
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                connection.close()
                return
            connection.sendall(answer)
            if self.hang_up:
                connection.close()
                return

    def _read(self, connection: socket.socket) -> bytes:
        received = b""
        while b"\r\n\r\n" not in received:
            try:
                chunk = connection.recv(65536)
            except OSError:
                return b""
            received += chunk
            if self.first_bytes_are_enough or not chunk:
                break
        return received if received and self.answers else b""


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve this machine, with a script that the test fills; only this machine is reached."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for prefix in ("http://127.0.0.1", "https://127.0.0.1", "http://localhost"):
            mock.add_passthru(prefix)
        playing = Server()
        yield playing
        playing.close()
