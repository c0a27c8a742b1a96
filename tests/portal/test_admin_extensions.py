"""The page of an extension: what it may do, in words, and what of it will not work; its tokens."""

import datetime
import html
import re
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.memory import memory
from portal.models import DID, ApiToken, CallerID, Change, Extension, Tenant, Trunk, User
from portal.models.token import digest
from sms import permission, switchboard
from tests import factories
from tests.estate import person, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def line() -> CallerID:
    """An extension where everything works."""
    made = factories.line(number="1001", name="Front desk")
    made.extension.user = person(made.tenant, "desk", User.Role.EXTENSION)
    made.extension.save()
    return made


@pytest.fixture
def boss(line: CallerID) -> Client:
    return signed_in(person(line.tenant, "boss", User.Role.ADMIN))


def address(extension: Extension) -> str:
    return f"/admin/portal/extension/{extension.pk}/change/"


def page(client: Client, extension: Extension) -> str:
    return html.unescape(client.get(address(extension)).content.decode())


def told(client: Client, extension: Extension) -> list[str]:
    """Return what the page says will not work."""
    text = page(client, extension)
    if 'id="obstacles"' not in text:
        return []
    section = text.split('id="obstacles"')[1].split("</section>")[0]
    return [re.sub(r"<[^>]*>", "", item).strip() for item in section.split("<li")[1:]]


def test_each_permission_is_explained_where_it_is_chosen(boss: Client, line: CallerID) -> None:
    text = page(boss, line.extension)

    assert text.count('type="radio"') == 3
    assert "nothing can be sent" in text
    assert "from the caller IDs below" in text
    assert "Nobody can answer a word" in text


def test_what_works_is_not_warned_of(boss: Client, line: CallerID) -> None:
    assert told(boss, line.extension) == []


def with_paused_trunk(_line: CallerID) -> None:
    Trunk.objects.update(paused_since=timezone.now(), paused_reason="The password is wrong.")


def with_disabled_trunk(_line: CallerID) -> None:
    Trunk.objects.update(enabled=False)


def without_caller_id(line: CallerID) -> None:
    line.delete()


def without_permission(_line: CallerID) -> None:
    Extension.objects.update(sms="DISABLE")


def without_words(_line: CallerID) -> None:
    Extension.objects.update(sms="ALLOW_WITH_SENDER_ID")


def without_sms(_line: CallerID) -> None:
    DID.objects.update(sms=False)


def without_rule(line: CallerID) -> None:
    line.tenant.rules.all().delete()


def switched_off(_line: CallerID) -> None:
    Extension.objects.update(enabled=False)


def suspended(_line: CallerID) -> None:
    Tenant.objects.update(messaging_enabled=False)


def routed_to(line: CallerID, target: Any) -> None:
    line.tenant.rules.all().delete()
    factories.route(line.did, to=target)


def routed_to_somebody(line: CallerID) -> None:
    routed_to(line, factories.ExtensionFactory(tenant=line.tenant, number="1002", name="Bob"))


def routed_to_a_group(line: CallerID) -> None:
    routed_to(line, factories.GroupFactory(tenant=line.tenant, number="8000", name="Sales"))


def routed_to_a_range(line: CallerID) -> None:
    routed_to(line, "1007")


def kept_unrouted(line: CallerID) -> None:
    routed_to(line, "")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (with_paused_trunk, "is paused. The password is wrong."),
        (with_disabled_trunk, "is switched off"),
        (without_caller_id, "has no caller ID"),
        (without_permission, "has caller IDs but may not send"),
        (without_words, "no trunk of yours has an approved Sender ID"),
        (without_sms, "not switched on for SMS"),
        (without_rule, "no inbound rule leads it anywhere"),
        (switched_off, "neither sends nor gets"),
        (suspended, "switched off for the whole tenant"),
        (routed_to_somebody, "go to 1002 Bob by rule"),
        (routed_to_a_group, "go to 8000 Sales by rule"),
        (routed_to_a_range, "go to 1007 by rule"),
        (kept_unrouted, "keeps them unrouted"),
    ],
)
def test_what_will_not_work_is_told_in_words(
    boss: Client, line: CallerID, spoil: Any, words: str
) -> None:
    spoil(line)

    warnings = told(boss, line.extension)

    assert len(warnings) == 1
    assert words in warnings[0]


def test_answers_that_come_back_are_no_reason_to_warn(boss: Client, line: CallerID) -> None:
    group = factories.GroupFactory(tenant=line.tenant)
    factories.GroupMemberFactory(group=group, extension=line.extension)
    for target in (group, "1001"):
        routed_to(line, target)
        assert told(boss, line.extension) == []

    # A rule for some callers only says nothing about everybody else's answers.
    other = factories.ExtensionFactory(tenant=line.tenant)
    factories.route(line.did, to=other, caller_mask="0044**********", order=1)
    assert told(boss, line.extension) == []


