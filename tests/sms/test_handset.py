"""The Handset: a carrier that keeps the sandbox protocol, troubles included, and its phone."""

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from portal.models import CallerID, Extension, Trunk, User
from providers.contract import OutboundMessage
from providers.errors import Rejected, Throttled, Unconfirmed
from sms import intake
from sms.models import (
    HandsetLine,
    HandsetMessage,
    Message,
    ProviderEvent,
    State,
)
from tests import factories

pytestmark = pytest.mark.django_db

Trouble = HandsetLine.Trouble
PHONE = "+12025550123"
PIXEL = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)


@pytest.fixture
def line(settings: Settings, tmp_path: Path) -> CallerID:
    """An extension on a sandbox trunk, with a user."""
    settings.MEDIA_ROOT = tmp_path
    made = factories.line()
    made.extension.user = factories.UserFactory(tenant=made.tenant)
    made.extension.save()
    return made


@pytest.fixture
def trunk(line: CallerID) -> Trunk:
    """The sandbox trunk."""
    return line.did.trunk


@pytest.fixture
def phone(line: CallerID, client: Client) -> Client:
    """A browser of the extension's user."""
    assert line.extension.user is not None
    client.force_login(line.extension.user)
    return client


def ask(client: Client, what: str, **data: Any) -> Any:
    """Ask the phone's server as the page does; return the JSON of a success."""
    answer = client.post(f"/handset/{what}", json.dumps(data), content_type="application/json")
    assert answer.status_code in {200, 201}, answer.content
    return answer.json()


def look(client: Client, trunk: Trunk, **data: Any) -> Any:
    """Look at the phone."""
    return ask(client, "look", trunk=trunk.pk, number=PHONE, **data)


def deliver(owed: dict[str, Any]) -> int:
    """Post to the webhook what the carrier owes, as the page does; return the status."""
    headers = dict(owed["headers"])
    kind = headers.pop("Content-Type")
    return (
        Client()
        .post(owed["path"], owed["body"].encode(), content_type=kind, headers=headers)
        .status_code
    )


def carry(trunk: Trunk, secret: str = "", **fields: Any) -> Any:
    """Send a message to the gateway as a worker does; return the answer."""
    secret = secret or trunk.credentials["secret"]
    data = {
        "reference": "5b1f6f0e-3a52-4c1e-9d5c-7f2f0a9b6d11",
        "from": "+12025550100",
        "to": PHONE,
        "text": "hello phone",
        "media": [],
        "status_url": f"{trunk.webhook_url}?ref=5b1f6f0e-3a52-4c1e-9d5c-7f2f0a9b6d11",
        **fields,
    }
    return Client().post(
        "/handset/gateway/messages",
        json.dumps(data),
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )


def choose(trunk: Trunk, trouble: Trouble) -> None:
    """Let this go wrong."""
    HandsetLine.objects.update_or_create(trunk=trunk, defaults={"trouble": trouble})


def process() -> None:
    """Do the worker's part for what came in."""
    intake.process(ProviderEvent.objects.values_list("pk", flat=True))


# --- The gateway ---------------------------------------------------------------------------------


def test_the_gateway_takes_a_message_and_the_phone_shows_it(trunk: Trunk, phone: Client) -> None:
    answer = carry(trunk, text="Ça va ?", media=["http://127.0.0.1/media/x:y"])
    assert answer.status_code == 201
    shown = look(phone, trunk)["messages"]
    assert [(one["direction"], one["text"], one["media"]) for one in shown] == [
        ("outbound", "Ça va ?", ["http://127.0.0.1/media/x:y"])
    ]
    assert HandsetMessage.objects.get().key.hex == answer.json()["id"]


def test_a_group_text_reaches_every_phone_and_each_owes_its_own_receipt(
    trunk: Trunk, phone: Client
) -> None:
    other = "+16175550188"
    assert carry(trunk, to=[PHONE, other]).status_code == 201
    assert sorted(HandsetMessage.objects.values_list("phone", flat=True)) == [PHONE, other]
    screen = look(phone, trunk)
    assert screen["messages"][0]["others"] == "+1 617-555-0188"
    event = json.loads(screen["posts"][0]["body"])["events"][0]
    assert (event["to"], event["status"]) == (PHONE, "sent")


