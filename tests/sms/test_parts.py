"""Messages that travel in parts: pieces in, parts out; and receipts that are asked for."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
import responses
import time_machine
from pytest_django import Settings

from portal.models import CallerID
from providers.contract import SendResult, Status, StatusUpdate, WebhookRequest
from sms import dispatch, intake, media, outcome, pieces, polling, receipts, sweep
from sms.models import InboundPiece, MediaFile, Message, SentPart, State
from sms.outcome import Outcome
from tests import factories
from tests.sms.flows import drain_events, states, submit

pytestmark = pytest.mark.django_db
VOICEMEUP = {"username": "u", "auth_token": "0123456789abcdef0123456789abcdef"}
VOIPMS = {"username": "u@example.com", "password": "ApiPass-1"}
NOON = datetime(2026, 11, 2, 17, 0, tzinfo=UTC)


def line_at(provider: str, credentials: Mapping[str, str]) -> CallerID:
    """Return a line whose trunk is at this provider."""
    made = factories.line()
    trunk = made.did.trunk
    trunk.provider, trunk.credentials = provider, dict(credentials)
    trunk.save()
    return made


def post(line: CallerID, body: Mapping[str, Any]) -> None:
    """Let the provider post JSON, and process it."""
    request = WebhookRequest(
        method="POST",
        url=line.did.trunk.webhook_url,
        headers={"content-type": "application/json"},
        query="",
        body=json.dumps(body).encode(),
    )
    intake.accept(line.did.trunk, request, "192.0.2.7")
    drain_events()


def wrapper(line: CallerID, ident: str = "h-1", at: str = "2026-01-28 13:00:14") -> dict[str, str]:
    """Return the first half of a VoiceMeUp MMS: the text."""
    page = f"https://clients.voicemeup.com/file/{ident}.mms.html"
    return {**_half(line, ident, at), "message": "Look", "attachment": page,
            "attachment_mime_type": "text/html"}  # fmt: skip


def file(line: CallerID, ident: str = "h-2", at: str = "2026-01-28 13:00:14") -> dict[str, str]:
    """Return the second half: the picture."""
    picture = f"https://clients.voicemeup.com/file/{ident}.mms.jpg"
    return {**_half(line, ident, at), "message": "", "attachment": picture,
            "attachment_mime_type": "image/jpeg"}  # fmt: skip


def _half(line: CallerID, ident: str, at: str) -> dict[str, str]:
    return {
        "sms_hash": ident,
        "direction": "inbound",
        "source_number": "16175550188",
        "destination_number": line.did.number.removeprefix("+"),
        "datetime_transmission": at,
    }


@pytest.mark.parametrize("picture_first", [False, True])
def test_the_two_halves_of_a_message_are_one_in_either_order(picture_first: bool) -> None:
    line = line_at("voicemeup", VOICEMEUP)
    halves = [wrapper(line), file(line)]
    for half in reversed(halves) if picture_first else halves:
        post(line, half)

    message = Message.objects.get()
    assert message.text == "Look"
    assert [one.source_url for one in message.media.all()] == [halves[1]["attachment"]]
    assert message.conversation.last_text == "Look"


def test_a_half_that_comes_again_changes_nothing() -> None:
    line = line_at("voicemeup", VOICEMEUP)
    for half in (wrapper(line), file(line), wrapper(line), file(line)):
        post(line, half)

    assert Message.objects.get().text == "Look"
    assert InboundPiece.objects.count() == 2
    assert MediaFile.objects.count() == 1


def test_another_message_of_the_same_sender_is_not_joined() -> None:
    line = line_at("voicemeup", VOICEMEUP)
    post(line, wrapper(line))
    post(line, wrapper(line, "h-9", "2026-01-28 13:02:00"))

    assert Message.objects.count() == 2


def test_what_the_pieces_share_means_another_message_some_time_later() -> None:
    line = line_at("voicemeup", VOICEMEUP)
    with time_machine.travel(NOON, tick=False) as clock:
        post(line, wrapper(line))
        clock.shift(pieces.WINDOW + timedelta(seconds=1))
        post(line, wrapper(line, "h-3"))

    assert Message.objects.count() == 2


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1, 2)])
def test_a_long_text_in_three_pieces_is_whole_in_any_order(order: tuple[int, ...]) -> None:
    line = line_at("vonage", {"api_key": "ab12cd34", "api_secret": "s"})
    words = {1: "First, ", 2: "then 👋, ", 3: "and last."}
    for part in order:
        post(
            line,
            {
                "api-key": "ab12cd34",
                "msisdn": "16175550188",
                "to": line.did.number.removeprefix("+"),
                "messageId": f"1A000000{part}",
                "concat": "true",
                "concat-ref": "17",
                "concat-total": "3",
                "concat-part": str(part),
                "text": words[part],
                "type": "unicode",
                "message-timestamp": "2026-03-04 05:06:08",
            },
        )

    message = Message.objects.get()
    assert message.text == "First, then 👋, and last."
    assert (message.encoding, message.segments) == ("UCS-2", 1)
    assert message.conversation.last_text == message.text


@pytest.mark.parametrize(
    ("there", "text"),
    [
        ([(1, 3, "a"), (2, 3, "b"), (3, 3, "c")], "abc"),
        ([(3, 3, "c"), (1, 3, "a")], "a … c"),
        ([(2, 2, " b ")], "…  b"),
        ([(1, 0, "text"), (2, 0, "")], "text"),
        ([], ""),
    ],
)
def test_pieces_stand_in_their_order_and_gaps_show(
    there: list[tuple[int, int, str]], text: str
) -> None:
    assert pieces.joined(there) == text


def test_files_inside_a_request_are_taken_from_it_by_a_worker(
    settings: Settings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    line = line_at("voipinnovations", {"api_key": "k", "api_secret": "s"})
    picture = base64.b64encode(b"\x89PNG").decode()
    post(
        line,
        {
            "type": "incomingWebhookMMS",
            "caller_id_number": "16175550188",
            "destination_number": line.did.number.removeprefix("+"),
            "text": "see",
            "files": f"{{'0.smil': 'PHNtaWw+', 'IMG_1.png': '{picture}'}}",
        },
    )
    waiting = MediaFile.objects.get()
    assert waiting.state == MediaFile.State.WAITING
    media.fetch_due()

    waiting.refresh_from_db()
    assert (waiting.state, waiting.name, waiting.content_type) == (
        "ready",
        "IMG_1.png",
        "image/png",
    )
    with waiting.file.open() as kept:
        assert kept.read() == b"\x89PNG"


def parted(line: CallerID, *idents: str) -> Message:
    """Return a long text that the provider took in parts with these ids."""
    submit(line.extension, "long " * 60)
    (message,) = dispatch.claim(line.did.trunk, 1)
    result = SendResult(provider_id=idents[0], part_ids=idents)
    outcome.settle([Outcome(message=message, started_at=NOON, ended_at=NOON, result=result)])
    message.refresh_from_db()
    return message


def receipt(message: Message, ident: str, status: Status) -> receipts.Match:
    """Apply a receipt for one part and return whether it found its message."""
    assert message.trunk is not None
    update = StatusUpdate(status=status, provider_id=ident, detail="off" if "un" in status else "")
    match = receipts.apply(message.trunk, update)
    message.refresh_from_db()
    return match


def test_a_long_text_is_delivered_when_all_its_parts_are(line: CallerID) -> None:
    message = parted(line, "p1", "p2")
    assert SentPart.objects.filter(message=message).count() == 2
    receipt(message, "p2", Status.DELIVERED)
    assert message.state == State.ACCEPTED
    receipt(message, "p1", Status.SENT)
    assert message.state == State.SENT
    receipt(message, "p1", Status.DELIVERED)
    assert message.state == State.DELIVERED


def test_one_part_that_fails_fails_the_text(line: CallerID) -> None:
    message = parted(line, "p1", "p2", "p3")
    receipt(message, "p1", Status.DELIVERED)
    receipt(message, "p2", Status.UNDELIVERED)
    assert (message.state, message.error) == (State.UNDELIVERED, "off")
    receipt(message, "p3", Status.DELIVERED)
    assert message.state == State.UNDELIVERED


def test_a_receipt_for_a_part_that_overtakes_the_answer_waits(line: CallerID) -> None:
    submit(line.extension, "long " * 60)
    (message,) = dispatch.claim(line.did.trunk, 1)
    update = StatusUpdate(
        status=Status.DELIVERED, provider_id="p2", reference=message.reference.hex
    )
    assert receipts.apply(line.did.trunk, update) is receipts.Match.NOT_YET
    assert states(message) == ["queued", "sending"]


def listing(network: responses.RequestsMock, *rows: tuple[str, str]) -> None:
    """Let VoIP.ms list what it sent, with the carrier's word for each."""
    told = [{"id": ident, "type": "0", "carrier_status": word} for ident, word in rows]
    network.post("https://voip.ms/api/v1/rest.php", json={"status": "success", "sms": told})


