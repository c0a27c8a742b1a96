"""Real wire formats in, real wire formats out, over running processes."""

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import wires
from tests.journeys.conftest import TWILIO_ACCOUNT, World, sign_in
from tests.stack import wait_until
from tests.web import Api

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.xdist_group("journeys")]


def received(api: Api, text: str) -> dict[str, object]:
    """Return the inbound message of this text, empty until the API has it."""
    results = api.get("messages?direction=inbound").json()["results"]
    return next((message for message in results if message["text"] == text), {})


def state_of(api: Api, message_id: int) -> str:
    """Return the state of a message as the API tells it."""
    return str(api.get(f"messages/{message_id}").json()["state"])


def test_a_questblue_text_reaches_1001_by_api_and_on_the_screen(world: World, page: Page) -> None:
    sign_in(page, world.stack.url, "alder-1001", "password-of-1001")
    expect(page.get_by_test_id("conversation-list")).to_be_attached()
    assert wires.questblue_text(world.webhooks["QB"], "is the office open?").status == 200
    found = wait_until(
        lambda: received(world.apis["1001"], "is the office open?"), what="the text by API"
    )
    assert (found["from"], found["to"]) == ("+12025550199", "+12172074422")
    shown = page.get_by_test_id("conversation-item").filter(has_text="is the office open?")
    expect(shown).to_be_visible()
    assert received(world.apis["1002"], "is the office open?") == {}


def test_an_answer_leaves_as_questblue_documents_it_and_its_receipt_comes_back(
    world: World,
) -> None:
    api, heard = world.apis["1001"], len(world.carrier.heard)
    answer = api.post("messages", {"to": "202-555-0177", "text": "yes, until five"}, key="qb-1")
    assert answer.status == 202
    sent = world.carrier.wait_for(heard + 1)[-1]
    assert sent.path == "/smsv2"
    assert sent.headers["authorization"] == "Basic YWNtZV9hcGk6UzNjcmV0IXBhc3M="
    assert sent.headers["security-key"] == "k3y-0123456789abcdef"
    assert sent.json() == {"did": "2172074422", "did_to": "2025550177", "msg": "yes, until five"}
    ident = answer.json()["id"]
    wait_until(lambda: state_of(api, ident) == "accepted", what="accepted")
    wires.questblue_receipt(world.webhooks["QB"], "12025550177", "sent")
    wait_until(lambda: state_of(api, ident) == "sent", what="sent")
    wires.questblue_receipt(world.webhooks["QB"], "12025550177", "delivered")
    wait_until(lambda: state_of(api, ident) == "delivered", what="delivered")
    states = [line["state"] for line in api.get(f"messages/{ident}").json()["history"]]
    assert states == ["queued", "sending", "accepted", "sent", "delivered"]


def test_twilio_in_out_and_receipt(world: World) -> None:
    api, heard, url = world.apis["1002"], len(world.carrier.heard), world.webhooks["TW"]
    assert wires.twilio_text(url, "SM" + "a" * 32, "hello, café 🥐").status == 200
    wait_until(lambda: received(api, "hello, café 🥐"), what="the text by API")
    answer = api.post("messages", {"to": "+16175550188", "text": "hi back"}, key="tw-1")
    sent = world.carrier.wait_for(heard + 1)[-1]
    assert sent.path == f"/2010-04-01/Accounts/{TWILIO_ACCOUNT}/Messages.json"
    form = sent.form()
    assert (form["From"], form["To"]) == (["+12025550123"], ["+16175550188"])
    assert form["Body"] == ["hi back"]
    ident = answer.json()["id"]
    wait_until(lambda: state_of(api, ident) == "accepted", what="accepted")
    sid = api.get(f"messages/{ident}").json()["provider_id"]
    receipt = {"MessageSid": sid, "SmsStatus": "delivered", "MessageStatus": "delivered"}
    callback = form["StatusCallback"][0]
    assert wires.twilio(callback, receipt).status in {200, 204}
    wait_until(lambda: state_of(api, ident) == "delivered", what="delivered")


def test_telnyx_in_out_and_receipt(world: World) -> None:
    api, heard, url = world.apis["1003"], len(world.carrier.heard), world.webhooks["TX"]
    payload: dict[str, object] = {
        "id": "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9",
        "direction": "inbound",
        "type": "SMS",
        "from": {"phone_number": "+16175550188"},
        "to": [{"phone_number": "+12025550124", "status": "webhook_delivered"}],
        "text": "hello from the lobby",
        "media": [],
        "received_at": "2026-10-30T14:15:16.700+00:00",
    }
    assert wires.telnyx(url, "message.received", payload).status == 200
    wait_until(lambda: received(api, "hello from the lobby"), what="the text by API")
    answer = api.post("messages", {"to": "+16175550188", "text": "hi lobby"}, key="tx-1")
    sent = world.carrier.wait_for(heard + 1)[-1]
    assert sent.path == "/v2/messages"
    assert sent.headers["authorization"] == "Bearer KEY0123456789"
    body = sent.json()
    assert (body["from"], body["to"]) == ("+12025550124", "+16175550188")
    ident = answer.json()["id"]
    wait_until(lambda: state_of(api, ident) == "accepted", what="accepted")
    provider_id = api.get(f"messages/{ident}").json()["provider_id"]
    receipt: dict[str, object] = {
        "id": provider_id,
        "direction": "outbound",
        "type": "SMS",
        "from": {"phone_number": "+12025550124"},
        "to": [{"phone_number": "+16175550188", "status": "delivered"}],
        "errors": [],
    }
    assert wires.telnyx(url, "message.finalized", receipt).status == 200
    wait_until(lambda: state_of(api, ident) == "delivered", what="delivered")
