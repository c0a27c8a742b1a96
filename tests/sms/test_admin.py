"""The traffic in the admin: the log, the quarantine, opt-outs."""

import pytest
from django.test import Client
from django.utils import timezone

from portal.models import AuditEntry, Tenant, User
from sms.models import Attempt, OptOut, ProviderEvent, State, transition
from tests import factories
from tests.estate import person, signed_in, system_administrator

pytestmark = pytest.mark.django_db

EVENTS = "/admin/sms/providerevent/"


@pytest.fixture
def tenant() -> Tenant:
    tenant: Tenant = factories.TenantFactory()
    return tenant


@pytest.fixture
def boss(tenant: Tenant) -> Client:
    return signed_in(person(tenant, "boss", User.Role.ADMIN))


def event(tenant: Tenant | None, **fields: object) -> ProviderEvent:
    owner = fields.pop("trunk_tenant", tenant)
    made: ProviderEvent = factories.ProviderEventFactory(
        trunk=factories.TrunkFactory(tenant=owner),
        tenant=tenant,
        **{"state": "quarantined", "reason": "no_rule", **fields},
    )
    return made


def test_the_quarantine_is_what_one_sees_first(boss: Client, tenant: Tenant) -> None:
    event(tenant)
    event(tenant, state="done", reason="")

    assert boss.get(EVENTS).context["cl"].result_count == 1
    assert boss.get(EVENTS, {"state": "all"}).context["cl"].result_count == 2
    assert boss.get(EVENTS, {"state": "done"}).context["cl"].result_count == 1


def test_a_released_event_is_due_again(boss: Client, tenant: Tenant) -> None:
    held = event(tenant)

    boss.post(f"{EVENTS}{held.pk}/do/release/")

    held.refresh_from_db()
    assert held.state == ProviderEvent.State.DUE
    assert AuditEntry.objects.filter(action="released", tenant=tenant).exists()


def test_several_events_are_released_at_once_and_refused_ones_stay(
    boss: Client, tenant: Tenant
) -> None:
    held, refused = event(tenant), event(tenant, reason="refused")

    boss.post(EVENTS, {"action": "release_selected", "_selected_action": [held.pk, refused.pk]})

    held.refresh_from_db()
    refused.refresh_from_db()
    assert (held.state, refused.state) == ("due", "quarantined")


def test_an_auditor_looks_at_the_quarantine_and_releases_nothing(tenant: Tenant) -> None:
    auditor = signed_in(person(tenant, "aud", User.Role.AUDITOR))
    held = event(tenant)

    assert b"Process again" not in auditor.get(f"{EVENTS}{held.pk}/change/").content
    assert auditor.post(f"{EVENTS}{held.pk}/do/release/").status_code == 403
    auditor.post(EVENTS, {"action": "release_selected", "_selected_action": held.pk})
    held.refresh_from_db()
    assert held.state == "quarantined"


def test_a_body_is_shown_as_text_and_not_without_end(boss: Client, tenant: Tenant) -> None:
    body = b"<script>alert(1)</script>\xff" + b"x" * 50_000
    held = event(tenant, body=body, headers={"x-evil": "<b>bold</b>"})

    text = boss.get(f"{EVENTS}{held.pk}/change/").content.decode()

    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert(1)" not in text
    assert "x-evil: &lt;b&gt;" in text
    assert "50026 bytes in all" in text
    assert len(text) < 100_000


def test_a_shared_trunks_request_is_shown_to_the_system_only(boss: Client, tenant: Tenant) -> None:
    held = event(tenant, trunk_tenant=None, body=b"+15550001 of somebody", detail="somebody")
    repeated = event(tenant, trunk_tenant=None, reason="repeated")

    mine = boss.get(f"{EVENTS}{held.pk}/change/").content.decode()
    root = signed_in(system_administrator()).get(f"{EVENTS}{held.pk}/change/").content.decode()

    assert "somebody" not in mine
    assert "only the system administrator sees it" in mine
    assert "+15550001 of somebody" in root
    assert boss.post(f"{EVENTS}{repeated.pk}/do/release/").status_code == 403
    assert boss.get(EVENTS, {"q": "somebody"}).context["cl"].result_count == 0


def test_an_event_without_an_owner_is_the_systems(boss: Client) -> None:
    held = event(None, trunk_tenant=None)

    assert boss.get(f"{EVENTS}{held.pk}/change/").status_code == 302
    root = signed_in(system_administrator())
    assert root.get(EVENTS).context["cl"].result_count == 1


def test_a_message_shows_its_whole_course(boss: Client, tenant: Tenant) -> None:
    history = [transition(State.QUEUED), transition(State.FAILED, note="no such number")]
    message = factories.MessageFactory(
        tenant=tenant, history=history, error="The number does not exist.", state=State.FAILED
    )
    factories.MediaFileFactory(message=message, name="plan.pdf")
    now = timezone.now()
    Attempt.objects.create(
        tenant=tenant, message=message, trunk=message.trunk, started_at=now, ended_at=now,
        outcome="rejected", code="21211", request="POST /Messages", response="400 <bad>",
    )  # fmt: skip

    text = boss.get(f"/admin/sms/message/{message.pk}/change/").content.decode()

    for part in ("no such number", "The number does not exist.", "21211", "plan.pdf"):
        assert part in text
    assert "POST /Messages" in text
    assert "400 &lt;bad&gt;" in text


def test_an_exchange_over_a_shared_trunk_is_kept_from_tenants(boss: Client, tenant: Tenant) -> None:
    shared = factories.TrunkFactory(tenant=None)
    message = factories.MessageFactory(
        conversation=factories.ConversationFactory(
            did=factories.DIDFactory(tenant=tenant, trunk=shared)
        )
    )
    now = timezone.now()
    attempt = Attempt.objects.create(
        tenant=tenant, message=message, trunk=shared, started_at=now, ended_at=now,
        outcome="accepted", request="POST /Accounts/AC123",
    )  # fmt: skip

    for address in (f"message/{message.pk}", f"attempt/{attempt.pk}"):
        assert b"AC123" not in boss.get(f"/admin/sms/{address}/change/").content


def test_an_opt_out_is_entered_with_numbers_as_typed(boss: Client, tenant: Tenant) -> None:
    data = {"remote": "(617) 555-0188", "our_number": "", "words": "by phone"}

    boss.post("/admin/sms/optout/add/", data)

    entered = OptOut.objects.get()
    assert (entered.tenant, entered.remote, entered.our_number) == (tenant, "+16175550188", "")
    again = boss.post("/admin/sms/optout/add/", data)
    assert b"recorded already" in again.content
    wrong = boss.post("/admin/sms/optout/add/", data | {"remote": "nobody"})
    assert b"nobody is not a phone number." in wrong.content


def test_an_opt_out_is_lifted_after_a_question_and_stays_on_record(
    boss: Client, tenant: Tenant
) -> None:
    entered = OptOut.objects.create(tenant=tenant, remote="+16175550188")
    address = f"/admin/sms/optout/{entered.pk}/do/lift/"

    assert b"asked for texts again" in boss.get(address).content
    boss.post(address)

    entered.refresh_from_db()
    assert entered.lifted_at is not None
    assert boss.post(f"/admin/sms/optout/{entered.pk}/delete/", {"post": "yes"}).status_code == 403
    assert AuditEntry.objects.filter(action="lifted").exists()
