"""Rows to test with: each factory makes one valid row, and whatever that row needs around it.

A row belongs to the tenant that is given, else to the tenant of a related row that is given, else
to a new one; what it needs around it is made in the same tenant.
"""

import datetime
import itertools
import math
from typing import Any

import factory
from factory.django import DjangoModelFactory

from portal.models import (
    DID,
    ApiToken,
    CallerID,
    Contact,
    ContactNumber,
    Destination,
    Extension,
    Group,
    GroupMember,
    Holiday,
    InboundRule,
    OfficeHours,
    Schedule,
    SenderID,
    Tenant,
    Trunk,
    User,
)
from sms import attendance
from sms.models import Conversation, MediaFile, Message, ProviderEvent, State, transition

PASSWORD = "correct horse 7 battery"
REMOTE = "+16175550188"

Target = Extension | Group | str | None


class TenantFactory(DjangoModelFactory):
    """A tenant in New York, in service."""

    class Meta:
        model = Tenant

    name = factory.Sequence(lambda n: f"Tenant {n}")
    slug = factory.Sequence(lambda n: f"tenant-{n}")
    timezone = "America/New_York"


class Owned(DjangoModelFactory):
    """A row of a tenant."""

    class Meta:
        abstract = True

    @classmethod
    def _generate(cls, strategy: str, params: dict[str, Any]) -> Any:
        if "tenant" not in params:
            tenants = (getattr(value, "tenant", None) for value in params.values())
            params["tenant"] = next(filter(None, tenants), None) or TenantFactory()
        return super()._generate(strategy, params)


class UserFactory(Owned):
    """A person of a tenant who signs in with ``PASSWORD``; an extension user unless said."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    password = factory.django.Password(PASSWORD)
    role = User.Role.EXTENSION


class SystemAdminFactory(DjangoModelFactory):
    """A system administrator."""

    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"root{n}")
    password = factory.django.Password(PASSWORD)
    is_staff = True
    is_superuser = True


class TrunkFactory(Owned):
    """A sandbox trunk with a secret, fast enough not to be noticed."""

    class Meta:
        model = Trunk

    name = factory.Sequence(lambda n: f"Trunk {n}")
    provider = "sandbox"
    credentials = factory.Sequence(lambda n: {"secret": f"s3cret-of-trunk-{n}"})
    messages_per_second = 1000


class QuestBlueTrunkFactory(TrunkFactory):
    """A trunk whose provider gives inbound messages no ids and receipts no ids."""

    provider = "questblue"
    credentials = factory.Sequence(
        lambda n: {
            "username": f"login{n}",
            "password": f"pass-word-{n}",
            "security_key": f"security-key-{n}",
        }
    )


class DIDFactory(Owned):
    """A North American number that sends and receives everything."""

    class Meta:
        model = DID

    trunk = factory.LazyAttribute(lambda did: TrunkFactory(tenant=did.tenant))
    number = factory.Sequence(lambda n: f"+1202555{n % 10_000:04d}")


class ExtensionFactory(Owned):
    """An extension that may send; without a user unless one is given.

    Its client is open, for ever, unless ``is_there`` is False.
    """

    class Meta:
        model = Extension

    number = factory.Sequence(lambda n: f"{1001 + n}")
    name = factory.Sequence(lambda n: f"Person {n}")
    sms = Extension.Sms.ALLOW

    @classmethod
    def _create(cls, model_class: type[Extension], *args: Any, **kwargs: Any) -> Extension:
        is_there = kwargs.pop("is_there", True)
        extension: Extension = super()._create(model_class, *args, **kwargs)
        if is_there:
            attendance.come(extension.pk, math.inf)
        return extension


class CallerIDFactory(Owned):
    """The default caller ID of an extension."""

    class Meta:
        model = CallerID

    extension = factory.LazyAttribute(lambda row: ExtensionFactory(tenant=row.tenant))
    did = factory.LazyAttribute(lambda row: DIDFactory(tenant=row.tenant))
    description = "Main"
    is_default = True


class SenderIDFactory(Owned):
    """An approved word on a trunk."""

    class Meta:
        model = SenderID

    trunk = factory.LazyAttribute(lambda row: TrunkFactory(tenant=row.tenant))
    word = factory.Sequence(lambda n: f"WORD{n}")
    state = SenderID.State.APPROVED


class GroupFactory(Owned):
    """A ring group without members."""

    class Meta:
        model = Group

    number = factory.Sequence(lambda n: f"{8000 + n}")
    name = factory.Sequence(lambda n: f"Group {n}")


class GroupMemberFactory(Owned):
    """A member of a group, asked in the order of making."""

    class Meta:
        model = GroupMember

    group = factory.LazyAttribute(lambda row: GroupFactory(tenant=row.tenant))
    extension = factory.LazyAttribute(lambda row: ExtensionFactory(tenant=row.tenant))
    order = factory.Sequence(lambda n: n)


class ScheduleFactory(Owned):
    """The tenant's own hours, still without any."""

    class Meta:
        model = Schedule

    name = factory.Sequence(lambda n: f"Schedule {n}")
    is_default = True


