"""What is done again and again costs the same however much has been stored."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from portal.memory import KEPT
from portal.models import Change, Extension
from sms import inbox, sweep
from sms.models import Conversation, Message, State
from tests import factories
from tests.bench.plans import BUFFERS, EXPLAIN

pytestmark = pytest.mark.django_db
FEW = 60


class Pages:
    """Counts the pages that each statement touches."""

    def __init__(self) -> None:
        self.most: dict[str, int] = {}
        self._busy = False

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        if not self._busy and sql.startswith(("SELECT", "UPDATE", "DELETE")):
            self._busy = True
            with connection.cursor() as cursor:
                cursor.execute(EXPLAIN + sql, params)
                text = "\n".join(row[0] for row in cursor.fetchall())
            self._busy = False
            found = BUFFERS.search(text)
            pages = sum(int(count or 0) for count in found.groups()) if found else 0
            if pages > FEW:
                self.most[sql[-200:]] = pages
        return execute(sql, params, many, context)


@pytest.fixture
def own() -> Extension:
    """An extension whose neighbour has had 6,000 conversations, all of them long over."""
    did = factories.DIDFactory()
    other = factories.ExtensionFactory(tenant=did.tenant)
    own = factories.ExtensionFactory(tenant=did.tenant)
    now = timezone.now()
    threads = Conversation.objects.bulk_create(
        Conversation(
            tenant=did.tenant,
            trunk=did.trunk,
            our_number=did.number,
            remote=f"+1212{2_000_000 + n}",
            extension=other,
            owner_key=Conversation.key_of(extension=other),
            last_message_at=now,
        )
        for n in range(6000)
    )
    Message.objects.bulk_create(
        Message(
            tenant=did.tenant,
            trunk=did.trunk,
            conversation=thread,
            extension=other,
            direction="outbound",
            sender=did.number,
            recipient=thread.remote,
            text="gone",
            state=State.DELIVERED,
            due_at=now,
            deadline=now,
            history=[],
        )
        for thread in threads
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return own


def test_the_sweep_does_not_look_at_messages_that_have_ended(own: Extension) -> None:
    del own
    sweep.sweep()  # the first one to look clears away what tests before this one took back
    pages = Pages()
    with connection.execute_wrapper(pages):
        sweep.sweep()
    assert pages.most == {}


def test_the_list_of_conversations_does_not_look_at_those_of_others(own: Extension) -> None:
    pages = Pages()
    with connection.execute_wrapper(pages):
        rows = inbox.with_unread(Conversation.objects.visible_to(own), own)
        assert list(rows.order_by("-last_message_at", "-id")[:51]) == []
    assert pages.most == {}


def test_changes_of_the_set_up_that_everybody_has_seen_are_forgotten() -> None:
    long_ago, now = timezone.now() - timedelta(hours=2), timezone.now()
    Change.objects.bulk_create([*(Change(at=long_ago) for _ in range(500)), Change(at=now)])
    last = Change.objects.latest("id")
    sweep.sweep()
    assert Change.objects.count() <= KEPT
    assert Change.objects.latest("id") == last
