"""A tenant's account at one SMS provider."""

import ipaddress
import secrets
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal import e164
from portal.models.fence import fence_key
from portal.models.tenant import Tenant
from portal.vault import EncryptedJSONField
from providers import registry
from providers.contract import Provider
from providers.credentials import credential_fields

# Messages a second, where nothing better is known.
DEFAULT_RATE = 10
SANDBOX = "sandbox"


def new_webhook_token() -> str:
    """Return the unguessable last part of a webhook URL."""
    return secrets.token_urlsafe(24)


def validate_sender_id(word: str) -> None:
    """Refuse what no provider takes as an alphanumeric sender."""
    if not e164.is_sender_id(word):
        raise ValidationError(
            _("A Sender ID has up to 11 letters, digits and spaces, at least one a letter.")
        )


def is_private_host(host: str) -> bool:
    """Say whether a host names this machine or its own network, without asking DNS."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))


def validate_api_base(url: str) -> None:
    """Refuse a base that is no URL, or names a private host that the operator did not list."""
    parts = urlsplit(url)
    surplus = parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in {"http", "https"} or not parts.hostname or surplus:
        raise ValidationError(_("Write a URL such as https://api.example.com."))
    if parts.netloc in settings.ALLOW_PRIVATE_PROVIDER_HOSTS:
        return
    if is_private_host(parts.hostname):
        raise ValidationError(
            _("%(host)s is a private address; list it in ALLOW_PRIVATE_PROVIDER_HOSTS first."),
            params={"host": parts.netloc},
        )


def private_hosts() -> frozenset[str]:
    """Return the private hosts that a tenant's own provider may be at; our own are not."""
    return frozenset(settings.ALLOW_PRIVATE_PROVIDER_HOSTS) - {
        urlsplit(settings.SANDBOX_URL).netloc
    }


def check_credentials(provider: str, values: Mapping[str, str], api_base: str = "") -> None:
    """Raise ``ValueError`` if one is missing or malformed, or leads into a private network.

    What a name resolves to is looked at when it is called. With an override of the API base no
    credential leads anywhere.
    """
    http = registry.build(provider, values).http
    parts = urlsplit(http.base)
    vouched = api_base or not http.guarded or parts.netloc in private_hosts()
    if not vouched and is_private_host(parts.hostname or ""):
        raise ValueError(
            _("%(host)s is a private address; list it in ALLOW_PRIVATE_PROVIDER_HOSTS first.")
            % {"host": parts.netloc}
        )


class Trunk(models.Model):
    """One account at one provider. Without a tenant it is shared by the system administrator."""

    tenant = models.ForeignKey(
        Tenant,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="trunks",
        help_text=_("Empty: shared, its DIDs are given to tenants one by one."),
    )
    name = models.CharField(_("name"), max_length=64)
    provider = models.CharField(_("provider"), max_length=32, choices=registry.choices)
    credentials = EncryptedJSONField(_("credentials"), blank=True, default=dict)
    sender_id = models.CharField(
        _("Sender ID"),
        max_length=11,
        blank=True,
        validators=[validate_sender_id],
        help_text=_("Used by extensions that send with a Sender ID; empty sends from the DID."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    api_base = models.CharField(
        _("API base override"),
        max_length=200,
        blank=True,
        validators=[validate_api_base],
        help_text=_("Empty: the provider's own address."),
    )
    messages_per_second = models.FloatField(
        _("messages per second"),
        default=DEFAULT_RATE,
        validators=[MinValueValidator(0.01)],
    )
    webhook_token = models.CharField(
        max_length=64, unique=True, default=new_webhook_token, editable=False
    )
    last_webhook_at = models.DateTimeField(_("last webhook"), null=True, editable=False)
    last_send_at = models.DateTimeField(_("last send"), null=True, editable=False)
    paused_since = models.DateTimeField(_("paused since"), null=True, blank=True, editable=False)
    paused_reason = models.CharField(_("why paused"), max_length=300, blank=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("trunk")
        verbose_name_plural = _("trunks")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="trunk_name_once",
                violation_error_message=_("There is a trunk of this name already."),
            ),
            models.UniqueConstraint(
                fields=["name"],
                condition=models.Q(tenant__isnull=True),
                name="shared_trunk_name_once",
                violation_error_message=_("There is a shared trunk of this name already."),
            ),
            models.CheckConstraint(
                condition=models.Q(messages_per_second__gt=0), name="trunk_rate_positive"
            ),
            fence_key("trunk_fence"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a Sender ID where the provider knows none."""
        if self.sender_id and self.provider and not self.capable.capabilities.sender_id:
            raise ValidationError(
                {"sender_id": _("This provider sends from numbers only; leave it empty.")}
            )

    @property
    def usual_rate(self) -> float:
        """Messages a second that the provider takes from an account, or a careful guess."""
        return self.capable.capabilities.pace.account or DEFAULT_RATE

    @property
    def capable(self) -> type[Provider[Any]]:
        """The adapter's class, for its capabilities and credential fields."""
        return registry.get(self.provider)

    @property
    def webhook_url(self) -> str:
        """The address to enter at the provider."""
        return f"{settings.PUBLIC_URL}/webhooks/{self.webhook_token}/"

    @property
    def is_sandbox(self) -> bool:
        """Whether the trunk ends at the built-in handset instead of the outside world."""
        return self.provider == SANDBOX

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown or kept elsewhere: secret credentials, the webhook's token."""
        fields = credential_fields(self.capable.credentials_type)
        values = [self.credentials.get(field.name, "") for field in fields if field.secret]
        return (self.webhook_token, *filter(None, values))

    def adapter(self) -> Provider[Any]:
        """Return the provider's adapter with this trunk's credentials; raise ``ValueError``
        that names the credential which is missing or malformed.

        The same adapter comes back until the trunk changes, so its connections stay warm.
        """
        base = self.api_base or (settings.SANDBOX_URL if self.is_sandbox else "")
        return _adapter(self.provider, tuple(sorted(self.credentials.items())), base)


@lru_cache(maxsize=512)
def _adapter(provider: str, credentials: tuple[tuple[str, str], ...], base: str) -> Provider[Any]:
    values = dict(credentials)
    adapter = registry.build(provider, values, api_base=base)
    allowed = {urlsplit(base).netloc} if base else private_hosts()
    # Only the host of this trunk is trusted, and only if somebody vouched for it.
    trusted = frozenset({urlsplit(adapter.http.base).netloc} & allowed)
    return registry.build(provider, values, api_base=base, trusted_hosts=trusted)


class SenderID(models.Model):
    """A word that a tenant may send from on one trunk."""

    class State(models.TextChoices):
        """How far the registration of the word has come."""

        REGISTERED = "registered", _("registered, waiting for approval")
        APPROVED = "approved", _("approved")

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="sender_ids")
    trunk = models.ForeignKey(Trunk, on_delete=models.CASCADE, related_name="sender_ids")
    word = models.CharField(_("Sender ID"), max_length=11, validators=[validate_sender_id])
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.REGISTERED
    )

    class Meta:
        ordering = ["word"]
        verbose_name = _("Sender ID")
        verbose_name_plural = _("Sender IDs")
        constraints = [
            models.UniqueConstraint(
                fields=["trunk", "word"],
                name="sender_id_once",
                violation_error_message=_("This trunk has this Sender ID already."),
            ),
        ]

    def __str__(self) -> str:
        return self.word