class OfficeHoursFactory(Owned):
    """Monday, nine to five."""

    class Meta:
        model = OfficeHours

    schedule = factory.LazyAttribute(lambda row: ScheduleFactory(tenant=row.tenant))
    weekday = OfficeHours.Weekday.MONDAY
    opens = datetime.time(9)
    closes = datetime.time(17)


class HolidayFactory(Owned):
    """Christmas."""

    class Meta:
        model = Holiday

    schedule = factory.LazyAttribute(lambda row: ScheduleFactory(tenant=row.tenant))
    name = "Christmas"
    first_day = datetime.date(2026, 12, 25)
    last_day = datetime.date(2026, 12, 26)


class InboundRuleFactory(Owned):
    """A rule for one DID that leads nowhere yet; ``route`` makes one that does."""

    class Meta:
        model = InboundRule

    class Params:
        did = factory.LazyAttribute(lambda row: DIDFactory(tenant=row.tenant))

    name = factory.Sequence(lambda n: f"Rule {n}")
    trunk = factory.LazyAttribute(lambda row: row.did.trunk)
    did_first = factory.LazyAttribute(lambda row: row.did.number)
    did_last = factory.SelfAttribute("did_first")


class DestinationFactory(Owned):
    """An extension, at office hours."""

    class Meta:
        model = Destination

    rule = factory.LazyAttribute(lambda row: InboundRuleFactory(tenant=row.tenant))
    when = Destination.When.OFFICE
    kind = Destination.Kind.EXTENSION
    extension = factory.LazyAttribute(
        lambda row: (
            ExtensionFactory(tenant=row.tenant) if row.kind == Destination.Kind.EXTENSION else None
        )
    )


class ContactFactory(Owned):
    """A contact that the whole tenant shares; without numbers."""

    class Meta:
        model = Contact

    name = factory.Sequence(lambda n: f"Contact {n}")


class ContactNumberFactory(Owned):
    """A number of a contact."""

    class Meta:
        model = ContactNumber

    contact = factory.LazyAttribute(lambda row: ContactFactory(tenant=row.tenant))
    number = REMOTE


class ApiTokenFactory(Owned):
    """A token of a tenant whose key nobody knows; ``issue`` gives one with its key."""

    class Meta:
        model = ApiToken

    digest = factory.Sequence(lambda n: f"{n:064x}")


