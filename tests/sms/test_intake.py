"""From stored requests to messages: nothing lost, nothing doubled, every refusal has a reason."""

import datetime
from queue import SimpleQueue

import pytest
import time_machine
from django.db import transaction
from pytest_django import DjangoAssertNumQueries

from portal.models import DID, CallerID, Extension, InboundRule, Tenant, Trunk
from providers.contract import WebhookRequest
from providers.errors import WebhookRefused
from sms import intake, sweep
from sms.models import Conversation, Message, ProviderEvent, RefusedCount
from tests import factories, fakes
from tests.crowd import at_once
from tests.sms.flows import drain_events, receive, store

pytestmark = pytest.mark.django_db

Reason = ProviderEvent.Reason
EventState = ProviderEvent.State


def verdict(event: ProviderEvent) -> tuple[str, str]:
    """Return where the event stands and why."""
    event.refresh_from_db()
    return event.state, event.reason


def inbound() -> list[str]:
    """Return the texts that arrived, oldest first."""
    return list(
        Message.objects.filter(direction="inbound").order_by("id").values_list("text", flat=True)
    )


def test_a_text_becomes_a_message_of_the_extension_that_the_rule_names(line: CallerID) -> None:
    event = receive(line.did.trunk, fakes.text(line.did.number, "Hello 🥐", id="m1"))
    message = Message.objects.get()
    assert verdict(event) == (EventState.DONE, "")
    assert (message.sender, message.recipient, message.text) == (
        fakes.REMOTE,
        line.did.number,
        "Hello 🥐",
    )
    assert (message.state, message.provider_id, message.event) == ("received", "m1", event)
    assert (message.encoding, message.segments) == ("UCS-2", 1)
    assert message.conversation.extension == line.extension
    assert Trunk.objects.get().last_webhook_at == event.received_at


def test_texts_of_one_conversation_keep_their_order(line: CallerID) -> None:
    trunk, number = line.did.trunk, line.did.number
    for words in ("one", "two", "three"):
        store(trunk, fakes.text(number, words))
    drain_events()
    assert inbound() == ["one", "two", "three"]
    conversation = Conversation.objects.get()
    assert conversation.last_text == "three"


def test_a_body_that_is_not_utf8_is_kept_and_can_be_processed_after_a_repair(
    line: CallerID,
) -> None:
    trunk = line.did.trunk
    intake.accept(trunk, fakes.webhook(trunk, body=b'{"events": "\xff\xfe"}'), None)
    drain_events()
    event = ProviderEvent.objects.get()
    assert verdict(event) == (EventState.QUARANTINED, Reason.UNREADABLE)
    assert bytes(event.body) == b'{"events": "\xff\xfe"}'
    event.body = fakes.pack(fakes.text(line.did.number))
    event.save()
    assert intake.release(event)
    drain_events()
    assert verdict(event) == (EventState.DONE, "")
    assert inbound() == ["Hello"]


def test_a_broken_element_of_a_list_costs_only_itself(line: CallerID) -> None:
    number = line.did.number
    event = receive(
        line.did.trunk,
        fakes.text(number, "one"),
        "nonsense",
        fakes.text([], "nobody"),
        fakes.text(number, "two"),
    )
    assert inbound() == ["one", "two"]
    assert verdict(event) == (EventState.QUARANTINED, Reason.UNREADABLE)
    assert "events[1]" in event.detail
    assert "to: empty" in event.detail


def test_releasing_a_half_read_event_brings_nothing_twice(line: CallerID) -> None:
    event = receive(line.did.trunk, fakes.text(line.did.number, "one"), "nonsense")
    assert intake.release(event)
    drain_events()
    assert inbound() == ["one"]


def test_an_event_of_a_kind_that_we_do_not_use_is_done(line: CallerID) -> None:
    event = receive(line.did.trunk, {"type": "call", "id": "c1"})
    assert verdict(event) == (EventState.DONE, "")


def test_a_message_that_came_twenty_times_is_one_message(line: CallerID) -> None:
    for _each in range(20):
        store(line.did.trunk, fakes.text(line.did.number, "once", id="m1"))
    drain_events()
    assert inbound() == ["once"]
    assert not ProviderEvent.objects.exclude(state=EventState.DONE).exists()


