"""Signing in, being locked out, and what the audit log keeps of it."""

import re
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings
from redis import Redis

from portal.account import reset
from portal.admin.sign_in_link import link_of
from portal.models import AuditEntry, Session, Tenant, User
from tests import factories
from tests.bells import rung
from tests.estate import person, signed_in

pytestmark = pytest.mark.django_db

NEW = "a new horse 8 battery"
LOCKED = timedelta(hours=settings.AXES_COOLOFF_TIME)


@pytest.fixture
def ann() -> User:
    """An administrator with a password and an address."""
    made: User = factories.UserFactory(username="ann", role="admin", email="ann@example.com")
    return made


def sign_in(client: Client, password: str = factories.PASSWORD, door: str = "/login/") -> int:
    """Try a password; return the status."""
    return client.post(door, {"username": "ann", "password": password}).status_code


def entries() -> list[tuple[str, Tenant | None, str | None]]:
    """Return what the audit log says, the first entry first."""
    rows = AuditEntry.objects.order_by("pk")
    return [(row.action, row.tenant, row.address) for row in rows]


@pytest.mark.parametrize("door", ["/login/", "/admin/login/"])
def test_signing_in_and_failing_to_are_in_the_tenants_audit_log(
    client: Client, ann: User, door: str
) -> None:
    assert sign_in(client, "wrong", door) == 200
    assert sign_in(client, door=door) == 302

    here = "127.0.0.1"
    assert entries() == [("sign-in failed", ann.tenant, here), ("signed in", ann.tenant, here)]
    assert set(AuditEntry.objects.values_list("username", flat=True)) == {"ann"}


@pytest.mark.usefixtures("ann")
def test_what_was_typed_for_nobodys_account_is_not_kept_in_the_audit_log(client: Client) -> None:
    client.post("/login/", {"username": "my-passw0rd", "password": "x"})
    client.post("/login/", {"username": "a\x00b", "password": "x"})

    assert entries() == []


def test_an_account_that_opens_nothing_here_is_led_to_its_own_door(client: Client) -> None:
    desk = factories.UserFactory(username="ann")
    client.force_login(desk)

    page = client.get("/admin/", follow=True).content.decode()

    assert "You are signed in as ann, who has no access to this page." in page


@pytest.mark.parametrize("role", ["admin", "auditor"])
def test_administrators_and_auditors_get_from_the_door_to_the_admin(
    client: Client, ann: User, role: str
) -> None:
    User.objects.filter(pk=ann.pk).update(role=role)

    sign_in(client)

    assert client.get("/")["Location"] == "/admin/"
    assert client.get("/admin/login/")["Location"] == "/admin/"


@pytest.mark.parametrize("door", ["/login/", "/admin/login/"])
def test_whoever_is_locked_out_reads_for_how_long_and_what_helps(
    client: Client, ann: User, door: str
) -> None:
    for _n in range(settings.AXES_FAILURE_LIMIT):
        sign_in(client, "wrong", door)
    answer = client.post(door, {"username": "ann", "password": factories.PASSWORD})

    text = answer.content.decode()
    assert answer.status_code == 429
    assert "for 15 more minutes" in text
    assert "/account/forgotten/" in text
    assert 800 < int(answer["Retry-After"]) <= 900
    actions = [action for action, _tenant, _address in entries()]
    assert actions == ["sign-in failed"] * (settings.AXES_FAILURE_LIMIT - 1) + ["locked out"]
    assert sign_in(Client(REMOTE_ADDR="192.0.2.7")) == 302
    assert entries()[-1] == ("signed in", ann.tenant, "192.0.2.7")


@pytest.mark.usefixtures("ann")
def test_a_lock_ends_when_the_page_says_and_not_later_for_trying(client: Client) -> None:
    for _n in range(settings.AXES_FAILURE_LIMIT):
        sign_in(client, "wrong")
    first = AccessAttempt.objects.get().attempt_time

    sign_in(client, "wrong")

    assert AccessAttempt.objects.get().attempt_time == first
    AccessAttempt.objects.update(attempt_time=first - LOCKED - timedelta(seconds=1))
    assert sign_in(client) == 302
    assert not AccessAttempt.objects.exists()


def test_an_administrators_new_password_takes_a_lock_off_and_ends_sessions(ann: User) -> None:
    for _n in range(settings.AXES_FAILURE_LIMIT):
        sign_in(Client(), "wrong")
    before = signed_in(ann)
    boss = signed_in(person(ann.tenant, "boss", User.Role.ADMIN))  # type: ignore[arg-type] # it has one

    boss.post(f"/admin/portal/user/{ann.pk}/password/", {"password1": NEW, "password2": NEW})

    assert sign_in(Client(), NEW) == 302
    assert before.get("/account/").status_code == 302


