"""The PBX as rows: tenants, trunks, DIDs, extensions and the rules between them."""

from portal.models.audit import AuditEntry
from portal.models.change import Change
from portal.models.contact import Contact, ContactNumber
from portal.models.did import DID
from portal.models.extension import CallerID, Extension
from portal.models.group import Group, GroupMember
from portal.models.inbound_rule import Destination, InboundRule
from portal.models.schedule import Holiday, OfficeHours, Schedule
from portal.models.session import Session
from portal.models.tenant import Tenant
from portal.models.token import ApiToken
from portal.models.trunk import SenderID, Trunk
from portal.models.user import User

__all__ = [
    "DID",
    "ApiToken",
    "AuditEntry",
    "CallerID",
    "Change",
    "Contact",
    "ContactNumber",
    "Destination",
    "Extension",
    "Group",
    "GroupMember",
    "Holiday",
    "InboundRule",
    "OfficeHours",
    "Schedule",
    "SenderID",
    "Session",
    "Tenant",
    "Trunk",
    "User",
]
