"""One address book, a tenant's shared one or an extension's own: what a file changes in it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal import e164
from portal.addressbook import table, vcard
from portal.addressbook.entry import Entry, Fault, Number, checked
from portal.models import Contact, ContactNumber, Extension, Tenant
from portal.sheet import Unreadable, decoded

MOST_CONTACTS = 5000
MOST_BYTES = 5_000_000


@dataclass(frozen=True)
class Book:
    """Whose contacts are meant: the tenant's shared ones, or an extension's."""

    tenant: Tenant
    extension: Extension | None = None

    def contacts(self) -> QuerySet[Contact]:
        """Return the contacts that are in it."""
        return Contact.objects.filter(tenant=self.tenant, extension=self.extension)

    def lock(self) -> None:
        """Let nobody else import into it before this transaction ends."""
        # Not for a change of its key: texts that name the row do not wait.
        if self.extension:
            Extension.objects.select_for_update(no_key=True).get(pk=self.extension.pk)
        else:
            Tenant.objects.select_for_update(no_key=True).get(pk=self.tenant.pk)


@dataclass
class Step:
    """What becomes of one contact of the file: it is new, or changes ``contact``, or neither.

    Nobody needs an own contact that says what a shared one says.
    """

    entry: Entry
    contact: Contact | None = None
    changes: list[str] = field(default_factory=list)
    missing: list[Number] = field(default_factory=list)
    relabelled: list[ContactNumber] = field(default_factory=list)
    is_shared: bool = False

    @property
    def what(self) -> str:
        """Name it: new, update or same."""
        if self.contact is None and not self.is_shared:
            return "new"
        return "update" if self.changes else "same"


@dataclass(frozen=True)
class Plan:
    """Everything that a file would do, and what of it cannot be."""

    steps: Sequence[Step]
    faults: Sequence[Fault]
    unused: Sequence[str] = ()

    def of(self, what: str) -> Sequence[Step]:
        """Return the steps of one kind."""
        return [step for step in self.steps if step.what == what]

    def told(self) -> dict[str, Any]:
        """Return what the audit log keeps: one entry, for thousands would bury the rest."""
        fresh, changed = self.of("new"), self.of("update")
        if not fresh and not changed:
            return {}
        return {
            "added": [step.entry.name for step in fresh],
            "edited": [f"{step.entry.name}: {', '.join(step.changes)}" for step in changed],
        }


def look(book: Book, content: bytes) -> Plan:
    """Say what a file would do."""
    entries, faults, unused = _read(content, book.tenant.country)
    return Plan(_steps(book, book.contacts(), entries), faults, unused)


def apply(book: Book, content: bytes) -> Plan:
    """Take a file over as far as it can be, and say what that did."""
    entries, faults, unused = _read(content, book.tenant.country)
    with transaction.atomic(durable=True):
        book.lock()
        # Locked before their numbers, as by whoever deletes or edits one of them.
        steps = _steps(book, book.contacts().select_for_update(of=("self",)), entries)
        _save(book, steps)
    return Plan(steps, faults, unused)


def entries_of(contacts: Iterable[Contact]) -> Iterator[Entry]:
    """Yield contacts, their numbers fetched before, as a file has them."""
    for contact in contacts:
        numbers = tuple(Number(row.number, row.label) for row in contact.numbers.all())
        yield Entry(0, contact.name, contact.company, contact.notes, numbers)


def _read(content: bytes, country: str) -> tuple[list[Entry], list[Fault], Sequence[str]]:
    text = decoded(content)
    found, unused = (vcard.read(text), ()) if vcard.is_vcard(text) else table.read(text)
    entries: list[Entry] = []
    faults: list[Fault] = []
    for count, one in enumerate(found):
        if count == MOST_CONTACTS:
            words = _("The file has more than %d contacts. Import it in parts.")
            raise Unreadable(words % MOST_CONTACTS)
        if isinstance(one, Fault):
            faults.append(one)
            continue
        entry, wrong = checked(one, country)
        faults += wrong
        if entry:
            entries.append(entry)
    if not entries and not faults:
        raise Unreadable(_("There is no contact in the file."))
    return _joined(entries), faults, unused


def _joined(entries: Iterable[Entry]) -> list[Entry]:
    """Make one of those that share their name and a number; the first one's words count."""
    found: list[Entry] = []
    places: dict[tuple[str, str], int] = {}
    for entry in entries:
        keys = [_key(entry.name, one.number) for one in entry.numbers]
        at = next((places[key] for key in keys if key in places), len(found))
        if at == len(found):
            found.append(entry)
        else:
            first = found[at]
            known = {one.number for one in first.numbers}
            more = tuple(one for one in entry.numbers if one.number not in known)
            found[at] = replace(
                first,
                company=first.company or entry.company,
                notes=first.notes or entry.notes,
                numbers=first.numbers + more,
            )
        places |= dict.fromkeys(keys, at)
    return found


