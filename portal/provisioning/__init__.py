"""Configuration as code: a document becomes tenants with everything that belongs to them.

Names identify: what the document names is made or brought to what it says, what it does not
mention stays. Only a list that a named object owns (caller IDs, members, hours, holidays) becomes
exactly what is written. Nothing else is ever deleted. The caller holds the transaction.
"""

from portal.models import Tenant, User
from portal.provisioning import people, rules, trunks
from portal.provisioning.document import Node, Wrong, read
from portal.provisioning.ledger import Change, Ledger, places, wanted

__all__ = ["Change", "Ledger", "Wrong", "apply"]

TENANT = {
    "slug": ("slug", Node.text),
    "name": ("name", Node.text),
    "timezone": ("timezone", Node.text),
    "country": ("country", Node.text),
    "active": ("active", Node.flag),
    "messaging": ("messaging_enabled", Node.flag),
    "default_sender_id": ("default_sender_id", trunks.sender_id),
    "auto_reply": ("auto_reply", Node.text),
    "after_hours_reply": ("after_hours_reply", Node.text),
    "holiday_reply": ("holiday_reply", Node.text),
    "retention_days": ("retention_days", Node.count_or_none),
}
LISTS = ("hours", "holidays", "trunks", "dids", "extensions", "groups", "rules")
STAFF = {"admins": User.Role.ADMIN, "auditors": User.Role.AUDITOR}


def apply(text: str) -> Ledger:
    """Bring the rows to what the text says; raise ``Wrong`` at the first thing that cannot be."""
    book = Ledger()
    fields = read(text).fields("trunks", "tenants")
    for node in fields["trunks"].items() if "trunks" in fields else []:
        trunks.put(book, None, node)
    for node in fields["tenants"].items() if "tenants" in fields else []:
        _tenant(book, node)
    return book


def _tenant(book: Ledger, node: Node) -> None:
    fields = node.fields(*TENANT, *LISTS, *STAFF)
    slug = trunks.required(node, fields, "slug")
    tenant = Tenant.objects.filter(slug=slug).first() or Tenant()
    change = book.put(
        tenant, wanted(fields, TENANT), name=slug, node=node, places=places(fields, TENANT)
    )
    rules.put_hours(change, tenant, fields)
    lists = {key: value.items() for key, value in fields.items() if key in {*LISTS[2:], *STAFF}}
    for item in lists.get("trunks", []):
        trunks.put(book, tenant, item)
    for item in lists.get("dids", []):
        trunks.put_dids(change, tenant, item)
    for item in lists.get("extensions", []):
        people.put_extension(book, tenant, item)
    for item in lists.get("groups", []):
        people.put_group(book, tenant, item)
    for item in lists.get("rules", []):
        rules.put_rule(book, tenant, item)
    for key, role in STAFF.items():
        for item in lists.get(key, []):
            people.put_staff(book, tenant, item, role)