def test_a_phone_writes_to_a_group_and_the_other_phones_see_it(
    trunk: Trunk, phone: Client, line: CallerID
) -> None:
    group = ["617 555 0188", line.did.number, PHONE]
    data = {"trunk": trunk.pk, "number": PHONE, "did": line.did.number, "text": "to all of you"}
    sent = ask(phone, "texts", group=group, **data)
    assert deliver(sent["posts"][0]) == 200
    process()
    assert Message.objects.get().conversation.remote == f"{PHONE};+16175550188"
    [seen] = ask(phone, "look", trunk=trunk.pk, number="+16175550188")["messages"]
    assert (seen["direction"], seen["our_number"]) == ("outbound", PHONE)
    refused = phone.post(
        "/handset/texts", json.dumps({**data, "group": ["x"]}), content_type="application/json"
    )
    assert refused.status_code == 400
    assert "group" in json.dumps(refused.json())


def test_only_the_secret_opens_the_gateway(trunk: Trunk) -> None:
    assert carry(trunk, secret="wrong").status_code == 401
    for header in ("", "Bearer ", f"Basic {trunk.credentials['secret']}"):
        answer = Client().get("/handset/gateway/account", headers={"Authorization": header})
        assert answer.status_code == 401
    assert not HandsetMessage.objects.exists()


def test_a_trunk_of_another_provider_has_no_phone() -> None:
    trunk = factories.QuestBlueTrunkFactory(credentials={"secret": "opens-nothing"})
    assert carry(trunk, secret="opens-nothing").status_code == 401


def test_the_account_is_named_unless_two_chose_one_secret(trunk: Trunk) -> None:
    headers = {"Authorization": f"Bearer {trunk.credentials['secret']}"}
    assert Client().get("/handset/gateway/account", headers=headers).json() == {"name": trunk.name}
    twin = factories.TrunkFactory(credentials=trunk.credentials)
    named = Client().get("/handset/gateway/account", headers=headers).json()["name"]
    assert named not in {trunk.name, twin.name}
    carry(twin)
    assert HandsetMessage.objects.get().trunk == twin


@pytest.mark.parametrize(
    "fields", [{"to": ""}, {"reference": "x" * 65}, {"text": None}, {"media": "x"}, {"from": "\0"}]
)
def test_what_makes_no_sense_is_refused(trunk: Trunk, fields: dict[str, Any]) -> None:
    answer = carry(trunk, **fields)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "22"


@pytest.mark.parametrize(
    ("trouble", "error", "is_stored"),
    [
        (Trouble.REJECT, Rejected, False),
        (Trouble.BUSY, Throttled, False),
        (Trouble.LOST, Unconfirmed, True),
    ],
)
def test_each_trouble_means_to_the_adapter_what_it_should(
    trunk: Trunk, network: Any, trouble: Trouble, error: type[Exception], is_stored: bool
) -> None:
    choose(trunk, trouble)
    answer = carry(trunk)
    network.post(
        f"{trunk.adapter().http.base}/messages",
        body=answer.content,
        status=answer.status_code,
        headers={name: answer[name] for name in ("Retry-After",) if name in answer},
        content_type=answer["Content-Type"],
    )
    message = OutboundMessage(reference="r", sender="+12025550100", recipient=PHONE, text="x")
    with pytest.raises(error) as caught:
        trunk.adapter().send(message)
    assert HandsetMessage.objects.exists() is is_stored
    if trouble == Trouble.REJECT:
        assert isinstance(caught.value, Rejected)
        assert caught.value.code == "21"
    if trouble == Trouble.BUSY:
        assert isinstance(caught.value, Throttled)
        assert caught.value.retry_after == 5


def test_a_slow_text_shows_and_is_receipted_only_after_ten_seconds(
    trunk: Trunk, phone: Client
) -> None:
    choose(trunk, Trouble.SLOW)
    assert carry(trunk).status_code == 201
    assert look(phone, trunk)["messages"] == look(phone, trunk)["posts"] == []
    with time_machine.travel(timezone.now() + timedelta(seconds=11)):
        assert look(phone, trunk)["messages"][0]["text"] == "hello phone"
        assert len(look(phone, trunk)["posts"]) == 1


# --- Receipts ------------------------------------------------------------------------------------


def receipts_of(phone: Client, trunk: Trunk) -> list[str]:
    """Post every receipt that is due now; return them in their order."""
    steps: list[str] = []
    posted: list[dict[str, Any]] = []
    while posts := look(phone, trunk, posted=posted)["posts"]:
        assert all(deliver(owed) == 200 for owed in posts)
        steps += [owed["step"] for owed in posts]
        posted = [{"id": owed["id"], "step": owed["step"]} for owed in posts]
    return steps


