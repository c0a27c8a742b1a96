"""Extensions, groups, contacts, people, tokens and tenants in the admin."""

import pytest
from django.test import Client

from portal.models import (
    ApiToken,
    AuditEntry,
    CallerID,
    Contact,
    Extension,
    Group,
    Schedule,
    Tenant,
    User,
)
from portal.models.token import digest
from tests import factories
from tests.estate import person, signed_in, system_administrator

pytestmark = pytest.mark.django_db

EXTENSION = "/admin/portal/extension/add/"
USER = "/admin/portal/user/add/"
GOOD = "correct horse 7 battery"


@pytest.fixture
def admin(tenant: Tenant) -> User:
    return person(tenant, "boss", User.Role.ADMIN)


@pytest.fixture
def boss(admin: User) -> Client:
    return signed_in(admin)


def extension(**fields: str) -> dict[str, str]:
    return {
        "number": "1001",
        "name": "Front desk",
        "sms": "ALLOW",
        "enabled": "on",
        "presence": "available",
        "caller_ids-TOTAL_FORMS": "0",
        "caller_ids-INITIAL_FORMS": "0",
        **fields,
    }


def caller_ids(*rows: tuple[int | str, int, bool], initial: int = 0) -> dict[str, str]:
    data = {"caller_ids-TOTAL_FORMS": str(len(rows)), "caller_ids-INITIAL_FORMS": str(initial)}
    for n, (pk, did, default) in enumerate(rows):
        data |= {f"caller_ids-{n}-id": str(pk), f"caller_ids-{n}-did": str(did)}
        data |= {f"caller_ids-{n}-is_default": "on"} if default else {}
    return data


def test_an_extension_is_made_with_its_sign_in_and_caller_id(boss: Client, tenant: Tenant) -> None:
    did = factories.DIDFactory(tenant=tenant)

    boss.post(
        EXTENSION,
        extension(new_username="desk", new_password=GOOD, **caller_ids(("", did.pk, True))),
    )

    made = Extension.objects.get()
    assert made.tenant == tenant
    assert made.user == User.objects.get(username="desk")
    assert made.user.check_password(GOOD)
    assert made.user.role == User.Role.EXTENSION
    assert made.caller_ids.get().tenant == tenant
    assert GOOD not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"new_username": "desk"}, "new_password"),
        ({"new_password": GOOD}, "new_username"),
        ({"new_username": "desk", "new_password": "12345"}, "new_password"),
        ({"new_username": "boss", "new_password": GOOD}, "new_username"),
        ({"number": "1"}, "number"),
        ({"number": "8000"}, "number"),
    ],
)
def test_what_an_extension_cannot_be_is_explained(
    boss: Client, tenant: Tenant, fields: dict[str, str], field: str
) -> None:
    factories.GroupFactory(tenant=tenant, number="8000")

    response = boss.post(EXTENSION, extension(**fields))

    assert response.context["adminform"].form.errors[field]
    assert GOOD not in response.content.decode()
    assert not Extension.objects.exists()
    assert not User.objects.filter(username="desk").exists()


def test_an_extension_number_is_taken_once(boss: Client, tenant: Tenant) -> None:
    factories.ExtensionFactory(tenant=tenant, number="1001")
    factories.ExtensionFactory(number="1002")

    assert b"extension of this number already" in boss.post(EXTENSION, extension()).content
    assert boss.post(EXTENSION, extension(number="1002")).status_code == 302


def test_the_default_caller_id_moves_in_one_go(boss: Client, tenant: Tenant) -> None:
    first = factories.CallerIDFactory(extension=factories.ExtensionFactory(tenant=tenant))
    second = factories.CallerIDFactory(extension=first.extension, is_default=False)
    address = f"/admin/portal/extension/{first.extension.pk}/change/"

    boss.post(
        address,
        extension(
            **caller_ids(
                (second.pk, second.did.pk, True), (first.pk, first.did.pk, False), initial=2
            )
        ),
    )

    assert CallerID.objects.get(is_default=True) == second


def test_there_is_one_default_caller_id(boss: Client, tenant: Tenant) -> None:
    rows = [("", factories.DIDFactory(tenant=tenant).pk, True) for _ in range(2)]

    response = boss.post(EXTENSION, extension(**caller_ids(*rows)))

    assert b"Only one caller ID can be the default." in response.content
    assert not Extension.objects.exists()


def test_an_extension_in_a_rule_is_not_deleted_and_says_which(boss: Client, tenant: Tenant) -> None:
    line = factories.line(tenant=tenant)
    address = f"/admin/portal/extension/{line.extension.pk}/delete/"

    text = boss.get(address).content.decode()
    boss.post(address, {"post": "yes"})

    assert "leads to it (office hours)" in text
    assert Extension.objects.exists()


def test_an_extension_with_a_log_is_not_deleted(boss: Client, tenant: Tenant) -> None:
    message = factories.MessageFactory(tenant=tenant)
    owner = message.conversation.extension

    text = boss.get(f"/admin/portal/extension/{owner.pk}/delete/").content.decode()

    assert "Its conversations would be lost with it." in text


