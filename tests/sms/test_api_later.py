"""The API's texts for later, what a typed number means, and files that are sent once more."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.models import CallerID, User
from sms import media
from sms.models import LaterText, MediaFile, Message
from tests import factories
from tests.sms.callers import API, machine, person, queries_of

pytestmark = pytest.mark.django_db
URL = f"{API}/later"
TO = "(617) 555-0188"


@pytest.fixture(autouse=True)
def _files(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def at(**after: float) -> str:
    return (timezone.now() + timedelta(**after)).isoformat()


def post(client: Any, key: str = "k", **data: Any) -> Any:
    body = {"to": TO, "text": "Hello", "at": at(hours=1), **data}
    return client.post(URL, body, format="json", HTTP_IDEMPOTENCY_KEY=key)


def test_a_text_for_later_is_described(line: CallerID) -> None:
    answer = post(machine(line.extension))
    row = LaterText.objects.get()
    assert answer.status_code == 201
    body = answer.json()
    assert body == {
        "id": row.pk,
        "conversation": row.conversation_id,
        "to": "+16175550188",
        "from": line.did.number,
        "text": "Hello",
        "at": body["at"],
        "state": "waiting",
        "error": "",
        "message": None,
        "media": [],
        "created_at": body["created_at"],
    }
    assert datetime.fromisoformat(body["at"]) == row.due_at


def test_a_repeat_answers_with_the_first_text(line: CallerID) -> None:
    client = machine(line.extension)
    assert post(client).json()["id"] == post(client).json()["id"]
    assert client.post(URL, {}, format="json").json()["code"] == "key_missing"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"at": "2020-01-01T09:00:00Z"}, "time_invalid"),
        ({"at": at(days=400)}, "time_invalid"),
        ({"at": "tomorrow"}, "invalid"),
        ({"to": "12"}, "number_invalid"),
        ({"text": ""}, "text_missing"),
        ({"from": "+12025550999"}, "caller_id_unknown"),
        ({"media": ["9b2f0c52-8a4c-4a57-9e0c-0d4a2a1a6d10"]}, "media_refused"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_a_code(
    line: CallerID, change: dict[str, Any], code: str
) -> None:
    answer = post(machine(line.extension), **change)
    assert (answer.status_code // 100, answer.json()["code"]) == (4, code)
    assert not LaterText.objects.exists()


def test_the_list_shows_what_waits_and_what_was_refused(line: CallerID) -> None:
    client = machine(line.extension)
    late, soon = post(client, "a", at=at(hours=9)).json(), post(client, "b").json()
    other = post(client, "c", to="+16175550189").json()
    LaterText.objects.filter(pk=soon["id"]).update(state="refused", error="No.")
    LaterText.objects.filter(pk=other["id"]).update(state="cancelled")

    def listed(query: str = "") -> list[int]:
        return [row["id"] for row in client.get(f"{URL}{query}").json()["results"]]

    assert listed() == [soon["id"], late["id"]]
    assert listed("?state=cancelled") == [other["id"]]
    assert listed(f"?conversation={late['conversation']}") == [soon["id"], late["id"]]
    assert listed(f"?conversation={other['conversation']}") == []


def test_a_longer_list_takes_no_more_queries(line: CallerID) -> None:
    client = machine(line.extension)
    post(client)
    few = queries_of(client, URL)
    for n in range(5):
        post(client, f"k{n}", to=f"+1617555010{n}")
    assert queries_of(client, URL) == few


def test_it_can_be_changed_cancelled_and_sent_at_once(line: CallerID) -> None:
    client = machine(line.extension)
    address = f"{URL}/{post(client).json()['id']}"
    changed = client.patch(address, {"text": "Bye", "at": at(hours=2)}, format="json")
    assert (changed.status_code, changed.json()["text"]) == (200, "Bye")
    sent = client.post(f"{address}/send").json()
    assert (sent["state"], sent["message"]) == ("submitted", Message.objects.get().pk)
    for answer in (
        client.patch(address, {"text": "x"}, format="json"),
        client.delete(address),
        client.post(f"{address}/send"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "too_late")
    other = f"{URL}/{post(client, 'other').json()['id']}"
    assert client.delete(other).status_code == 204
    assert client.get(URL).json()["results"] == []


def test_nobody_else_sees_or_touches_it(line: CallerID) -> None:
    row = post(machine(line.extension)).json()
    colleague = factories.ExtensionFactory(tenant=line.tenant)
    auditor = factories.UserFactory(tenant=line.tenant, role=User.Role.AUDITOR)
    strangers = [
        machine(colleague),
        machine(factories.line().extension),
        machine(factories.line().tenant),
        person(auditor),
    ]
    address = f"{URL}/{row['id']}"
    for client in strangers:
        for answer in (
            client.patch(address, {"text": "x"}, format="json"),
            client.delete(address),
            client.post(f"{address}/send"),
        ):
            assert answer.status_code == 404
    assert machine(colleague).get(URL).json()["results"] == []
    assert LaterText.objects.get().state == "waiting"


def test_the_tenants_machine_acts_for_an_extension(line: CallerID) -> None:
    client = machine(line.tenant)
    number = line.extension.number
    assert post(client).json()["code"] == "extension_required"
    made = post(client, extension=number).json()
    listed = client.get(URL, {"extension": number}).json()["results"]
    assert [row["id"] for row in listed] == [made["id"]]
    assert client.delete(f"{URL}/{made['id']}").status_code == 204


@pytest.mark.parametrize(
    ("typed", "number", "pretty", "country", "kind"),
    [
        ("2172074422", "+12172074422", "+1 217-207-4422", "United States", "number"),
        ("+44 20 7946 0018", "+442079460018", "+44 20 7946 0018", "Britain (UK)", "number"),
        ("00491711234567", "+491711234567", "+49 171 1234567", "Germany", "number"),
        ("416 555 0188", "+14165550188", "+1 416-555-0188", "Canada", "number"),
        ("73737", "73737", "73737", "", "short_code"),
    ],
)
def test_a_typed_number_is_read_in_the_tenants_country(
    line: CallerID, typed: str, number: str, pretty: str, country: str, kind: str
) -> None:
    answer = machine(line.extension).get(f"{API}/numbers", {"number": typed})
    assert answer.json() == {
        "number": number,
        "pretty": pretty,
        "country": country,
        "kind": kind,
        "name": "",
    }


def test_a_colleagues_extension_is_named_and_a_wrong_number_refused(line: CallerID) -> None:
    colleague = factories.ExtensionFactory(tenant=line.tenant, name="Ada")
    client = machine(line.extension)
    found = client.get(f"{API}/numbers", {"number": colleague.number}).json()
    assert (found["kind"], found["name"]) == ("extension", "Ada")
    for wrong in ("12", "9999", "hello"):
        answer = client.get(f"{API}/numbers", {"number": wrong})
        assert (answer.status_code, answer.json()["code"]) == (400, "number_invalid")


def with_file(line: CallerID) -> tuple[Message, MediaFile]:
    thread = factories.ConversationFactory(did=line.did, extension=line.extension)
    message: Message = factories.MessageFactory(conversation=thread, state="failed")
    file = media.store_upload(
        tenant=line.tenant,
        extension=line.extension,
        name="a.png",
        content_type="image/png",
        body=b"picture",
    )
    MediaFile.objects.filter(pk=file.pk).update(message=message)
    return message, file


def test_files_of_a_message_can_be_sent_once_more(line: CallerID) -> None:
    message, file = with_file(line)
    client = machine(line.extension)
    answer = client.post(f"{API}/messages/{message.pk}/copies")
    assert answer.status_code == 201
    copy = MediaFile.objects.exclude(pk=file.pk).get()
    assert [one["id"] for one in answer.json()] == [str(copy.key)]
    assert (copy.name, copy.content_type, copy.size) == ("a.png", "image/png", 7)
    data = {"to": TO, "media": [str(copy.key)]}
    again = client.post(f"{API}/messages", data, format="json", HTTP_IDEMPOTENCY_KEY="again")
    assert again.json()["media"][0]["id"] == str(copy.key)
    assert Path(file.file.path).read_bytes() == Path(copy.file.path).read_bytes() == b"picture"


def test_files_of_others_are_not_copied(line: CallerID) -> None:
    message, _file = with_file(line)
    for stranger in (factories.line(), factories.line(tenant=line.tenant)):
        client = machine(stranger.extension)
        assert client.post(f"{API}/messages/{message.pk}/copies").status_code == 404
    assert MediaFile.objects.count() == 1


def test_a_file_that_is_gone_is_named_as_the_reason(line: CallerID) -> None:
    message, file = with_file(line)
    file.file.delete(save=False)
    answer = machine(line.extension).post(f"{API}/messages/{message.pk}/copies")
    assert (answer.status_code, answer.json()["code"]) == (400, "media_refused")


def test_caller_ids_tell_what_their_trunk_takes_of_files(line: CallerID) -> None:
    (own,) = machine(line.extension).get(f"{API}/caller-ids").json()
    able = line.did.trunk.capable.capabilities
    assert own["limits"] == {
        "mms": True,
        "types": list(able.media_types),
        "max_files": able.max_media,
        "max_file_bytes": min(able.max_file_bytes or media.MAX_BYTES, media.MAX_BYTES),
        "max_total_bytes": able.max_media_bytes,
    }


def test_in_a_groups_thread_its_number_is_among_the_caller_ids(line: CallerID) -> None:
    group = factories.GroupFactory(tenant=line.tenant)
    did = factories.DIDFactory(tenant=line.tenant)
    thread = factories.ConversationFactory(did=did, group=group)
    client = machine(line.extension)
    assert client.get(f"{API}/caller-ids", {"conversation": thread.pk}).status_code == 404
    factories.GroupMemberFactory(group=group, extension=line.extension)
    found = client.get(f"{API}/caller-ids", {"conversation": thread.pk}).json()
    assert [one["from"] for one in found] == [line.did.number, did.number]