@pytest.mark.django_db(transaction=True)
def test_a_message_that_comes_twenty_times_at_the_same_instant_is_one_message(
    line: CallerID,
) -> None:
    trunk = line.did.trunk
    post = fakes.webhook(trunk, fakes.text(line.did.number, "once", id="m1"))

    def arrive() -> None:
        intake.accept(trunk, post, None)
        due = ProviderEvent.objects.filter(state=EventState.DUE)
        intake.process(list(due.values_list("pk", flat=True)))

    assert at_once(*[arrive] * 20) == [None] * 20
    drain_events()
    assert inbound() == ["once"]
    assert ProviderEvent.objects.filter(state=EventState.DONE).count() == 20


@pytest.fixture
def questblue() -> DID:
    """Give a DID whose provider gives messages no ids, and an extension behind it."""
    did: DID = factories.DIDFactory(trunk=factories.QuestBlueTrunkFactory(), number="+12025550100")
    factories.route(did, to=factories.ExtensionFactory(tenant=did.tenant))
    return did


def questblue_post(did: DID, words: str = "once") -> WebhookRequest:
    """Return a QuestBlue post to the DID."""
    return fakes.unsigned(did.trunk, fakes.questblue_text("2025550100", words))


@pytest.mark.django_db(transaction=True)
def test_a_text_without_an_id_that_comes_twenty_times_at_once_waits_nineteen_times(
    questblue: DID,
) -> None:
    def arrive() -> None:
        intake.accept(questblue.trunk, questblue_post(questblue), None)
        intake.drain(SimpleQueue())

    assert at_once(*[arrive] * 20) == [None] * 20
    drain_events()
    assert inbound() == ["once"]
    repeats = ProviderEvent.objects.filter(reason=Reason.REPEATED, state=EventState.QUARANTINED)
    assert repeats.count() == 19


def test_a_repeat_without_an_id_goes_through_once_when_somebody_releases_it(
    questblue: DID,
) -> None:
    for _each in range(2):
        intake.accept(questblue.trunk, questblue_post(questblue), None)
    drain_events()
    repeat = ProviderEvent.objects.get(reason=Reason.REPEATED)
    assert repeat.tenant == questblue.tenant
    assert intake.release(repeat)
    drain_events()
    assert not intake.release(repeat)
    drain_events()
    assert inbound() == ["once", "once"]
    assert verdict(repeat) == (EventState.DONE, "")


def test_the_same_words_some_minutes_later_are_news(questblue: DID) -> None:
    with time_machine.travel(datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)) as clock:
        for seconds in (0, 119, 2):
            clock.shift(seconds)
            intake.accept(questblue.trunk, questblue_post(questblue), None)
            drain_events()
    assert len(inbound()) == 2


def test_other_words_without_an_id_are_news(questblue: DID) -> None:
    for words in ("one", "two"):
        intake.accept(questblue.trunk, questblue_post(questblue, words), None)
    drain_events()
    assert inbound() == ["one", "two"]


def test_a_suspended_tenants_texts_wait_until_it_is_back(line: CallerID) -> None:
    Tenant.objects.update(active=False)
    event = receive(line.did.trunk, fakes.text(line.did.number))
    assert verdict(event) == (EventState.QUARANTINED, Reason.SUSPENDED)
    sweep.sweep()
    assert verdict(event) == (EventState.QUARANTINED, Reason.SUSPENDED)
    Tenant.objects.update(active=True)
    sweep.sweep()
    drain_events()
    assert verdict(event) == (EventState.DONE, "")
    assert inbound() == ["Hello"]


def test_a_disabled_trunks_texts_wait_until_it_is_back(line: CallerID) -> None:
    Trunk.objects.update(enabled=False)
    event = receive(line.did.trunk, fakes.text(line.did.number))
    assert verdict(event) == (EventState.QUARANTINED, Reason.SUSPENDED)
    Trunk.objects.update(enabled=True)
    sweep.sweep()
    drain_events()
    assert inbound() == ["Hello"]


