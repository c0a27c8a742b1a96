"""Groups in the admin: members in order, who is there, who is asked next, what leads to them."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.models import AuditEntry, Extension, Group, GroupMember, Tenant
from sms import rotation
from tests import factories

pytestmark = pytest.mark.django_db

LIST = "/admin/portal/group/"


@pytest.fixture
def group(tenant: Tenant) -> Group:
    made: Group = factories.GroupFactory(tenant=tenant, number="8000", name="Support")
    return made


def member(group: Group, number: str, **more: object) -> GroupMember:
    extension = factories.ExtensionFactory(
        tenant=group.tenant, number=number, name=f"Agent {number}", **more
    )
    made: GroupMember = factories.GroupMemberFactory(group=group, extension=extension)
    return made


def page(client: Client, group: Group) -> str:
    return client.get(f"{LIST}{group.pk}/change/").content.decode()


def filled(group: Group, *rows: GroupMember) -> dict[str, str]:
    """Return what the form sends with the members in this order."""
    data = {
        "number": group.number,
        "name": group.name,
        "kind": group.kind,
        "answer_within": "5",
        "members-TOTAL_FORMS": str(len(rows)),
        "members-INITIAL_FORMS": str(len(rows)),
    }
    for n, row in enumerate(rows):
        data |= {
            f"members-{n}-id": str(row.pk),
            f"members-{n}-extension": str(row.extension_id),
            f"members-{n}-order": str(n),
        }
    return data


def test_the_page_names_the_member_whom_the_flow_asks_next(boss: Client, group: Group) -> None:
    member(group, "1001", presence="away")
    second = member(group, "1002")

    context = boss.get(f"{LIST}{group.pk}/change/").context

    assert context["next_agent"] == second.extension == rotation.choose(group)
    assert "goes to 1002 Agent 1002" in page(boss, group)


def test_each_members_presence_is_shown(boss: Client, group: Group) -> None:
    member(group, "1001", presence="away")
    member(group, "1002", enabled=False)

    text = " ".join(page(boss, group).split())

    assert "> away <" in text
    assert "> switched off <" in text


def test_a_member_who_is_not_there_or_may_not_send_is_not_available(
    boss: Client, group: Group
) -> None:
    member(group, "1001", is_there=False)
    member(group, "1002", sms=Extension.Sms.DISABLE)

    text = " ".join(page(boss, group).split())

    assert "> off <" in text
    assert "> may not send <" in text
    assert "waits: nobody is available" in text
    assert "0 of 2" in boss.get(LIST).content.decode()


def test_the_page_of_a_queue_names_whose_turn_it_is(boss: Client, group: Group) -> None:
    Group.objects.update(kind=Group.Kind.QUEUE)
    group.refresh_from_db()
    first, second = member(group, "1001"), member(group, "1002")
    GroupMember.objects.filter(pk=first.pk).update(last_offered_at=timezone.now())

    assert boss.get(f"{LIST}{group.pk}/change/").context["next_agent"] == second.extension


def test_members_change_their_order_and_it_is_noted(boss: Client, group: Group) -> None:
    first, second = member(group, "1001"), member(group, "1002")

    boss.post(f"{LIST}{group.pk}/change/", filled(group, second, first))

    assert rotation.choose(group) == second.extension
    entry = AuditEntry.objects.get(action="changed")
    assert entry.tenant == group.tenant
    assert entry.detail["edited"]


def test_a_group_that_nobody_answers_says_so(boss: Client, group: Group) -> None:
    assert "It has no members" in page(boss, group)
    away = member(group, "1001", presence="off")
    assert "None of its members is available" in page(boss, group)
    assert "waits: nobody is available" in page(boss, group)

    answer = boss.post(f"{LIST}{group.pk}/change/", filled(group, away), follow=True)

    assert "8000 Support: None of its members is available" in answer.content.decode()


def test_the_list_counts_who_is_there(boss: Client, tenant: Tenant, group: Group) -> None:
    factories.GroupFactory(tenant=tenant, name="Empty")
    member(group, "1001", presence="away")
    member(group, "1002")

    text = boss.get(LIST).content.decode()

    assert "1 of 2" in text
    assert "no members" in text


def test_what_leads_to_a_group_is_listed_with_links(boss: Client, group: Group) -> None:
    assert "None: no text reaches this group." in page(boss, group)
    rule = factories.route(factories.DIDFactory(tenant=group.tenant), to=group, name="support line")

    text = page(boss, group)

    assert f'href="/admin/portal/inboundrule/{rule.pk}/change/">support line</a>' in text
    assert "(office hours)" in text


def test_a_new_group_is_explained_in_words(boss: Client) -> None:
    text = boss.get(f"{LIST}add/").content.decode()

    assert "How a group answers texts" in text
    assert "The next conversation" not in text


def test_a_number_that_an_extension_has_is_refused_with_a_way_out(
    boss: Client, group: Group
) -> None:
    Extension.objects.create(tenant=group.tenant, number="1001")

    answer = boss.post(f"{LIST}{group.pk}/change/", filled(group) | {"number": "1001"})

    [words] = answer.context["adminform"].form.errors["number"]
    assert "Choose a number that nobody has." in words


def test_more_groups_take_no_more_queries(boss: Client, group: Group) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            boss.get(LIST)
        return len(seen)

    member(group, "1001")
    boss.get(LIST)
    few = queries()
    for n in range(4):
        member(factories.GroupFactory(tenant=group.tenant), f"200{n}")

    assert queries() == few