def sent_message(line: CallerID, state: State = State.ACCEPTED) -> Message:
    """Make a message of ours that the carrier took under its id."""
    conversation = factories.ConversationFactory(
        did=line.did, extension=line.extension, remote=PHONE
    )
    message: Message = factories.MessageFactory(conversation=conversation, state=state)
    answer = carry(line.did.trunk, reference=str(message.reference))
    if state == State.ACCEPTED:
        Message.objects.filter(pk=message.pk).update(provider_id=answer.json()["id"])
    return message


@pytest.mark.parametrize(
    ("trouble", "steps"),
    [
        (Trouble.NONE, ["sent", "delivered"]),
        (Trouble.MIXED, ["delivered", "sent"]),
        (Trouble.SILENT, []),
        (Trouble.LATE, []),
    ],
)
def test_receipts_come_as_the_trouble_says(
    line: CallerID, phone: Client, trouble: Trouble, steps: list[str]
) -> None:
    trunk = line.did.trunk
    choose(trunk, trouble)
    message = sent_message(line)
    assert receipts_of(phone, trunk) == steps
    if trouble == Trouble.LATE:
        with time_machine.travel(timezone.now() + timedelta(seconds=11)):
            assert receipts_of(phone, trunk) == ["sent", "delivered"]
            process()
    process()
    message.refresh_from_db()
    silent = trouble == Trouble.SILENT
    assert message.state == (State.ACCEPTED if silent else State.DELIVERED)
    assert look(phone, trunk)["messages"][0]["receipt"] == ("" if silent else "delivered")


def test_a_receipt_resolves_a_message_whose_answer_was_lost(line: CallerID, phone: Client) -> None:
    choose(line.did.trunk, Trouble.LOST)
    message = sent_message(line, State.UNCONFIRMED)
    receipts_of(phone, line.did.trunk)
    process()
    message.refresh_from_db()
    assert message.state == State.DELIVERED


def test_a_post_that_failed_is_owed_until_it_was_accepted(trunk: Trunk, phone: Client) -> None:
    carry(trunk)
    first = look(phone, trunk)["posts"][0]
    assert look(phone, trunk)["posts"][0]["step"] == "sent"
    report = [{"id": first["id"], "step": "sent"}]
    assert look(phone, trunk, posted=report)["posts"][0]["step"] == "delivered"
    # Another window reports the same post once more.
    assert look(phone, trunk, posted=report)["posts"][0]["step"] == "delivered"


def test_a_phone_of_another_number_is_off(trunk: Trunk, phone: Client) -> None:
    carry(trunk, to="+12025550199")
    screen = look(phone, trunk)
    assert screen["messages"] == screen["posts"] == []


# --- The phone -----------------------------------------------------------------------------------


def test_a_text_from_the_phone_passes_the_real_webhook(line: CallerID, phone: Client) -> None:
    trunk = line.did.trunk
    sent = ask(
        phone,
        "texts",
        trunk=trunk.pk,
        number="(202) 555-0123",
        did=line.did.number,
        text="héllo 🌲",
    )
    (owed,) = sent["posts"]
    assert owed["copies"] == 1
    assert deliver(owed) == 200
    process()
    message = Message.objects.get()
    assert (message.text, message.sender, message.recipient) == (
        "héllo 🌲",
        PHONE,
        line.did.number,
    )
    assert message.conversation.extension == line.extension
    screen = look(phone, trunk, posted=[{"id": owed["id"], "step": "message"}])
    assert screen["posts"] == []
    assert [(one["direction"], one["receipt"]) for one in screen["messages"]] == [
        ("inbound", "message")
    ]


def test_delivered_twice_it_is_one_message(line: CallerID, phone: Client) -> None:
    trunk = line.did.trunk
    ask(phone, "trouble", trunk=trunk.pk, trouble="twice")
    data = {"trunk": trunk.pk, "number": PHONE, "did": line.did.number}
    (owed,) = ask(phone, "texts", text="once", **data)["posts"]
    assert owed["copies"] == 2
    assert [deliver(owed), deliver(owed)] == [200, 200]
    process()
    assert ProviderEvent.objects.count() == 2
    assert Message.objects.count() == 1


def test_a_changed_body_is_refused_by_the_webhook(line: CallerID, phone: Client) -> None:
    trunk = line.did.trunk
    data = {"trunk": trunk.pk, "number": PHONE, "did": line.did.number, "text": "one"}
    (owed,) = ask(phone, "texts", **data)["posts"]
    assert deliver(owed | {"body": owed["body"].replace("one", "two")}) == 403


