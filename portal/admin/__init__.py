"""The admin of the PBX side: one module per module of models, behind one tenant fence."""

from portal.admin import (
    audit,
    contact,
    did,
    extension,
    group,
    inbound_rule,
    schedule,
    tenant,
    token,
    trunk,
    user,
)

__all__ = [
    "audit",
    "contact",
    "did",
    "extension",
    "group",
    "inbound_rule",
    "schedule",
    "tenant",
    "token",
    "trunk",
    "user",
]
