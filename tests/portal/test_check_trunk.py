"""`manage.py check_trunk`: one call that proves the credentials, in plain words."""

import io

import pytest
import responses
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests import factories

pytestmark = pytest.mark.django_db


def check(name: str) -> str:
    """Run the command and return what it printed."""
    printed = io.StringIO()
    call_command("check_trunk", name, stdout=printed)
    return printed.getvalue()


def test_good_credentials_are_said_to_be_good(network: responses.RequestsMock) -> None:
    trunk = factories.TrunkFactory(name="Main")
    network.get(f"{settings.SANDBOX_URL}/account", json={"name": "Main"})
    printed = check(f"{trunk.tenant.slug}/Main")
    assert "Credentials   The sandbox answers as 'Main'." in printed
    assert trunk.webhook_url in printed
    assert "Last webhook  never" in printed
    assert trunk.credentials["secret"] not in printed


def test_refused_credentials_fail_the_command(network: responses.RequestsMock) -> None:
    trunk = factories.TrunkFactory(tenant=None, name="Common")
    trunk.paused_since, trunk.paused_reason = timezone.now(), "the secret was refused"
    trunk.save()
    network.get(f"{settings.SANDBOX_URL}/account", status=401, json={})
    printed = io.StringIO()
    with pytest.raises(CommandError, match="The check failed: ") as caught:
        call_command("check_trunk", "Common", stdout=printed)
    assert caught.value.returncode == 1
    assert "the secret was refused" in printed.getvalue()
    assert trunk.credentials["secret"] not in str(caught.value)


def test_missing_credentials_are_named() -> None:
    trunk = factories.TrunkFactory(credentials={})
    with pytest.raises(CommandError, match="secret"):
        check(f"{trunk.tenant.slug}/{trunk.name}")


def test_an_unknown_trunk_is_said_to_be_unknown() -> None:
    trunk = factories.TrunkFactory(name="Main")
    factories.TenantFactory(slug="elm")
    with pytest.raises(CommandError, match="There is no trunk"):
        check("elm/Main")
    with pytest.raises(CommandError, match="There is no trunk"):
        check(trunk.name)