def taken_by_voipms(line: CallerID, network: responses.RequestsMock, ident: str) -> Message:
    """Have a text taken under an id."""
    taken = {"status": "success", "sms": int(ident)}
    call = network.post("https://voip.ms/api/v1/rest.php", json=taken)
    message = submit(line.extension, "Hello")
    dispatch.drain(line.did.trunk.pk, SimpleQueue())
    network.remove(call)
    message.refresh_from_db()
    return message


def test_a_receipt_that_nobody_posts_is_asked_for(network: responses.RequestsMock) -> None:
    line = line_at("voipms", VOIPMS)
    with time_machine.travel(NOON, tick=False) as clock:
        message = taken_by_voipms(line, network, "112275001")
        assert message.poll_at == NOON + timedelta(minutes=1)
        listing(network, ("112275001", "Message delivered to handset."))
        clock.shift(61)
        assert polling.poll(line.did.trunk.pk, SimpleQueue()) is False

    message.refresh_from_db()
    assert (message.state, message.provider_id) == (State.DELIVERED, "sms:112275001")


def test_what_nobody_knows_is_asked_ever_less_often_and_never_invented(
    network: responses.RequestsMock,
) -> None:
    line = line_at("voipms", VOIPMS)
    with time_machine.travel(NOON, tick=False) as clock:
        message = taken_by_voipms(line, network, "112275002")
        listing(network)
        before = len(network.calls)
        for minutes in (2, 3, 6, 7, 16, 30, 61, 300, 361, 1441, 3000):
            clock.move_to(NOON + timedelta(minutes=minutes))
            sweep.sweep()
            polling.poll(line.did.trunk.pk, SimpleQueue())

    message.refresh_from_db()
    assert len(network.calls) - before == len(polling.STEPS)
    assert (message.state, message.poll_at) == (State.ACCEPTED, None)


def test_a_provider_that_asks_for_patience_is_left_alone_so_long(
    network: responses.RequestsMock,
) -> None:
    line = line_at("voipms", VOIPMS)
    with time_machine.travel(NOON, tick=False) as clock:
        message = taken_by_voipms(line, network, "112275003")
        network.post("https://voip.ms/api/v1/rest.php", json={"status": "limit_reached"})
        clock.shift(61)
        polling.poll(line.did.trunk.pk, SimpleQueue())
        message.refresh_from_db()

    assert message.state == State.ACCEPTED
    assert message.poll_at is not None
    assert message.poll_at > NOON + timedelta(minutes=30)
