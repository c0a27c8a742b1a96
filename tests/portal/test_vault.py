"""Credentials are opened by any configured key, written with the first, and never shown."""

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.db import connection
from pytest_django import Settings

from portal import vault
from portal.models import Trunk
from portal.vault import CredentialsUnreadable
from tests import factories

SECRET = "a-secret-nobody-may-see"
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def stored(trunk: Trunk) -> str:
    """Return the column as it lies in the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM portal_trunk WHERE id = %s", [trunk.pk])
        value: str = cursor.fetchone()[0]
        return value


def test_what_was_sealed_with_an_old_key_still_opens(settings: Settings) -> None:
    settings.CREDENTIAL_KEYS = [OLD]
    sealed = vault.seal({"secret": SECRET})
    settings.CREDENTIAL_KEYS = [NEW, OLD]
    assert vault.unseal(sealed) == {"secret": SECRET}


def test_the_first_key_seals(settings: Settings) -> None:
    settings.CREDENTIAL_KEYS = [NEW, OLD]
    sealed = vault.seal({"secret": SECRET})
    settings.CREDENTIAL_KEYS = [NEW]
    assert vault.unseal(sealed) == {"secret": SECRET}


def test_a_lost_key_is_named_as_the_cause_without_the_secret(settings: Settings) -> None:
    settings.CREDENTIAL_KEYS = [OLD]
    sealed = vault.seal({"secret": SECRET})
    settings.CREDENTIAL_KEYS = [NEW]
    with pytest.raises(CredentialsUnreadable, match="CREDENTIAL_KEYS") as caught:
        vault.unseal(sealed)
    assert SECRET not in str(caught.value)


@pytest.mark.django_db
def test_the_database_holds_no_secret() -> None:
    trunk = factories.TrunkFactory(credentials={"secret": SECRET})
    assert SECRET not in stored(trunk)
    assert "secret" not in stored(trunk)
    assert Trunk.objects.get(pk=trunk.pk).credentials == {"secret": SECRET}


@pytest.mark.django_db
def test_no_credentials_are_an_empty_dict() -> None:
    trunk = factories.TrunkFactory(credentials={})
    assert stored(trunk) == ""
    assert Trunk.objects.get(pk=trunk.pk).credentials == {}


@pytest.mark.django_db
def test_neither_a_trunk_nor_its_adapter_shows_a_secret_when_printed() -> None:
    trunk = factories.TrunkFactory(credentials={"secret": SECRET})
    assert SECRET not in f"{trunk!r} {trunk} {trunk.adapter()!r}"


@pytest.mark.django_db
def test_a_dump_of_the_data_holds_the_sealed_form() -> None:
    trunk = factories.TrunkFactory(credentials={"secret": SECRET})
    assert SECRET not in serializers.serialize("json", [trunk])
