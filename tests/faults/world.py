"""The running product between a scripted provider and its users, and the ways to hurt it."""

import contextlib
import itertools
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psycopg
from celery import Celery

from tests.faults import points
from tests.faults.provider import Provider
from tests.journeys import wires
from tests.stack import Stack, wait_until
from tests.web import Answer, Api

# Twilio takes every request for a new message, Telnyx drops a repeated key.
TWILIO, TELNYX = "TW", "TX"
BOTH = (TWILIO, TELNYX)
EXTENSIONS = {TWILIO: "1002", TELNYX: "1003"}
LAUNCHER = "tests.faults.launcher"
_numbers = itertools.count(2000)


@dataclass
class World:
    """The product, and what it has accepted of this case so far."""

    stack: Stack
    provider: Provider
    webhooks: dict[str, str]
    apis: dict[str, Api]
    orders: Path
    accepted: dict[int, str] = field(default_factory=dict)
    brought: set[str] = field(default_factory=set)
    parties: dict[str, str] = field(default_factory=dict)
    idents: dict[str, str] = field(default_factory=dict)

    def send(self, trunk: str, text: str) -> int:
        """Ask for a text to be sent; return the status, 0 where no answer came.

        Each text has its own key and recipient, so that asking again is a repeat.
        """
        to = self.parties.setdefault(text, f"+1202555{next(_numbers):04d}")
        answer = self._asked(self.apis[trunk], {"to": to, "text": text}, text)
        if answer and answer.status == 202:
            self.accepted[answer.json()["id"]] = text
        return answer.status if answer else 0

    @staticmethod
    def _asked(api: Api, body: dict[str, str], key: str) -> Answer | None:
        with contextlib.suppress(OSError, HTTPException):
            return api.post("messages", body, key=key)
        return None

    def send_all(self, trunk: str, *texts: str) -> None:
        """Have every one of these texts accepted."""
        assert {text: self.send(trunk, text) for text in texts} == dict.fromkeys(texts, 202)

    def bring(self, trunk: str, text: str) -> int:
        """Post a text from outside; return the status, 0 where no answer came.

        Each text has its own id, so that posting it again is a redelivery.
        """
        status = 0
        ident = self.idents.setdefault(text, f"{next(_numbers):032x}")
        with contextlib.suppress(OSError, HTTPException):
            status = _post(self.webhooks[trunk], trunk, ident, text).status
        if status == 200:
            self.brought.add(text)
        return status

    def bring_picture(self, text: str) -> int:
        """Post a text from outside that names a picture of the provider's; return the status."""
        fields = {
            "MessageSid": f"SM{next(_numbers):032x}",
            "From": "+16175550188",
            "To": "+12025550123",
            "Body": text,
            "NumMedia": "1",
            "MediaUrl0": f"{self.provider.url}/picture.png",
        }
        status = wires.twilio(self.webhooks[TWILIO], fields).status
        if status == 200:
            self.brought.add(text)
        return status

    def rows(self, query: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[Any]:
        """Ask the database, over a connection of its own."""
        with psycopg.connect(self.stack.env["DATABASE_URL"], autocommit=True) as connection:
            cursor = connection.execute(query, values)
            return list(cursor.fetchall()) if cursor.description else []

    def state(self, text: str) -> str:
        """Return the state of the message with this text, empty while there is none."""
        found = self.rows("SELECT state FROM sms_message WHERE text = %s", [text])
        return str(found[0][0]) if found else ""

    def error(self, text: str) -> str:
        """Return what is said to the author of the message with this text."""
        return str(self.rows("SELECT error FROM sms_message WHERE text = %s", [text])[0][0])

    def workers(self, kind: str = "worker") -> list[int]:
        """Return the processes that do the work, without the one that starts them."""
        pids = self.stack.pids(kind)
        return [pid for pid in pids if pid != self.stack.processes[kind].pid] or pids

    def order(self, point: str, what: str = points.KILL) -> None:
        """Have a process killed, or its clock set, when it reaches a point."""
        fresh = self.orders / "fresh"
        fresh.write_text(what)
        fresh.rename(self.orders / point)

    def expect_sweep(self, *kinds: str) -> list[str]:
        """Return points that are done as soon as each of these workers has swept again."""
        names = [f"{points.SWEEP} {pid}" for kind in kinds for pid in self.workers(kind)]
        for name in names:
            self.order(name, points.NOTHING)
        return names

    def is_done(self, *names: str) -> bool:
        """Tell whether what was ordered for each of the points was carried out."""
        taken = any(any(self.orders.glob(f"{name}.*")) for name in names)
        return not taken and not any((self.orders / name).exists() for name in names)

    def set_clock(self, kind: str, seconds: float) -> None:
        """Set the clocks of all processes of a kind so much ahead of the true time."""
        names = [f"{points.AT_ONCE} {pid}" for pid in self.workers(kind)]
        for name in names:
            self.order(name, str(seconds))
        wait_until(lambda: self.is_done(*names), what=f"the clock of {kind}")

    @contextlib.contextmanager
    def frozen(self, kind: str) -> Iterator[None]:
        """Stop a process, or a server, in the middle of whatever it does, for a while."""
        pids = self.stack.pids(kind)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def ring_sweeps(self, count: int) -> None:
        """Have the sweep done so many times, by whichever workers there are, all at once."""
        with Celery(broker=self.stack.env["REDIS_URL"], set_as_current=False) as app:
            app.conf.task_default_queue = "default"
            for _each in range(count):
                app.send_task("sms.tasks.sweep")

    @contextlib.contextmanager
    def another(self, kind: str, *words: str) -> Iterator[str]:
        """Run a second process of a kind for a while; yield what it is called."""
        name = f"second {kind}"
        self.stack.commands[name] = [LAUNCHER, kind, *words]
        self.stack.launch(name)
        try:
            yield name
        finally:
            self.stack.kill(name, signal.SIGTERM)

    def kill_worker(self) -> None:
        """Kill the worker as the kernel would, and wait until it is gone; another one starts."""
        [pid] = self.workers()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: pid not in self.workers(), what="the worker's end")


def _post(url: str, trunk: str, ident: str, text: str) -> Answer:
    if trunk == TWILIO:
        return wires.twilio_text(url, f"SM{ident}", text)
    if trunk == TELNYX:
        payload: dict[str, object] = {"id": ident, "type": "SMS", "text": text}
        payload["from"] = {"phone_number": "+16175550188"}
        payload["to"] = [{"phone_number": "+12025550124"}]
        return wires.telnyx(url, "message.received", payload)
    return wires.questblue_text(url, text)