def test_a_new_password_signs_out_everywhere_else(ann: User) -> None:
    here, elsewhere = signed_in(ann), signed_in(ann)
    data = {"new_password1": NEW, "new_password2": NEW}

    wrong = here.post("/account/password/", {**data, "old_password": "wrong"})
    assert "This is not your present password." in wrong.content.decode()
    right = here.post("/account/password/", {**data, "old_password": factories.PASSWORD})

    assert right["Location"] == "/account/"
    assert "Your password was changed." in here.get("/account/").content.decode()
    assert elsewhere.get("/account/").status_code == 302
    ann.refresh_from_db()
    assert ann.check_password(NEW)
    assert "password changed" in [action for action, *_ in entries()]


def test_guessing_the_present_password_locks_and_leaves_no_password_behind(ann: User) -> None:
    client = signed_in(ann)
    data = {"new_password1": NEW, "new_password2": NEW, "old_password": "my-guess-1"}

    answers = [client.post("/account/password/", data) for _n in range(11)]

    assert [answer.status_code for answer in answers[-2:]] == [429, 429]
    kept = str(list(AccessAttempt.objects.values()))
    assert NEW not in kept
    assert "my-guess-1" not in kept


def test_the_admins_own_page_for_a_password_leads_to_the_account(ann: User) -> None:
    assert signed_in(ann).get("/admin/password_change/")["Location"] == "/account/password/"


def test_the_answer_does_not_tell_which_accounts_there_are(ann: User, redis_client: Redis) -> None:
    known = Client().post("/account/forgotten/", {"email": "ANN@example.com"}, follow=True)
    unknown = Client().post("/account/forgotten/", {"email": "eve@example.com"}, follow=True)

    def shown(page: bytes) -> str:
        return re.sub(r'value="[^"]*"', "", page.decode())

    assert shown(known.content) == shown(unknown.content)
    assert "a link is on its way" in shown(known.content)
    assert rung(redis_client) == [(reset.TASK, [ann.pk])]
    assert entries() == [("password link asked for", ann.tenant, "127.0.0.1")]


def test_an_account_is_mailed_one_link_at_a_time(ann: User, redis_client: Redis) -> None:
    for _n in range(3):
        Client().post("/account/forgotten/", {"email": ann.email})
    assert len(rung(redis_client)) == 1

    cache.clear()
    Client().post("/account/forgotten/", {"email": ann.email})
    assert rung(redis_client) == [(reset.TASK, [ann.pk])]


def test_nobody_who_may_not_sign_in_is_mailed(ann: User) -> None:
    User.objects.filter(pk=ann.pk).update(is_active=False)

    assert list(reset.owners("ann@example.com")) == []
    reset.mail(ann.pk)
    reset.mail(0)

    assert mail.outbox == []


def test_the_link_leads_to_the_public_address_whatever_the_host_header_says(ann: User) -> None:
    reset.mail(ann.pk)

    message = mail.outbox[0]
    assert message.to == ["ann@example.com"]
    assert f"\n{settings.PUBLIC_URL}/account/reset/" in message.body
    assert "for the account ann" in message.body
    assert "within 24 hours" in message.body


def test_a_link_sets_a_password_once_takes_a_lock_off_and_signs_out(ann: User) -> None:
    for _n in range(settings.AXES_FAILURE_LIMIT):
        sign_in(Client(), "wrong")
    before, client = signed_in(ann), Client()
    address = link_of(ann).removeprefix(settings.PUBLIC_URL)

    form = client.get(address)["Location"]
    weak = client.post(form, {"new_password1": "12345678", "new_password2": "12345678"})
    done = client.post(form, {"new_password1": NEW, "new_password2": NEW}, follow=True)

    assert "for the account ann" in weak.content.decode()
    assert "Your new password is set." in done.content.decode()
    assert before.get("/account/").status_code == 302
    assert not Session.objects.of(ann).exists()
    assert "This link is used up" in Client().get(address, follow=True).content.decode()
    assert sign_in(Client(), NEW) == 302
    changed = AuditEntry.objects.get(action="password changed")
    assert (changed.username, changed.tenant) == ("ann", ann.tenant)


def test_a_link_may_be_followed_where_one_is_signed_in(ann: User) -> None:
    client = signed_in(ann)
    address = link_of(ann).removeprefix(settings.PUBLIC_URL)

    form = client.get(address)["Location"]
    done = client.post(form, {"new_password1": NEW, "new_password2": NEW})

    assert done["Location"] == "/login/"
    assert client.get("/account/").status_code == 302


def test_without_redis_the_page_answers_the_same_and_the_log_says_why(
    ann: User, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    default = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {"default": default}

    answer = Client().post("/account/forgotten/", {"email": ann.email}, follow=True)

    assert "a link is on its way" in answer.content.decode()
    assert f"password_link.unheard user={ann.pk}" in caplog.text
    assert entries() == []
