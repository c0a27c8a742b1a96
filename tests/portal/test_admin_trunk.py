"""Trunks in the admin: the provider's fields, secrets that stay in, and the acts."""

import pytest
import responses
from django.db import connection
from django.test import Client
from django.utils import timezone

from portal.models import AuditEntry, Tenant, Trunk
from tests import factories
from tests.estate import signed_in, system_administrator

pytestmark = pytest.mark.django_db

ADD = "/admin/portal/trunk/add/"
SID = "AC" + "0123456789abcdef" * 2
TOKEN = "very-secret-token"
FORM = {
    "name": "Main",
    "enabled": "on",
    "messages_per_second": "5",
    "credential_account_sid": SID,
    "credential_auth_token": TOKEN,
}


@pytest.fixture
def trunk(tenant: Tenant) -> Trunk:
    made: Trunk = factories.TrunkFactory(
        tenant=tenant,
        name="Main",
        provider="twilio",
        credentials={"account_sid": SID, "auth_token": TOKEN, "api_key_secret": "optional-one"},
    )
    return made


def page(trunk: Trunk) -> str:
    return f"/admin/portal/trunk/{trunk.pk}/change/"


def test_a_new_trunk_asks_for_the_provider_first(boss: Client) -> None:
    text = boss.get(ADD).content.decode()

    assert "At which provider" in text
    assert "?provider=twilio" in text
    assert "credential_" not in text


def test_the_form_grows_the_providers_fields(boss: Client) -> None:
    text = boss.get(f"{ADD}?provider=twilio").content.decode()

    assert 'name="credential_account_sid"' in text
    assert "Account SID" in text
    assert 'name="api_base"' not in text


def test_an_unknown_provider_is_asked_for_again(boss: Client) -> None:
    assert b"At which provider" in boss.get(f"{ADD}?provider=nobody").content


def test_a_saved_trunk_shows_its_address_and_the_guide(boss: Client, tenant: Tenant) -> None:
    response = boss.post(f"{ADD}?provider=twilio", FORM, follow=True)

    trunk = Trunk.objects.get(tenant=tenant)
    text = response.content.decode()
    assert trunk.credentials == {"account_sid": SID, "auth_token": TOKEN}
    assert trunk.webhook_url in text
    assert "How to set it up" in text
    assert "{webhook_url}" not in text
    assert TOKEN not in text
    assert "unchanged" in text


def test_a_malformed_credential_names_its_field_and_is_not_repeated(boss: Client) -> None:
    response = boss.post(
        f"{ADD}?provider=twilio", FORM | {"credential_account_sid": "AC12", "name": ""}
    )

    errors = response.context["adminform"].form.errors
    assert "Account SID" in errors["credential_account_sid"][0]
    assert TOKEN not in response.content.decode()
    assert not Trunk.objects.exists()


def test_an_empty_secret_stays_as_it_is(boss: Client, trunk: Trunk) -> None:
    boss.post(page(trunk), FORM | {"name": "Renamed", "credential_auth_token": ""})

    trunk.refresh_from_db()
    assert trunk.name == "Renamed"
    assert trunk.credentials["auth_token"] == TOKEN
    assert trunk.credentials["api_key_secret"] == "optional-one"


def test_an_optional_secret_can_be_forgotten(boss: Client, trunk: Trunk) -> None:
    boss.post(page(trunk), FORM | {"forget_api_key_secret": "on"})

    trunk.refresh_from_db()
    assert "api_key_secret" not in trunk.credentials


def test_the_audit_log_says_that_a_secret_changed_but_not_to_what(
    boss: Client, trunk: Trunk
) -> None:
    boss.post(page(trunk), FORM | {"name": "Renamed", "credential_auth_token": "another-secret"})

    entry = AuditEntry.objects.get(action="changed")
    assert entry.username == "boss"
    assert entry.tenant == trunk.tenant
    assert entry.address == "127.0.0.1"
    assert entry.detail["changed"]["name"] == ["Main", "Renamed"]
    assert entry.detail["changed"]["credential_auth_token"] == ["*", "*"]
    assert "another-secret" not in str(entry.detail)
    history = boss.get(f"/admin/portal/trunk/{trunk.pk}/history/").content.decode()
    assert "Renamed" in history
    assert "another-secret" not in history


def test_saving_writes_nothing_over_what_workers_wrote(boss: Client, trunk: Trunk) -> None:
    boss.get(page(trunk))
    seen = timezone.now()
    Trunk.objects.filter(pk=trunk.pk).update(last_send_at=seen)

    boss.post(page(trunk), FORM | {"name": "Renamed"})

    trunk.refresh_from_db()
    assert trunk.last_send_at == seen


def pause(trunk: Trunk) -> None:
    Trunk.objects.filter(pk=trunk.pk).update(paused_since=timezone.now(), paused_reason="refused")


def test_new_credentials_let_a_paused_trunk_send_again(boss: Client, trunk: Trunk) -> None:
    pause(trunk)

    boss.post(page(trunk), FORM | {"credential_auth_token": "the-right-one"})

    trunk.refresh_from_db()
    assert trunk.paused_since is None


def test_another_name_does_not_let_a_paused_trunk_send(boss: Client, trunk: Trunk) -> None:
    pause(trunk)
    trunk.refresh_from_db()

    boss.post(page(trunk), FORM | {"name": "Renamed", "credential_auth_token": ""})

    trunk.refresh_from_db()
    assert trunk.paused_since is not None


def test_a_paused_trunk_says_why_and_can_be_resumed(boss: Client, trunk: Trunk) -> None:
    pause(trunk)
    assert b"refused" in boss.get(page(trunk)).content

    response = boss.post(f"/admin/portal/trunk/{trunk.pk}/do/resume/", follow=True)

    trunk.refresh_from_db()
    assert trunk.paused_since is None
    assert b"sends again" in response.content
    assert AuditEntry.objects.filter(action="resumed").exists()