def test_a_picture_is_offered_under_an_unguessable_name(line: CallerID, phone: Client) -> None:
    trunk = line.did.trunk
    upload = io.BytesIO(PIXEL)
    upload.name = "pixel.gif"
    answer = phone.post("/handset/files", {"trunk": trunk.pk, "file": upload})
    key = answer.json()["key"]
    data = {"trunk": trunk.pk, "number": PHONE, "did": line.did.number, "text": ""}
    sent = ask(phone, "texts", media=[key], **data)
    (url,) = sent["message"]["media"]
    served = Client().get(url)
    assert b"".join(served.streaming_content) == PIXEL  # type: ignore[attr-defined] # a FileResponse
    assert served["Content-Type"] == "image/gif"
    deliver(sent["posts"][0])
    process()
    assert Message.objects.get().media.get().source_url.endswith(url)
    assert Client().get(url.replace(key[:8], "00000000")).status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"did": "+12175550199"}, "did"),
        ({"number": "nobody"}, "number"),
        ({"text": "  "}, "text"),
        ({"media": ["5b1f6f0e-3a52-4c1e-9d5c-7f2f0a9b6d11"]}, "media"),
        ({"trunk": 2**70}, "trunk"),
    ],
)
def test_what_the_phone_cannot_send_is_refused(
    line: CallerID, phone: Client, change: dict[str, Any], field: str
) -> None:
    data = {"trunk": line.did.trunk_id, "number": PHONE, "did": line.did.number, "text": "x"}
    answer = phone.post("/handset/texts", data | change, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(field)


def test_a_file_that_cannot_be_texted_is_refused(trunk: Trunk, phone: Client) -> None:
    upload = io.BytesIO(b"<svg/>")
    upload.name = "x.svg"
    answer = phone.post("/handset/files", {"trunk": trunk.pk, "file": upload})
    assert answer.status_code == 400


def test_the_page_shows_the_phone_of_the_own_trunk(line: CallerID, phone: Client) -> None:
    html = phone.get(reverse("handset")).content.decode()
    assert f'data-trunk="{line.did.trunk_id}"' in html
    assert f'value="{line.did.number}"' in html
    assert line.did.trunk.credentials["secret"] not in html
    assert 'data-testid="handset-trunk"' not in html


def test_without_a_sandbox_trunk_the_page_says_so(client: Client) -> None:
    client.force_login(factories.UserFactory())
    assert "No sandbox trunk yet" in client.get("/handset/").content.decode()


def test_a_system_administrator_chooses_among_all_phones(client: Client, trunk: Trunk) -> None:
    other = factories.TrunkFactory()
    client.force_login(factories.SystemAdminFactory())
    html = client.get(f"/handset/?trunk={other.pk}").content.decode()
    assert f'data-trunk="{other.pk}"' in html
    assert f'value="{trunk.pk}"' in html
    assert look(client, trunk)["messages"] == []


def test_the_phone_of_another_tenant_cannot_be_seen_or_driven(
    line: CallerID, client: Client
) -> None:
    trunk = line.did.trunk
    carry(trunk)
    outsider: User = factories.UserFactory(role=User.Role.ADMIN)
    factories.TrunkFactory(tenant=outsider.tenant)
    client.force_login(outsider)
    html = client.get(f"/handset/?trunk={trunk.pk}").content.decode()
    assert f'data-trunk="{trunk.pk}"' not in html
    assert line.did.number not in html
    common = {"trunk": trunk.pk, "number": PHONE}
    for what, data in {
        "look": common,
        "texts": common | {"did": line.did.number, "text": "x"},
        "trouble": {"trunk": trunk.pk, "trouble": "busy"},
    }.items():
        answer = client.post(f"/handset/{what}", data, content_type="application/json")
        assert answer.status_code == 404
    upload = io.BytesIO(PIXEL)
    upload.name = "pixel.gif"
    answer = client.post("/handset/files", {"trunk": trunk.pk, "file": upload})
    assert answer.status_code == 404
    assert HandsetMessage.objects.count() == 1


def test_strangers_are_sent_to_the_login_and_forged_posts_refused(
    line: CallerID, client: Client
) -> None:
    assert client.get("/handset/").status_code == 302
    answer = client.post("/handset/look", {}, content_type="application/json")
    assert answer.status_code in {401, 403}
    careful = Client(enforce_csrf_checks=True)
    user = Extension.objects.get(pk=line.extension_id).user
    assert user is not None
    careful.force_login(user)
    answer = careful.post("/handset/look", {}, content_type="application/json")
    assert answer.status_code == 403
