"""How PostgreSQL answers the hot paths: every question is explained while the product asks it.

`python -m tests.bench.plans SPEC ANSWER` runs in the environment of an installation whose workers
are stopped: it drives the product's own doors and flows in this process, and runs every statement
they make a first time under EXPLAIN (ANALYZE, BUFFERS), rolled back, before it is run for real.
"""

import contextlib
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from portal.memory import memory
from providers.contract import SendResult
from sms import claiming, heartbeat, outcome, sweep, switchboard, tasks
from sms.outcome import Outcome
from tests.bench.installation import Installation
from tests.bench.prepared import Line, Mail
from tests.stack import ROOT

# Each twice, and the second time counts: the first one reads what is not in memory yet.
ROUNDS = 2
KEYS = 1000
TOGETHER = 16
EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) "
EXPLAINED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
# On each occasion: what tells a statement from the others, and its name in the document.
HOT = {
    "a webhook comes in": {
        '"portal_trunk"."webhook_token" = ': "trunk of the URL's token",
        "FROM portal_change": "has the set-up changed?",
        "INSERT INTO sms_providerevent": "store the event",
    },
    "16 events become messages": {
        'SELECT "sms_providerevent"."id" AS "pk"': "due events",
        "FOR UPDATE OF": "take them",
        "'external', trunk_id": "place messages in threads",
        'UPDATE "sms_providerevent" SET': "events are done",
    },
    "a text is accepted": {
        '"portal_apitoken"."digest" = ': "caller of the token",
        "'external', trunk_id": "place it in its thread",
    },
    "16 texts are sent": {
        "SET state = 'sending'": "claim",
        "INSERT INTO sms_attempt": "settle",
    },
    "a receipt is applied": {
        'FROM "sms_sentpart"': "part that it names",
        'INNER JOIN "sms_conversation"': "message that it names",
        'UPDATE "sms_message" SET "history"': "move its state",
        'UPDATE "sms_message" SET "state"': "move its state",
    },
    "a browser lists conversations": {
        'ORDER BY "sms_conversation"."last_message_at" DESC': "first page of the list",
    },
    "a browser opens the longest thread": {
        '"sms_message"."conversation_id" = ': "first page of the thread",
    },
    "a machine reads the message log": {
        '"sms_message"."tenant_id" = ': "first page of the log",
    },
    "/readyz is asked": {
        '"sms_message"."state" = ': "waiting messages",
        '"sms_providerevent"."state" = ': "waiting events",
    },
    "the sweep looks around": {
        '"sms_message"."claimed_at" < ': "stuck in sending",
        '"sms_message"."deadline" < ': "past the deadline",
        'UPDATE "sms_message"': "held for a tenant that is back",
        'UPDATE "sms_providerevent"': "events for a tenant that is back",
        '"portal_trunk"."paused_since" IS NULL': "trunks with texts that are due",
        '"sms_message"."poll_at" <= ': "trunks to ask for receipts",
        'FROM "sms_providerevent"': "is an event due?",
        'FROM "sms_mediafile"': "is media due?",
        'DELETE FROM "sms_seenbody"': "bodies to forget",
    },
}
LONGEST = "SELECT conversation_id FROM sms_message GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
BUFFERS = re.compile(r"Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?")
TOOK = re.compile(r"Execution Time: ([\d.]+) ms")


@dataclass(frozen=True)
class Plan:
    """One statement as it was run: on which occasion, how many pages it touched, and how long."""

    occasion: str
    name: str
    pages: int
    milliseconds: float
    text: str


class Explainer:
    """Explains what a connection is asked, as a wrapper around its cursors."""

    def __init__(self) -> None:
        self.plans: dict[tuple[str, str], Plan] = {}
        self.occasion = ""
        self._busy = False

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        """Explain a statement, then run it."""
        if not self._busy and sql.strip().upper().startswith(EXPLAINED):
            self._busy = True
            try:
                self._explain(sql, params)
            finally:
                self._busy = False
        return execute(sql, params, many, context)

    def _explain(self, sql: str, params: Any) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(EXPLAIN + sql, params)
            text = "\n".join(row[0] for row in cursor.fetchall())
            transaction.set_rollback(True)
        name = next((name for mark, name in HOT[self.occasion].items() if mark in sql), "")
        pages, took = BUFFERS.search(text), TOOK.search(text)
        plan = Plan(
            occasion=self.occasion,
            name=name or " ".join(sql.split())[:100],
            pages=sum(int(count or 0) for count in pages.groups()) if pages else 0,
            milliseconds=float(took[1]) if took else 0.0,
            text=text,
        )
        if name:
            self.plans[self.occasion, name] = plan

    @contextlib.contextmanager
    def at(self, occasion: str) -> Iterator[None]:
        """Name what the statements of the block are for."""
        self.occasion = occasion
        memory.forget()
        with connection.execute_wrapper(self):
            yield


