"""The API's contacts, caller IDs, push stream and proofs of who calls."""

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from portal.models import CallerID, Contact, Extension, User
from sms import push
from tests import factories
from tests.sms.callers import API, machine, person, queries_of

pytestmark = pytest.mark.django_db
CONTACT = {"name": "Helen Ruiz", "numbers": [{"number": "(617) 555-0188", "label": "mobile"}]}


def test_an_extension_adds_a_contact_of_its_own(line: CallerID) -> None:
    other = factories.ExtensionFactory(tenant=line.tenant)
    answer = machine(line.extension).post(f"{API}/contacts", CONTACT, format="json")
    assert answer.status_code == 201
    assert answer.json()["shared"] is False
    assert answer.json()["numbers"] == [
        {"number": "+16175550188", "label": "mobile", "pretty": "+1 617-555-0188"}
    ]
    assert machine(other).get(f"{API}/contacts").json()["results"] == []


def test_the_tenants_machine_adds_a_shared_contact(line: CallerID) -> None:
    assert machine(line.tenant).post(f"{API}/contacts", CONTACT, format="json").json()["shared"]
    assert len(machine(line.extension).get(f"{API}/contacts").json()["results"]) == 1


def test_an_auditor_adds_no_contact(line: CallerID) -> None:
    auditor = person(factories.UserFactory(tenant=line.tenant, role=User.Role.AUDITOR))
    answer = auditor.post(f"{API}/contacts", CONTACT, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


@pytest.mark.parametrize(
    ("numbers", "code"),
    [([], "invalid"), ([{"number": "x"}], "number_invalid"), ([{"number": "1"}] * 21, "invalid")],
)
def test_a_contact_needs_real_numbers(
    line: CallerID, numbers: list[dict[str, str]], code: str
) -> None:
    data = {"name": "Nobody", "numbers": numbers}
    answer = machine(line.extension).post(f"{API}/contacts", data, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert not Contact.objects.exists()


@pytest.mark.parametrize("query", ["q=hel", "q=acme", "q=555-01", "number=617-555-0188"])
def test_a_contact_is_found_by_name_company_or_number(line: CallerID, query: str) -> None:
    contact = factories.ContactFactory(tenant=line.tenant, name="Helen", company="Acme")
    factories.ContactNumberFactory(contact=contact, number="+16175550188")
    factories.ContactFactory(tenant=line.tenant, name="Zoe")
    found = machine(line.extension).get(f"{API}/contacts?{query}").json()["results"]
    assert [row["name"] for row in found] == ["Helen"]


def test_a_page_of_contacts_costs_the_same_however_long_it_is(line: CallerID) -> None:
    client = machine(line.extension)
    factories.ContactNumberFactory(tenant=line.tenant)
    few = queries_of(client, f"{API}/contacts")
    factories.ContactNumberFactory.create_batch(9, tenant=line.tenant)
    assert queries_of(client, f"{API}/contacts") == few <= 3


def test_caller_ids_begin_with_the_default_one(line: CallerID) -> None:
    second = factories.DIDFactory(trunk=line.did.trunk)
    factories.CallerIDFactory(extension=line.extension, did=second, is_default=False)
    rows = machine(line.extension).get(f"{API}/caller-ids").json()
    assert [row["from"] for row in rows] == [line.did.number, second.number]
    assert (rows[0]["kind"], rows[0]["is_default"], rows[0]["description"]) == (
        "number",
        True,
        "Main",
    )


def test_sender_ids_are_offered_to_those_who_may_use_them(line: CallerID) -> None:
    factories.SenderIDFactory(trunk=line.did.trunk, word="ALDERCO")
    url = f"{API}/caller-ids"
    client = machine(line.extension)
    assert "ALDERCO" not in str(client.get(url).json())
    Extension.objects.update(sms=Extension.Sms.ALLOW_WITH_SENDER_ID)
    words = [row["from"] for row in client.get(url).json() if row["kind"] == "word"]
    assert words == ["ALDERCO"]


def test_a_tenants_token_asks_for_the_caller_ids_of_an_extension(line: CallerID) -> None:
    client = machine(line.tenant)
    assert client.get(f"{API}/caller-ids").json()["code"] == "extension_required"
    rows = client.get(f"{API}/caller-ids?extension={line.extension.number}").json()
    assert len(rows) == 1


def test_the_push_stream_is_opened_with_a_token_for_the_own_channel(line: CallerID) -> None:
    where = machine(line.extension).get(f"{API}/events").json()
    assert where["channels"] == [f"extension:{line.extension_id}"]
    assert push.read_token(where["token"])[0] == where["channels"]
    assert where["url"] == f"{settings.PUSH_URL}/events?token={where['token']}"
    assert where["expires_in"] == push.MAX_AGE


def test_who_does_not_prove_to_be_somebody_gets_401() -> None:
    answer = APIClient().get(f"{API}/messages")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Bearer smsc_wrong")
    answer = client.get(f"{API}/messages")
    assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed")
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_session_needs_the_csrf_token_to_change_something(line: CallerID) -> None:
    user = factories.UserFactory(tenant=line.tenant)
    Extension.objects.filter(pk=line.extension_id).update(user=user)
    client = person(user, checks_csrf=True)
    answer = client.post(f"{API}/contacts", CONTACT, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    token = client.get("/").context["csrf_token"]
    answer = client.post(f"{API}/contacts", CONTACT, format="json", HTTP_X_CSRFTOKEN=str(token))
    assert answer.status_code == 201


def test_a_system_administrator_has_no_messages_of_its_own() -> None:
    answer = person(factories.SystemAdminFactory()).get(f"{API}/messages")
    assert (answer.status_code, answer.json()["code"]) == (403, "no_tenant")