def test_the_address_is_rotated_only_after_a_question(boss: Client, trunk: Trunk) -> None:
    address = f"/admin/portal/trunk/{trunk.pk}/do/rotate/"
    old = trunk.webhook_token

    question = boss.get(address)
    trunk.refresh_from_db()
    assert b"stops working at once" in question.content
    assert trunk.webhook_token == old

    boss.post(address)
    trunk.refresh_from_db()
    assert trunk.webhook_token != old


def test_the_check_says_in_words_what_came_of_it(
    boss: Client, trunk: Trunk, network: responses.RequestsMock
) -> None:
    network.get(
        f"https://api.twilio.com/2010-04-01/Accounts/{SID}.json",
        status=401,
        json={"code": 20003, "message": "Authenticate"},
    )

    text = boss.post(f"/admin/portal/trunk/{trunk.pk}/do/check/", follow=True).content.decode()

    assert len(network.calls) == 1
    assert 'class="check fault"' in text
    assert TOKEN not in text


def test_an_incomplete_trunk_is_told_what_is_missing(boss: Client, tenant: Tenant) -> None:
    trunk = factories.TrunkFactory(tenant=tenant, provider="twilio", credentials={})

    text = boss.post(f"/admin/portal/trunk/{trunk.pk}/do/check/", follow=True).content.decode()

    assert "account_sid (Account SID) is missing" in text


def test_a_provider_that_signs_nothing_is_warned_of(boss: Client) -> None:
    assert b"Nothing is signed" in boss.get(f"{ADD}?provider=questblue").content
    assert b"Nothing is signed" not in boss.get(f"{ADD}?provider=twilio").content


def test_only_a_system_administrator_moves_the_api(
    boss: Client, trunk: Trunk, tenant: Tenant
) -> None:
    boss.post(page(trunk), FORM | {"api_base": "https://evil.example.com"})
    trunk.refresh_from_db()
    assert trunk.api_base == ""

    root = signed_in(system_administrator())
    root.post(page(trunk), FORM | {"api_base": "https://api.example.com"})
    trunk.refresh_from_db()
    assert trunk.api_base == "https://api.example.com"
    assert trunk.tenant == tenant


def test_a_system_administrator_chooses_whose_trunk_it_is(tenant: Tenant) -> None:
    root = signed_in(system_administrator())

    assert b"For which tenant?" in root.get(ADD).content
    root.post(f"{ADD}?tenant=none&provider=twilio", FORM | {"name": "Shared"})
    root.post(f"{ADD}?tenant={tenant.pk}&provider=twilio", FORM)

    assert Trunk.objects.get(name="Shared").tenant is None
    assert Trunk.objects.get(name="Main").tenant == tenant


def test_a_name_is_taken_once_in_a_tenant(boss: Client, tenant: Tenant) -> None:
    factories.TrunkFactory(tenant=tenant, name="Main")

    response = boss.post(f"{ADD}?provider=twilio", FORM)

    assert "There is a trunk of this name already." in response.content.decode()


def test_a_tenant_cannot_make_a_trunk_for_another(boss: Client, tenant: Tenant) -> None:
    other = factories.TenantFactory()

    boss.post(f"{ADD}?tenant={other.pk}&provider=twilio", FORM | {"tenant": other.pk})

    assert Trunk.objects.get().tenant == tenant


def test_a_shared_trunk_is_offered_to_those_who_own_a_number_on_it(
    boss: Client, tenant: Tenant
) -> None:
    shared = factories.TrunkFactory(tenant=None, name="Shared one")
    address = "/admin/portal/inboundrule/add/"
    assert b"Shared one" not in boss.get(address).content

    factories.DIDFactory(tenant=tenant, trunk=shared)

    assert b"Shared one" in boss.get(address).content
    assert boss.get(page(shared)).status_code == 302
    assert b"Shared one" not in boss.get("/admin/portal/trunk/").content


def test_a_trunk_with_numbers_is_not_deleted_and_says_which(boss: Client, trunk: Trunk) -> None:
    factories.DIDFactory(trunk=trunk, number="+12125550171")
    address = f"/admin/portal/trunk/{trunk.pk}/delete/"

    text = boss.get(address).content.decode()
    boss.post(address, {"post": "yes"})

    assert "1 DIDs: +1 212-555-0171" in text
    assert Trunk.objects.filter(pk=trunk.pk).exists()


def test_credentials_that_no_key_opens_can_be_entered_again(boss: Client, trunk: Trunk) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE portal_trunk SET credentials = 'gAAAAABroken'")

    assert boss.get("/admin/portal/trunk/").status_code == 200
    assert boss.get(page(trunk)).status_code == 200
    boss.post(page(trunk), FORM)

    trunk.refresh_from_db()
    assert trunk.credentials == {"account_sid": SID, "auth_token": TOKEN}


def test_a_login_for_webhooks_is_made_up_for_a_new_trunk_and_never_for_an_old_one(
    boss: Client, tenant: Tenant
) -> None:
    new = boss.get(f"{ADD}?provider=bandwidth").context["adminform"].form
    old = factories.TrunkFactory(
        tenant=tenant,
        provider="bandwidth",
        credentials={
            "account_id": "5500123",
            "application_id": "c7a3d9e4-52b6-4f1a-8e07-93d5b1f6a248",
        },
    )

    assert len(new.fields["credential_callback_password"].initial) > 20
    kept = boss.get(page(old)).context["adminform"].form
    assert kept.fields["credential_callback_password"].initial == ""
    assert kept.fields["credential_callback_user_id"].initial == ""
