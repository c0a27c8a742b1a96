"""Notes stay with the team, call those whom they name, and are unread only for them."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from portal.models import CallerID, Extension, Group, User
from sms import notes, outbound
from sms.drafts import Draft
from sms.models import Attempt, Conversation, Mention, Message
from tests import factories
from tests.crowd import at_once
from tests.sms import flows
from tests.sms.callers import API, machine, person, queries_of

pytestmark = pytest.mark.django_db
URL = f"{API}/conversations"


@pytest.fixture
def group(line: CallerID) -> Group:
    """A group whose first member is the line's extension."""
    made: Group = factories.GroupFactory(tenant=line.tenant)
    factories.GroupMemberFactory(group=made, extension=line.extension)
    return made


@pytest.fixture
def colleague(group: Group) -> Extension:
    """The other member, called Priya."""
    made: Extension = factories.ExtensionFactory(tenant=group.tenant, name="Priya")
    factories.GroupMemberFactory(group=group, extension=made)
    return made


@pytest.fixture
def thread(line: CallerID, group: Group, colleague: Extension) -> Conversation:
    """A thread of the group that the line's extension answers."""
    del colleague
    made: Conversation = factories.ConversationFactory(
        did=line.did, group=group, assignee=line.extension
    )
    return made


def add(client: APIClient, thread: Conversation, text: str, key: str = "") -> dict[str, Any]:
    headers: dict[str, Any] = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
    answer = client.post(f"{URL}/{thread.pk}/notes", {"text": text}, format="json", **headers)
    assert answer.status_code == 201, answer.content
    shown: dict[str, Any] = answer.json()
    return shown


def row_of(reader: Extension, thread: Conversation) -> dict[str, object]:
    row: dict[str, object] = machine(reader).get(f"{URL}/{thread.pk}").json()
    return row


def test_a_note_is_in_the_thread_of_every_member(
    line: CallerID, colleague: Extension, thread: Conversation
) -> None:
    note = add(machine(line.extension), thread, "She pays on Friday.")
    rows = machine(colleague).get(f"{URL}/{thread.pk}/messages").json()["results"]
    assert [(row["id"], row["text"], row["direction"]) for row in rows] == [
        (note["id"], "She pays on Friday.", "note")
    ]
    assert (note["extension"], note["to"], note["mentions"]) == (line.extension.number, "", [])


def test_a_note_never_leaves(line: CallerID, thread: Conversation) -> None:
    note = add(machine(line.extension), thread, "Be careful with him.")
    kept = Message.objects.get(pk=note["id"])
    assert (kept.state, kept.trunk, kept.recipient) == ("delivered", None, "")
    assert flows.drain(line.did.trunk) is False
    assert not Attempt.objects.exists()
    thread.refresh_from_db()
    assert "careful" not in thread.last_text


def test_a_note_calls_the_members_it_names_and_nobody_else(
    line: CallerID, colleague: Extension, thread: Conversation
) -> None:
    outsider = factories.ExtensionFactory(tenant=line.tenant)
    text = (
        f"@{colleague.number} or @{outsider.number}? mail@{colleague.number} is no call, @1 neither"
    )
    assert add(machine(line.extension), thread, text)["mentions"] == [
        {"number": colleague.number, "name": "Priya", "assigned": False}
    ]


def test_the_agent_named_by_the_system_is_marked(
    line: CallerID, colleague: Extension, thread: Conversation
) -> None:
    notes.keep(thread, f"@{colleague.number} is asked.", author=None, assigned=colleague)
    row = machine(line.extension).get(f"{URL}/{thread.pk}/messages").json()["results"][0]
    assert row["extension"] is None
    assert row["mentions"] == [{"number": colleague.number, "name": "Priya", "assigned": True}]


