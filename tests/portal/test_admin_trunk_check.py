"""The check of a trunk, pausing it, and giving its numbers away."""

import json
import re
import threading
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import responses
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.admin.asking import ask
from portal.models import AuditEntry, Tenant, Trunk
from tests import factories
from tests.estate import signed_in, system_administrator

pytestmark = pytest.mark.django_db

SID = "AC" + "0123456789abcdef" * 2
TOKEN = "very-secret-token"
API = f"https://api.twilio.com/2010-04-01/Accounts/{SID}/IncomingPhoneNumbers"


@pytest.fixture
def trunk(tenant: Tenant) -> Trunk:
    made: Trunk = factories.TrunkFactory(
        tenant=tenant,
        name="Main",
        provider="twilio",
        credentials={"account_sid": SID, "auth_token": TOKEN},
    )
    return made


def numbers(trunk: Trunk, count: int) -> list[str]:
    """Put so many numbers on the trunk."""
    made = [f"+1212555{n:04d}" for n in range(100, 100 + count)]
    for number in made:
        factories.DIDFactory(trunk=trunk, number=number, sms=True, mms=True)
    return made


def account(
    network: responses.RequestsMock,
    urls: Mapping[str, str],
    *,
    without: str = "",
    mms: bool = True,
) -> None:
    """Let the provider know these numbers, and which address each of them posts to."""
    rows = {
        number: {
            "sid": f"PN{number[1:]}",
            "phone_number": number,
            "friendly_name": "",
            "capabilities": {"sms": True, "mms": mms},
            "sms_url": url,
        }
        for number, url in urls.items()
        if number != without
    }

    def listing(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        query = dict(parse_qsl(urlsplit(str(request.url)).query))
        number = query.get("PhoneNumber")
        chosen = [row for row in rows.values() if number in {None, row["phone_number"]}]
        body = json.dumps({"incoming_phone_numbers": chosen, "next_page_uri": None})
        return 200, {}, body

    network.add_callback(responses.GET, re.compile(re.escape(f"{API}.json")), callback=listing)


def address(trunk: Trunk, act: str = "check") -> str:
    return f"/admin/portal/trunk/{trunk.pk}/do/{act}/"


def line(client: Client, trunk: Trunk, key: str, **more: str) -> str:
    """Return what one check of the page answers."""
    return client.post(address(trunk), {"only": key, **more}).content.decode()


def test_the_page_stands_at_once_and_asks_nobody_yet(
    boss: Client, trunk: Trunk, network: responses.RequestsMock
) -> None:
    text = boss.get(address(trunk)).content.decode()

    found = re.findall(r'data-check="(\w+)"', text)
    assert found == ["state", "certificate", "credentials", "webhooks", "numbers"]
    assert len(network.calls) == 0


def test_a_trunk_in_order_has_nothing_but_ticks(
    boss: Client, trunk: Trunk, network: responses.RequestsMock
) -> None:
    account(network, dict.fromkeys(numbers(trunk, 3), trunk.webhook_url))

    for key in ("state", "credentials", "webhooks", "numbers"):
        assert 'class="check good"' in line(boss, trunk, key)
    assert "3 of 3 numbers post to this trunk." in line(boss, trunk, "webhooks")


def test_numbers_that_post_elsewhere_are_named_and_can_be_set_at_once(
    boss: Client, trunk: Trunk, network: responses.RequestsMock
) -> None:
    found = numbers(trunk, 20)
    urls = dict.fromkeys(found, trunk.webhook_url)
    urls |= {found[3]: "https://old.example.com/sms", found[7]: ""}
    account(network, urls)
    network.post(re.compile(re.escape(f"{API}/PN")), json={})

    text = line(boss, trunk, "webhooks")
    assert "18 of 20 numbers post to this trunk." in text
    assert "+1 212-555-0103: https://old.example.com/sms" in text
    assert "+1 212-555-0107: no address at the provider" in text
    named = re.findall(r'name="number" value="([^"]+)"', text)
    assert named == [found[3], found[7]]

    done = boss.post(address(trunk), {"_set": "1", "number": named}, follow=True).content.decode()

    assert "now posts 2 numbers" in done
    posted = [call.request for call in network.calls if call.request.method == "POST"]
    assert len(posted) == 2
    assert all(trunk.webhook_token in str(request.body) for request in posted)
    assert AuditEntry.objects.filter(action="set the webhook of").count() == 2


def test_numbers_of_other_trunks_are_never_set(
    boss: Client, trunk: Trunk, network: responses.RequestsMock
) -> None:
    foreign = factories.DIDFactory(number="+12125550199")

    boss.post(address(trunk), {"_set": "1", "number": [foreign.number]})

    assert len(network.calls) == 0
    assert not AuditEntry.objects.exists()


def test_what_the_provider_refuses_to_set_is_told_with_its_reason(
    boss: Client, trunk: Trunk, network: responses.RequestsMock
) -> None:
    found = numbers(trunk, 2)
    account(network, dict.fromkeys(found, ""), without=found[0])
    network.post(re.compile(re.escape(f"{API}/PN")), json={})

    text = boss.post(address(trunk), {"_set": "1", "number": found}, follow=True).content.decode()

    assert "Not set for +1 212-555-0100" in text
    assert "now posts 1 number" in text


def test_numbers_that_can_less_at_the_provider_are_named(
    boss: Client, trunk: Trunk, network: responses.RequestsMock
) -> None:
    found = numbers(trunk, 3)
    account(network, dict.fromkeys(found, ""), without=found[0], mms=False)

    text = line(boss, trunk, "numbers")

    assert 'class="check fault"' in text
    assert "account: +1 212-555-0100" in text
    assert "No MMS at the provider: +1 212-555-0101, +1 212-555-0102" in text


def test_refused_credentials_end_the_asking(
    boss: Client, trunk: Trunk, network: responses.RequestsMock
) -> None:
    numbers(trunk, 5)
    network.get(re.compile(re.escape(API)), status=401, json={"code": 20003, "message": "No"})

    text = boss.post(address(trunk)).content.decode()

    assert len(network.calls) == 1
    assert text.count("Not asked: the credentials come first.") == 2
    assert "copy them again" in text
    assert TOKEN not in text
    assert "Not asked" in line(boss, trunk, "webhooks", shut="1")
    assert len(network.calls) == 1


def test_missing_credentials_are_named(boss: Client, tenant: Tenant) -> None:
    empty = factories.TrunkFactory(tenant=tenant, provider="twilio", credentials={})

    for key in ("credentials", "webhooks", "numbers"):
        assert "Account SID" in line(boss, empty, key)


def test_a_paused_or_idle_trunk_says_so(boss: Client, trunk: Trunk) -> None:
    assert "no number is on it" in line(boss, trunk, "state")
    Trunk.objects.update(enabled=False)
    assert "Switched off" in line(boss, trunk, "state")
    Trunk.objects.update(paused_since=timezone.now(), paused_reason="the bill is open")
    assert "the bill is open" in line(boss, trunk, "state")


def test_where_the_provider_cannot_be_asked_experience_counts(boss: Client, tenant: Tenant) -> None:
    trunk = factories.QuestBlueTrunkFactory(tenant=tenant)
    factories.DIDFactory(trunk=trunk, number="+12125550100")

    text = line(boss, trunk, "webhooks")
    assert "no webhook has come yet" in text
    assert "Set the webhook of 1 number" in text

    Trunk.objects.update(last_webhook_at=timezone.now())
    assert "It works" in line(boss, trunk, "webhooks")


def test_a_public_address_that_nobody_reaches_is_a_fault(boss: Client, trunk: Trunk) -> None:
    text = line(boss, trunk, "certificate")

    assert 'class="check fault"' in text
    assert "PUBLIC_URL" in text


def test_a_check_that_does_not_exist_is_refused(boss: Client, trunk: Trunk) -> None:
    answer = boss.post(address(trunk), {"only": "nonsense"}, follow=True)

    assert "There is no such check." in answer.content.decode()


def test_more_numbers_take_no_more_queries(
    boss: Client, trunk: Trunk, network: responses.RequestsMock
) -> None:
    def queries(key: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            line(boss, trunk, key)
        return len(seen)

    account(network, {})
    numbers(trunk, 2)
    few = {key: queries(key) for key in ("webhooks", "numbers")}
    for n in range(20):
        factories.DIDFactory(trunk=trunk, number=f"+1212555{n:04d}")

    assert {key: queries(key) for key in few} == few


def test_asking_waits_no_longer_than_a_person_would() -> None:
    answered = threading.Event()
    calls: dict[str, Callable[[], object]] = {
        "quick": partial(int, "1"),
        "wrong": partial(int, "x"),
        "slow": answered.wait,
    }

    answers = ask(calls, seconds=0.2)
    answered.set()

    assert answers.good == {"quick": 1}
    assert set(answers.failed) == {"wrong", "slow"}
    assert "in time" in answers.failed["slow"]


def test_a_trunk_is_paused_with_a_reason(boss: Client, trunk: Trunk) -> None:
    page = address(trunk, "pause")

    nothing = boss.post(page, {"reason": ""})
    assert "reason" in nothing.context["form"].errors
    assert not Trunk.objects.filter(paused_since__isnull=False).exists()

    boss.post(page, {"reason": "The bill is open"})

    assert Trunk.objects.get(paused_since__isnull=False).paused_reason == "The bill is open"
    entry = AuditEntry.objects.get(action="paused")
    assert entry.detail["changed"] == {"reason": ["", "The bill is open"]}
    text = boss.get(f"/admin/portal/trunk/{trunk.pk}/change/").content.decode()
    assert "The bill is open" in text
    assert address(trunk, "resume") in text
    assert page not in text
    assert boss.post(page, {"reason": "again"}).status_code == 403


def test_a_shared_trunk_shows_who_has_its_numbers_and_leads_to_giving_more(
    boss: Client, tenant: Tenant
) -> None:
    shared = factories.TrunkFactory(tenant=None, name="Shared")
    other = factories.TenantFactory(name="Otherco")
    for n, owner in enumerate((tenant, tenant, other)):
        factories.DIDFactory(tenant=owner, trunk=shared, number=f"+1212555010{n}")
    root = signed_in(system_administrator())

    answer = root.get(address(shared, "give"))
    assert [(row["tenant"], row["count"]) for row in answer.context["rows"]] == [
        ("Otherco", 1),
        (tenant.name, 2),
    ]
    listed = root.get(answer.context["rows"][0]["url"]).content.decode()
    assert "+1 212-555-0102" in listed
    assert "+1 212-555-0100" not in listed
    form = root.get(f"/admin/portal/did/add/?tenant={other.pk}&trunk={shared.pk}")
    assert f'<option value="{shared.pk}" selected>' in form.content.decode()
    assert boss.get(address(shared, "give")).status_code == 404


def test_an_own_trunk_leads_to_the_form_with_the_trunk_chosen(boss: Client, trunk: Trunk) -> None:
    text = boss.get(address(trunk, "add"), follow=True).content.decode()

    assert f'<option value="{trunk.pk}" selected>' in text
