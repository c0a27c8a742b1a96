"""The API's presence: one's own, the colleagues', and that of a thread's people."""

import pytest
from redis import Redis

from portal.models import CallerID, Extension
from sms import presence
from tests import factories
from tests.bells import browser, rung
from tests.sms.callers import API, machine, queries_of

pytestmark = pytest.mark.django_db


def test_a_choice_is_kept_and_shown_to_others_while_the_client_is_open(line: CallerID) -> None:
    client = machine(line.extension)
    assert client.get(f"{API}/presence").json() == {"choice": "available", "presence": "available"}
    away = client.put(f"{API}/presence", {"choice": "away"}, format="json")
    assert away.json() == {"choice": "away", "presence": "away"}
    hidden = factories.ExtensionFactory(tenant=line.tenant, is_there=False)
    assert machine(hidden).get(f"{API}/presence").json() == {
        "choice": "available",
        "presence": "off",
    }


@pytest.mark.parametrize("data", [{}, {"choice": "busy"}, {"choice": None}])
def test_a_choice_that_there_is_not_is_refused_by_its_field(
    line: CallerID, data: dict[str, object]
) -> None:
    answer = machine(line.extension).put(f"{API}/presence", data, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert list(answer.json()["fields"]) == ["choice"]


def test_only_an_extension_has_a_presence(line: CallerID) -> None:
    client = machine(line.tenant)
    for answer in (
        client.get(f"{API}/presence"),
        client.put(f"{API}/presence", {"choice": "away"}, format="json"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


def test_who_asks_for_the_stream_is_there_and_hears_the_tenant(
    line: CallerID, redis_client: Redis
) -> None:
    redis_client.flushdb()
    own = line.extension
    assert presence.of(own) == "off"
    found = machine(own).get(f"{API}/events").json()
    assert found["channels"] == [f"extension:{own.pk}", f"tenant:{own.tenant_id}"]
    assert presence.of(own) == "available"


def test_who_comes_is_told_with_the_last_choice_and_not_a_remembered_one(
    line: CallerID, redis_client: Redis
) -> None:
    client = machine(line.extension)
    client.get(f"{API}/events")
    Extension.objects.filter(pk=line.extension.pk).update(presence="away")
    with browser(redis_client, line.tenant.pk, kind="tenant") as heard:
        client.get(f"{API}/events")
        news = heard()
    assert news is not None
    assert news["presence"] == "away"


def test_colleagues_are_who_else_is_in_service(line: CallerID) -> None:
    tenant = line.tenant
    away = factories.ExtensionFactory(tenant=tenant, name="Ada", presence="away")
    off = factories.ExtensionFactory(tenant=tenant, name="Bo", is_there=False)
    factories.ExtensionFactory(tenant=tenant, enabled=False)
    factories.ExtensionFactory()
    client = machine(line.extension)
    assert client.get(f"{API}/colleagues").json() == [
        {"number": away.number, "name": "Ada", "presence": "away"},
        {"number": off.number, "name": "Bo", "presence": "off"},
    ]
    for words, found in (("ad", ["Ada"]), (off.number, ["Bo"]), ("zz", [])):
        rows = client.get(f"{API}/colleagues?q={words}").json()
        assert [row["name"] for row in rows] == found


def test_the_people_of_a_groups_thread_are_its_members_in_order(line: CallerID) -> None:
    group = factories.GroupFactory(tenant=line.tenant)
    agent = factories.GroupMemberFactory(group=group, order=2).extension
    first = factories.GroupMemberFactory(group=group, extension=line.extension, order=1).extension
    off = factories.ExtensionFactory(tenant=line.tenant, enabled=False)
    factories.GroupMemberFactory(group=group, extension=off)
    shared = factories.ConversationFactory(did=line.did, group=group, assignee=agent)
    people = machine(line.extension).get(f"{API}/conversations/{shared.pk}/people").json()
    assert [(one["number"], one["is_assignee"]) for one in people] == [
        (first.number, False),
        (agent.number, True),
    ]
    assert {one["presence"] for one in people} == {"available"}


def test_a_thread_of_one_extension_has_no_people_to_choose_from(line: CallerID) -> None:
    own = factories.ConversationFactory(did=line.did, extension=line.extension)
    client = machine(line.extension)
    assert client.get(f"{API}/conversations/{own.pk}/people").json() == []


def test_more_people_cost_no_more_queries(line: CallerID) -> None:
    group = factories.GroupFactory(tenant=line.tenant)
    factories.GroupMemberFactory(group=group, extension=line.extension)
    shared = factories.ConversationFactory(did=line.did, group=group)
    client = machine(line.extension)
    addresses = [f"{API}/colleagues", f"{API}/conversations/{shared.pk}/people"]
    few = [queries_of(client, address) for address in addresses]
    for _each in range(8):
        factories.GroupMemberFactory(group=group)
    assert [queries_of(client, address) for address in addresses] == few
    assert max(few) <= 3


@pytest.mark.django_db(transaction=True)
def test_who_is_available_again_is_offered_what_waits_at_once(
    line: CallerID, redis_client: Redis
) -> None:
    client = machine(line.extension)
    client.put(f"{API}/presence", {"choice": "away"}, format="json")
    assert rung(redis_client) == []
    client.put(f"{API}/presence", {"choice": "available"}, format="json")
    assert rung(redis_client) == [("offer_waiting", [])]