def test_a_note_is_unread_for_whom_it_calls_until_they_read_it(
    line: CallerID, group: Group, colleague: Extension, thread: Conversation
) -> None:
    third = factories.ExtensionFactory(tenant=line.tenant)
    factories.GroupMemberFactory(group=group, extension=third)
    writer = machine(line.extension)
    add(writer, thread, "For everybody.")
    add(writer, thread, f"@{colleague.number} please, and @{line.extension.number}")
    seen = {reader: row_of(reader, thread) for reader in (line.extension, colleague, third)}
    assert {reader: (row["unread"], row["called"]) for reader, row in seen.items()} == {
        line.extension: (0, False),
        colleague: (1, True),
        third: (0, False),
    }
    read = machine(colleague).post(f"{URL}/{thread.pk}/read", {}, format="json").json()
    assert (read["unread"], read["called"]) == (0, False)


def test_a_thread_waits_for_its_agent_by_name_until_somebody_answers(
    line: CallerID, colleague: Extension, thread: Conversation
) -> None:
    def called() -> list[object]:
        return [row_of(reader, thread)["called"] for reader in (line.extension, colleague)]

    assert called() == [False, False]
    rows = Conversation.objects.filter(pk=thread.pk)
    rows.update(answer_by=timezone.now() + timedelta(minutes=5))
    assert called() == [True, False]
    rows.update(answer_by=None)
    assert called() == [False, False]


def test_one_press_is_one_note(line: CallerID, thread: Conversation) -> None:
    client = machine(line.extension)
    first, again = (add(client, thread, "Once", key="k1") for _ in range(2))
    assert first["id"] == again["id"]
    answer = client.post(
        f"{URL}/{thread.pk}/notes", {"text": "Other"}, format="json", HTTP_IDEMPOTENCY_KEY="k1"
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "key_reused")
    assert Message.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_press_twice_at_once_is_one_note(line: CallerID, thread: Conversation) -> None:
    call = [lambda: notes.write(thread, "Once", author=line.extension, key="k1").pk] * 8
    assert len(set(at_once(*call))) == 1
    assert Message.objects.count() == 1


def test_a_key_that_is_too_long_is_refused(line: CallerID, thread: Conversation) -> None:
    answer = machine(line.extension).post(
        f"{URL}/{thread.pk}/notes", {"text": "x"}, format="json", HTTP_IDEMPOTENCY_KEY="k" * 129
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "key_invalid")


def test_an_empty_note_names_its_field(line: CallerID, thread: Conversation) -> None:
    answer = machine(line.extension).post(f"{URL}/{thread.pk}/notes", {"text": " "}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert "text" in answer.json()["fields"]


def test_an_internal_chat_has_no_notes(line: CallerID, colleague: Extension) -> None:
    outbound.submit(Draft(extension=line.extension, to=colleague.number, text="Lunch?"))
    chat = Conversation.objects.get(kind="internal")
    answer = machine(colleague).post(f"{URL}/{chat.pk}/notes", {"text": "x"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "no_notes_here")


def test_only_who_is_part_of_a_thread_writes_notes_there(
    line: CallerID, thread: Conversation
) -> None:
    stranger = factories.ExtensionFactory()
    neighbour = factories.ExtensionFactory(tenant=line.tenant)
    for client in (machine(stranger), machine(neighbour)):
        answer = client.post(f"{URL}/{thread.pk}/notes", {"text": "x"}, format="json")
        assert answer.status_code == 404
    auditor = person(factories.UserFactory(tenant=line.tenant, role=User.Role.AUDITOR))
    answer = auditor.post(f"{URL}/{thread.pk}/notes", {"text": "x"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert not Message.objects.exists()


def test_a_tenants_machine_names_who_writes(line: CallerID, thread: Conversation) -> None:
    body = {"text": "x", "extension": line.extension.number}
    answer = machine(line.tenant).post(f"{URL}/{thread.pk}/notes", body, format="json")
    assert (answer.status_code, answer.json()["extension"]) == (201, line.extension.number)


def test_a_thread_of_notes_costs_the_same_however_long_it_is(
    line: CallerID, colleague: Extension, thread: Conversation
) -> None:
    reader, path = machine(line.extension), f"{URL}/{thread.pk}/messages"

    def grow(count: int) -> None:
        for _ in range(count):
            text = f"@{line.extension.number} and @{colleague.number}"
            notes.write(thread, text, author=colleague)

    grow(1)
    few = queries_of(reader, path)
    grow(9)
    assert queries_of(reader, path) == few <= 5
    assert Mention.objects.count() == 20
