"""Numbers imported from the provider, and the address that it has for them."""

import pytest
import responses
from django.test import Client

from portal.models import DID, AuditEntry, Tenant, Trunk
from tests import factories
from tests.estate import signed_in, system_administrator

pytestmark = pytest.mark.django_db

LISTING = "https://api.twilio.com/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json"
SID = "AC" + "0123456789abcdef" * 2


@pytest.fixture
def trunk(tenant: Tenant) -> Trunk:
    made: Trunk = factories.TrunkFactory(
        tenant=tenant, provider="twilio", credentials={"account_sid": SID, "auth_token": "t0ken"}
    )
    return made


def listing(network: responses.RequestsMock, *numbers: str, status: int = 200) -> None:
    """Let the provider list these numbers; those that end in 9 can do no MMS."""
    rows = [
        {
            "phone_number": number,
            "friendly_name": f"Line {number[-2:]}",
            "capabilities": {"sms": True, "mms": not number.endswith("9"), "voice": True},
        }
        for number in numbers
    ]
    body = {"incoming_phone_numbers": rows, "next_page_uri": None}
    network.get(LISTING.format(sid=SID), json=body, status=status)


def address(trunk: Trunk) -> str:
    return f"/admin/portal/trunk/{trunk.pk}/do/numbers/"


def shown(client: Client, trunk: Trunk) -> tuple[str, str]:
    """Return the page and the signed list in it."""
    answer = client.get(address(trunk))
    return answer.content.decode(), answer.context["list"]


def test_numbers_are_imported_with_what_they_can_do(
    boss: Client, trunk: Trunk, network: responses.RequestsMock
) -> None:
    factories.DIDFactory(trunk=trunk, number="+12125550101", label="kept")
    listing(network, "+12125550101", "+12125550102", "+12125550109")

    text, signed = shown(boss, trunk)
    assert "2 numbers that are not here yet" in text
    assert "here already" in text
    boss.post(address(trunk), {"list": signed, "number": ["+12125550102", "+12125550109"]})

    rows = DID.objects.filter(tenant=trunk.tenant).order_by("number")
    assert [(did.number, did.mms, did.label) for did in rows] == [
        ("+12125550101", True, "kept"),
        ("+12125550102", True, "Line 02"),
        ("+12125550109", False, "Line 09"),
    ]
    assert AuditEntry.objects.filter(action="imported").count() == 2


def test_all_new_numbers_are_imported_at_once(
    boss: Client, trunk: Trunk, network: responses.RequestsMock
) -> None:
    listing(network, *(f"+1212555{n:04d}" for n in range(600)))

    text, signed = shown(boss, trunk)
    assert "100 more are not shown" in text
    boss.post(address(trunk), {"list": signed, "_all": ""})

    assert DID.objects.filter(trunk=trunk).count() == 600


def test_a_number_of_somebody_else_stops_the_whole_import_and_does_not_say_whose(
    boss: Client, trunk: Trunk, network: responses.RequestsMock
) -> None:
    other = factories.TenantFactory(name="Secretive Ltd")
    factories.DIDFactory(
        tenant=other, trunk=factories.QuestBlueTrunkFactory(tenant=other), number="+12125550102"
    )
    listing(network, "+12125550101", "+12125550102")

    _text, signed = shown(boss, trunk)
    text = boss.post(address(trunk), {"list": signed, "_all": ""}, follow=True).content.decode()

    assert "Nothing was imported" in text
    assert "+1 212-555-0102" in text
    assert "Secretive" not in text
    assert not DID.objects.filter(trunk=trunk).exists()


def test_a_list_that_was_not_ours_is_refused(boss: Client, trunk: Trunk) -> None:
    text = boss.post(address(trunk), {"list": "made-up", "_all": ""}, follow=True).content.decode()

    assert "The list is too old" in text
    assert not DID.objects.exists()


def test_an_import_without_a_choice_says_so(
    boss: Client, trunk: Trunk, network: responses.RequestsMock
) -> None:
    listing(network, "+12125550101")
    _text, signed = shown(boss, trunk)

    text = boss.post(address(trunk), {"list": signed}, follow=True).content.decode()

    assert "No new number was chosen" in text


def test_refused_credentials_are_told_instead_of_a_list(
    boss: Client, trunk: Trunk, network: responses.RequestsMock
) -> None:
    network.get(LISTING.format(sid=SID), json={"code": 20003, "message": "No"}, status=401)

    text = boss.get(address(trunk), follow=True).content.decode()

    assert "bg-red-100" in text


def test_a_shared_trunk_gives_its_numbers_to_the_tenant_that_is_chosen(
    tenant: Tenant, network: responses.RequestsMock
) -> None:
    shared = factories.TrunkFactory(
        tenant=None, provider="twilio", credentials={"account_sid": SID, "auth_token": "t0ken"}
    )
    root = signed_in(system_administrator())
    listing(network, "+12125550101")

    _text, signed = shown(root, shared)
    text = root.post(address(shared), {"list": signed, "_all": ""}, follow=True).content.decode()
    assert "Choose the tenant" in text
    root.post(address(shared), {"list": signed, "_all": "", "tenant": tenant.pk})

    assert DID.objects.get().tenant == tenant


def test_a_trunk_whose_provider_lists_nothing_offers_no_import(
    boss: Client, tenant: Tenant
) -> None:
    trunk = factories.TrunkFactory(tenant=tenant)

    assert b"/do/numbers/" not in boss.get(f"/admin/portal/trunk/{trunk.pk}/change/").content
    assert boss.get(address(trunk)).status_code == 403


def test_every_provider_stands_in_the_table(boss: Client) -> None:
    text = boss.get("/admin/providers/").content.decode()

    assert "QuestBlue" in text
    assert "secret address only" in text
