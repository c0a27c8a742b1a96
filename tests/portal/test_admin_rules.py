"""Inbound rules in the admin: read while typing, warned of, moved and taken along as files."""

import csv
import json
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from portal import provisioning
from portal.models import AuditEntry, Extension, Group, InboundRule, Tenant, Trunk, User
from tests import factories
from tests.estate import person, signed_in, system_administrator

pytestmark = pytest.mark.django_db

LIST = "/admin/portal/inboundrule/"
READ = "/admin/portal/inboundrule/read/"


@pytest.fixture
def trunk(tenant: Tenant) -> Trunk:
    """Ten numbers, extensions 1001 and 1002 and the group 8000."""
    trunk: Trunk = factories.TrunkFactory(tenant=tenant, name="Main trunk")
    for n in range(10):
        factories.DIDFactory(trunk=trunk, number=f"+1212555010{n}")
    factories.ExtensionFactory(tenant=tenant, number="1001", name="Front desk")
    factories.ExtensionFactory(tenant=tenant, number="1002", name="Sales", enabled=False)
    factories.GroupFactory(tenant=tenant, number="8000", name="Support")
    return trunk


def typed(trunk: Trunk, **fields: str) -> dict[str, str]:
    return {
        "name": "Main",
        "trunk": str(trunk.pk),
        "dids": "12125550100",
        "office": "1001",
        "enabled": "on",
        "order": "10",
        **fields,
    }


def rule(trunk: Trunk, name: str, **more: Any) -> InboundRule:
    """Make a rule for the trunk's first DID that leads to 1001."""
    return factories.route(
        trunk.dids.order_by("number")[0],
        to=Extension.objects.get(tenant=trunk.tenant, number="1001"),
        name=name,
        **more,
    )


def names(tenant: Tenant) -> list[str]:
    return list(tenant.rules.values_list("name", flat=True))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("dids", "12125550100", "+1 212-555-0100"),
        (
            "dids",
            "12125550100-12125550109",
            "10 DIDs, +1 212-555-0100 to +1 212-555-0109",
        ),
        ("caller_mask", "", "Everybody who writes."),
        (
            "caller_mask",
            "0044**********;1000-2000;6000",
            "Only senders: 12 digits, beginning with 44; 1000 to 2000; 6000",
        ),
        ("office", "1001", "Extension 1001 Front desk."),
        ("office", "1002", "It is switched off: texts wait in quarantine."),
        ("office", "8000", "which has no members yet"),
        ("office", "unrouted", "kept in quarantine"),
        ("outside", "", "As in office hours: Extension 1001 Front desk."),
        ("holiday", "8000", "Group 8000 Support (ring group)"),
    ],
)
def test_what_is_typed_is_said_in_words(
    boss: Client, trunk: Trunk, field: str, value: str, words: str
) -> None:
    found = boss.post(READ, typed(trunk, **{field: value})).json()["fields"]

    assert words in found[field]["words"]
    assert not found[field]["wrong"]
    assert not InboundRule.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("dids", "12125550199", "Add it under DIDs first"),
        ("dids", "x", "x is not a number."),
        ("caller_mask", "10-2", "same number of digits"),
        ("office", "1009", "There is no extension or group 1009."),
        ("outside", "1001-1003", "The range has 3 extensions, but there are 1 DIDs."),
    ],
)
def test_what_cannot_be_is_said_while_typing(
    boss: Client, trunk: Trunk, field: str, value: str, words: str
) -> None:
    found = boss.post(READ, typed(trunk, **{field: value})).json()["fields"]

    assert words in found[field]["words"]
    assert found[field]["wrong"]


def test_a_field_that_nobody_filled_in_yet_is_not_complained_about(
    boss: Client, trunk: Trunk
) -> None:
    found = boss.post(READ, {"trunk": trunk.pk, "office": "1001"}).json()["fields"]

    assert "dids" not in found
    assert found["office"]["words"] == "Extension 1001 Front desk."


def test_a_range_says_which_of_its_extensions_are_missing(boss: Client, trunk: Trunk) -> None:
    fields = typed(trunk, dids="12125550100-12125550103", office="1001-1004")

    found = boss.post(READ, fields).json()["fields"]

    assert found["office"]["words"] == (
        "Extensions 1001 to 1004, one for each DID. Not there yet: 1003, 1004"
    )


