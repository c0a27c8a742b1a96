"""A system administrator enters a tenant and works there as its administrator would."""

import pytest
from django.test import Client

from portal.models import AuditEntry, Extension, Schedule, Tenant, Trunk, User
from tests import estate as estates
from tests import factories
from tests.estate import Estate, person, signed_in, system_administrator

pytestmark = pytest.mark.django_db

HOME = "/admin/"
LEAVE = "/admin/portal/tenant/leave/"
NEW_GROUP = {
    "number": "8100",
    "name": "Support",
    "kind": "ring",
    "answer_within": "5",
    "members-TOTAL_FORMS": "0",
    "members-INITIAL_FORMS": "0",
}


@pytest.fixture
def ours() -> Estate:
    return estates.build("zebra", "+12125550171")


@pytest.fixture
def theirs() -> Estate:
    return estates.build("koala", "+13105550142")


@pytest.fixture
def root() -> Client:
    return signed_in(system_administrator())


def enter(client: Client, tenant: Tenant) -> None:
    response = client.post(f"/admin/portal/tenant/{tenant.pk}/do/manage/")
    assert response["Location"] == HOME


def text(client: Client, address: str) -> str:
    return client.get(address, follow=True).content.decode()


def test_every_page_says_which_tenant_is_managed_and_how_to_leave(
    root: Client, ours: Estate
) -> None:
    enter(root, ours.tenant)

    for page in (HOME, "/admin/portal/trunk/", "/admin/portal/extension/add/", "/admin/providers/"):
        assert f"You are managing <strong>{ours.tenant.name}</strong>" in text(root, page)
        assert f'action="{LEAVE}"' in text(root, page)

    root.post(LEAVE)
    assert "You are managing" not in text(root, HOME)


def test_lists_and_rows_are_those_of_the_managed_tenant(
    root: Client, ours: Estate, theirs: Estate
) -> None:
    enter(root, ours.tenant)

    assert all(tell not in text(root, HOME) for tell in (*theirs.tells, theirs.tenant.name))
    for model in ours.rows:
        options = model._meta  # noqa: SLF001 - Django's own name
        address = f"/admin/{options.app_label}/{options.model_name}"
        page = root.get(f"{address}/")
        row = root.get(f"{address}/{theirs.rows[model].pk}/change/")
        assert page.status_code == 200
        assert all(tell not in page.content.decode() for tell in theirs.tells)
        assert row.status_code in {302, 404}


def test_a_form_asks_for_no_tenant_and_its_row_is_the_managed_tenants(
    root: Client, ours: Estate, theirs: Estate
) -> None:
    enter(root, ours.tenant)
    assert "For which tenant?" not in text(root, "/admin/portal/group/add/")

    root.post(f"/admin/portal/group/add/?tenant={theirs.tenant.pk}", NEW_GROUP)

    assert ours.tenant.groups.filter(number="8100").exists()
    assert not theirs.tenant.groups.filter(number="8100").exists()


def test_a_form_opened_in_one_tenant_is_not_saved_in_another(
    root: Client, ours: Estate, theirs: Estate
) -> None:
    enter(root, ours.tenant)
    opened = root.get("/admin/portal/group/add/").context["new_row_of"]
    root.post(LEAVE)
    enter(root, theirs.tenant)

    response = root.post("/admin/portal/group/add/", {**NEW_GROUP, "_tenant": opened})

    assert "opened for another tenant" in response.content.decode()
    assert not theirs.tenant.groups.filter(number="8100").exists()


def test_what_only_a_system_administrator_does_is_out_of_reach_meanwhile(
    root: Client, ours: Estate, theirs: Estate
) -> None:
    trunk = ours.rows[Trunk]
    trunk_page = f"/admin/portal/trunk/{trunk.pk}/change/"
    assert 'name="api_base"' in text(root, trunk_page)
    enter(root, ours.tenant)

    assert 'name="api_base"' not in text(root, trunk_page)
    assert root.get("/admin/portal/tenant/add/").status_code == 403
    for name in ("manage", "suspend"):
        own = root.post(f"/admin/portal/tenant/{ours.tenant.pk}/do/{name}/")
        other = root.post(f"/admin/portal/tenant/{theirs.tenant.pk}/do/{name}/")
        assert (own.status_code, other.status_code) == (403, 404)
    assert root.get("/admin/portal/user/add/?tenant=none").status_code == 200
    assert "overseer" not in root.get("/admin/portal/user/").context["cl"].queryset.values_list(
        "username", flat=True
    )
    ours.tenant.refresh_from_db()
    assert ours.tenant.active


def test_what_is_done_is_in_the_tenants_log_under_the_own_name(root: Client, ours: Estate) -> None:
    AuditEntry.objects.all().delete()
    enter(root, ours.tenant)
    root.post("/admin/portal/group/add/", NEW_GROUP)
    root.post(LEAVE)

    entries = AuditEntry.objects.order_by("pk")
    assert [entry.action for entry in entries] == ["entered", "added", "left"]
    assert {(entry.tenant, entry.username) for entry in entries} == {(ours.tenant, "overseer")}
    assert [entry.detail.get("managing") for entry in entries] == [None, ours.tenant.name, None]
    log = text(signed_in(ours.admin), "/admin/portal/auditentry/")
    assert "overseer, managing the tenant, added group 8100 Support" in log


def test_times_are_in_the_managed_tenants_zone(root: Client, ours: Estate) -> None:
    enter(root, ours.tenant)
    schedule = ours.rows[Schedule]

    assert "(America/New_York)" in text(root, f"/admin/portal/schedule/{schedule.pk}/change/")


def test_nobody_else_enters_a_tenant(ours: Estate, theirs: Estate) -> None:
    boss = signed_in(ours.admin)
    for tenant, status in ((ours.tenant, 403), (theirs.tenant, 404)):
        assert boss.post(f"/admin/portal/tenant/{tenant.pk}/do/manage/").status_code == status

    session = boss.session
    session["managed_tenant"] = theirs.tenant.pk
    session.save()

    assert theirs.tenant.name not in text(boss, HOME)
    assert set(boss.get("/admin/portal/extension/").context["cl"].queryset) == set(
        Extension.objects.filter(tenant=ours.tenant)
    )


def test_one_leaves_by_pressing_a_button_and_not_by_following_a_link(
    root: Client, ours: Estate
) -> None:
    enter(root, ours.tenant)

    assert root.get(LEAVE).status_code == 405
    assert "You are managing" in text(root, HOME)


def test_a_tenant_that_is_gone_is_left(root: Client) -> None:
    tenant = factories.TenantFactory()
    enter(root, tenant)
    tenant.delete()

    assert "You are managing" not in text(root, HOME)


def test_somebody_who_is_no_system_administrator_any_more_manages_nothing(ours: Estate) -> None:
    boss = system_administrator()
    client = signed_in(boss)
    enter(client, ours.tenant)
    User.objects.filter(pk=boss.pk).update(is_superuser=False, tenant=factories.TenantFactory())

    assert client.get("/admin/portal/extension/").status_code == 302


def test_the_list_of_tenants_offers_to_manage_each(root: Client, ours: Estate) -> None:
    address = f"/admin/portal/tenant/{ours.tenant.pk}/do/manage/"

    assert f'formaction="{address}"' in text(root, "/admin/portal/tenant/")
    assert "formaction" not in text(signed_in(ours.admin), "/admin/portal/tenant/")
    auditor = person(ours.tenant, "auditor", User.Role.AUDITOR)
    assert signed_in(auditor).post(address).status_code in {403, 404}