def test_a_text_to_an_unknown_did_waits_and_goes_through_once_the_did_is_there(
    line: CallerID,
) -> None:
    trunk = line.did.trunk
    event = receive(trunk, fakes.text("+12025559999"))
    assert verdict(event) == (EventState.QUARANTINED, Reason.UNKNOWN_DID)
    assert "+12025559999" in event.detail
    did = factories.DIDFactory(trunk=trunk, number="+12025559999")
    factories.route(did, to=line.extension)
    assert intake.release(event)
    drain_events()
    assert not intake.release(event)
    drain_events()
    assert inbound() == ["Hello"]


def test_a_shared_trunks_text_belongs_to_the_tenant_of_the_did() -> None:
    trunk = factories.TrunkFactory(tenant=None)
    did = factories.DIDFactory(tenant=factories.TenantFactory(), trunk=trunk)
    assert receive(trunk, fakes.text("+12025559999")).tenant is None
    event = receive(trunk, fakes.text(did.number))
    assert event.tenant == did.tenant
    assert event.reason == Reason.NO_RULE


def test_another_tenants_did_cannot_be_reached_through_our_trunk(line: CallerID) -> None:
    theirs = factories.line()
    event = receive(line.did.trunk, fakes.text(theirs.did.number))
    assert verdict(event) == (EventState.QUARANTINED, Reason.UNKNOWN_DID)
    assert event.tenant == line.tenant


def test_a_text_that_no_rule_covers_waits(line: CallerID) -> None:
    InboundRule.objects.update(enabled=False)
    event = receive(line.did.trunk, fakes.text(line.did.number))
    assert verdict(event) == (EventState.QUARANTINED, Reason.NO_RULE)
    InboundRule.objects.update(enabled=True)
    assert intake.release(event)
    drain_events()
    assert inbound() == ["Hello"]


def test_a_text_that_the_rule_keeps_unrouted_waits() -> None:
    did = factories.DIDFactory()
    factories.route(did, to=None)
    event = receive(did.trunk, fakes.text(did.number))
    assert verdict(event) == (EventState.QUARANTINED, Reason.UNROUTED)


def test_a_text_to_a_disabled_extension_waits_and_names_it(line: CallerID) -> None:
    Extension.objects.update(enabled=False)
    event = receive(line.did.trunk, fakes.text(line.did.number))
    assert verdict(event) == (EventState.QUARANTINED, Reason.EXTENSION_DISABLED)
    assert line.extension.number in event.detail


def test_a_text_to_a_missing_extension_of_a_range_waits_and_names_it() -> None:
    did = factories.DIDFactory()
    factories.route(did, to="0420")
    event = receive(did.trunk, fakes.text(did.number))
    assert verdict(event) == (EventState.QUARANTINED, Reason.EXTENSION_DISABLED)
    assert "0420" in event.detail
    factories.ExtensionFactory(tenant=did.tenant, number="0420")
    assert intake.release(event)
    drain_events()
    assert Conversation.objects.filter(extension__number="0420").exists()


def test_a_group_text_reaches_each_of_our_numbers_once(line: CallerID) -> None:
    second = factories.DIDFactory(trunk=line.did.trunk)
    factories.route(second, to=line.extension)
    event = receive(
        line.did.trunk,
        fakes.text([line.did.number, "+16175550111", second.number], "all", id="g1"),
    )
    assert verdict(event) == (EventState.DONE, "")
    first, other = Conversation.objects.order_by("id")
    assert inbound() == ["all", "all"]
    assert set(first.remotes) == {fakes.REMOTE, "+16175550111", second.number}
    assert first.remotes == tuple(sorted(first.remotes))
    assert set(other.remotes) == {fakes.REMOTE, "+16175550111", line.did.number}


def test_a_group_text_of_which_one_number_fails_still_reaches_the_other(line: CallerID) -> None:
    second = factories.DIDFactory(trunk=line.did.trunk)
    event = receive(line.did.trunk, fakes.text([line.did.number, second.number]))
    assert inbound() == ["Hello"]
    assert verdict(event) == (EventState.QUARANTINED, Reason.NO_RULE)
    factories.route(second, to=line.extension)
    assert intake.release(event)
    drain_events()
    assert inbound() == ["Hello", "Hello"]


