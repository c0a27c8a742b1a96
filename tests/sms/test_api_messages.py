"""The API's messages: sending, refusing, listing, reading one."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.utils import timezone

from portal.models import CallerID, Extension, User
from sms.models import Attempt, Message, OptOut, State, transition
from tests import factories
from tests.sms.callers import API, machine, person, queries_of

pytestmark = pytest.mark.django_db
URL = f"{API}/messages"
TEXT = {"to": "(617) 555-0188", "text": "Hello"}


def send(client: Any, data: dict[str, Any], key: str = "k1") -> Any:
    return client.post(URL, data, format="json", HTTP_IDEMPOTENCY_KEY=key)


def test_a_text_is_accepted_and_described(line: CallerID) -> None:
    answer = send(machine(line.extension), TEXT)
    assert answer.status_code == 202
    body = answer.json()
    message = Message.objects.get()
    assert body == {
        "id": message.pk,
        "reference": str(message.reference),
        "conversation": message.conversation_id,
        "direction": "outbound",
        "state": "queued",
        "from": line.did.number,
        "to": "+16175550188",
        "text": "Hello",
        "segments": 1,
        "encoding": "GSM-7",
        "provider_id": "",
        "error": "",
        "error_code": "",
        "advice": "",
        "created_at": body["created_at"],
        "extension": line.extension.number,
        "author": {"number": line.extension.number, "name": line.extension.name},
        "automatic": False,
        "media": [],
        "mentions": [],
    }
    assert "Idempotent-Replayed" not in answer


def test_a_token_sends_behind_the_replies_of_people(line: CallerID) -> None:
    user = factories.UserFactory(tenant=line.tenant)
    Extension.objects.filter(pk=line.extension_id).update(user=user)
    send(machine(line.extension), TEXT, "by-token")
    send(person(user), TEXT, "by-session")
    lanes = dict(Message.objects.values_list("client_key", "lane"))
    assert lanes == {"by-token": Message.Lane.API, "by-session": Message.Lane.REPLY}


def test_the_same_key_answers_with_the_first_message(line: CallerID) -> None:
    client = machine(line.extension)
    first, second = send(client, TEXT), send(client, TEXT)
    assert (second.status_code, second.json()) == (202, first.json())
    assert second["Idempotent-Replayed"] == "true"
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("key", "data", "code"),
    [
        ("", TEXT, "key_missing"),
        ("k" * 129, TEXT, "key_invalid"),
        ("k", {"to": "hello there", "text": "x"}, "number_invalid"),
        ("k", {"to": "+16175550188", "text": " "}, "text_missing"),
        ("k", {**TEXT, "text": "x" * 1601}, "text_too_long"),
        ("k", {**TEXT, "from": "+12025559999"}, "caller_id_unknown"),
        ("k", {**TEXT, "text": "\x00"}, "invalid"),
        ("k", {**TEXT, "media": ["nonsense"]}, "invalid"),
        ("k", {**TEXT, "media": ["6a1f8bd0-6d0a-4d2b-8a55-2f8d3d0f3c11"]}, "media_refused"),
        ("k", {**TEXT, "conversation": 10**30}, "not_found"),
        ("k", {**TEXT, "extension": "99"}, "extension_unknown"),
    ],
)
def test_a_refusal_has_a_code_and_keeps_nothing(
    line: CallerID, key: str, data: dict[str, Any], code: str
) -> None:
    answer = send(machine(line.extension), data, key)
    assert 400 <= answer.status_code < 500
    assert answer.json()["code"] == code
    assert answer.json()["detail"]
    assert not Message.objects.exists()


def test_a_key_that_was_used_for_another_text_is_refused(line: CallerID) -> None:
    client = machine(line.extension)
    send(client, TEXT)
    answer = send(client, {**TEXT, "text": "Another"})
    assert (answer.status_code, answer.json()["code"]) == (409, "key_reused")


def test_an_extension_without_permission_is_refused(line: CallerID) -> None:
    Extension.objects.update(sms=Extension.Sms.DISABLE)
    answer = send(machine(line.extension), TEXT)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


def test_a_suspended_tenant_reads_but_does_not_send(line: CallerID) -> None:
    client = machine(line.extension)
    send(client, TEXT)
    line.tenant.active = False
    line.tenant.save()
    answer = send(client, TEXT, "k2")
    assert (answer.status_code, answer.json()["code"]) == (403, "tenant_suspended")
    assert len(client.get(URL).json()["results"]) == 1


def test_a_tenants_token_names_the_extension_that_sends(line: CallerID) -> None:
    client = machine(line.tenant)
    assert send(client, TEXT).json()["code"] == "extension_required"
    assert send(client, {**TEXT, "extension": "99"}).json()["code"] == "extension_unknown"
    answer = send(client, {**TEXT, "extension": line.extension.number})
    assert (answer.status_code, answer.json()["extension"]) == (202, line.extension.number)


def test_a_person_without_extension_does_not_send(line: CallerID) -> None:
    boss = factories.UserFactory(tenant=line.tenant, role=User.Role.ADMIN)
    answer = send(person(boss), {**TEXT, "extension": line.extension.number})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


def test_an_answer_goes_into_its_conversation(line: CallerID) -> None:
    conversation = factories.ConversationFactory(did=line.did, extension=line.extension)
    answer = send(machine(line.extension), {"conversation": conversation.pk, "text": "Yes"})
    assert answer.json()["conversation"] == conversation.pk
    assert answer.json()["to"] == factories.REMOTE


def test_a_conversation_of_somebody_else_is_not_found(line: CallerID) -> None:
    other = factories.ConversationFactory(tenant=line.tenant)
    answer = send(machine(line.extension), {"conversation": other.pk, "text": "Yes"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_preflight_says_what_would_go_out(line: CallerID) -> None:
    answer = machine(line.extension).post(
        f"{URL}/preflight", {**TEXT, "text": "Café “now”"}, format="json"
    )
    assert answer.json() == {
        "allowed": True,
        "from": line.did.number,
        "to": "+16175550188",
        "encoding": "UCS-2",
        "segments": 1,
        "units": 10,
        "left": 60,
        "culprit": "“",
    }
    assert not Message.objects.exists()


def test_preflight_refuses_as_a_send_would(line: CallerID) -> None:
    OptOut.objects.create(tenant=line.tenant, remote="+16175550188", words="STOP")
    answer = machine(line.extension).post(f"{URL}/preflight", TEXT, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "opted_out")


def test_preflight_knows_a_colleague_from_a_short_code(line: CallerID) -> None:
    other = factories.ExtensionFactory(tenant=line.tenant)
    data = {"to": other.number, "text": "Lunch?"}
    answer = machine(line.extension).post(f"{URL}/preflight", data, format="json")
    assert (answer.json()["from"], answer.json()["to"]) == (line.extension.number, other.number)


@pytest.mark.parametrize("written", ["+16175550188", "16175550188", "(617) 555-0188"])
def test_numbers_in_filters_may_be_written_in_any_way(line: CallerID, written: str) -> None:
    conversation = factories.ConversationFactory(did=line.did, extension=line.extension)
    message = factories.MessageFactory(conversation=conversation)
    factories.MessageFactory(conversation=conversation, inbound=True)
    found = machine(line.extension).get(f"{URL}?to={quote(written)}").json()["results"]
    assert [row["id"] for row in found] == [message.pk]


def test_filters_narrow_the_list(line: CallerID) -> None:
    conversation = factories.ConversationFactory(did=line.did, extension=line.extension)
    now = timezone.now()
    old = factories.MessageFactory(conversation=conversation, created_at=now - timedelta(days=2))
    new = factories.MessageFactory(
        conversation=conversation, inbound=True, provider_id="p-7", created_at=now
    )
    moment = quote((now - timedelta(days=1)).isoformat())
    wanted = {
        "direction=inbound": [new.pk],
        "state=queued": [old.pk],
        f"conversation={conversation.pk}": [new.pk, old.pk],
        "provider_id=p-7": [new.pk],
        f"since={moment}": [new.pk],
        f"until={moment}": [old.pk],
        f"from={quote(line.did.number)}": [old.pk],
        "conversation=1000000000000000000000000": [],
    }
    client = machine(line.extension)
    for query, ids in wanted.items():
        found = client.get(f"{URL}?{query}").json()["results"]
        assert [row["id"] for row in found] == ids, query


@pytest.mark.parametrize("query", ["state=lost", "since=yesterday", "conversation=x", "to=%00"])
def test_a_filter_that_makes_no_sense_is_refused(line: CallerID, query: str) -> None:
    answer = machine(line.extension).get(f"{URL}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


@pytest.mark.parametrize("cursor", ["x", "cD1hYmM=", "cD0lMDA=", "bz0tMQ=="])
def test_a_cursor_we_did_not_make_is_not_found(line: CallerID, cursor: str) -> None:
    assert machine(line.extension).get(f"{URL}?cursor={cursor}").status_code in {200, 404}


def test_pages_follow_each_other(line: CallerID) -> None:
    conversation = factories.ConversationFactory(did=line.did, extension=line.extension)
    made = factories.MessageFactory.create_batch(5, conversation=conversation)
    client, link, seen = machine(line.extension), f"{URL}?page_size=2", []
    while link:
        page = client.get(link).json()
        seen += [row["id"] for row in page["results"]]
        link = page["next"]
    assert seen == [message.pk for message in reversed(made)]


def test_an_extension_lists_its_own_and_its_groups_messages_only(line: CallerID) -> None:
    own = factories.ConversationFactory(did=line.did, extension=line.extension)
    group = factories.GroupFactory(tenant=line.tenant)
    factories.GroupMemberFactory(group=group, extension=line.extension)
    shared = factories.ConversationFactory(did=line.did, group=group, extension=None)
    seen = {factories.MessageFactory(conversation=row, extension=None).pk for row in (own, shared)}
    factories.MessageFactory(tenant=line.tenant)
    found = machine(line.extension).get(URL).json()["results"]
    assert {row["id"] for row in found} == seen


@pytest.mark.parametrize(("role", "count"), [("admin", 2), ("auditor", 2), ("extension", 0)])
def test_who_may_look_lists_the_whole_tenant(line: CallerID, role: str, count: int) -> None:
    factories.MessageFactory(tenant=line.tenant)
    factories.MessageFactory(tenant=line.tenant)
    factories.MessageFactory()
    user = factories.UserFactory(tenant=line.tenant, role=role)
    assert len(person(user).get(URL).json()["results"]) == count


def test_an_administrator_with_an_extension_may_ask_for_the_own_messages(line: CallerID) -> None:
    boss = factories.UserFactory(tenant=line.tenant, role=User.Role.ADMIN)
    Extension.objects.filter(pk=line.extension_id).update(user=boss)
    own = factories.ConversationFactory(did=line.did, extension=line.extension)
    factories.MessageFactory(conversation=own)
    factories.MessageFactory(tenant=line.tenant)
    assert len(person(boss).get(URL).json()["results"]) == 2
    assert len(person(boss).get(f"{URL}?scope=own").json()["results"]) == 1


def test_one_message_shows_its_history_and_to_some_its_attempts(line: CallerID) -> None:
    conversation = factories.ConversationFactory(did=line.did, extension=line.extension)
    message = factories.MessageFactory(
        conversation=conversation,
        state=State.FAILED,
        history=[transition(State.QUEUED), transition(State.FAILED, note="refused")],
    )
    now = timezone.now()
    Attempt.objects.create(
        tenant=line.tenant,
        message=message,
        started_at=now,
        ended_at=now,
        outcome=Attempt.Outcome.REJECTED,
        code="21",
        request="POST /secret",
    )
    mine = machine(line.extension).get(f"{URL}/{message.pk}").json()
    assert [row["state"] for row in mine["history"]] == ["queued", "failed"]
    assert mine["history"][1]["note"] == "refused"
    assert mine["attempts"] is None
    looked = machine(line.tenant).get(f"{URL}/{message.pk}").json()
    assert (looked["attempts"][0]["outcome"], looked["attempts"][0]["code"]) == ("rejected", "21")
    assert "secret" not in str(looked)


def test_a_list_costs_the_same_however_long_it_is(line: CallerID) -> None:
    client = machine(line.extension)
    conversation = factories.ConversationFactory(did=line.did, extension=line.extension)
    factories.MediaFileFactory(message=factories.MessageFactory(conversation=conversation))
    few = queries_of(client, URL)
    for message in factories.MessageFactory.create_batch(9, conversation=conversation):
        factories.MediaFileFactory(message=message)
    assert queries_of(client, URL) == few <= 4


def test_a_plain_answer_is_what_reading_the_message_says(line: CallerID) -> None:
    client = machine(line.extension)
    answer = send(client, {**TEXT, "text": "Plain, naïve and 😀"}).json()

    told = client.get(f"{URL}/{answer['id']}").json()
    assert answer == {name: told[name] for name in answer}
    assert set(told) - set(answer) == {"history", "attempts"}
