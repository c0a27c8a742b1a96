"""Tenants in the admin: made by somebody who knows no slugs, suspended knowing what stops."""

import pytest
from django.test import Client

from portal.models import AuditEntry, Tenant, User
from sms.models import ProviderEvent, State
from tests import factories
from tests.estate import person, signed_in, system_administrator

pytestmark = pytest.mark.django_db

ADD = "/admin/portal/tenant/add/"


@pytest.fixture
def root() -> Client:
    return signed_in(system_administrator())


@pytest.fixture
def tenant() -> Tenant:
    tenant: Tenant = factories.TenantFactory(name="Alder", slug="alder")
    return tenant


def page(client: Client, tenant: Tenant, act: str) -> str:
    return client.get(f"/admin/portal/tenant/{tenant.pk}/do/{act}/").content.decode()


def press(client: Client, tenant: Tenant, act: str) -> str:
    address = f"/admin/portal/tenant/{tenant.pk}/do/{act}/"
    return client.post(address, follow=True).content.decode()


def effects(client: Client, tenant: Tenant, act: str) -> dict[str, int]:
    response = client.get(f"/admin/portal/tenant/{tenant.pk}/do/{act}/")
    return {effect.what: effect.count for effect in response.context["effects"]}


def test_a_tenant_is_made_with_a_country_by_its_name(root: Client) -> None:
    form = root.get(ADD).content.decode()
    assert "United States (+1)" in form
    assert "django-admin-prepopulated-fields-constants" in form

    root.post(
        ADD,
        {
            "name": "Alder",
            "slug": "alder",
            "messaging_enabled": "on",
            "timezone": "Europe/Berlin",
            "country": "DE",
        },
    )

    made = Tenant.objects.get()
    assert (made.name, made.country, made.active) == ("Alder", "DE", True)


def test_a_short_name_that_is_taken_is_explained(root: Client, tenant: Tenant) -> None:
    data = {"name": "B", "slug": tenant.slug, "timezone": "UTC", "country": "US"}

    errors = root.post(ADD, data).context["adminform"].form.errors

    assert list(errors) == ["slug"]
    assert "already exists" in errors["slug"][0]


def test_before_a_tenant_is_suspended_one_sees_what_stops(root: Client, tenant: Tenant) -> None:
    line = factories.line(tenant=tenant, user=person(tenant, "ann", User.Role.EXTENSION))
    conversation = factories.ConversationFactory(did=line.did, extension=line.extension)
    for state in (State.QUEUED, State.QUEUED, State.HELD, State.SENT):
        factories.MessageFactory(conversation=conversation, state=state)
    factories.MessageFactory()

    assert effects(root, tenant, "suspend") == {
        "DIDs": 1,
        "Extensions": 1,
        "Texts that wait to be sent": 3,
        "People who sign in": 1,
        "Trunks": 1,
    }
    tenant.refresh_from_db()
    assert tenant.active


def test_a_tenant_is_suspended_and_resumed_and_both_are_in_its_log(
    root: Client, tenant: Tenant
) -> None:
    for act, said, active in (
        ("suspend", "Alder is suspended.", False),
        ("resume", "Alder is in service again.", True),
    ):
        assert said in press(root, tenant, act)
        assert Tenant.objects.get().active is active
    actions = AuditEntry.objects.filter(tenant=tenant).values_list("action", flat=True)
    assert set(actions) == {"suspended", "resumed"}


def test_before_a_tenant_is_resumed_one_sees_what_is_released(root: Client, tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(active=False)
    event = factories.ProviderEventFactory(trunk=factories.TrunkFactory(tenant=tenant))
    ProviderEvent.objects.filter(pk=event.pk).update(state="quarantined", reason="suspended")
    factories.MessageFactory(tenant=tenant, state=State.HELD)

    assert effects(root, tenant, "resume") == {
        "Webhook requests in quarantine": 1,
        "Texts held": 1,
    }
    Tenant.objects.filter(pk=tenant.pk).update(messaging_enabled=False)
    assert "until it is on, all of this waits" in page(root, tenant, "resume")


def test_only_what_makes_sense_is_offered(root: Client, tenant: Tenant) -> None:
    address = f"/admin/portal/tenant/{tenant.pk}"
    assert f"{address}/do/suspend/" in root.get(f"{address}/change/").content.decode()
    assert root.post(f"{address}/do/resume/").status_code == 403

    press(root, tenant, "suspend")

    assert f"{address}/do/resume/" in root.get(f"{address}/change/").content.decode()
    assert root.post(f"{address}/do/suspend/").status_code == 403


def test_a_tenants_own_people_neither_suspend_nor_resume(tenant: Tenant) -> None:
    boss = signed_in(person(tenant, "boss", User.Role.ADMIN))
    address = f"/admin/portal/tenant/{tenant.pk}"

    assert "/do/suspend/" not in boss.get(f"{address}/change/").content.decode()
    for name in ("suspend", "resume"):
        assert boss.post(f"{address}/do/{name}/").status_code == 403
    boss.post(
        f"{address}/change/",
        {"name": "Alder", "slug": "other", "active": "", "timezone": "UTC", "country": "GB"},
    )

    tenant.refresh_from_db()
    assert (tenant.slug, tenant.active, tenant.country) == ("alder", True, "GB")


def test_the_list_shows_who_is_in_service(root: Client) -> None:
    factories.TenantFactory()
    factories.TenantFactory(active=False)
    factories.TenantFactory(messaging_enabled=False)

    shown = root.get("/admin/portal/tenant/").content.decode()

    assert all(word in shown for word in ("in service", "suspended", "messaging off"))