def every_hot_query(mail: Mail, browser_key: str, first_key: int) -> list[Plan]:
    """Take the product through all its hot paths and return how each question was answered."""
    explain, keys = Explainer(), iter(range(first_key, first_key + KEYS))
    for _round in range(ROUNDS):
        webhooks = [next(keys) for _each in range(TOGETHER)]
        with explain.at("a webhook comes in"):
            _post(mail.webhooks(webhooks[:1])[0])
        for request in mail.webhooks(webhooks[1:]):
            _post(request)
        with explain.at("16 events become messages"):
            tasks.drain_events()
        with explain.at("a text is accepted"):
            _post(mail.texts([next(keys)])[0])
        for request in mail.texts([next(keys) for _each in range(4 * TOGETHER)]):
            _post(request)
        outcomes = _send(explain, mail)
        _receipt(explain, mail, outcomes[0])
        _read(explain, browser_key, mail.token)
        with explain.at("the sweep looks around"):
            sweep.sweep()
    return list(explain.plans.values())


def _send(explain: Explainer, mail: Mail) -> list[Outcome]:
    trunk = switchboard.trunk_of(mail.lines[0].webhook_path.strip("/").rpartition("/")[2])
    if trunk is None:
        raise AssertionError("the benchmark's first trunk is gone")
    with explain.at("16 texts are sent"):
        claimed = claiming.rows(trunk, TOGETHER)
        now = timezone.now()
        outcomes = [
            Outcome(
                message=message,
                started_at=now,
                ended_at=now,
                result=SendResult(provider_id=f"SM{message.reference.hex}", segments=1),
            )
            for message in claimed
        ]
        outcome.settle(outcomes)
    return outcomes


def _receipt(explain: Explainer, mail: Mail, sent: Outcome) -> None:
    fields = {"MessageSid": f"SM{sent.message.reference.hex}", "MessageStatus": "delivered"}
    _post(mail.webhook(mail.lines[0], fields))
    with explain.at("a receipt is applied"):
        tasks.drain_events()


def _read(explain: Explainer, browser_key: str, token: str) -> None:
    with explain.at("a browser lists conversations"):
        _get("/api/v1/conversations", browser_key)
    with connection.cursor() as cursor:
        cursor.execute(LONGEST)
        [longest] = cursor.fetchone()
    with explain.at("a browser opens the longest thread"):
        _get(f"/api/v1/conversations/{longest}/messages", token)
    with explain.at("a machine reads the message log"):
        _get("/api/v1/messages", token)
    heartbeat.beat()  # what a worker leaves: without one /readyz complains
    with explain.at("/readyz is asked"):
        _get("/readyz", token)


def _get(path: str, token: str) -> None:
    headers = {"host": "localhost", "authorization": f"Bearer {token}"}
    answer = Client(raise_request_exception=True).get(path, headers=headers)
    if answer.status_code != 200:
        raise AssertionError(f"{path}: {answer.status_code} {answer.content!r}")


def _post(request: bytes) -> None:
    """Put a prepared request through the door in this process."""
    head, _blank, body = request.partition(b"\r\n\r\n")
    start, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    kind = headers.pop("Content-Type")
    path = start.split()[1]
    answer = Client().generic("POST", path, body, content_type=kind, headers=headers)
    if answer.status_code not in {200, 202}:
        raise AssertionError(f"{path}: {answer.status_code} {answer.content!r}")


def explained(place: Installation) -> list[Plan]:
    """Stop what works on the queues, ask every hot query, and start it again."""
    for kind in ("beat", "worker"):
        place.stack.kill(kind, signal.SIGTERM)
    # What a burst left behind is not what is asked here; autovacuum comes to it in time.
    place.ledger.run("VACUUM (ANALYZE)")
    spec, answer = place.stack.folder / "spec.json", place.stack.folder / "plans.json"
    keys = place.keys(KEYS)
    mail = asdict(replace(place.mail, lines=place.mail.lines[:1]))
    spec.write_text(json.dumps([mail, place.browser_key, keys[0]]))
    command = [sys.executable, "-m", "tests.bench.plans", str(spec), str(answer)]
    environment = place.stack.env | {"DJANGO_SETTINGS_MODULE": "portal.settings"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True)  # noqa: S603 - our own command
    for kind in ("worker", "beat"):
        place.stack.launch(kind)
    place.stack.wait_ready()
    return [Plan(**row) for row in json.loads(answer.read_text())]


def main(spec: str, answer: str) -> None:
    """Read what to ask with, ask, and write the plans."""
    mail, browser_key, first_key = json.loads(Path(spec).read_text())
    mail["lines"] = [Line(**line) for line in mail["lines"]]
    found = every_hot_query(Mail(**mail), browser_key, first_key)
    Path(answer).write_text(json.dumps([asdict(plan) for plan in found]))


if __name__ == "__main__":
    main(*sys.argv[1:])