def _key(name: str, number: str) -> tuple[str, str]:
    return name.casefold(), number


def _steps(book: Book, contacts: QuerySet[Contact], entries: Sequence[Entry]) -> list[Step]:
    """Find for each entry the contact that it is.

    One with the same name and number for certain; else the only one that has a number of it and is
    not taken for another entry of the file: people share the numbers of their house.
    """
    by_number = _by_number(contacts, book.tenant, entries)
    shared = Book(book.tenant).contacts() if book.extension else Contact.objects.none()
    by_shared_number = _by_number(shared, book.tenant, entries)
    named = {at: _namesake(entry, by_number) for at, entry in enumerate(entries)}
    taken = {contact.pk for contact in named.values() if contact}
    steps = []
    for at, entry in enumerate(entries):
        contact = named[at] or _only(entry, by_number, taken)
        if contact:
            taken.add(contact.pk)
        step = _step(entry, contact)
        step.is_shared = contact is None and _is_said(entry, _namesake(entry, by_shared_number))
        steps.append(step)
    return steps


def _by_number(
    contacts: QuerySet[Contact], tenant: Tenant, entries: Sequence[Entry]
) -> dict[str, list[Contact]]:
    wanted = {one.number for entry in entries for one in entry.numbers}
    holders = ContactNumber.objects.filter(tenant=tenant, number__in=wanted).order_by()
    rows = contacts.filter(pk__in=holders.values("contact")).order_by("pk")
    found: dict[str, list[Contact]] = {}
    for contact in rows.prefetch_related("numbers"):
        for row in contact.numbers.all():
            found.setdefault(row.number, []).append(contact)
    return found


def _is_said(entry: Entry, contact: Contact | None) -> bool:
    """Say whether a contact of this name has all the numbers."""
    has = {row.number for row in contact.numbers.all()} if contact else set()
    return {one.number for one in entry.numbers} <= has


def _holders(entry: Entry, by_number: dict[str, list[Contact]]) -> dict[int, Contact]:
    return {
        contact.pk: contact for one in entry.numbers for contact in by_number.get(one.number, ())
    }


def _namesake(entry: Entry, by_number: dict[str, list[Contact]]) -> Contact | None:
    found = _holders(entry, by_number).values()
    return next((one for one in found if one.name.casefold() == entry.name.casefold()), None)


def _only(entry: Entry, by_number: dict[str, list[Contact]], taken: set[int]) -> Contact | None:
    found = _holders(entry, by_number)
    return next(iter(found.values())) if len(found) == 1 and not found.keys() & taken else None


def _step(entry: Entry, contact: Contact | None) -> Step:
    """Put into the contact what the file knows better; nothing is taken away from it."""
    step = Step(entry, contact)
    if contact is None:
        step.missing = list(entry.numbers)
        return step
    for name in ("name", "company", "notes"):
        old, new = getattr(contact, name), getattr(entry, name)
        if new and new != old:
            setattr(contact, name, new)
            step.changes.append(f"{old} → {new}" if old and name != "notes" else new)
    known = {row.number: row for row in contact.numbers.all()}
    for one in entry.numbers:
        row = known.get(one.number)
        if row is None:
            step.missing.append(one)
            step.changes.append(e164.pretty(one.number))
        elif one.label and one.label != row.label:
            row.label = one.label
            step.relabelled.append(row)
            step.changes.append(f"{e164.pretty(one.number)} ({one.label})")
    return step


def _save(book: Book, steps: Sequence[Step]) -> None:
    fresh = [step for step in steps if step.what == "new"]
    changed = [step.contact for step in steps if step.contact and step.changes]
    made = Contact.objects.bulk_create(
        Contact(
            tenant=book.tenant,
            extension=book.extension,
            name=step.entry.name,
            company=step.entry.company,
            notes=step.entry.notes,
        )
        for step in fresh
    )
    owners = {id(step): contact for step, contact in zip(fresh, made, strict=True)}
    ContactNumber.objects.bulk_create(
        ContactNumber(tenant=book.tenant, contact=owner, number=one.number, label=one.label)
        for step in steps
        if (owner := step.contact or owners.get(id(step)))
        for one in step.missing
    )
    # One statement each, where bulk_update builds a condition for every row.
    _update(Contact, changed, ["name", "company", "notes"])
    _update(ContactNumber, [row for step in steps for row in step.relabelled], ["label"])


def _update(model: type[Contact | ContactNumber], rows: Sequence[Any], names: list[str]) -> None:
    model.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["id"], update_fields=names
    )
