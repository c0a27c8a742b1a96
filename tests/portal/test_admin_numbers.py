"""DIDs and inbound rules in the admin: pools in, a dial plan out."""

import pytest
from django.test import Client

from portal.models import DID, AuditEntry, Destination, InboundRule, Tenant, Trunk
from tests import factories
from tests.estate import signed_in, system_administrator

pytestmark = pytest.mark.django_db

POOL = "/admin/portal/did/add/"
RULE = "/admin/portal/inboundrule/add/"


@pytest.fixture
def trunk(tenant: Tenant) -> Trunk:
    trunk: Trunk = factories.QuestBlueTrunkFactory(tenant=tenant)
    return trunk


def pool(trunk: Trunk, text: str) -> dict[str, str]:
    return {"trunk": str(trunk.pk), "pool": text, "sms": "on", "_save": ""}


def test_a_pool_is_added_with_every_number_in_it(boss: Client, trunk: Trunk) -> None:
    boss.post(POOL, pool(trunk, "12125550100-12125550104; +1 212 555 0110"))

    numbers = DID.objects.filter(tenant=trunk.tenant).values_list("number", flat=True)
    assert list(numbers) == [*(f"+1212555010{n}" for n in range(5)), "+12125550110"]
    assert AuditEntry.objects.filter(action="added").count() == 6


def test_counting_first_adds_nothing(boss: Client, trunk: Trunk) -> None:
    factories.DIDFactory(trunk=trunk, number="+12125550101")

    text = boss.post(
        POOL, {**pool(trunk, "12125550100-12125550119"), "_preview": ""}
    ).content.decode()

    assert "+1 212-555-0100 - +1 212-555-0119: 20 in all" in text
    assert "1 of them there already" in text
    assert DID.objects.count() == 1


def test_numbers_that_are_there_already_are_left_alone(boss: Client, trunk: Trunk) -> None:
    kept = factories.DIDFactory(trunk=trunk, number="+12125550101", label="kept")

    text = boss.post(POOL, pool(trunk, "12125550100-12125550102"), follow=True).content.decode()

    kept.refresh_from_db()
    assert kept.label == "kept"
    assert "2 DIDs were added. 1 were there already." in text


def test_a_part_that_cannot_be_read_is_named(boss: Client, trunk: Trunk) -> None:
    text = boss.post(POOL, pool(trunk, "12125550100;hello;12125550102")).content.decode()

    assert "hello is not a number." in text
    assert not DID.objects.exists()


def test_a_number_of_another_tenant_is_taken_and_nothing_is_added(
    boss: Client, trunk: Trunk
) -> None:
    factories.DIDFactory(
        trunk=factories.QuestBlueTrunkFactory(tenant=factories.TenantFactory(name="Otherco")),
        number="+12125550103",
    )

    text = boss.post(POOL, pool(trunk, "12125550100-12125550105")).content.decode()

    assert "+1 212-555-0103: This number is taken." in text
    assert "Otherco" not in text
    assert not DID.objects.filter(trunk=trunk).exists()


def test_a_system_administrator_gives_numbers_on_a_shared_trunk(
    boss: Client, tenant: Tenant
) -> None:
    shared = factories.TrunkFactory(tenant=None)
    root = signed_in(system_administrator())
    assert boss.post(POOL, pool(shared, "12125550100")).status_code == 200
    assert not DID.objects.exists()

    root.post(f"{POOL}?tenant={tenant.pk}", pool(shared, "12125550100"))

    did = DID.objects.get()
    assert did.tenant == tenant
    address = f"/admin/portal/did/{did.pk}/delete/"
    assert boss.post(address, {"post": "yes"}).status_code == 403
    boss.post(
        "/admin/portal/did/",
        {"action": "delete_selected", "_selected_action": did.pk, "post": "yes"},
    )
    assert DID.objects.exists()
    root.post(address, {"post": "yes"})
    assert not DID.objects.exists()


def test_number_and_trunk_of_a_did_never_change(boss: Client, trunk: Trunk) -> None:
    did = factories.DIDFactory(trunk=trunk, number="+12125550100")
    other = factories.TrunkFactory(tenant=trunk.tenant)

    boss.post(
        f"/admin/portal/did/{did.pk}/change/",
        {"number": "+12125550199", "trunk": other.pk, "label": "Front", "sms": "on"},
    )

    did.refresh_from_db()
    assert (did.number, did.trunk, did.label) == ("+12125550100", trunk, "Front")


def test_removing_a_did_shows_who_uses_it(boss: Client, tenant: Tenant) -> None:
    line = factories.line(tenant=tenant)
    rule = InboundRule.objects.get()

    text = boss.get(f"/admin/portal/did/{line.did.pk}/delete/").content.decode()

    assert "Caller ID" in text
    assert str(line.description) in text
    assert f"Inbound rule {rule.name} covers it" in text


def rule(trunk: Trunk, **fields: str) -> dict[str, str]:
    return {
        "name": "Main",
        "trunk": str(trunk.pk),
        "dids": "12125550100",
        "office": "1001",
        "enabled": "on",
        "order": "10",
        **fields,
    }


def errors(response: object) -> dict[str, list[str]]:
    found: dict[str, list[str]] = response.context["adminform"].form.errors  # type: ignore[attr-defined] # the test client adds it
    return found


