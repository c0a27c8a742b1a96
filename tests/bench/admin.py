"""How the pages of the administration answer with a million messages stored.

`python -m tests.bench.admin` fills a product, then opens the home page, every list, and the message
log in the ways people search it, as a tenant's and as the system's administrator. It shows queries
and time of each page, and fails if one of them reads all messages.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection
from django.test import Client
from django.urls import reverse

from portal.admin.site import site
from portal.models import Tenant, User
from sms.models import Message
from tests.bench import report, storage
from tests.bench.__main__ import say
from tests.bench.installation import TENANT, installed
from tests.estate import person, signed_in, system_administrator
from tests.stack import ROOT

STORED = 1_000_000
WHOLE = re.compile(r"Seq Scan on sms_message\b")
READING = ("SELECT", "WITH", "(SELECT")


@dataclass(frozen=True)
class Page:
    """One page as somebody opened it: by how many statements, how long, and which read it all."""

    who: str
    name: str
    queries: int
    milliseconds: float
    whole: list[str] = field(default_factory=list)


class Watcher:
    """Counts what a page asks, and has each statement planned."""

    def __init__(self) -> None:
        self.statements: list[tuple[str, Any]] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Note a statement, then run it."""
        self.statements.append((sql, params))
        return execute(sql, params, many, context)

    def whole(self) -> list[str]:
        """Return the statements that read all messages."""
        found = []
        for sql, params in self.statements:
            if not sql.strip().upper().startswith(READING):
                continue
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN " + sql, params)
                plan = "\n".join(row[0] for row in cursor.fetchall())
            if WHOLE.search(plan):
                found.append(sql)
        return found


def addresses() -> Iterator[tuple[str, str]]:
    """Yield every page that is opened, with its name."""
    yield "home", reverse("admin:index")
    for model in sorted(site._registry, key=lambda one: one._meta.label):  # noqa: SLF001 - no other list
        options = model._meta  # noqa: SLF001 - Django's own name
        name = f"admin:{options.app_label}_{options.model_name}_changelist"
        yield f"list of {options.verbose_name_plural}", reverse(name)
    log = reverse("admin:sms_message_changelist")
    last = Message.objects.order_by("-pk")[:1].get()
    middle = Message.objects.filter(pk__gt=last.pk // 2).order_by("pk")[:1].get()
    old = Message.objects.filter(direction="outbound").order_by("pk")[:1].get()
    author = old.extension.number if old.extension else ""
    queries = {
        "page in the middle": f"before={middle.pk}",
        "number": f"q=%2B{old.recipient[1:]}",
        "our own number": f"q=%2B{old.sender[1:]}",
        "provider's id": f"q={old.provider_id}",
        "words that are there": "q=number+1",
        "words that are not": "q=zyzzyva",
        "state that is rare": "state__exact=failed",
        "extension and state": f"extension={author}&state__exact=queued",
        "long ago": "created_at_to_0=2000-01-01",
    }
    for name, query in queries.items():
        yield f"log: {name}", f"{log}?{query}"
    yield "one message", reverse("admin:sms_message_change", args=[middle.pk])


def opened(who: str, client: Client) -> Iterator[Page]:
    """Open every page twice, to watch it and to time it."""
    for name, address in addresses():
        watcher = Watcher()
        with connection.execute_wrapper(watcher):
            status = client.get(address, headers={"host": "localhost"}, follow=True).status_code
        started = time.perf_counter()
        client.get(address, headers={"host": "localhost"}, follow=True)
        took = 1000 * (time.perf_counter() - started)
        if status not in {200, 403}:
            raise AssertionError(f"{address}: {status}")
        if status == 200:
            yield Page(who, name, len(watcher.statements), took, watcher.whole())


def ask(answer: Path) -> None:
    """Open all pages in this process, which has the environment of the product."""
    boss = person(Tenant.objects.get(slug=TENANT), "bench-boss", User.Role.ADMIN)
    people = {"tenant": signed_in(boss), "system": signed_in(system_administrator())}
    found = [page for who, client in people.items() for page in opened(who, client)]
    answer.write_text(json.dumps([asdict(page) for page in found]))


def measured(stored: int) -> list[Page]:
    """Fill a product of its own and return what its pages cost."""
    with tempfile.TemporaryDirectory(prefix="sms-channel-admin-") as folder:
        say("Starting the product")
        with installed(Path(folder)) as place:
            say(f"  Filling in {stored:,} messages")
            storage.fill(place, stored)
            place.stack.manage("collectstatic", "--no-input", "--verbosity", "0")
            answer = place.stack.folder / "pages.json"
            command = [sys.executable, "-m", "tests.bench.admin", "--ask", str(answer)]
            environment = place.stack.env | {"DJANGO_SETTINGS_MODULE": "portal.settings"}
            subprocess.run(command, cwd=ROOT, env=environment, check=True)  # noqa: S603 - our own command
            return [Page(**row) for row in json.loads(answer.read_text())]


def table(pages: Sequence[Page]) -> str:
    """Return one line for each page, both administrators beside each other."""
    names = list(dict.fromkeys(page.name for page in pages))
    by = {(page.who, page.name): page for page in pages}
    rows = [["page", "queries, tenant", "ms", "queries, system", "ms"]]
    for name in names:
        cells = [name]
        for who in ("tenant", "system"):
            page = by.get((who, name))
            cells += [str(page.queries), report.number(page.milliseconds)] if page else ["-", "-"]
        rows.append(cells)
    return report.aligned(rows)


def main(words: Sequence[str] | None = None) -> int:
    """Measure, show, and write where that is wanted; fail if a page reads all messages."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.admin", description=__doc__)
    parser.add_argument("--stored", type=int, default=STORED, help="messages")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the document to bring up")
    parser.add_argument("--ask", type=Path, metavar="FILE", help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    if given.ask:
        ask(given.ask)
        return 0
    pages = measured(given.stored)
    say(f"\n{table(pages)}")
    if given.write:
        report.write_block(given.write, "admin", table(pages))
    whole = [f"{page.who}, {page.name}: {sql}" for page in pages for sql in page.whole]
    for line in whole:
        say(f"reads all messages: {line}")
    return 1 if whole else 0


if __name__ == "__main__":
    sys.exit(main())
