"""Credentials at rest: one encrypted JSON column, readable by any of the configured keys."""

import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class CredentialsUnreadable(ImproperlyConfigured):
    """No key of CREDENTIAL_KEYS opens a stored value."""


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.CREDENTIAL_KEYS])


def seal(values: dict[str, Any]) -> str:
    """Encrypt with the first key of ``CREDENTIAL_KEYS``."""
    return _fernet().encrypt(json.dumps(values).encode()).decode()


def unseal(sealed: str) -> dict[str, Any]:
    """Decrypt with whichever key fits; raise ``CredentialsUnreadable`` if none does."""
    try:
        values: dict[str, Any] = json.loads(_fernet().decrypt(sealed.encode()))
    except InvalidToken as error:
        raise CredentialsUnreadable(
            "Stored credentials cannot be opened: put the key they were saved with back into "
            "CREDENTIAL_KEYS (after the new one) or enter the credentials again."
        ) from error
    return values


class EncryptedJSONField(models.TextField[dict[str, Any], dict[str, Any]]):
    """A dict in the program, a Fernet token in the database; it cannot be searched."""

    def from_db_value(
        self, value: str | None, expression: Any, connection: BaseDatabaseWrapper
    ) -> dict[str, Any]:
        """Decrypt what the database holds; nothing there is an empty dict."""
        del expression, connection
        return unseal(value) if value else {}

    def to_python(self, value: Any) -> dict[str, Any]:
        """Accept a dict as it is; forms never hand over anything else."""
        return value if isinstance(value, dict) else {}

    def get_prep_value(self, value: Any) -> str:
        """Encrypt on the way to the database."""
        return seal(value) if value else ""

    def value_to_string(self, obj: models.Model) -> str:
        """Serialise the sealed form, so that a dump never holds a secret."""
        return self.get_prep_value(self.value_from_object(obj))
