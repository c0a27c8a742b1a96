"""System checks for settings that are insecure or half set; each says what to do about it."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's

URLS = {"PUBLIC_URL": "E001", "MEDIA_URL_BASE": "E002", "PUSH_URL": "E003", "SANDBOX_URL": "E004"}


@register(Tags.urls)
def urls_are_whole(**kwargs: Any) -> list[CheckMessage]:
    """Every configured URL names a scheme and a host; the public one nothing else."""
    del kwargs
    found: list[CheckMessage] = [
        Error(
            f"{name} is not a URL: {getattr(settings, name)!r}.",
            hint="Write it with its scheme and host, for example https://sms.example.com.",
            id=f"sms_channel.{number}",
        )
        for name, number in URLS.items()
        if not is_whole(getattr(settings, name))
    ]
    public = urlsplit(settings.PUBLIC_URL)
    if public.path or public.query or public.fragment:
        found.append(
            Error(
                f"PUBLIC_URL has more than a scheme and a host: {settings.PUBLIC_URL!r}.",
                hint="Signatures of webhooks cover the URL: the product lives at the host's root.",
                id="sms_channel.E005",
            )
        )
    return found


def is_whole(url: str) -> bool:
    """Tell whether a browser could open it."""
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


@register(Tags.security)
def keys_open_credentials(**kwargs: Any) -> list[CheckMessage]:
    """Every credential key is a Fernet key."""
    del kwargs
    return [
        Error(
            f"Key {position} of CREDENTIAL_KEYS is not a Fernet key.",
            hint="Make one with: python3 -c 'import base64, os; "
            "print(base64.urlsafe_b64encode(os.urandom(32)).decode())'",
            id="sms_channel.E006",
        )
        for position, key in enumerate(settings.CREDENTIAL_KEYS, start=1)
        if not is_fernet_key(key)
    ]


def is_fernet_key(key: str) -> bool:
    """Tell whether the key can encrypt."""
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


@register(Tags.security)
def debug_stays_at_home(**kwargs: Any) -> list[CheckMessage]:
    """DEBUG shows settings and data to everybody who meets an error page."""
    del kwargs
    if settings.DEBUG and not settings.PUBLIC_IS_LOOPBACK:
        return [
            Error(
                f"DEBUG is on although {settings.PUBLIC_HOST} can be reached by others.",
                hint="Set DEBUG=false.",
                id="sms_channel.E007",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def installation_is_safe(**kwargs: Any) -> Iterator[CheckMessage]:
    """What only matters where others can reach it."""
    del kwargs
    if not settings.PUBLIC_IS_HTTPS:
        yield Warning(
            "PUBLIC_URL is not https: passwords and texts travel in the open.",
            hint="Put a proxy with a certificate in front, and set PUBLIC_URL to its https URL.",
            id="sms_channel.W001",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield Warning(
            "ALLOWED_HOSTS accepts every host name.",
            hint="Name the hosts; the one of PUBLIC_URL is always answered.",
            id="sms_channel.W002",
        )
    if "*" in settings.TRUSTED_PROXIES:
        yield Warning(
            "TRUSTED_PROXIES lets every client say who it is.",
            hint="Name the addresses of your proxies.",
            id="sms_channel.W003",
        )
    for variable, kind in (("DATABASE_URL", "postgres"), ("REDIS_URL", "valkey")):
        if embedded_is_used(variable, kind):
            yield Warning(
                f"The embedded server stands in for {variable}.",
                hint=f"Set {variable} to a server that is backed up and watched.",
                id="sms_channel.W004",
            )


def embedded_is_used(variable: str, kind: str) -> bool:
    """Tell whether the setting's address is the embedded server's."""
    address = settings.VAR_DIR / kind / "url"
    return bool(address.exists() and address.read_text() == getattr(settings, variable))
