"""What the system checks find, and that good settings please them."""

import pytest
from cryptography.fernet import Fernet
from django.core.checks import CheckMessage, run_checks
from pytest_django.fixtures import Settings


def found(*, deploy: bool = False) -> set[str]:
    """Return the ids of what our own checks find."""
    messages: list[CheckMessage] = run_checks(include_deployment_checks=deploy)
    return {str(message.id) for message in messages if str(message.id).startswith("sms_channel.")}


@pytest.fixture
def production(settings: Settings) -> Settings:
    """Settings as a good installation has them."""
    settings.DEBUG = False
    settings.PUBLIC_URL = settings.PUSH_URL = settings.MEDIA_URL_BASE = "https://sms.example.com"
    settings.PUBLIC_HOST = "sms.example.com"
    settings.PUBLIC_IS_HTTPS = True
    settings.PUBLIC_IS_LOOPBACK = False
    settings.ALLOWED_HOSTS = ["sms.example.com"]
    settings.TRUSTED_PROXIES = ["10.0.0.1"]
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    settings.DATABASE_URL = "postgresql://sms@db.example/sms"
    settings.REDIS_URL = "redis://redis.example/0"
    return settings


def test_a_good_installation_is_clean(production: Settings) -> None:
    del production
    assert found(deploy=True) == set()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PUBLIC_URL", "sms.example.com", "sms_channel.E001"),
        ("MEDIA_URL_BASE", "ftp://files.example.com", "sms_channel.E002"),
        ("PUSH_URL", "https://", "sms_channel.E003"),
        ("SANDBOX_URL", "", "sms_channel.E004"),
        ("PUBLIC_URL", "https://example.com/sms", "sms_channel.E005"),
        ("CREDENTIAL_KEYS", ["secret"], "sms_channel.E006"),
        ("DEBUG", True, "sms_channel.E007"),
        ("PUBLIC_IS_HTTPS", False, "sms_channel.W001"),
        ("ALLOWED_HOSTS", ["*"], "sms_channel.W002"),
        ("TRUSTED_PROXIES", ["*"], "sms_channel.W003"),
    ],
)
def test_a_bad_setting_is_found(
    production: Settings, name: str, value: object, expected: str
) -> None:
    setattr(production, name, value)
    assert expected in found(deploy=True)


def test_an_installation_on_the_embedded_database_is_warned(production: Settings) -> None:
    address = production.VAR_DIR / "postgres" / "url"
    production.DATABASE_URL = address.read_text() if address.exists() else ""
    assert ("sms_channel.W004" in found(deploy=True)) == address.exists()


def test_every_finding_says_what_to_do(production: Settings) -> None:
    production.PUBLIC_URL = "nowhere"
    production.CREDENTIAL_KEYS = ["secret"]
    ours = [m for m in run_checks() if str(m.id).startswith("sms_channel.")]
    assert ours
    assert all(message.hint for message in ours)
