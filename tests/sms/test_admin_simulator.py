"""Where does a text go: the page gives the answer of the flow, and why every rule fits or not."""

import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.models import DID, Extension, Group, InboundRule, Tenant, User
from sms import routing
from sms.models import Message, ProviderEvent
from tests import factories
from tests.estate import person, signed_in, system_administrator

pytestmark = pytest.mark.django_db

PAGE = "/admin/simulator/"
ASKED = {"sender": "+1 617 555 0188", "did": "12025550100", "moment": "2026-03-02T12:00"}


@pytest.fixture
def tenant() -> Tenant:
    tenant: Tenant = factories.TenantFactory()
    return tenant


@pytest.fixture
def did(tenant: Tenant) -> DID:
    made: DID = factories.DIDFactory(tenant=tenant, number="+12025550100")
    return made


@pytest.fixture
def desk(tenant: Tenant) -> Extension:
    made: Extension = factories.ExtensionFactory(tenant=tenant, number="1001", name="Front desk")
    return made


@pytest.fixture
def boss(tenant: Tenant) -> Client:
    return signed_in(person(tenant, "boss", User.Role.ADMIN))


def answer(client: Client, **asked: str) -> Any:
    """Ask, and return the one answer."""
    [found] = client.get(PAGE, ASKED | asked).context["answers"]
    return found


def week(tenant: Tenant) -> None:
    """Open the office on Mondays from nine to five, and close it at Christmas."""
    schedule = factories.ScheduleFactory(tenant=tenant)
    factories.OfficeHoursFactory(schedule=schedule)
    factories.HolidayFactory(schedule=schedule)


def test_the_extension_and_the_reason_are_told(
    boss: Client, tenant: Tenant, did: DID, desk: Extension
) -> None:
    week(tenant)
    factories.route(did, to=desk, name="main", caller_mask="0016175550***")

    found = answer(boss)

    assert found.arrives
    assert found.title == "It goes to extension 1001 Front desk."
    assert found.because == "rule main: office hours, Monday 09:00-17:00"
    assert "its caller mask 0016175550*** lets this sender through" in found.verdicts[0].words
    assert not Message.objects.exists()
    assert not ProviderEvent.objects.exists()


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-03-02T09:00", ("1001", "office hours, Monday 09:00-17:00")),
        ("2026-03-02T17:00", ("1002", "outside office hours, Monday 09:00-17:00")),
        ("2026-03-03T12:00", ("1002", "outside office hours, closed all day")),
        ("2026-12-25T12:00", ("1003", "holiday Christmas")),
    ],
)
def test_the_time_is_the_tenants(
    boss: Client, tenant: Tenant, did: DID, desk: Extension, moment: str, expected: tuple[str, str]
) -> None:
    week(tenant)
    night, rest = (factories.ExtensionFactory(tenant=tenant, number=n) for n in ("1002", "1003"))
    factories.route(did, to=desk, outside=night, holidays=rest, name="main")

    found = answer(boss, moment=moment)

    number, because = expected
    assert f"extension {number} " in found.title
    assert found.because == f"rule main: {because}"


def test_without_a_time_it_is_now(boss: Client, tenant: Tenant, did: DID, desk: Extension) -> None:
    week(tenant)
    factories.route(did, to=desk, outside="", name="main")
    monday = datetime.datetime(2026, 3, 2, 16, 59, tzinfo=ZoneInfo("America/New_York"))

    with time_machine.travel(monday, tick=False):
        assert answer(boss, moment="").arrives
        assert b'value="2026-03-02T16:59"' in boss.get(PAGE).content
    with time_machine.travel(monday + datetime.timedelta(minutes=1), tick=False):
        assert not answer(boss, moment="").arrives


def test_every_rule_says_why_it_is_not_the_one(boss: Client, did: DID, desk: Extension) -> None:
    other = factories.DIDFactory(trunk=did.trunk, number="+12025550101")
    factories.route(did, to=desk, name="asleep", enabled=False)
    factories.route(did, to=desk, name="british", caller_mask="0044**********")
    factories.route(other, to=desk, name="elsewhere")
    factories.route(did, to=desk, name="main")
    factories.route(did, to=desk, name="late")

    found = answer(boss)

    assert [(one.rule.name, one.words, one.decides) for one in found.verdicts] == [
        ("asleep", "It is switched off.", False),
        (
            "british",
            "Its caller mask 0044********** does not let this sender through.",
            False,
        ),
        ("main", "It covers the DID, and is for every sender. It decides.", True),
        ("late", "It would match, but main comes first.", False),
    ]
    assert [(one.rule.name, one.words) for one in found.others] == [
        ("elsewhere", "It is for other DIDs.")
    ]