def test_only_the_own_tenants_rules_and_people_are_read(
    boss: Client, tenant: Tenant, trunk: Trunk
) -> None:
    stranger = factories.ExtensionFactory(number="7777", name="Stranger")
    foreign = factories.route(
        factories.DIDFactory(tenant=stranger.tenant), to=stranger, name="foreign"
    )

    assert boss.post(f"{READ}?rule={foreign.pk}", typed(trunk)).status_code == 404
    text = boss.post(f"{READ}?tenant={stranger.tenant.pk}", typed(trunk, office="7777")).content
    assert b"Stranger" not in text
    auditor = signed_in(person(tenant, "auditor", User.Role.AUDITOR))
    assert auditor.post(READ, typed(trunk)).status_code == 403
    assert boss.get(READ).status_code == 403


def test_a_system_administrator_reads_for_the_chosen_tenant(trunk: Trunk) -> None:
    root = signed_in(system_administrator())

    assert root.post(READ, typed(trunk)).status_code == 404
    found = root.post(f"{READ}?tenant={trunk.tenant_id}", typed(trunk)).json()["fields"]

    assert found["office"]["words"] == "Extension 1001 Front desk."


def test_a_rule_that_can_never_match_says_so_in_the_list_and_on_its_page(
    boss: Client, trunk: Trunk
) -> None:
    rule(trunk, "All")
    late = rule(trunk, "Late", caller_mask="0044**********")

    text = boss.get(LIST).content.decode()
    page = boss.get(f"{LIST}{late.pk}/change/").content.decode()

    assert text.count("never matches") == 1
    assert "Every text that it is for is taken before by: All." in text
    assert "No text takes this rule." in page


def test_the_list_writes_a_range_with_both_its_ends(boss: Client, trunk: Trunk) -> None:
    last = trunk.dids.order_by("number")[3].number
    factories.route(trunk.dids.order_by("number")[0], to="1001", did_last=last)

    text = boss.get(LIST).content.decode()

    assert "office hours: 1001-1004" in text
    assert "do not exist yet, their texts will wait: 1003, 1004" in text


def test_saving_a_shadowed_rule_warns(boss: Client, trunk: Trunk) -> None:
    rule(trunk, "All", order=1)

    answer = boss.post(f"{LIST}add/", typed(trunk, name="Late"), follow=True)

    warnings = [str(message) for message in answer.context["messages"]]
    assert any(text.startswith("Late: Every text") for text in warnings)


def test_a_longer_list_of_rules_takes_no_more_queries(boss: Client, trunk: Trunk) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert boss.get(LIST).status_code == 200
        return len(seen)

    rule(trunk, "first", outside=Group.objects.get())
    boss.get(LIST)
    few = queries()
    for n in range(6):
        rule(trunk, f"more {n}", outside=Group.objects.get())

    assert queries() == few


def test_a_rule_is_moved_past_its_neighbour_and_it_is_noted(
    boss: Client, tenant: Tenant, trunk: Trunk
) -> None:
    one, two, three = (rule(trunk, name) for name in ("one", "two", "three"))

    boss.post(LIST, {"_move": f"{three.pk}:up"})
    assert names(tenant) == ["one", "three", "two"]
    boss.post(LIST, {"_move": f"{one.pk}:down"})
    assert names(tenant) == ["three", "one", "two"]
    boss.post(LIST, {"_move": f"{two.pk}:before:{three.pk}"})
    assert names(tenant) == ["two", "three", "one"]
    boss.post(LIST, {"_move": f"{two.pk}:after:{one.pk}"})
    assert names(tenant) == ["three", "one", "two"]

    moves = AuditEntry.objects.filter(action="moved").order_by("pk")
    assert [entry.detail["changed"]["place"] for entry in moves] == [[3, 2], [1, 2], [3, 1], [1, 3]]


@pytest.mark.parametrize("where", ["up", "before:0", "sideways", ""])
def test_a_move_to_nowhere_changes_nothing(boss: Client, trunk: Trunk, where: str) -> None:
    first = rule(trunk, "one", order=3)
    rule(trunk, "two", order=7)

    answer = boss.post(LIST, {"_move": f"{first.pk}:{where}"}, follow=True)

    assert "stays where it is" in answer.content.decode()
    assert list(InboundRule.objects.values_list("name", "order")) == [("one", 3), ("two", 7)]
    assert not AuditEntry.objects.exists()


