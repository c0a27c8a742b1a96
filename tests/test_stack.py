"""The running product beside a test does not meet the one of another test."""

import contextlib
import socket
from pathlib import Path

from portal import keeper
from tests.stack import Stack


def test_the_ports_of_a_stack_are_given_to_nobody_else(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    with contextlib.closing(stack.held[0]), contextlib.closing(stack.held[1]):
        assert keeper.free_port(stack.port) != stack.port
        assert keeper.free_port(stack.push_port) != stack.push_port
        assert stack.port != stack.push_port
        # Our own servers come in, as granian asks for it.
        with socket.socket() as ours:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            ours.bind(("127.0.0.1", stack.port))
            ours.listen()
            socket.create_connection(("127.0.0.1", stack.port), timeout=5).close()
