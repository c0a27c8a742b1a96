"""The door of the admin, what its sidebar shows, and what happens in a race."""

import pytest
from django.contrib.auth.models import Group as PermissionGroup
from django.db import IntegrityError
from django.test import Client

from portal.admin.extension import ExtensionAdmin
from portal.admin.site import site
from portal.models import Tenant, User
from tests import factories
from tests.estate import person, signed_in, system_administrator

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("role", "enters"), [("admin", True), ("auditor", True), ("extension", False)]
)
def test_the_role_opens_the_door_and_no_flag(tenant: Tenant, role: str, enters: bool) -> None:
    user = factories.UserFactory(tenant=tenant, role=role, is_staff=not enters)
    client = Client()

    assert client.get("/admin/login/").status_code == 200
    response = client.post(
        "/admin/login/?next=/admin/",
        {"username": user.username, "password": factories.PASSWORD},
    )

    assert (response.status_code == 302) is enters
    assert (client.get("/admin/").status_code == 200) is enters
    if not enters:
        assert "has no access to the administration" in response.content.decode()


def test_a_person_who_was_switched_off_is_out_at_once(tenant: Tenant) -> None:
    boss = person(tenant, "boss", User.Role.ADMIN)
    client = signed_in(boss)
    User.objects.filter(pk=boss.pk).update(is_active=False)

    assert client.get("/admin/").status_code == 302


def test_an_extension_user_in_the_admin_is_told_so(tenant: Tenant) -> None:
    client = signed_in(person(tenant, "desk", User.Role.EXTENSION))

    text = client.get("/admin/", follow=True).content.decode()

    assert "SMS Channel" in text
    assert "Trunks" not in text


def test_there_are_no_groups_of_permission_rows() -> None:
    assert not site.is_registered(PermissionGroup)


def test_the_sidebar_shows_what_the_role_may_see(tenant: Tenant) -> None:
    boss = signed_in(person(tenant, "boss", User.Role.ADMIN)).get("/admin/").content.decode()
    auditor = signed_in(person(tenant, "aud", User.Role.AUDITOR)).get("/admin/").content.decode()

    assert "/admin/portal/trunk/" in boss
    assert f"/admin/portal/tenant/{tenant.pk}/change/" in boss
    assert "/admin/portal/trunk/" not in auditor
    assert "/admin/sms/message/" in auditor
    assert "Quarantine" in auditor


def test_objects_have_no_public_page_to_be_redirected_to(tenant: Tenant) -> None:
    client = signed_in(system_administrator())

    assert client.get(f"/admin/r/1/{tenant.pk}/").status_code == 404


def test_what_the_database_refuses_in_a_race_is_said_in_words(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise IntegrityError("somebody was faster")

    monkeypatch.setattr(ExtensionAdmin, "save_model", refuse)
    client = signed_in(person(tenant, "boss", User.Role.ADMIN))

    response = client.post(
        "/admin/portal/extension/add/",
        {
            "number": "1001",
            "sms": "ALLOW",
            "presence": "available",
            "caller_ids-TOTAL_FORMS": "0",
            "caller_ids-INITIAL_FORMS": "0",
        },
        follow=True,
    )

    assert "Somebody changed this at the same moment." in response.content.decode()


def test_the_pages_need_no_inline_script(tenant: Tenant) -> None:
    client = signed_in(person(tenant, "boss", User.Role.ADMIN))
    trunk = factories.TrunkFactory(tenant=tenant)

    response = client.get(f"/admin/portal/trunk/{trunk.pk}/change/")

    policy = response["Content-Security-Policy"]
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert b"<script>" not in response.content
    assert b"portal/copy.js" in response.content
