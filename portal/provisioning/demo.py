"""The demo that a newcomer finds: a tenant on the sandbox, two people, a queue and their logins."""

import json
import secrets
from typing import Any

from django.conf import settings

from portal import provisioning
from portal.models import Contact, ContactNumber, Tenant, Trunk, User
from portal.models.trunk import SANDBOX

SLUG = "demo"
TRUNK = "Sandbox"
ADMINISTRATOR = "admin"
# Who signs in -> what the login is for.
LOGINS = {
    "1001": "extension 1001, Front desk",
    "1002": "extension 1002, Sales",
    "demo-admin": "administrator of the tenant Demo",
    ADMINISTRATOR: "system administrator",
}
CONTACTS = {"Ada Example": "+12025550123", "Ben Example": "+12025550145"}


def seed() -> tuple[provisioning.Ledger, dict[str, str]]:
    """Make what is missing of the demo; return what changed, and the passwords of new logins.

    In development the passwords are always the same. Elsewhere they are random, made with the
    login and never known again.
    """
    known = set(User.objects.filter(username__in=LOGINS).values_list("username", flat=True))
    passwords = {
        name: password(name) if settings.DEBUG else secrets.token_urlsafe(12)
        for name in LOGINS
        if settings.DEBUG or name not in known
    }
    book = provisioning.apply(json.dumps({"tenants": [_tenant(passwords)]}))
    if ADMINISTRATOR not in known:
        User.objects.create_superuser(ADMINISTRATOR, password=passwords[ADMINISTRATOR])
    tenant = Tenant.objects.get(slug=SLUG)
    for name, number in CONTACTS.items():
        contact, _made = Contact.objects.get_or_create(tenant=tenant, name=name, extension=None)
        ContactNumber.objects.get_or_create(tenant=tenant, contact=contact, number=number)
    return book, passwords


def logins() -> dict[str, str]:
    """Return the demo's logins and passwords where they are known to all: in development."""
    if not settings.DEBUG:
        return {}
    known = User.objects.filter(username__in=LOGINS).values_list("username", flat=True)
    return {name: password(name) for name in LOGINS if name in set(known)}


def password(name: str) -> str:
    """Return the password that a demo login has in development."""
    return f"demo-{name.removeprefix('demo-')}"


def _tenant(passwords: dict[str, str]) -> dict[str, Any]:
    def person(name: str) -> dict[str, str]:
        given = {"password": passwords[name]} if name in passwords else {}
        return {"user": name} | given

    return {
        "slug": SLUG,
        "name": "Demo",
        "timezone": "America/New_York",
        "country": "US",
        "trunks": [_trunk()],
        "extensions": [
            _extension("1001", "Front desk", "12172074422") | person("1001"),
            _extension("1002", "Sales", "12172074423") | person("1002"),
        ],
        "groups": [
            {"number": "8000", "name": "Support", "kind": "queue", "members": ["1001", "1002"]}
        ],
        "rules": [
            _rule("Front desk", "12172074422", "1001"),
            _rule("Sales", "12172074423", "1002"),
            _rule("Support", "12172074424", "8000"),
        ],
        "admins": [person("demo-admin")],
    }


def _trunk() -> dict[str, Any]:
    trunk: dict[str, Any] = {
        "name": TRUNK,
        "provider": SANDBOX,
        "dids": "12172074422-12172074425",
    }
    if not Trunk.objects.filter(tenant__slug=SLUG, name=TRUNK).exists():
        trunk["credentials"] = {"secret": secrets.token_urlsafe(32)}
    return trunk


def _extension(number: str, name: str, did: str) -> dict[str, Any]:
    caller_id = {"trunk": TRUNK, "did": did, "description": name}
    return {"number": number, "name": name, "sms": "ALLOW", "caller_ids": [caller_id]}


def _rule(name: str, did: str, to: str) -> dict[str, str]:
    return {"name": name, "trunk": TRUNK, "dids": did, "to": to}
