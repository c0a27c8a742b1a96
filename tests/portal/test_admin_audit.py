"""The audit log: nothing is changed and nothing sensitive is read without an entry."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django import forms
from django.contrib.admin import ModelAdmin
from django.contrib.messages import constants, get_messages
from django.core.cache import cache
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from portal.admin import trail
from portal.admin.site import site
from portal.models import AuditEntry, Extension, User
from portal.wsgi import application
from sms.models import Attempt, Conversation, Message, ProviderEvent
from tests import estate as estates
from tests.estate import Estate, person, signed_in, system_administrator
from tests.forms import untouched

pytestmark = pytest.mark.django_db

PAGES: dict[type[Model], ModelAdmin[Any]] = dict(site._registry)  # noqa: SLF001 - no other list
MODELS = sorted(PAGES, key=lambda model: model._meta.label)  # noqa: SLF001 - Django's own name
SENSITIVE = [Message, Conversation, ProviderEvent, Attempt]
LOG = "/admin/portal/auditentry/"
# Acts that change nothing, here or at a provider.
ONLY_LOOKS = {"check", "look"}


def name_of(model: type[Model]) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"  # noqa: SLF001 - Django's own name


def url(row: Any, view: str = "change") -> str:
    return reverse(f"admin:{name_of(type(row))}_{view}", args=[row.pk])


@pytest.fixture
def ours() -> Estate:
    return estates.build("zebra", "+12125550171")


@pytest.fixture
def root() -> Client:
    return signed_in(system_administrator())


def touched(data: dict[str, str], form: forms.BaseForm) -> Iterator[dict[str, str]]:
    """Yield the form with one thing in it changed, one after the other."""
    for name, field in form.fields.items():
        if isinstance(field, forms.BooleanField):
            on = data | {name: "on"}
            yield on if name not in data else {key: on[key] for key in on if key != name}
        elif (
            isinstance(field, forms.CharField) and field.widget.__class__ is not forms.PasswordInput
        ):
            yield data | {name: f"{data.get(name, '')}x"}


def succeeded(response: Any) -> bool:
    """Say whether something was done: the page says so, or hands over a file."""
    if response.status_code == 200:
        return "attachment" in response.headers.get("Content-Disposition", "")
    levels = [message.level for message in get_messages(response.wsgi_request)]
    return response.status_code == 302 and constants.SUCCESS in levels


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_every_form_leaves_an_entry(model: type[Model], ours: Estate, root: Client) -> None:
    row = ours.rows[model]
    page = root.get(url(row))
    form = page.context["adminform"].form
    if not page.context["has_change_permission"]:
        assert root.post(url(row)).status_code == 403
        return
    data = untouched(root, url(row))
    before = AuditEntry.objects.count()

    saved = any(root.post(url(row), changed).status_code == 302 for changed in touched(data, form))

    assert saved
    entry = AuditEntry.objects.first()
    assert entry
    assert AuditEntry.objects.count() > before
    assert (entry.username, entry.action, entry.tenant) == ("overseer", "changed", ours.tenant)
    assert entry.detail["changed"]
    assert ours.secret not in str(entry.detail)


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_every_act_leaves_an_entry(model: type[Model], ours: Estate, root: Client) -> None:
    for act in PAGES[model].acts:  # type: ignore[attr-defined] # ours
        before = AuditEntry.objects.count()
        address = reverse(f"admin:{name_of(model)}_act", args=[ours.rows[model].pk, act.name])
        done = succeeded(root.post(address)) and act.name not in ONLY_LOOKS
        assert AuditEntry.objects.count() > before or not done, act.name
        root.post("/admin/portal/tenant/leave/")


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_every_action_of_a_list_leaves_an_entry(
    model: type[Model], ours: Estate, root: Client
) -> None:
    row = ours.rows[model]
    changelist = reverse(f"admin:{name_of(model)}_changelist")
    chosen = root.get(changelist).context["action_form"]
    names = [name for name, _label in chosen.fields["action"].choices if name] if chosen else []
    for name in names:
        before = AuditEntry.objects.count()
        asked = {"action": name, "_selected_action": row.pk, "post": "yes"}
        done = succeeded(root.post(changelist, asked))
        # Of a tenant that is deleted the entries go, and one stays behind.
        assert not done or AuditEntry.objects.count() > before or model.__name__ == "Tenant", name
        assert not done or AuditEntry.objects.exists(), name


def looks(row: Any) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=trail.LOOKED, **trail.about(row)))


@pytest.mark.parametrize("model", SENSITIVE, ids=name_of)
def test_a_look_at_what_people_wrote_is_noted_once_an_hour_and_person(
    model: type[Model], ours: Estate
) -> None:
    row = ours.rows[model]
    boss, second = signed_in(ours.admin), signed_in(person(ours.tenant, "two", User.Role.ADMIN))
    for client in (boss, boss, second, boss):
        client.get(url(row))
    assert [entry.username for entry in looks(row)] == ["two", "zebra-boss"]
    assert {entry.tenant for entry in looks(row)} == {ours.tenant}

    cache.clear()  # as an hour does it: the mark ends by itself
    boss.get(url(row))

    assert len(looks(row)) == 3


def test_the_mark_of_a_look_ends_after_an_hour(ours: Estate, redis_client: Any) -> None:
    signed_in(ours.admin).get(url(ours.rows[Message]))

    (key,) = redis_client.scan_iter(match="*looked*")
    assert 3500 < redis_client.ttl(key) <= 3600


def test_a_look_is_noted_also_while_redis_is_gone(ours: Estate, settings: Settings) -> None:
    nobody = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {"default": nobody}

    assert signed_in(ours.admin).get(url(ours.rows[Message])).status_code == 200
    assert len(looks(ours.rows[Message])) == 1


def test_who_may_not_look_leaves_no_entry(ours: Estate) -> None:
    other = estates.build("koala", "+13105550142")

    signed_in(other.admin).get(url(ours.rows[Message]))
    signed_in(ours.admin).get(url(ours.rows[Extension]))

    assert not AuditEntry.objects.filter(action=trail.LOOKED).exists()


@pytest.mark.django_db(transaction=True)
def test_the_address_is_the_one_that_a_trusted_proxy_names(ours: Estate) -> None:
    client = signed_in(ours.admin)
    environ = RequestFactory().get(url(ours.rows[Message]), REMOTE_ADDR="127.0.0.1").environ
    environ |= {
        "HTTP_X_FORWARDED_FOR": "198.51.100.7, 203.0.113.9",
        "HTTP_COOKIE": client.cookies.output(header="", sep=";"),
    }

    list(application(environ, lambda *_args: None))

    assert looks(ours.rows[Message])[0].address == "203.0.113.9"


def test_an_address_that_is_none_does_not_stop_an_act(ours: Estate) -> None:
    client = signed_in(ours.admin)

    assert client.get(url(ours.rows[Message]), REMOTE_ADDR="unknown").status_code == 200
    assert looks(ours.rows[Message])[0].address is None


def test_the_log_reads_as_sentences(ours: Estate) -> None:
    client = signed_in(ours.admin)
    row = ours.rows[Extension]
    data = untouched(client, url(row))
    client.post(url(row), data | {"name": "Reception", "sms": "DISABLE"})

    for page in (LOG, url(row, "history")):
        text = client.get(page).content.decode()
        assert "zebra-boss changed extension" in text
        assert "name: zebra desk → Reception" in text
        assert "127.0.0.1" in text


def found(client: Client, **query: str) -> set[str]:
    rows = client.get(LOG, query).context["cl"].queryset
    return {entry.username for entry in rows}


def test_the_log_is_filtered_by_person_action_and_period(ours: Estate) -> None:
    client = signed_in(ours.admin)
    ann = person(ours.tenant, "ann", User.Role.ADMIN)
    with time_machine.travel("2026-01-05T12:00:00Z", tick=False):
        entry = AuditEntry.objects.create(
            tenant=ours.tenant, user=ann, username="ann", action="suspended", target="x"
        )

    assert found(client, person=str(ann.pk)) == {"ann"}
    assert found(client, action="suspended") == {"ann"}
    assert found(client, at_to_0="2026-01-06", at_to_1="00:00:00") == {"ann"}
    assert entry.at.year == 2026


def test_a_period_is_read_in_the_zone_of_the_page(ours: Estate) -> None:
    client = signed_in(ours.admin)
    for hour, name in (
        (3, "ann"),
        (6, "bob"),
    ):  # of January 6 in UTC; in New York it is 5 hours less
        with time_machine.travel(f"2026-01-06T0{hour}:00:00Z", tick=False):
            AuditEntry.objects.create(tenant=ours.tenant, username=name, action="x", target="y")

    assert found(client, at_from_0="2026-01-05", at_to_0="2026-01-05") == {"ann"}
    assert found(client, at_from_0="2026-01-06", at_to_0="2026-01-06") == {"bob"}
    assert found(client, at_to_0="2026-01-06", at_to_1="00:30:00") == {"ann"}
    assert len(found(client, at_from_0="soon")) > 2


def test_the_filter_offers_only_people_of_whom_one_may_know(ours: Estate, root: Client) -> None:
    estates.build("koala", "+13105550142")
    client = signed_in(ours.admin)
    hidden = client.get(LOG).content.decode()
    assert "overseer" not in hidden
    assert "koala" not in hidden

    root.post(url(ours.rows[Extension]), untouched(root, url(ours.rows[Extension])) | {"name": "A"})

    assert "overseer" in client.get(LOG).content.decode()


def test_the_log_takes_no_more_queries_when_it_is_longer(
    ours: Estate, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    client = signed_in(ours.admin)
    client.get(LOG)
    with django_assert_max_num_queries(30) as few:
        client.get(LOG)
    AuditEntry.objects.bulk_create(
        AuditEntry(tenant=ours.tenant, user=ours.admin, username="x", action="y", target="z")
        for _turn in range(30)
    )

    with django_assert_num_queries(len(few)):
        client.get(LOG)