def test_an_unused_extension_is_deleted_and_leaves_a_trace(boss: Client, tenant: Tenant) -> None:
    unused = factories.ExtensionFactory(tenant=tenant)

    boss.post(f"/admin/portal/extension/{unused.pk}/delete/", {"post": "yes"})

    assert not Extension.objects.exists()
    assert AuditEntry.objects.get(action="deleted").tenant == tenant


def test_a_group_takes_no_extensions_number(boss: Client, tenant: Tenant) -> None:
    factories.ExtensionFactory(tenant=tenant, number="1001")
    data = {
        "number": "1001",
        "name": "Sales",
        "kind": "ring",
        "answer_within": "5",
        "members-TOTAL_FORMS": "0",
        "members-INITIAL_FORMS": "0",
    }

    assert (
        b"An extension has this number already."
        in boss.post("/admin/portal/group/add/", data).content
    )
    assert not Group.objects.exists()


def test_a_contacts_number_is_read_in_the_tenants_country(boss: Client) -> None:
    data = {
        "name": "Ann",
        "numbers-TOTAL_FORMS": "1",
        "numbers-INITIAL_FORMS": "0",
        "numbers-0-number": "(617) 555-0188",
    }

    boss.post("/admin/portal/contact/add/", data)

    assert Contact.objects.get().numbers.get().number == "+16175550188"


def test_office_hours_and_holidays_belong_to_the_tenant(boss: Client, tenant: Tenant) -> None:
    data = {
        "name": "Week",
        "is_default": "on",
        "monday": "09:00-17:00",
        "holidays-TOTAL_FORMS": "1",
        "holidays-INITIAL_FORMS": "0",
        "holidays-0-name": "Christmas",
        "holidays-0-first_day": "2026-12-25",
        "holidays-0-last_day": "2026-12-26",
    }

    boss.post("/admin/portal/schedule/add/", data)

    week = Schedule.objects.get()
    assert week.hours.get().tenant == tenant
    assert week.holidays.get().tenant == tenant
    second = boss.post("/admin/portal/schedule/add/", data | {"name": "Other"})
    assert b"Another schedule holds the tenant" in second.content


def new_user(**fields: str) -> dict[str, str]:
    return {
        "username": "ann",
        "password1": GOOD,
        "password2": GOOD,
        "role": "auditor",
        **fields,
    }


def test_an_administrator_makes_people_of_the_own_tenant(boss: Client, tenant: Tenant) -> None:
    other = factories.TenantFactory()

    boss.post(USER, new_user(is_superuser="on", is_staff="on", tenant=str(other.pk)))

    ann = User.objects.get(username="ann")
    assert (ann.tenant, ann.role) == (tenant, "auditor")
    assert not ann.is_superuser
    assert ann.check_password(GOOD)


def test_nobody_rises_to_system_administrator_by_a_form(boss: Client, tenant: Tenant) -> None:
    ann = person(tenant, "ann", User.Role.EXTENSION)
    address = f"/admin/portal/user/{ann.pk}/change/"

    boss.post(
        address,
        {"username": "ann", "role": "admin", "is_active": "on", "is_superuser": "on", "tenant": ""},
    )
    assert boss.get(f"{USER}?tenant=none").status_code == 200
    boss.post(f"{USER}?tenant=none", new_user(username="eve"))

    ann.refresh_from_db()
    assert ann.role == "admin"
    assert not User.objects.filter(is_superuser=True).exists()
    assert User.objects.get(username="eve").tenant == tenant


def test_system_administrators_are_invisible_and_out_of_reach(boss: Client) -> None:
    root = system_administrator()

    assert b"overseer" not in boss.get("/admin/portal/user/").content
    for view in ("change", "password", "delete"):
        assert boss.get(f"/admin/portal/user/{root.pk}/{view}/").status_code in {302, 403, 404}
    boss.post(f"/admin/portal/user/{root.pk}/password/", {"password1": GOOD, "password2": GOOD})
    root.refresh_from_db()
    assert not root.check_password(GOOD)


def test_a_foreign_persons_password_is_out_of_reach(boss: Client) -> None:
    stranger = person(factories.TenantFactory(), "stranger", User.Role.EXTENSION)
    address = f"/admin/portal/user/{stranger.pk}/password/"

    assert boss.get(address).status_code in {403, 404}
    assert boss.post(address, {"password1": GOOD, "password2": GOOD}).status_code in {403, 404}


