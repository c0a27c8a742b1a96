"""Trunks of the file: provider, credentials, Sender IDs and the DIDs on them."""

import re
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction

from portal import e164
from portal.models import DID, SenderID, Tenant, Trunk
from portal.models.trunk import SANDBOX, check_credentials
from portal.provisioning.document import Node
from portal.provisioning.ledger import Change, Ledger, places, wanted
from providers import registry
from providers.credentials import credential_fields

COLUMNS = {
    "name": ("name", Node.text),
    "sender_id": ("sender_id", Node.text),
    "api_base": ("api_base", Node.text),
    "messages_per_second": ("messages_per_second", Node.decimal),
    "webhook_token": ("webhook_token", Node.text),
    "enabled": ("enabled", Node.flag),
}
SHARED_KEYS = (*COLUMNS, "provider", "credentials")
KEYS = (*SHARED_KEYS, "dids", "did_messages_per_second", "sender_ids")


def put(book: Ledger, tenant: Tenant | None, node: Node) -> Trunk:
    """Make or change one trunk; without a tenant it is shared."""
    fields = node.fields(*(KEYS if tenant else SHARED_KEYS))
    owner = tenant.slug if tenant else "shared"
    name = required(node, fields, "name")
    trunk = Trunk.objects.filter(tenant=tenant, name=name).first() or Trunk(tenant=tenant)
    _set_provider(trunk, node, fields)
    _require_token(fields)
    if trunk._state.adding:  # noqa: SLF001 - public by its documentation
        trunk.messages_per_second = trunk.usual_rate
    values = wanted(fields, COLUMNS) | _credentials(trunk, node, fields)
    if trunk.paused_since and trunk.credentials != values["credentials"]:
        # New credentials are the repair that the trunk was paused for.
        values |= {"paused_since": None, "paused_reason": ""}
    change = book.put(
        trunk, values, name=f"{owner}/{name}", node=node, places=places(fields, COLUMNS)
    )
    if tenant is not None and "dids" in fields:
        add_dids(change, tenant, trunk, fields["dids"])
    if tenant is not None and "did_messages_per_second" in fields:
        _set_rates(change, tenant, trunk, fields["did_messages_per_second"])
    if tenant is not None and "sender_ids" in fields:
        for item in fields["sender_ids"].items():
            _put_sender_id(change, tenant, trunk, item)
    book.webhooks.append(f"webhook {name} ({owner}): {trunk.webhook_url}")
    return trunk


def sender_id(node: Node) -> str:
    """Read a word that can be a Sender ID, or nothing."""
    word = node.text()
    if word and not e164.is_sender_id(word):
        raise node.wrong(f"{word!r} is no Sender ID: up to 11 characters, at least one a letter")
    return word


def required(node: Node, fields: dict[str, Node], key: str) -> str:
    """Return the text of a key that an object cannot do without."""
    if key not in fields or not (text := fields[key].text().strip()):
        raise fields.get(key, node).wrong(f"{key} is missing")
    return text


def find(tenant: Tenant, node: Node) -> Trunk:
    """Return the tenant's own trunk of this name, else the shared one."""
    name = node.text()
    trunks = Trunk.objects.filter(name=name)
    found = trunks.filter(tenant=tenant).first() or trunks.filter(tenant=None).first()
    if found is None:
        raise node.wrong(f"there is no trunk {name!r}")
    return found


def find_did(tenant: Tenant, trunk: Trunk, node: Node) -> DID:
    """Return the tenant's DID of this number on the trunk."""
    try:
        number = e164.normalize_did(node.text(), tenant.country)
    except e164.NumberInvalid as error:
        raise node.wrong(str(error)) from error
    did = DID.objects.filter(tenant=tenant, trunk=trunk, number=number).first()
    if did is None:
        raise node.wrong(f"{number} is no DID of {tenant.slug} on trunk {trunk.name}")
    return did