@pytest.mark.usefixtures("line")
def test_saving_says_what_will_not_work(boss: Client) -> None:
    data = {
        "number": "1003",
        "sms": "ALLOW",
        "enabled": "on",
        "presence": "available",
        "caller_ids-TOTAL_FORMS": "0",
        "caller_ids-INITIAL_FORMS": "0",
    }

    text = boss.post("/admin/portal/extension/add/", data, follow=True).content.decode()

    assert "1003: It may send but has no caller ID" in text


def test_words_and_how_far_they_are_stand_on_the_page(boss: Client, line: CallerID) -> None:
    trunk = factories.TrunkFactory(
        tenant=line.tenant,
        name="Words",
        provider="twilio",
        credentials={"account_sid": "AC" + "0" * 32, "auth_token": "t"},
        sender_id="ALDERCO",
    )
    factories.SenderIDFactory(trunk=trunk, word="HELLO")
    factories.SenderIDFactory(trunk=trunk, word="LATER", state="registered")
    factories.SenderIDFactory(word="FOREIGN")
    assert "HELLO" not in page(boss, line.extension)

    Extension.objects.update(sms="ALLOW_WITH_SENDER_ID")

    text = page(boss, line.extension).split('id="words"')[1]
    shown = re.findall(r'text-important">(\w+)</span> on Words', text)
    assert shown == ["ALDERCO", "HELLO", "LATER"]
    assert "waiting for approval" in text
    assert told(boss, line.extension) == []
    memory.forget()
    senders = permission.senders(Extension.objects.get(pk=line.extension.pk))
    assert [one.value for one in senders if one.is_word] == ["ALDERCO", "HELLO"]


def test_a_large_pool_is_searched_and_not_listed(boss: Client, line: CallerID) -> None:
    def look() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as seen:
            text = page(boss, line.extension)
        return len(seen), len(text)

    few = look()
    DID.objects.bulk_create(
        DID(tenant=line.tenant, trunk=line.did.trunk, number=f"+1303{n:07d}")
        for n in range(5_550_000, 5_555_000)
    )

    many = look()
    assert many[0] == few[0]
    assert abs(many[1] - few[1]) < 200
    query = {"app_label": "portal", "model_name": "callerid", "field_name": "did"}
    found = boss.get("/admin/autocomplete/", {**query, "term": "5554321"}).json()["results"]
    assert [one["text"] for one in found] == ["+1 303-555-4321"]


def test_a_tokens_key_is_only_in_one_answer(boss: Client) -> None:
    answer = boss.post("/admin/portal/apitoken/add/", {"label": "CRM"})

    text = answer.content.decode()
    key = text.split("data-copy>")[1].split("<")[0]
    assert ApiToken.objects.get().digest == digest(key)
    assert "Authorization: Bearer" in text
    assert "no-store" in answer["Cache-Control"]
    assert key not in str(answer.cookies) + str(dict(boss.session))
    assert key not in boss.get("/admin/portal/apitoken/").content.decode()


def test_a_tokens_use_is_kept_to_the_hour_and_is_no_change_of_the_set_up(line: CallerID) -> None:
    token = factories.ApiTokenFactory(tenant=line.tenant)
    start = timezone.now().replace(minute=0)
    changes = Change.objects.count()

    def used(after: datetime.timedelta) -> datetime.datetime | None:
        with time_machine.travel(start + after, tick=False):
            memory.refresh()
            assert switchboard.token(token.digest) == token
        kept: datetime.datetime | None = ApiToken.objects.get(pk=token.pk).last_used_at
        return kept

    assert used(datetime.timedelta()) == start
    assert used(datetime.timedelta(minutes=59)) == start
    later = datetime.timedelta(minutes=61)
    assert used(later) == start + later
    assert Change.objects.count() == changes


def test_a_token_that_is_used_costs_no_query(line: CallerID) -> None:
    token = factories.ApiTokenFactory(tenant=line.tenant)
    switchboard.token(token.digest)

    with CaptureQueriesContext(connection) as seen:
        switchboard.token(token.digest)

    assert len(seen) == 0


def test_the_list_of_tokens_says_for_whom_and_when_last_used(boss: Client, line: CallerID) -> None:
    factories.ApiTokenFactory(tenant=line.tenant, label="CRM")
    factories.ApiTokenFactory(tenant=line.tenant, extension=line.extension)

    text = boss.get("/admin/portal/apitoken/").content.decode()

    assert "the whole tenant" in text
    assert "1001 Front desk" in text
    assert "never" in text
