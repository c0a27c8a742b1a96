"""Who is who on the PBX, for the hot paths: read once and kept until something changes.

Callers begin with ``memory.refresh()``. The rows are shared by threads; nobody may alter them.
"""

import time

from portal.memory import memory
from portal.models import (
    DID,
    ApiToken,
    Extension,
    GroupMember,
    InboundRule,
    Schedule,
    Trunk,
)
from sms.models import Conversation


def trunk(pk: int) -> Trunk | None:
    """Return a trunk with its tenant."""
    return memory.recall(
        ("trunk", pk), lambda: Trunk.objects.select_related("tenant").filter(pk=pk).first()
    )


def trunk_of(token: str) -> Trunk | None:
    """Return the trunk that a webhook token belongs to."""
    if len(token) > 64:
        return None
    pk = memory.recall(
        ("webhook", token),
        lambda: Trunk.objects.filter(webhook_token=token).values_list("pk", flat=True).first(),
    )
    return trunk(pk) if pk else None


def did(trunk_id: int, number: str) -> DID | None:
    """Return a DID with its tenant and trunk."""

    def load() -> DID | None:
        rows = DID.objects.select_related("tenant").filter(trunk_id=trunk_id, number=number)
        found = rows.first()
        owner = trunk(trunk_id)
        if found is not None and owner is not None:
            found.trunk = owner
        return found

    return memory.recall(("did", trunk_id, number), load)


def rates(trunk_id: int) -> dict[str, float]:
    """Return messages a second for those numbers of a trunk that have a rate of their own."""

    def load() -> dict[str, float]:
        rows = DID.objects.filter(trunk_id=trunk_id, messages_per_second__isnull=False)
        return {row.number: row.messages_per_second or 0.0 for row in rows}

    return memory.recall(("rates", trunk_id), load)


def rules(trunk_id: int, tenant_id: int) -> list[InboundRule]:
    """Return the enabled rules for a trunk's DIDs of a tenant, with all they point at."""

    def load() -> list[InboundRule]:
        rows = InboundRule.objects.filter(trunk_id=trunk_id, tenant_id=tenant_id, enabled=True)
        return list(
            rows.select_related("schedule").prefetch_related(
                "schedule__hours",
                "schedule__holidays",
                "destinations__extension",
                "destinations__group",
            )
        )

    return memory.recall(("rules", trunk_id, tenant_id), load)


def office(tenant_id: int) -> Schedule | None:
    """Return the tenant's own hours."""
    return memory.recall(
        ("office", tenant_id),
        lambda: (
            Schedule.objects.filter(tenant_id=tenant_id, is_default=True)
            .prefetch_related("hours", "holidays")
            .first()
        ),
    )


def extension(pk: int) -> Extension | None:
    """Return an extension with its tenant. Its presence is not kept up to date."""
    return memory.recall(
        ("extension", pk),
        lambda: Extension.objects.select_related("tenant").filter(pk=pk).first(),
    )


def extension_of(tenant_id: int, number: str) -> Extension | None:
    """Return the tenant's extension of a number, enabled or not."""
    # All numbers at once: most look-ups are for phone numbers, which no extension has.
    known = memory.recall(
        ("numbers", tenant_id),
        lambda: dict(
            Extension.objects.filter(tenant_id=tenant_id).values_list("number", "pk"),
        ),
    )
    return extension(known[number]) if number in known else None


def members(group_id: int) -> list[int]:
    """Return the ids of a group's extensions."""
    return memory.recall(
        ("members", group_id),
        lambda: list(
            GroupMember.objects.filter(group_id=group_id).values_list("extension_id", flat=True)
        ),
    )


def audience(conversation: Conversation) -> list[int]:
    """Return the ids of the extensions that see the conversation."""
    if conversation.group_id:
        return members(conversation.group_id)
    return [pk for pk in (conversation.extension_id, conversation.peer_id) if pk]


def token(digest: str) -> ApiToken | None:
    """Return the token of this digest, unless it was revoked."""

    def load() -> ApiToken | None:
        rows = ApiToken.objects.select_related("tenant", "extension__tenant")
        found = rows.filter(digest=digest, revoked_at__isnull=True).first()
        if found is not None:
            found.note_use()
        return found

    # Under the hour, too: so a token in use is looked at again, and its use kept, once an hour.
    return memory.recall(("token", digest, int(time.time() // 3600)), load)
