"""Voxtelesys: where the calls go, and what proves a webhook."""

import pytest
import responses

from providers import registry
from providers.contract import OutboundMessage, Proof
from tests.providers.cases import of

CASE = of("voxtelesys")[0]
TEXT = OutboundMessage(
    reference="r-1", sender="+12025550188", recipient="+16175550123", text="Hello"
)


@pytest.mark.parametrize(
    ("region", "host"),
    [("", "smsapi.voxtelesys.net"), ("dfw", "smsapi.dfw.voxtelesys.net")],
)
def test_calls_go_to_the_region(edge: responses.RequestsMock, region: str, host: str) -> None:
    edge.post(f"https://{host}/api/v2/sms", body=CASE.read("taken.json"))
    registry.build("voxtelesys", {**CASE.credentials, "region": region}).send(TEXT)
    assert len(edge.calls) == 1


def test_an_override_of_the_base_takes_the_regions_along(edge: responses.RequestsMock) -> None:
    edge.post("https://proxy.example/vox/api/v2/sms", body=CASE.read("taken.json"))
    credentials = {**CASE.credentials, "region": "pit"}
    registry.build("voxtelesys", credentials, api_base="https://proxy.example/vox").send(TEXT)
    assert len(edge.calls) == 1


def test_webhooks_prove_themselves_by_a_password_where_the_portal_has_one() -> None:
    login = {"webhook_username": "sms", "webhook_password": "s"}
    assert registry.build("voxtelesys", CASE.credentials).proof is Proof.ADDRESS
    assert registry.build("voxtelesys", {**CASE.credentials, **login}).proof is Proof.PASSWORD
