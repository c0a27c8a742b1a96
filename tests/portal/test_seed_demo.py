"""`manage.py seed_demo`: what a newcomer finds."""

import io

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from portal.models import Contact, Extension, Group, InboundRule, Tenant, Trunk, User
from portal.provisioning import demo
from sms import permission

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _development(settings: Settings) -> None:
    """Be on a developer's machine."""
    settings.DEBUG = True


def seed(*options: str) -> str:
    """Run the command and return what it printed."""
    printed = io.StringIO()
    call_command("seed_demo", *options, stdout=printed)
    return printed.getvalue()


def test_the_demo_can_text_and_be_texted() -> None:
    printed = seed()
    trunk = Trunk.objects.get(tenant__slug="demo")
    assert trunk.is_sandbox
    assert trunk.adapter().credentials.secret
    for number in ("1001", "1002"):
        extension = Extension.objects.get(number=number)
        assert extension.user is not None
        assert extension.user.check_password(f"demo-{number}")
        assert permission.choose_sender(extension, "", None).trunk == trunk
        assert f"demo-{number}" in printed
    assert InboundRule.objects.get(did_first="+12172074422").destinations.get().extension
    assert Group.objects.get(number="8000").members.count() == 2
    assert User.objects.get(username="demo-admin").is_tenant_admin
    assert User.objects.get(username="admin").is_superuser
    assert Contact.objects.count() == 2
    assert "/handset/" in printed


def test_seeding_twice_changes_nothing() -> None:
    seed()
    secret = Trunk.objects.get().credentials
    assert "0 of 11 objects" in seed()
    assert Trunk.objects.get().credentials == secret
    assert Contact.objects.count() == 2


def test_the_logins_can_be_shown_again_in_development(settings: Settings) -> None:
    assert demo.logins() == {}
    seed()
    assert demo.logins()["1001"] == "demo-1001"
    settings.DEBUG = False
    assert demo.logins() == {}


def test_an_installation_that_others_reach_is_not_seeded_by_accident(
    settings: Settings,
) -> None:
    settings.DEBUG = False
    settings.PUBLIC_IS_LOOPBACK = False
    with pytest.raises(CommandError, match="--force"):
        seed()
    assert not Tenant.objects.exists()


def test_outside_development_the_passwords_are_random_and_shown_once(
    settings: Settings,
) -> None:
    settings.DEBUG = False
    settings.PUBLIC_IS_LOOPBACK = False
    printed = seed("--force")
    user = User.objects.get(username="1001")
    line = next(line for line in printed.splitlines() if line.startswith("  login 1001"))
    assert user.check_password(line.split()[2])
    assert not user.check_password("demo-1001")
    assert "(unchanged)" in seed("--force")
    assert User.objects.get(username="1001").password == user.password