def test_moving_up_passes_rules_of_other_trunks(boss: Client, tenant: Tenant, trunk: Trunk) -> None:
    rule(trunk, "one")
    other = factories.TrunkFactory(tenant=tenant)
    factories.route(factories.DIDFactory(trunk=other), to="", name="elsewhere")
    two = rule(trunk, "two")

    boss.post(LIST, {"_move": f"{two.pk}:up"})

    assert names(tenant) == ["two", "one", "elsewhere"]


def test_a_foreign_rule_is_not_moved(boss: Client, trunk: Trunk) -> None:
    own = rule(trunk, "own")
    foreign = factories.route(factories.DIDFactory(), to="", name="foreign", order=5)

    assert boss.post(LIST, {"_move": f"{foreign.pk}:down"}).status_code == 404
    boss.post(LIST, {"_move": f"{own.pk}:before:{foreign.pk}"})

    assert InboundRule.objects.get(name="foreign").order == 5
    assert not AuditEntry.objects.exists()


def export(client: Client, kind: str, *rules: InboundRule) -> str:
    answer = client.post(
        LIST, {"action": f"export_{kind}", "_selected_action": [one.pk for one in rules]}
    )
    assert "attachment" in answer["Content-Disposition"]
    return answer.content.decode()


def test_rules_leave_as_a_table_for_the_pbx(boss: Client, tenant: Tenant, trunk: Trunk) -> None:
    made = rule(
        trunk,
        "=cmd",
        caller_mask="+44**********",
        outside=Group.objects.get(),
    )

    lines = list(csv.DictReader(export(boss, "csv", made).splitlines()))

    assert lines == [
        {
            "tenant": tenant.slug,
            "name": "'=cmd",
            "trunk": "Main trunk",
            "did_first": "12125550100",
            "did_last": "12125550100",
            "caller_mask": "44**********",
            "enabled": "yes",
            "order": "100",
            "office_hours": "1001",
            "outside_office_hours": "8000",
            "holidays": "1001",
        }
    ]
    assert AuditEntry.objects.get(action="exported").tenant == tenant


def test_an_export_can_be_applied_again(boss: Client, tenant: Tenant, trunk: Trunk) -> None:
    own = factories.ScheduleFactory(tenant=tenant, is_default=False)
    factories.OfficeHoursFactory(schedule=own)
    rows = [
        rule(trunk, "plain", enabled=False),
        rule(trunk, "by time", outside="", holidays=Group.objects.get(), order=5),
        rule(trunk, "range", did_last="+12125550102", caller_mask="0044**********", schedule=own),
    ]
    rows[2].destinations.update(kind="range", extension=None, range_first="1001")

    text = export(boss, "json", *rows)
    book = provisioning.apply(text)

    assert [change for change in book.changes if change.verb != "unchanged"] == []
    InboundRule.objects.all().delete()
    own.delete()
    provisioning.apply(text)
    assert json.loads(export(boss, "json", *InboundRule.objects.all())) == json.loads(text)


def test_only_own_rules_are_exported(boss: Client, trunk: Trunk) -> None:
    foreign = factories.route(factories.DIDFactory(), to="", name="foreign")

    assert "foreign" not in export(boss, "json", rule(trunk, "own"), foreign)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_form_answers_while_somebody_types_and_rules_move_by_keyboard(
    browser: Browser, live_server: LiveServer, boss: Client, tenant: Tenant, trunk: Trunk
) -> None:
    for name in ("one", "two"):
        rule(trunk, name)
    context = browser.new_context(base_url=live_server.url)
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    session = boss.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
    )
    page = context.new_page()

    page.goto(f"{LIST}add/")
    page.get_by_label("In office hours").fill("1001")
    expect(page.locator("#id_office_read")).to_have_text("Extension 1001 Front desk.")
    page.get_by_label("In office hours").fill("1009")
    expect(page.locator("#id_office_read")).to_contain_text("There is no extension or group 1009.")

    page.goto(LIST)
    button = page.get_by_role("button", name="Ask two earlier")
    button.focus()
    button.press("Enter")
    expect(page.get_by_text("two is now rule number 1.")).to_be_visible()
    assert names(tenant) == ["two", "one"]

    handle = page.locator("[data-rule] > [draggable]")
    handle.nth(1).drag_to(page.locator("tr.data-row").nth(0), target_position={"x": 40, "y": 2})
    expect(page.get_by_text("one is now rule number 1.")).to_be_visible()
    assert names(tenant) == ["one", "two"]
    context.close()
    assert faults == []
