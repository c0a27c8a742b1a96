"""The quarantine: every reason in plain words, the next step, and many released at once."""

import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.models import AuditEntry, CallerID, Tenant, User
from sms.admin import quarantine, remedy
from sms.models import Message, ProviderEvent, RefusedCount
from tests import factories, fakes
from tests.estate import person, signed_in, system_administrator
from tests.sms.flows import drain_events, receive

pytestmark = pytest.mark.django_db

EVENTS = "/admin/sms/providerevent/"
AGAIN = f"{EVENTS}again/"
NUMBER = "+12025550177"


@pytest.fixture
def line() -> CallerID:
    return factories.line()


@pytest.fixture
def tenant(line: CallerID) -> Tenant:
    return line.tenant


@pytest.fixture
def boss(tenant: Tenant) -> Client:
    return signed_in(person(tenant, "boss", User.Role.ADMIN))


def held(line: CallerID, reason: str, **fields: Any) -> ProviderEvent:
    """Make a request of the line's trunk that is in quarantine."""
    made: ProviderEvent = factories.ProviderEventFactory(
        trunk=line.did.trunk, **{"state": "quarantined", "reason": reason, **fields}
    )
    return made


def about(event: ProviderEvent) -> dict[str, str]:
    """Return the address's words for the events that suffer as this one does."""
    return {"trunk__id__exact": str(event.trunk_id), "reason__exact": event.reason}


@pytest.mark.parametrize("reason", ProviderEvent.Reason.values)
def test_every_reason_has_plain_words_and_a_next_step(
    boss: Client, line: CallerID, reason: str
) -> None:
    event = held(line, reason, detail=f"{NUMBER}: why")

    page = boss.get(f"{EVENTS}{event.pk}/change/").content.decode()

    for words in remedy.WORDS[reason]:
        assert str(words).replace("'", "&#x27;") in page


@pytest.mark.parametrize(
    ("reason", "detail", "words"),
    [
        ("unknown_did", f"{NUMBER} is no DID of this trunk", "Add +1 202-555-0177 to the DIDs"),
        ("no_rule", f"{NUMBER}: no enabled rule matches", "Add a rule for +1 202-555-0177"),
        ("unrouted", f"{NUMBER}: rule main: office hours", "Look at the rules"),
        ("extension_disabled", f"{NUMBER}: rule x: extension 1044", "Look at the extension"),
        ("unmatched", "receipt for SM77: no message fits", "Look for it in the message log"),
        ("refused", "signature", "Look at the trunk"),
    ],
)
def test_the_next_step_leads_to_a_page_that_is_there(
    boss: Client, line: CallerID, reason: str, detail: str, words: str
) -> None:
    event = held(line, reason, detail=detail)

    [(address, shown)] = boss.get(f"{EVENTS}{event.pk}/change/").context["remedy"].links

    assert shown == words
    assert boss.get(address).status_code == 200


def test_the_form_for_a_rule_knows_the_number_already(boss: Client, line: CallerID) -> None:
    event = held(line, "no_rule", detail=f"{line.did.number}: no enabled rule matches")

    [(address, _words)] = boss.get(f"{EVENTS}{event.pk}/change/").context["remedy"].links
    form = boss.get(address).context["adminform"].form

    assert form["dids"].value() == line.did.number.lstrip("+")
    assert str(form["trunk"].value()) == str(line.did.trunk_id)


def test_the_form_for_dids_knows_the_number_already(boss: Client, line: CallerID) -> None:
    event = held(line, "unknown_did", detail=f"{NUMBER} is no DID of this trunk")

    [(address, _words)] = boss.get(f"{EVENTS}{event.pk}/change/").context["remedy"].links
    form = boss.get(address).context["form"]

    assert form["pool"].value() == NUMBER
    assert str(form["trunk"].value()) == str(line.did.trunk_id)


def test_the_quarantine_is_told_by_trunk_and_reason(boss: Client, line: CallerID) -> None:
    for _ in range(3):
        held(line, "no_rule", detail=f"{NUMBER}: no rule")
    held(line, "unreadable")
    held(line, "no_rule", state="done")

    heaps = boss.get(EVENTS).context["heaps"]

    assert [(heap.latest.reason, heap.count) for heap in heaps] == [
        ("no_rule", 3), ("unreadable", 1),
    ]  # fmt: skip
    assert boss.get(f"{EVENTS}?{heaps[0].query}").context["cl"].result_count == 3
    assert boss.get(f"{EVENTS}?{heaps[0].query}").context["heaps"] == []