class ConversationFactory(Owned):
    """An extension's conversation with somebody outside."""

    class Meta:
        model = Conversation

    class Params:
        did = factory.LazyAttribute(lambda row: DIDFactory(tenant=row.tenant))

    trunk = factory.LazyAttribute(lambda row: row.did.trunk)
    our_number = factory.LazyAttribute(lambda row: row.did.number)
    remote = REMOTE
    extension = factory.LazyAttribute(
        lambda row: None if row.group else ExtensionFactory(tenant=row.tenant)
    )
    group = None
    owner_key = factory.LazyAttribute(
        lambda row: Conversation.key_of(extension=row.extension, group=row.group)
    )


class MessageFactory(Owned):
    """An outbound message of a conversation, queued; ``inbound=True`` makes it a received one."""

    class Meta:
        model = Message

    class Params:
        inbound = factory.Trait(
            direction=Message.Direction.INBOUND,
            state=State.RECEIVED,
            sender=factory.LazyAttribute(lambda row: row.conversation.remote),
            recipient=factory.LazyAttribute(lambda row: row.conversation.our_number),
            extension=None,
            provider_id=factory.Sequence(lambda n: f"in-{n}"),
        )

    conversation = factory.LazyAttribute(lambda row: ConversationFactory(tenant=row.tenant))
    trunk = factory.LazyAttribute(lambda row: row.conversation.trunk)
    extension = factory.LazyAttribute(lambda row: row.conversation.extension)
    direction = Message.Direction.OUTBOUND
    sender = factory.LazyAttribute(lambda row: row.conversation.our_number)
    recipient = factory.LazyAttribute(lambda row: row.conversation.remote)
    text = factory.Sequence(lambda n: f"Text {n}")
    encoding = "GSM-7"
    segments = 1
    state = State.QUEUED
    history = factory.LazyAttribute(lambda row: [transition(row.state)])


class ProviderEventFactory(DjangoModelFactory):
    """An empty post to a sandbox trunk, due to be processed."""

    class Meta:
        model = ProviderEvent

    trunk = factory.LazyAttribute(lambda _: TrunkFactory())
    tenant = factory.SelfAttribute("trunk.tenant")
    method = "POST"
    headers = factory.LazyFunction(lambda: {"content-type": "application/json"})
    body = b'{"events": []}'


class MediaFileFactory(Owned):
    """An attachment that a worker has still to fetch."""

    class Meta:
        model = MediaFile

    message = factory.LazyAttribute(lambda row: MessageFactory(tenant=row.tenant, inbound=True))
    source_url = factory.Sequence(lambda n: f"https://media.example.com/{n}.jpg")
    state = MediaFile.State.WAITING


_rules = itertools.count(1)


def route(
    did: DID, to: Target, *, outside: Target = None, holidays: Target = None, **rule: Any
) -> InboundRule:
    """Make the rule by which a DID reaches an extension or a group, by time where that differs.

    A target written as digits is the first extension of a range, an empty one keeps unrouted.
    """
    made: InboundRule = InboundRuleFactory(
        tenant=did.tenant, did=did, **{"name": f"route {next(_rules)}", **rule}
    )
    times = {Destination.When.OUTSIDE: outside, Destination.When.HOLIDAY: holidays}
    _lead(made, Destination.When.OFFICE, to or "")
    for when, target in times.items():
        if target is not None:
            _lead(made, when, target)
    return made


def _lead(rule: InboundRule, when: Destination.When, target: Extension | Group | str) -> None:
    match target:
        case Extension():
            where = {"kind": Destination.Kind.EXTENSION, "extension": target}
        case Group():
            where = {"kind": Destination.Kind.GROUP, "group": target}
        case "":
            where = {"kind": Destination.Kind.UNROUTED}
        case _:
            where = {"kind": Destination.Kind.RANGE, "range_first": target}
    DestinationFactory(tenant=rule.tenant, rule=rule, when=when, **where)


def line(**extension: Any) -> CallerID:
    """Make an extension that texts and is texted: with a DID, a caller ID and a rule."""
    made: CallerID = CallerIDFactory(extension=ExtensionFactory(**extension))
    route(made.did, to=made.extension)
    return made