@pytest.fixture
def plan(trunk: Trunk) -> Trunk:
    """Ten numbers, extensions 1001 to 1003 and the group 8000."""
    for n in range(10):
        factories.DIDFactory(trunk=trunk, number=f"+1212555010{n}")
    for number in ("1001", "1002", "1003"):
        factories.ExtensionFactory(tenant=trunk.tenant, number=number)
    factories.GroupFactory(tenant=trunk.tenant, number="8000")
    return trunk


def test_a_rule_is_written_in_numbers(boss: Client, plan: Trunk) -> None:
    boss.post(RULE, rule(plan, outside="8000", holiday="unrouted", caller_mask="0044**********"))

    made = InboundRule.objects.get()
    assert (made.did_first, made.did_last) == ("+12125550100", "+12125550100")
    kinds = {one.when: one.kind for one in made.destinations.all()}
    assert kinds == {"office": "extension", "outside": "group", "holiday": "unrouted"}
    assert made.destinations.get(when="office").extension.number == "1001"  # type: ignore[union-attr] # just asserted
    text = boss.get(f"/admin/portal/inboundrule/{made.pk}/change/").content.decode()
    assert 'value="8000"' in text
    assert '<option value="1003">' in text


def test_an_emptied_time_follows_office_hours_again(boss: Client, plan: Trunk) -> None:
    boss.post(RULE, rule(plan, outside="8000"))
    made = InboundRule.objects.get()

    boss.post(f"/admin/portal/inboundrule/{made.pk}/change/", rule(plan, office="1002"))

    assert [str(one) for one in made.destinations.all()] == [
        str(Destination.objects.get(when="office"))
    ]
    assert made.destinations.get().extension.number == "1002"  # type: ignore[union-attr] # just asserted
    entry = AuditEntry.objects.get(action="changed")
    assert entry.detail["changed"] == {"office": ["1001", "1002"], "outside": ["8000", ""]}


def test_a_range_leads_to_a_range_of_the_same_length(boss: Client, plan: Trunk) -> None:
    response = boss.post(
        RULE, rule(plan, dids="12125550100-12125550103", office="1001-1004"), follow=True
    )

    made = InboundRule.objects.get()
    assert made.destinations.get().range_first == "1001"
    assert "do not exist yet" in response.content.decode()
    assert "1004" in response.content.decode()
    text = boss.get(f"/admin/portal/inboundrule/{made.pk}/change/").content.decode()
    assert 'value="1001-1004"' in text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("office", "1009", "no extension or group 1009"),
        ("office", "1001-1003", "The range has 3 extensions, but there are 1 DIDs."),
        ("office", "reception", "Write an extension"),
        ("outside", "1003-1001", "The range has 0 extensions"),
        ("dids", "12125550199", "+1 212-555-0199 is not one of your DIDs on this trunk."),
        ("dids", "12125550100-99999999999", "is not one of your DIDs"),
        ("dids", "x", "x is not a number."),
        ("caller_mask", "10-2", "same number of digits"),
    ],
)
def test_what_cannot_be_is_explained(
    boss: Client, plan: Trunk, field: str, value: str, words: str
) -> None:
    response = boss.post(RULE, rule(plan, **{field: value}))

    assert words in errors(response)[field][0]
    assert not InboundRule.objects.exists()


def test_a_rules_number_must_be_on_its_own_trunk(boss: Client, plan: Trunk) -> None:
    other = factories.TrunkFactory(tenant=plan.tenant)

    response = boss.post(RULE, rule(other))

    assert "not one of your DIDs" in errors(response)["dids"][0]


def test_another_tenants_extension_is_nobody(boss: Client, plan: Trunk) -> None:
    factories.ExtensionFactory(number="7777")

    assert (
        "no extension or group 7777"
        in errors(boss.post(RULE, rule(plan, office="7777")))["office"][0]
    )


def test_two_rules_do_not_share_a_name(boss: Client, plan: Trunk) -> None:
    boss.post(RULE, rule(plan))

    response = boss.post(RULE, rule(plan))

    assert "There is a rule of this name already." in response.content.decode()


def test_the_set_webhook_button_is_there_where_the_provider_can(
    boss: Client, tenant: Tenant
) -> None:
    sandbox = factories.DIDFactory(trunk=factories.TrunkFactory(tenant=tenant))
    able = factories.DIDFactory(trunk=factories.QuestBlueTrunkFactory(tenant=tenant))

    assert b"Set webhook" not in boss.get(f"/admin/portal/did/{sandbox.pk}/change/").content
    assert b"Set webhook" in boss.get(f"/admin/portal/did/{able.pk}/change/").content


def test_a_sender_id_on_a_shared_trunk_is_approved_by_the_system(
    boss: Client, tenant: Tenant
) -> None:
    shared = factories.TrunkFactory(
        tenant=None,
        provider="twilio",
        credentials={"account_sid": "AC" + "0" * 32, "auth_token": "t"},
    )
    factories.DIDFactory(tenant=tenant, trunk=shared)
    address = "/admin/portal/senderid/add/"

    boss.post(address, {"trunk": shared.pk, "word": "ALDER", "state": "approved"})

    word = tenant.sender_ids.get()
    assert word.state == "registered"
    root = signed_in(system_administrator())
    root.post(f"/admin/portal/senderid/{word.pk}/change/", {"word": "ALDER", "state": "approved"})
    word.refresh_from_db()
    assert word.state == "approved"