def test_a_refused_request_can_never_be_released(line: CallerID) -> None:
    trunk = line.did.trunk
    forged = fakes.unsigned(trunk, fakes.pack(fakes.text(line.did.number)))
    with pytest.raises(WebhookRefused):
        intake.accept(trunk, forged, None)
    event = ProviderEvent.objects.get()
    assert event.reason == Reason.REFUSED
    assert not intake.release(event)
    drain_events()
    assert inbound() == []
    assert RefusedCount.objects.get().count == 1


def poison(event: ProviderEvent) -> None:
    """Make an event fail for another reason than its body: its provider is gone."""
    other = factories.TrunkFactory(tenant=event.tenant)
    Trunk.objects.filter(pk=other.pk).update(provider="vanished")
    ProviderEvent.objects.filter(pk=event.pk).update(trunk=other)


def test_an_event_that_fails_is_put_off_and_does_not_stop_its_batch(line: CallerID) -> None:
    trunk, number = line.did.trunk, line.did.number
    store(trunk, fakes.text(number, "one"))
    bad = store(trunk, fakes.text(number, "bad"))
    store(trunk, fakes.text(number, "two"))
    poison(bad)
    drain_events()
    assert inbound() == ["one", "two"]
    assert verdict(bad) == (EventState.DUE, Reason.FAILING)
    assert bad.tries == 1
    assert bad.due_at > bad.received_at
    assert "vanished" in bad.detail


def test_an_event_that_fails_again_and_again_ends_in_quarantine_and_can_be_released(
    line: CallerID,
) -> None:
    bad = store(line.did.trunk, fakes.text(line.did.number))
    poison(bad)
    with time_machine.travel(bad.received_at, tick=False) as clock:
        for _try in range(intake.MAX_TRIES):
            clock.shift(301)
            drain_events()
        assert verdict(bad) == (EventState.QUARANTINED, Reason.FAILING)
        ProviderEvent.objects.filter(pk=bad.pk).update(trunk=line.did.trunk)
        assert intake.release(bad)
        drain_events()
    assert verdict(bad) == (EventState.DONE, "")
    assert inbound() == ["Hello"]


@pytest.mark.django_db(transaction=True)
def test_a_drain_leaves_to_others_what_they_hold(line: CallerID) -> None:
    event = store(line.did.trunk, fakes.text(line.did.number))
    with transaction.atomic():
        ProviderEvent.objects.select_for_update().get(pk=event.pk)
        assert at_once(lambda: intake.drain(SimpleQueue())) == [False]
    drain_events()
    assert inbound() == ["Hello"]


def test_an_event_is_processed_once_when_it_was_done_meanwhile(line: CallerID) -> None:
    event = store(line.did.trunk, fakes.text(line.did.number))
    assert intake.process([event.pk]) == 1
    assert intake.process([event.pk]) == 0


def test_a_credential_that_is_gone_puts_the_event_off(line: CallerID) -> None:
    event = store(line.did.trunk, fakes.text(line.did.number))
    line.did.trunk.credentials = {}
    line.did.trunk.save()
    drain_events()
    assert verdict(event) == (EventState.DUE, Reason.FAILING)
    assert "secret" in event.detail


def test_a_batch_needs_few_queries_for_each_of_its_events(
    line: CallerID, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    trunk = line.did.trunk
    events = [
        store(trunk, fakes.text(line.did.number, sender=f"+1617555{n:04d}")) for n in range(30)
    ]
    ids = [event.pk for event in events]
    # Per text: its DID, is it known, conversation, message, the row as stored, its thread.
    with django_assert_max_num_queries(10 + 6 * len(ids)):
        assert intake.process(ids) == len(ids)


def test_rules_and_hours_are_read_once_for_a_batch(
    line: CallerID, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(50):
        factories.route(factories.DIDFactory(trunk=line.did.trunk), to=line.extension, order=number)
    ids = [store(line.did.trunk, fakes.text(line.did.number)).pk for _each in range(10)]
    with django_assert_max_num_queries(10 + 6 * len(ids)):
        intake.process(ids)