def test_an_administrator_sets_a_new_password(boss: Client, tenant: Tenant) -> None:
    ann = person(tenant, "ann", User.Role.EXTENSION)
    address = f"/admin/portal/user/{ann.pk}/password/"
    assert boss.get(address).status_code == 200

    boss.post(address, {"password1": GOOD, "password2": GOOD, "usable_password": "true"})

    ann.refresh_from_db()
    assert ann.check_password(GOOD)
    assert GOOD not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_nobody_locks_themselves_out(boss: Client, admin: User) -> None:
    boss.post(f"/admin/portal/user/{admin.pk}/change/", {"username": "boss", "role": "extension"})
    boss.post(f"/admin/portal/user/{admin.pk}/delete/", {"post": "yes"})
    boss.post(
        "/admin/portal/user/",
        {"action": "delete_selected", "_selected_action": admin.pk, "post": "yes"},
    )

    admin.refresh_from_db()
    assert admin.role == "admin"
    assert admin.is_active


def test_a_system_administrator_makes_another_one(tenant: Tenant) -> None:
    root = signed_in(system_administrator())

    root.post(f"{USER}?tenant=none", new_user())
    root.post(f"{USER}?tenant={tenant.pk}", new_user(username="bob"))

    ann, bob = User.objects.get(username="ann"), User.objects.get(username="bob")
    assert (ann.is_superuser, ann.tenant) == (True, None)
    assert (bob.is_superuser, bob.tenant) == (False, tenant)


def test_a_tokens_key_is_shown_once(boss: Client, tenant: Tenant) -> None:
    first = boss.post("/admin/portal/apitoken/add/", {"label": "PBX"}, follow=True)

    token = ApiToken.objects.get()
    text = first.content.decode()
    key = text.split("smsc_")[1].split("<")[0]
    assert token.tenant == tenant
    assert token.digest == digest(f"smsc_{key}")
    assert "smsc_" not in boss.get("/admin/portal/apitoken/").content.decode()
    assert key not in str(list(AuditEntry.objects.values("detail", "target")))


def test_a_token_is_revoked_after_a_question(boss: Client, tenant: Tenant) -> None:
    token = factories.ApiTokenFactory(tenant=tenant)
    address = f"/admin/portal/apitoken/{token.pk}/do/revoke/"

    boss.get(address)
    assert ApiToken.objects.filter(revoked_at=None).exists()

    boss.post(address)
    assert not ApiToken.objects.filter(revoked_at=None).exists()
    assert boss.post(address).status_code == 403


def test_several_tokens_are_revoked_at_once(boss: Client, tenant: Tenant) -> None:
    tokens = [factories.ApiTokenFactory(tenant=tenant).pk for _ in range(2)]

    boss.post("/admin/portal/apitoken/", {"action": "revoke_selected", "_selected_action": tokens})

    assert not ApiToken.objects.filter(revoked_at=None).exists()


def settings_of(tenant: Tenant, **fields: str) -> dict[str, str]:
    return {
        "name": tenant.name,
        "slug": tenant.slug,
        "active": "on",
        "messaging_enabled": "on",
        "timezone": "Europe/Berlin",
        "country": "DE",
        **fields,
    }


def test_a_tenants_administrator_edits_settings_but_not_what_it_is(
    boss: Client, tenant: Tenant
) -> None:
    slug = tenant.slug

    boss.post(
        f"/admin/portal/tenant/{tenant.pk}/change/",
        settings_of(tenant, slug="stolen", auto_reply="Hello", active=""),
    )

    tenant.refresh_from_db()
    assert (tenant.slug, tenant.active) == (slug, True)
    assert (tenant.country, tenant.auto_reply) == ("DE", "Hello")
    assert boss.get("/admin/portal/tenant/add/").status_code == 403
    assert boss.get(f"/admin/portal/tenant/{tenant.pk}/delete/").status_code == 403


def test_a_system_administrator_makes_and_suspends_tenants() -> None:
    root = signed_in(system_administrator())
    fresh = Tenant(name="New", slug="new")

    root.post("/admin/portal/tenant/add/", settings_of(fresh))
    tenant = Tenant.objects.get(slug="new")
    root.post(f"/admin/portal/tenant/{tenant.pk}/do/suspend/")
    tenant.refresh_from_db()
    assert not tenant.active

    root.post(f"/admin/portal/tenant/{tenant.pk}/delete/", {"post": "yes"})
    assert not Tenant.objects.exists()
    assert AuditEntry.objects.filter(action="deleted", tenant=None).exists()


def test_a_system_administrator_is_offered_one_tenants_rows_only(tenant: Tenant) -> None:
    root = signed_in(system_administrator())
    mine = factories.ExtensionFactory(tenant=tenant, name="mine")
    other = factories.ExtensionFactory(name="foreign")
    query = {"app_label": "portal", "model_name": "contact", "field_name": "extension"}

    found = root.get("/admin/autocomplete/", {**query, "tenant": str(tenant.pk)}).json()
    response = root.post(
        f"/admin/portal/contact/add/?tenant={tenant.pk}",
        {
            "name": "Ann",
            "extension": other.pk,
            "numbers-TOTAL_FORMS": "0",
            "numbers-INITIAL_FORMS": "0",
        },
    )

    assert [one["id"] for one in found["results"]] == [str(mine.pk)]
    assert response.context["adminform"].form.errors["extension"]