def add_dids(change: Change, tenant: Tenant, trunk: Trunk, node: Node) -> None:
    """Give the numbers of a pool (or of a list of pools) on this trunk to the tenant."""
    for pool in node.items() if node.is_list else [node]:
        try:
            numbers = e164.parse_pool(pool.text(), tenant.country)
        except e164.NumberInvalid as error:
            raise pool.wrong(str(error)) from error
        own = set(
            DID.objects.filter(trunk=trunk, tenant=tenant, number__in=numbers).values_list(
                "number", flat=True
            )
        )
        new = [number for number in numbers if number not in own]
        taken = _taken(trunk, tenant, new)
        if taken is not None:
            raise pool.wrong(taken)
        try:
            with transaction.atomic():
                DID.objects.bulk_create(
                    (DID(tenant=tenant, trunk=trunk, number=number) for number in new),
                    batch_size=1000,
                )
        except IntegrityError as error:
            # Another tenant was quicker; the database saw it, and now we do.
            why = _taken(trunk, tenant, new) or "one of the numbers is taken"
            raise pool.wrong(why) from error
        if new:
            change.note(f"dids (+{len(new)})")


def _set_rates(change: Change, tenant: Tenant, trunk: Trunk, node: Node) -> None:
    """Let each of the tenant's DIDs on the trunk send so many messages a second."""
    rate = node.decimal()
    if rate <= 0:
        raise node.wrong("a rate is more than 0; leave the key out for no rate per DID")
    others = DID.objects.filter(trunk=trunk, tenant=tenant).exclude(messages_per_second=rate)
    if others.update(messages_per_second=rate):
        change.note("did_messages_per_second")


def put_dids(change: Change, tenant: Tenant, node: Node) -> None:
    """Give the tenant DIDs on a trunk that it does not own."""
    fields = node.fields("trunk", "numbers")
    required(node, fields, "trunk")
    if "numbers" not in fields:
        raise node.wrong("numbers is missing")
    add_dids(change, tenant, find(tenant, fields["trunk"]), fields["numbers"])


def _taken(trunk: Trunk, tenant: Tenant, numbers: Iterable[str]) -> str | None:
    """Say which number is in use elsewhere; of another tenant only that it is."""
    rows = DID.objects.filter(number__in=numbers).select_related("trunk")
    pretended = rows.filter(trunk__provider=SANDBOX)
    rivals = pretended if trunk.is_sandbox else rows.exclude(trunk__provider=SANDBOX)
    did = rivals.order_by("number").first()
    if did is None:
        return None
    if did.tenant_id == tenant.pk:
        return f"number {did.number} is on trunk {did.trunk.name} already; remove it there first"
    return f"number {did.number} is taken"


def _set_provider(trunk: Trunk, node: Node, fields: dict[str, Node]) -> None:
    if "provider" not in fields:
        if not trunk.provider:
            raise node.wrong(f"provider is missing; one of {', '.join(registry.all())}")
        return
    provider = fields["provider"].choice("provider", registry.all())
    if trunk.pk and provider != trunk.provider:
        raise fields["provider"].wrong(
            f"this trunk is at {trunk.provider}; make one of another name for {provider}"
        )
    trunk.provider = provider


def _require_token(fields: dict[str, Node]) -> None:
    place = fields.get("webhook_token")
    if place and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", place.text()):
        raise place.wrong("use up to 64 letters, digits, - and _")


def _credentials(trunk: Trunk, node: Node, fields: dict[str, Node]) -> dict[str, Any]:
    """Return the stored credentials with those of the file on top, checked by the adapter."""
    place = fields.get("credentials", node)
    names = [field.name for field in credential_fields(trunk.capable.credentials_type)]
    given = fields["credentials"].fields(*names) if "credentials" in fields else {}
    values = trunk.credentials | {name: value.text() for name, value in given.items()}
    base = fields["api_base"].text() if "api_base" in fields else trunk.api_base
    try:
        check_credentials(trunk.provider, values, base)
    except ValueError as error:
        # The complaint begins with the credential's name and never holds its value.
        culprit = given.get(str(error).partition(" ")[0], place)
        raise culprit.wrong(str(error)) from error
    return {"credentials": values}


def _put_sender_id(change: Change, tenant: Tenant, trunk: Trunk, node: Node) -> None:
    """A bare word is approved; ``{word, state}`` says how far it has come."""
    state = SenderID.State.APPROVED.value
    place = node
    if node.is_mapping:
        fields = node.fields("word", "state")
        required(node, fields, "word")
        place = fields["word"]
        if "state" in fields:
            state = fields["state"].choice("state of a Sender ID", SenderID.State.values)
    word = sender_id(place)
    row = SenderID.objects.filter(trunk=trunk, word=word).first()
    if row is None or row.state != state:
        SenderID.objects.update_or_create(
            trunk=trunk, word=word, defaults={"tenant": tenant, "state": state}
        )
        change.note("sender_ids")
