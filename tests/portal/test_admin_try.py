"""The Try page: what would go out and what a webhook says, with nothing sent and nothing kept."""

import pytest
import responses
from django.test import Client

from portal.models import Tenant, Trunk
from sms.models import Message, ProviderEvent
from tests import factories

pytestmark = pytest.mark.django_db

TOKEN = "t0ken-of-the-account"
SID = "AC" + "0123456789abcdef" * 2
TEXT = {"text-sender": "+1 212 555 0101", "text-recipient": "(617) 555-0188", "text-text": "Hi ☎"}


@pytest.fixture
def trunk(tenant: Tenant) -> Trunk:
    made: Trunk = factories.TrunkFactory(
        tenant=tenant, provider="twilio", credentials={"account_sid": SID, "auth_token": TOKEN}
    )
    return made


def address(trunk: Trunk) -> str:
    return f"/admin/portal/trunk/{trunk.pk}/do/try/"


def test_the_request_that_would_go_out_is_shown_and_nothing_is_sent(
    boss: Client, trunk: Trunk, network: responses.RequestsMock
) -> None:
    answer = boss.post(address(trunk), {**TEXT, "_send": ""})

    exchange = answer.context["exchange"]
    assert f"POST https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages.json" in exchange
    assert "To=%2B16175550188" in exchange
    assert TOKEN not in answer.content.decode()
    assert trunk.webhook_token not in answer.content.decode()
    assert len(network.calls) == 0
    assert not Message.objects.exists()


def test_what_the_adapter_refuses_without_a_call_is_told(boss: Client, tenant: Tenant) -> None:
    trunk = factories.TrunkFactory(
        tenant=tenant,
        provider="airenetworks",
        credentials={"username": "u", "password": "p", "sender_id": "ALDER"},
    )

    text = boss.post(address(trunk), {**TEXT, "_send": ""}).content.decode()

    assert "Sender ID" in text


def test_a_number_that_is_none_names_its_field(boss: Client, trunk: Trunk) -> None:
    answer = boss.post(address(trunk), {**TEXT, "text-recipient": "12", "_send": ""})

    assert answer.context["text_form"].errors["recipient"]
    assert "exchange" not in answer.context


def test_a_pasted_webhook_is_read_and_not_kept(boss: Client, trunk: Trunk) -> None:
    body = "MessageSid=SM1&From=%2B16175550188&To=%2B12125550101&Body=<b>Hi</b>&NumMedia=0"
    paste = {
        "paste-method": "POST",
        "paste-content_type": "application/x-www-form-urlencoded",
        "paste-body": body,
        "_parse": "",
    }

    answer = boss.post(address(trunk), paste)

    ((kind, facts),) = answer.context["events"]
    assert kind == "InboundMessage"
    assert dict(facts)["sender"] == "+16175550188"
    assert "<b>Hi</b>" not in answer.content.decode()
    assert not ProviderEvent.objects.exists()


def test_a_webhook_that_cannot_be_read_says_why(boss: Client, trunk: Trunk) -> None:
    paste = {
        "paste-method": "POST",
        "paste-content_type": "application/json",
        "paste-body": "nothing of use",
        "_parse": "",
    }

    assert "MessageSid" in boss.post(address(trunk), paste).context["unreadable"]


def test_another_tenants_trunk_cannot_be_tried(boss: Client) -> None:
    assert boss.get(address(factories.TrunkFactory())).status_code in {302, 404}
