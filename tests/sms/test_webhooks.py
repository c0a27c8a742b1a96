"""The webhook door: what a provider is answered, and what is kept of its request."""

import json

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from redis import Redis

from portal.models import Tenant, Trunk
from sms.models import ProviderEvent, RefusedCount
from tests import bells, factories, fakes

pytestmark = pytest.mark.django_db


@pytest.fixture
def trunk() -> Trunk:
    made: Trunk = factories.TrunkFactory()
    return made


def post(client: Client, trunk: Trunk, body: bytes, **headers: str) -> int:
    """Post a body, signed unless headers are given; return the status."""
    proof = headers or fakes.signed(trunk, body)
    address = f"/webhooks/{trunk.webhook_token}/"
    return client.post(address, body, content_type="application/json", headers=proof).status_code


@pytest.mark.django_db(transaction=True)
def test_a_signed_post_is_stored_whole_before_it_is_answered(
    client: Client, trunk: Trunk, redis_client: Redis
) -> None:
    body = fakes.pack(fakes.text("+12025550100", "Ça va ? 🥐"))
    assert post(client, trunk, body) == 200
    assert not connection.in_atomic_block
    event = ProviderEvent.objects.get()
    assert bytes(event.body) == body
    assert event.state == ProviderEvent.State.DUE
    assert event.tenant == trunk.tenant
    assert event.address == "127.0.0.1"
    assert bells.rung(redis_client) == [("drain_events", [])]


def test_an_unknown_token_is_answered_404_and_nothing_is_kept(client: Client) -> None:
    answer = client.post("/webhooks/nobody-knows-this/", b"{}", content_type="text/plain")
    assert answer.status_code == 404
    assert not ProviderEvent.objects.exists()


def test_a_rotated_token_stops_to_work(client: Client, trunk: Trunk) -> None:
    body = fakes.pack()
    proof = fakes.signed(trunk, body)
    old = f"/webhooks/{trunk.webhook_token}/"
    Trunk.objects.filter(pk=trunk.pk).update(webhook_token="another-one")
    answer = client.post(old, body, content_type="application/json", headers=proof)
    assert answer.status_code == 404


def test_a_forged_signature_is_refused_and_counted(client: Client, trunk: Trunk) -> None:
    other = factories.TrunkFactory()
    body = fakes.pack(fakes.text("+12025550100"))
    assert post(client, trunk, body, **fakes.signed(other, body)) == 403
    event = ProviderEvent.objects.get()
    assert event.state == ProviderEvent.State.QUARANTINED
    assert event.reason == ProviderEvent.Reason.REFUSED
    assert "signature" in event.detail
    assert RefusedCount.objects.get(trunk=trunk).count == 1


def test_of_many_forged_requests_the_first_twenty_are_kept_and_all_are_counted(
    client: Client, trunk: Trunk
) -> None:
    for _each in range(25):
        assert post(client, trunk, b"{}", **{"x-sandbox-signature": "0"}) == 403
    assert ProviderEvent.objects.count() == 20
    assert RefusedCount.objects.get(trunk=trunk).count == 25


def test_a_body_that_is_too_large_is_answered_413_and_kept_cut(
    client: Client, trunk: Trunk
) -> None:
    assert post(client, trunk, b"x" * 5_000_000) == 413
    event = ProviderEvent.objects.get()
    assert event.reason == ProviderEvent.Reason.REFUSED
    assert len(event.body) == 8192
    assert RefusedCount.objects.get(trunk=trunk).count == 1


def test_the_largest_body_that_we_take_is_taken(client: Client, trunk: Trunk) -> None:
    filler = "x" * (settings.WEBHOOK_MAX_BYTES - len(fakes.pack("")))
    assert post(client, trunk, fakes.pack(filler)) == 200


def test_a_trunk_without_its_secret_refuses_and_says_what_is_missing(client: Client) -> None:
    trunk = factories.TrunkFactory(credentials={})
    assert post(client, trunk, b"{}", **{"x-sandbox-signature": "0"}) == 403
    assert "secret" in ProviderEvent.objects.get().detail


def test_headers_that_carry_secrets_are_not_kept(client: Client, trunk: Trunk) -> None:
    body = fakes.pack()
    proof = fakes.signed(trunk, body)
    proof |= {"authorization": "Basic c2VjcmV0", "cookie": "a=b", "user-agent": "carrier/1"}
    assert post(client, trunk, body, **proof) == 200
    kept = ProviderEvent.objects.get().headers
    assert kept["user-agent"] == "carrier/1"
    assert not {"authorization", "cookie"} & set(kept)
    assert "c2VjcmV0" not in json.dumps(kept)


def test_a_suspended_tenants_provider_is_answered_all_the_same(
    client: Client, trunk: Trunk
) -> None:
    Tenant.objects.update(active=False)
    assert post(client, trunk, fakes.pack()) == 200


def test_other_methods_are_not_taken(client: Client, trunk: Trunk) -> None:
    assert client.put(f"/webhooks/{trunk.webhook_token}/", b"{}").status_code == 405


def test_the_query_reaches_the_event(client: Client, trunk: Trunk) -> None:
    body = fakes.pack()
    address = f"/webhooks/{trunk.webhook_token}/?ref=abc"
    proof = fakes.signed(trunk, body)
    client.post(address, body, content_type="application/json", headers=proof)
    assert ProviderEvent.objects.get().query == "ref=abc"


def test_a_request_that_no_provider_signs_is_known_by_its_path(client: Client) -> None:
    trunk = factories.QuestBlueTrunkFactory()
    body = fakes.questblue_text("2025550100")
    assert post(client, trunk, body, **{"user-agent": "questblue"}) == 200
    assert client.get(f"/webhooks/{trunk.webhook_token}/").status_code == 403
