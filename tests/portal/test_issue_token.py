"""`manage.py issue_token`: prints a key once, and nothing else."""

import io

import pytest
from django.core.management import CommandError, call_command

from portal.models import ApiToken
from portal.models.token import digest
from tests import factories

pytestmark = pytest.mark.django_db


def issue(*words: str) -> str:
    """Run the command and return what it printed."""
    printed = io.StringIO()
    call_command("issue_token", *words, stdout=printed)
    return printed.getvalue()


def test_only_the_key_is_printed_and_only_its_digest_is_kept() -> None:
    extension = factories.ExtensionFactory(number="1001")
    key = issue("--tenant", extension.tenant.slug, "--extension", "1001", "--label", "PBX")
    token = ApiToken.objects.get()
    assert (token.extension, token.label) == (extension, "PBX")
    assert key.count("\n") == 1
    assert token.digest == digest(key.strip())


def test_without_an_extension_the_token_is_the_tenants() -> None:
    tenant = factories.TenantFactory()
    issue("--tenant", tenant.slug)
    token = ApiToken.objects.get()
    assert (token.tenant, token.extension) == (tenant, None)


def test_an_extension_of_another_tenant_is_not_found() -> None:
    factories.ExtensionFactory(number="1001")
    tenant = factories.TenantFactory(slug="birch")
    with pytest.raises(CommandError, match="no extension '1001'"):
        issue("--tenant", tenant.slug, "--extension", "1001")
    with pytest.raises(CommandError, match="no tenant 'elm'"):
        issue("--tenant", "elm")
    assert not ApiToken.objects.exists()
