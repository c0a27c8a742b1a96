"""The API's caller IDs, push stream and proofs of who calls."""

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from portal.models import CallerID, Extension
from sms import push
from tests import factories
from tests.sms.callers import API, machine, person

pytestmark = pytest.mark.django_db
CONTACT = {"name": "Helen Ruiz", "numbers": [{"number": "(617) 555-0188"}]}


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


def test_the_push_stream_is_opened_for_the_own_channel_and_the_tenants(line: CallerID) -> None:
    where = machine(line.extension).get(f"{API}/events").json()
    assert where["channels"] == [f"extension:{line.extension_id}", f"tenant:{line.tenant_id}"]
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
