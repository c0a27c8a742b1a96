"""Sign-in links: shown once, good for one password, for a day, and kept in the audit log."""

import datetime

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone

from portal.models import AuditEntry, Extension, Tenant, User
from tests import factories
from tests.estate import person, system_administrator

pytestmark = pytest.mark.django_db

GOOD = "correct horse 7 battery"


@pytest.fixture
def ann(tenant: Tenant) -> User:
    return person(tenant, "ann", User.Role.EXTENSION)


def address(row: User | Extension) -> str:
    kind = "user" if isinstance(row, User) else "extension"
    return f"/admin/portal/{kind}/{row.pk}/do/link/"


def made(client: Client, row: User | Extension) -> str:
    """Make a link and return its path."""
    text = client.post(address(row)).content.decode()
    link = text.split("data-copy>")[1].split("<")[0]
    assert link.startswith(f"{settings.PUBLIC_URL}/account/reset/")
    return link.removeprefix(settings.PUBLIC_URL)


def use(link: str, password: str = GOOD) -> Client:
    """Open a link as somebody who is not signed in, and set a password if it works."""
    stranger = Client()
    page = stranger.get(link, follow=True)
    if page.redirect_chain:
        fields = {"new_password1": password, "new_password2": password}
        stranger.post(page.redirect_chain[-1][0], fields)
    return stranger


def test_a_link_lets_a_person_choose_a_password_and_sign_in(boss: Client, ann: User) -> None:
    use(made(boss, ann))

    ann.refresh_from_db()
    assert ann.check_password(GOOD)
    page = Client().post("/login/", {"username": "ann", "password": GOOD})
    assert page.status_code == 302


def test_a_link_works_once(boss: Client, ann: User) -> None:
    link = made(boss, ann)
    use(link)

    use(link, "another horse 8 staple")

    ann.refresh_from_db()
    assert ann.check_password(GOOD)
    assert "This link is used up" in Client().get(link).content.decode()


def test_a_link_ends_when_somebody_sets_the_password(boss: Client, ann: User) -> None:
    link = made(boss, ann)
    ann.set_password("set by the administrator 1")
    ann.save()

    assert "This link is used up" in Client().get(link).content.decode()


def test_a_link_ends_after_a_day(boss: Client, ann: User) -> None:
    link = made(boss, ann)

    with time_machine.travel(timezone.now() + datetime.timedelta(hours=23), tick=False):
        assert Client().get(link).status_code == 302
    with time_machine.travel(timezone.now() + datetime.timedelta(hours=25), tick=False):
        assert "This link is used up" in Client().get(link).content.decode()


def test_nothing_is_made_before_the_question_is_answered(boss: Client, ann: User) -> None:
    text = boss.get(address(ann)).content.decode()

    assert "choose the password of ann" in text
    assert "/account/reset/" not in text
    assert not AuditEntry.objects.exists()


def test_the_audit_log_tells_of_a_link_and_its_use_and_holds_none(
    boss: Client, tenant: Tenant, ann: User
) -> None:
    link = made(boss, ann)
    use(link)

    entries = AuditEntry.objects.order_by("pk").values_list("username", "action", "tenant")
    assert list(entries) == [
        ("boss", "made a sign-in link for", tenant.pk),
        ("ann", "password changed", tenant.pk),
    ]
    kept = str(list(AuditEntry.objects.values()))
    assert link.split("/")[-2] not in kept
    assert link.split("/")[-2] not in boss.get(address(ann)).content.decode()


def test_the_page_with_a_link_is_kept_by_no_browser(boss: Client, ann: User) -> None:
    assert "no-store" in boss.post(address(ann))["Cache-Control"]


def test_a_weak_password_is_refused_with_a_reason(boss: Client, ann: User) -> None:
    stranger = Client()
    page = stranger.get(made(boss, ann), follow=True)

    answer = stranger.post(
        page.redirect_chain[-1][0], {"new_password1": "12345", "new_password2": "12345"}
    )

    assert "too short" in answer.content.decode()
    ann.refresh_from_db()
    assert not ann.check_password("12345")


def test_a_link_is_made_from_the_extensions_page_too(
    boss: Client, tenant: Tenant, ann: User
) -> None:
    extension = factories.ExtensionFactory(tenant=tenant, user=ann)
    nobodys = factories.ExtensionFactory(tenant=tenant)

    use(made(boss, extension))

    ann.refresh_from_db()
    assert ann.check_password(GOOD)
    assert boss.post(address(nobodys)).status_code == 403


def test_nobody_makes_a_link_for_a_stranger_or_a_system_administrator(
    boss: Client, tenant: Tenant
) -> None:
    stranger = person(factories.TenantFactory(), "stranger", User.Role.EXTENSION)
    root = system_administrator()
    assert boss.post(address(stranger)).status_code == 404
    assert boss.post(address(root)).status_code == 404

    User.objects.filter(pk=root.pk).update(tenant=tenant)
    extension = factories.ExtensionFactory(tenant=tenant, user=root)
    assert boss.post(address(extension)).status_code == 403


def test_somebody_who_may_not_sign_in_gets_no_link(boss: Client, ann: User) -> None:
    User.objects.filter(pk=ann.pk).update(is_active=False)

    assert boss.post(address(ann)).status_code == 403