@pytest.mark.parametrize("sender", ["+16175550188", "+442071234567", "22000", "ALDERCO"])
def test_the_page_and_the_flow_choose_the_same_rule(
    boss: Client, did: DID, desk: Extension, sender: str
) -> None:
    for mask in ("alderco", "20000-30000", "0044**********", ""):
        factories.route(did, to=desk, name=f"for {mask}", caller_mask=mask)
    decision = routing.decide(
        rules=list(InboundRule.objects.all()),
        did=did.number,
        sender=sender,
        moment=datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC),
        office=None,
    )

    found = answer(boss, sender=sender)

    assert [one.rule for one in found.verdicts if one.decides] == [decision.rule]


def test_what_reaches_nobody_says_why(boss: Client, did: DID, desk: Extension) -> None:
    assert "no enabled rule matches" in answer(boss).because
    factories.route(did, to=desk, name="main")
    desk.enabled = False
    desk.save()
    assert "extension 1001" in answer(boss).because
    did.trunk.enabled = False
    did.trunk.save()
    assert "switched off" in answer(boss).because
    assert not answer(boss).arrives


def test_a_group_names_who_is_asked_or_that_nobody_is_there(
    boss: Client, tenant: Tenant, did: DID, desk: Extension
) -> None:
    group: Group = factories.GroupFactory(tenant=tenant, number="8000", name="Support")
    factories.route(did, to=group, name="main")
    assert "where nobody is available" in answer(boss).title

    factories.GroupMemberFactory(group=group, extension=desk)

    assert "is given to 1001 Front desk" in answer(boss).title


def test_a_number_on_two_trunks_has_two_answers(
    boss: Client, tenant: Tenant, did: DID, desk: Extension
) -> None:
    factories.route(did, to=desk)
    factories.DIDFactory(tenant=tenant, number=did.number)

    found = boss.get(PAGE, ASKED).context["answers"]

    assert sorted(one.arrives for one in found) == [False, True]


@pytest.mark.usefixtures("did")
@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("did", "12025550199", "12025550199 is not one of your DIDs."),
        ("did", "hello", "hello is not one of your DIDs."),
        ("sender", "12", "12 is not a phone number."),
        ("sender", "", "This field is required."),
        ("moment", "yesterday", "Enter a valid date/time."),
    ],
)
def test_what_cannot_be_asked_is_explained(
    boss: Client, field: str, value: str, words: str
) -> None:
    response = boss.get(PAGE, ASKED | {field: value})

    assert response.context["form"].errors[field] == [words]
    assert "answers" not in response.context


def test_a_foreign_did_is_as_unknown_as_one_that_nobody_has(boss: Client) -> None:
    foreign = factories.line(name="Stranger")

    response = boss.get(PAGE, ASKED | {"did": foreign.did.number})
    chosen = boss.get(PAGE, ASKED | {"tenant": str(foreign.tenant.pk), "did": foreign.did.number})

    for one in (response, chosen):
        assert "is not one of your DIDs" in one.content.decode()
        assert "Stranger" not in one.content.decode()
    assert foreign.did.number not in boss.get(PAGE).content.decode()


def test_an_auditor_asks_too_and_an_extension_user_does_not(
    tenant: Tenant, did: DID, desk: Extension
) -> None:
    factories.route(did, to=desk, name="main")
    auditor = signed_in(person(tenant, "auditor", User.Role.AUDITOR))
    user = signed_in(person(tenant, "user", User.Role.EXTENSION))

    text = auditor.get(PAGE, ASKED).content.decode()

    assert "It goes to extension 1001 Front desk." in text
    assert "/admin/portal/inboundrule/" not in text
    assert PAGE in auditor.get("/admin/").content.decode()
    assert user.get(PAGE).status_code == 302


def test_a_system_administrator_picks_the_tenant(did: DID, desk: Extension, tenant: Tenant) -> None:
    factories.route(did, to=desk, name="main")
    root = signed_in(system_administrator())

    assert f"?tenant={tenant.pk}" in root.get(PAGE).content.decode()
    assert answer(root, tenant=str(tenant.pk)).arrives


def test_more_rules_take_no_more_queries(boss: Client, did: DID, desk: Extension) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            answer(boss)
        return len(seen)

    factories.route(did, to=desk, name="main")
    answer(boss)
    few = queries()
    for n in range(5):
        factories.route(did, to=desk, name=f"more {n}")
    answer(boss)  # the memory forgets when something changed

    assert queries() == few
