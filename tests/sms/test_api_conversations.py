"""The API's conversations: what is unread, who it is with, and what is done with them."""

import pytest

from portal.models import CallerID, Group, User
from sms import drafts, outbound
from sms.models import Conversation, ReadMark
from tests import factories
from tests.sms.callers import API, machine, person, queries_of

pytestmark = pytest.mark.django_db
URL = f"{API}/conversations"


@pytest.fixture
def conversation(line: CallerID) -> Conversation:
    made: Conversation = factories.ConversationFactory(did=line.did, extension=line.extension)
    return made


@pytest.fixture
def group(line: CallerID) -> Group:
    """A group of the line's extension and one more."""
    made: Group = factories.GroupFactory(tenant=line.tenant)
    factories.GroupMemberFactory(group=made, extension=line.extension)
    factories.GroupMemberFactory(group=made, tenant=line.tenant)
    return made


def test_a_conversation_says_who_it_is_with(line: CallerID, conversation: Conversation) -> None:
    contact = factories.ContactFactory(tenant=line.tenant, name="Helen Ruiz")
    factories.ContactNumberFactory(contact=contact, number=conversation.remote)
    row = machine(line.extension).get(URL).json()["results"][0]
    assert row["title"] == "Helen Ruiz"
    assert row["remotes"] == [
        {"number": "+16175550188", "pretty": "+1 617-555-0188", "name": "Helen Ruiz"}
    ]
    assert (row["our_number"], row["state"], row["kind"]) == (line.did.number, "open", "external")
    assert (row["group"], row["assignee"], row["answerable"]) == (None, None, True)
    assert row["extension"] == {"number": line.extension.number, "name": line.extension.name}


def test_the_own_contact_wins_over_the_shared_one_and_others_are_private(
    line: CallerID, conversation: Conversation
) -> None:
    other = factories.ExtensionFactory(tenant=line.tenant)
    owners = {"Shared": None, "Mine": line.extension, "Theirs": other}
    for name, owner in owners.items():
        contact = factories.ContactFactory(tenant=line.tenant, name=name, extension=owner)
        factories.ContactNumberFactory(contact=contact, number=conversation.remote)
    assert machine(line.extension).get(URL).json()["results"][0]["title"] == "Mine"
    assert machine(line.tenant).get(URL).json()["results"][0]["title"] == "Shared"


def test_unread_counts_what_others_wrote_after_the_mark(
    line: CallerID, conversation: Conversation
) -> None:
    first = factories.MessageFactory(conversation=conversation, inbound=True)
    factories.MessageFactory(conversation=conversation, inbound=True)
    factories.MessageFactory(conversation=conversation)
    client = machine(line.extension)
    detail = f"{URL}/{conversation.pk}"
    assert client.get(detail).json()["unread"] == 2
    assert client.post(f"{detail}/read", {"up_to": first.pk}, format="json").json()["unread"] == 1
    assert client.post(f"{detail}/read", {}, format="json").json()["unread"] == 0
    # An older page that reports late does not bring the marks back.
    assert client.post(f"{detail}/read", {"up_to": first.pk}, format="json").json()["unread"] == 0


def test_a_colleagues_line_is_unread_for_the_other_side_only(line: CallerID) -> None:
    other = factories.ExtensionFactory(tenant=line.tenant)
    outbound.submit(drafts.Draft(extension=line.extension, to=other.number, text="Lunch?"))
    mine = machine(line.extension).get(URL).json()["results"][0]
    theirs = machine(other).get(URL).json()["results"][0]
    assert (mine["unread"], mine["title"]) == (0, other.name)
    assert (theirs["unread"], theirs["title"]) == (1, line.extension.name)


def test_an_onlooker_leaves_no_read_marks(line: CallerID, conversation: Conversation) -> None:
    answer = machine(line.tenant).post(f"{URL}/{conversation.pk}/read", {}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert not ReadMark.objects.exists()


def test_the_latest_conversation_comes_first(line: CallerID) -> None:
    made = [
        factories.ConversationFactory(
            did=line.did, extension=line.extension, remote=f"+1617555010{n}"
        )
        for n in range(4)
    ]
    client, link, seen = machine(line.extension), f"{URL}?page_size=3", []
    while link:
        page = client.get(link).json()
        seen += [row["id"] for row in page["results"]]
        link = page["next"]
    assert seen == [row.pk for row in reversed(made)]


def test_a_thread_lists_its_messages_newest_first(
    line: CallerID, conversation: Conversation
) -> None:
    made = factories.MessageFactory.create_batch(3, conversation=conversation)
    rows = machine(line.extension).get(f"{URL}/{conversation.pk}/messages").json()["results"]
    assert [row["id"] for row in rows] == [message.pk for message in reversed(made)]


def test_a_conversation_is_closed_and_reopened(line: CallerID, conversation: Conversation) -> None:
    client = machine(line.extension)
    detail = f"{URL}/{conversation.pk}"
    assert client.post(f"{detail}/close").json()["state"] == "closed"
    assert client.get(f"{URL}?state=open").json()["results"] == []
    assert client.post(f"{detail}/reopen").json()["state"] == "open"


def test_an_auditor_changes_nothing(line: CallerID, conversation: Conversation) -> None:
    auditor = person(factories.UserFactory(tenant=line.tenant, role=User.Role.AUDITOR))
    answer = auditor.post(f"{URL}/{conversation.pk}/close")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


def test_a_list_costs_the_same_however_long_it_is(line: CallerID, group: Group) -> None:
    client = machine(line.extension)

    def grow(count: int) -> None:
        for _ in range(count):
            remote = f"+1617556{Conversation.objects.count():04d}"
            row = factories.ConversationFactory(
                did=line.did, group=group, extension=None, remote=remote, assignee=line.extension
            )
            factories.MessageFactory(conversation=row, inbound=True)
            contact = factories.ContactFactory(tenant=line.tenant)
            factories.ContactNumberFactory(contact=contact, number=remote)

    grow(1)
    few = queries_of(client, URL)
    grow(9)
    assert queries_of(client, URL) == few <= 4
