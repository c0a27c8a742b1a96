"""Everything that a tenant can own, one row of each kind, with a mark that gives it away."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Model
from django.test import Client
from django.utils import timezone

from portal.models import AuditEntry, Tenant, User
from sms.models import Attempt, OptOut, RefusedCount, State, TrunkQueue
from tests import factories


@dataclass
class Estate:
    """One tenant's rows by model, and the texts by which they would be noticed elsewhere."""

    tenant: Tenant
    admin: User
    mark: str
    number: str
    secret: str
    rows: dict[type[Model], Any] = field(default_factory=dict)

    @property
    def tells(self) -> tuple[str, ...]:
        """What must not appear where this tenant is not to be seen."""
        return (self.mark, self.number, self.number[-8:])


def build(mark: str, number: str, tenant: Tenant | None = None) -> Estate:
    """Make one row of every model; ``mark`` is a short lower-case word."""
    tenant = tenant or factories.TenantFactory(name=f"Tenant {mark}", slug=f"tenant-{mark}")
    boss = person(tenant, f"{mark}-boss", User.Role.ADMIN)
    estate = Estate(tenant, boss, mark, number, f"secret-of-{mark}")
    for row in (*_pbx(estate), *_traffic(estate)):
        estate.rows[type(row)] = row
    return estate


def person(tenant: Tenant, name: str, role: str) -> User:
    """Make somebody who never types a password, since hashing one takes long."""
    return User.objects.create(
        tenant=tenant, username=name, role=role, password=f"pbkdf2_sha256$1$salt${name}-hash"
    )


def system_administrator() -> User:
    """Make somebody to whom no fence applies."""
    return User.objects.create(username="overseer", password="!", is_superuser=True)


def signed_in(user: User) -> Client:
    """Return a browser in which somebody is signed in."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def _pbx(estate: Estate) -> list[Any]:
    tenant, mark = estate.tenant, estate.mark
    trunk = factories.TrunkFactory(
        tenant=tenant, name=f"{mark} trunk", credentials={"secret": estate.secret}
    )
    worded = factories.TrunkFactory(
        tenant=tenant,
        name=f"{mark} twilio",
        provider="twilio",
        credentials={"account_sid": "AC" + "0" * 32, "auth_token": estate.secret},
    )
    did = factories.DIDFactory(trunk=trunk, number=estate.number, label=f"{mark} did")
    user = person(tenant, f"{mark}-person", User.Role.EXTENSION)
    extension = factories.ExtensionFactory(tenant=tenant, name=f"{mark} desk", user=user)
    schedule = factories.ScheduleFactory(tenant=tenant, name=f"{mark} week", is_default=False)
    rule = factories.route(did, to=extension, name=f"{mark} rule", schedule=schedule)
    group = factories.GroupFactory(tenant=tenant, name=f"{mark} group")
    contact = factories.ContactFactory(tenant=tenant, name=f"{mark} contact", extension=extension)
    factories.CallerIDFactory(extension=extension, did=did, description=f"{mark} caller")
    factories.GroupMemberFactory(group=group, extension=extension)
    factories.OfficeHoursFactory(schedule=schedule)
    factories.HolidayFactory(schedule=schedule, name=f"{mark} day")
    factories.ContactNumberFactory(contact=contact, label=f"{mark} number")
    word = factories.SenderIDFactory(trunk=worded, word=f"{mark}W"[:11])
    token = factories.ApiTokenFactory(tenant=tenant, extension=extension, label=f"{mark} token")
    return [tenant, user, trunk, did, extension, schedule, rule, group, contact, word, token]


def _traffic(estate: Estate) -> list[Any]:
    tenant, mark = estate.tenant, estate.mark
    rule = tenant.rules.get(name=f"{mark} rule")
    extension = tenant.extensions.get(name=f"{mark} desk")
    did = tenant.dids.get(number=estate.number)
    event = factories.ProviderEventFactory(
        trunk=rule.trunk,
        state="quarantined",
        reason="no_rule",
        detail=f"{mark} detail",
        body=f'{{"{mark}": 1}}'.encode(),
    )
    conversation = factories.ConversationFactory(
        did=did, extension=extension, remote=f"+1617555{estate.number[-4:]}"
    )
    message = factories.MessageFactory(
        conversation=conversation, text=f"{mark} text", event=event, state=State.SENT
    )
    now = timezone.now()
    attempt = Attempt.objects.create(
        tenant=tenant,
        message=message,
        trunk=rule.trunk,
        started_at=now,
        ended_at=now,
        outcome=Attempt.Outcome.ACCEPTED,
        detail=f"{mark} outcome",
        request=f"POST {mark}",
    )
    media = factories.MediaFileFactory(message=message, name=f"{mark}.jpg")
    opt_out = OptOut.objects.create(
        tenant=tenant, our_number=did.number, remote="+16175550100", words=f"{mark} stop"
    )
    refused = RefusedCount.objects.create(
        trunk=rule.trunk, day=date(2026, 1, 2), count=1, last_reason=f"{mark} forged"
    )
    entry = AuditEntry.objects.create(
        tenant=tenant, username=f"{mark}-boss", action="changed", target=f"{mark} thing"
    )
    queue = TrunkQueue.objects.get(pk=rule.trunk_id)
    return [event, conversation, message, attempt, media, opt_out, refused, entry, queue]