def test_a_flood_is_counted_so_far_and_no_further(
    boss: Client, line: CallerID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "COUNTED", 2)
    for _ in range(5):
        held(line, "unknown_did", detail=f"{NUMBER} is no DID")

    [heap] = boss.get(EVENTS).context["heaps"]

    assert (heap.count, heap.is_more) == (2, True)
    assert b"2+ requests of" in boss.get(EVENTS).content


def test_refused_requests_say_how_many_there_were_in_all(boss: Client, line: CallerID) -> None:
    held(line, "refused")
    today = timezone.now().date()
    for days, count in ((0, 4_000), (1, 500), (30, 9)):
        day = today - datetime.timedelta(days=days)
        RefusedCount.objects.create(trunk=line.did.trunk, day=day, count=count, last_reason="x")

    page = boss.get(EVENTS)

    assert "In the last seven days 4500 were refused" in page.content.decode()
    assert not page.context["heaps"][0].may_release


def test_more_events_take_no_more_queries(boss: Client, line: CallerID) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            boss.get(EVENTS)
        return len(seen)

    held(line, "no_rule")
    few = queries()
    for reason in ("no_rule", "unreadable", "unknown_did", "failing"):
        held(line, reason, detail=f"{NUMBER}: x")

    assert queries() == few


def test_after_the_repair_all_that_suffered_from_it_come_in(boss: Client, line: CallerID) -> None:
    rule = line.tenant.rules.get()
    rule.enabled = False
    rule.save()
    events = [receive(line.did.trunk, fakes.text(line.did.number, f"n{n}")) for n in range(3)]
    unreadable = held(line, "unreadable")
    assert {event.reason for event in events} == {"no_rule"}
    rule.enabled = True
    rule.save()

    question = boss.get(AGAIN, about(events[0]))
    assert b"All requests of" in question.content
    boss.post(f"{AGAIN}?{quarantine.heaps(ProviderEvent.objects.all())[0].query}")
    drain_events()

    assert sorted(Message.objects.values_list("text", flat=True)) == ["n0", "n1", "n2"]
    unreadable.refresh_from_db()
    assert unreadable.state == "quarantined"
    entry = AuditEntry.objects.get(action="released")
    assert (entry.tenant, entry.detail["events"]) == (line.tenant, 3)


def test_many_are_released_by_an_administrator_of_theirs_only(
    boss: Client, line: CallerID, tenant: Tenant
) -> None:
    event, refused = held(line, "no_rule"), held(line, "refused")
    auditor = signed_in(person(tenant, "aud", User.Role.AUDITOR))
    outsider = signed_in(person(factories.TenantFactory(), "other", User.Role.ADMIN))

    for client, row, status in (
        (auditor, event, 403), (outsider, event, 404), (boss, refused, 404),
    ):  # fmt: skip
        query = "&".join(f"{name}={value}" for name, value in about(row).items())
        assert client.post(f"{AGAIN}?{query}").status_code == status
    for query in ("", "?trunk__id__exact=x&reason__exact=no_rule"):
        assert boss.post(AGAIN + query).status_code == 404
    assert set(ProviderEvent.objects.values_list("state", flat=True)) == {"quarantined"}


def test_what_came_over_a_shared_trunk_is_not_told_in_the_list(line: CallerID) -> None:
    shared = factories.TrunkFactory(tenant=None)
    factories.ProviderEventFactory(
        trunk=shared, tenant=line.tenant, state="quarantined", reason="no_rule",
        detail=f"{NUMBER}: somebody's",
    )  # fmt: skip
    boss = signed_in(person(line.tenant, "boss", User.Role.ADMIN))
    root = signed_in(system_administrator())

    assert NUMBER not in boss.get(EVENTS).content.decode()
    assert "555-0177" not in boss.get(EVENTS).content.decode()
    assert "555-0177" in root.get(EVENTS).content.decode()
