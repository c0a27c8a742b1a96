"""The counts of each day are exact, also when receipts, events and purges come late."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from portal.models import Tenant
from sms import counting, sweep
from sms.models import Conversation, CountBlock, DayCount, Message, State
from tests import factories

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TODAY = NOON.date()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def thread(clock: time_machine.Traveller) -> Conversation:
    del clock
    made: Conversation = factories.ConversationFactory()
    return made


def text(thread: Conversation, **fields: object) -> Message:
    made: Message = factories.MessageFactory(
        conversation=thread, **{"state": State.SENT, "created_at": timezone.now(), **fields}
    )
    return made


def counted(**filters: object) -> dict[str, int]:
    """Return how many messages of each state there are, after every block was counted again."""
    CountBlock.objects.update(counted_at=None)
    counting.count()
    found: dict[str, int] = {}
    for state, n in DayCount.objects.filter(**filters).values_list("state", "count"):
        found[state] = found.get(state, 0) + n
    return found


def test_a_message_belongs_to_the_day_that_its_tenant_had(thread: Conversation) -> None:
    text(thread, created_at=datetime(2026, 3, 2, 3, tzinfo=UTC))

    counted()

    row = DayCount.objects.get()
    assert (row.day, row.utc_day) == (date(2026, 3, 1), date(2026, 3, 2))
    assert (row.tenant_id, row.trunk_id) == (thread.tenant_id, thread.trunk_id)
    assert (row.direction, row.state, row.count) == ("outbound", "sent", 1)


def test_a_late_receipt_moves_a_message_to_another_state_and_counts_it_once(
    thread: Conversation,
) -> None:
    first, _second = text(thread), text(thread)
    assert counted() == {"sent": 2}

    Message.objects.filter(pk=first.pk).move(State.DELIVERED)

    assert counted() == {"sent": 1, "delivered": 1}
    assert DayCount.objects.count() == 2


def test_why_a_text_failed_is_kept_in_words_and_a_code_of_a_retry_is_not(
    thread: Conversation,
) -> None:
    text(thread, state=State.FAILED, error_code="30034", error="Not registered")
    text(thread, state=State.QUEUED, error_code="429", error="Told to wait")

    counted()

    codes = dict(DayCount.objects.values_list("state", "error_code"))
    assert codes == {"failed": "30034", "queued": ""}
    assert DayCount.objects.get(state="failed").error == "Not registered"


def test_a_new_day_begins_a_new_block_and_doubles_nothing(
    thread: Conversation, clock: time_machine.Traveller
) -> None:
    early = text(thread)
    assert counted() == {"sent": 1}
    clock.shift(timedelta(days=1))
    assert counted() == {"sent": 1}

    text(thread)
    Message.objects.filter(pk=early.pk).move(State.DELIVERED)

    assert counted(utc_day=TODAY) == {"delivered": 1}
    assert counted(utc_day=TODAY + timedelta(days=1)) == {"sent": 1}
    assert CountBlock.objects.count() == 2


def test_what_was_received_days_before_it_was_processed_counts_on_its_own_day(
    thread: Conversation, clock: time_machine.Traveller
) -> None:
    text(thread)
    counted()
    clock.shift(timedelta(days=3))
    counted()

    text(thread, inbound=True, state=State.RECEIVED, created_at=NOON)

    assert counted(utc_day=TODAY) == {"sent": 1, "received": 1}


def test_a_purge_does_not_change_what_was_counted(
    thread: Conversation, clock: time_machine.Traveller
) -> None:
    gone, stays = text(thread), text(thread)
    counted()
    clock.shift(timedelta(days=2))
    Message.objects.filter(pk=gone.pk).delete()

    assert counted(utc_day=TODAY) == {"sent": 2}

    Message.objects.filter(pk=stays.pk).delete()
    text(thread)

    assert counted(utc_day=TODAY) == {"sent": 2}
    assert counted() == {"sent": 3}


def test_the_purge_of_one_tenant_does_not_stop_the_counts_of_another(thread: Conversation) -> None:
    gone, other = text(thread), text(factories.ConversationFactory())
    counted()

    gone.delete()
    Message.objects.filter(pk=other.pk).move(State.DELIVERED)

    assert counted(tenant=thread.tenant) == {"sent": 1}
    assert counted(tenant=other.tenant) == {"delivered": 1}


def test_days_follow_the_tenant_into_another_time_zone(thread: Conversation) -> None:
    text(thread, created_at=datetime(2026, 3, 2, 3, tzinfo=UTC))
    counted()

    Tenant.objects.update(timezone="Asia/Tokyo")

    assert counted() == {"sent": 1}
    assert DayCount.objects.get().day == date(2026, 3, 2)


def count_of(block: CountBlock) -> datetime | None:
    """Return when a block was counted last, after a round of counting."""
    counting.count()
    block.refresh_from_db()
    return block.counted_at


def test_an_older_block_is_counted_less_often_and_at_last_no_more(
    thread: Conversation, clock: time_machine.Traveller
) -> None:
    text(thread)
    counting.count()
    block = CountBlock.objects.get()
    clock.shift(timedelta(days=1))
    counting.count()
    clock.shift(timedelta(days=1))
    looked = count_of(block)

    clock.shift(timedelta(minutes=50))
    assert count_of(block) == looked
    clock.shift(timedelta(minutes=30))
    assert count_of(block) == timezone.now()

    text(thread)
    clock.shift(counting.FINAL)
    looked = count_of(block)
    clock.shift(timedelta(days=30))
    text(thread)
    assert count_of(block) == looked


def test_counting_takes_only_a_part_of_the_time_however_long_it_takes(
    thread: Conversation, clock: time_machine.Traveller
) -> None:
    text(thread)
    counting.count()
    CountBlock.objects.update(seconds=4)
    block = CountBlock.objects.get()
    looked = block.counted_at

    clock.shift(timedelta(minutes=1))
    assert count_of(block) == looked
    clock.shift(timedelta(minutes=3))
    assert count_of(block) == timezone.now()


def test_a_clock_that_was_set_back_does_not_stop_the_counting(thread: Conversation) -> None:
    text(thread)
    counting.count()
    CountBlock.objects.update(counted_at=timezone.now() + timedelta(days=300))
    assert count_of(CountBlock.objects.get()) == timezone.now()


def test_the_sweep_counts_once_a_minute(
    thread: Conversation, clock: time_machine.Traveller
) -> None:
    text(thread)
    sweep.sweep()
    text(thread)
    clock.shift(timedelta(seconds=50))
    sweep.sweep()
    assert DayCount.objects.get().count == 1
    clock.shift(timedelta(seconds=10))
    sweep.sweep()
    assert DayCount.objects.get().count == 2


def test_an_empty_installation_is_counted_too(clock: time_machine.Traveller) -> None:
    del clock
    assert counted() == {}
    assert counting.counted_at() == NOON
