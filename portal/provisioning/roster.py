"""A tenant's extensions against the lines of a file: what would change, what cannot be, done.

Everything is read in a handful of queries and written in as many, however long the file is.
`manage.py apply` brings one extension after the other to what its file says; here all faults are
told at once, and what would change is shown first.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Prefetch, Q
from django.utils.translation import gettext as _

from portal import e164
from portal.models import DID, CallerID, Extension, Group, Tenant, Trunk, User
from portal.provisioning import sheet
from portal.provisioning.sheet import CallerIDPart, Fault, Line

YES, NO = frozenset({"yes", "true", "on", "1"}), frozenset({"no", "false", "off", "0"})


@dataclass
class Edit:
    """What the file makes of one extension: by column, the old and the new cell."""

    line: int
    extension: Extension
    is_new: bool
    changed: dict[str, tuple[str, str]] = field(default_factory=dict)
    new_user: User | None = None
    caller_ids: list[CallerID] = field(default_factory=list)


@dataclass
class Plan:
    """Everything that a file would do; nothing can be done while there are faults."""

    edits: list[Edit] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def new(self) -> list[Edit]:
        """Extensions that would be made."""
        return [edit for edit in self.edits if edit.is_new]

    @property
    def changed(self) -> list[Edit]:
        """Extensions that would become different."""
        return [edit for edit in self.edits if edit.changed and not edit.is_new]

    @property
    def unchanged(self) -> int:
        """How many extensions are already as the file says."""
        return len(self.edits) - len(self.new) - len(self.changed)

    @property
    def new_users(self) -> list[User]:
        """People who would be made."""
        return [edit.new_user for edit in self.edits if edit.new_user]


def extensions(tenant: Tenant) -> list[Extension]:
    """Return the tenant's extensions with all that a line says of them."""
    rows = Extension.objects.filter(tenant=tenant).select_related("user")
    # Without their credentials: nobody should have to open them for this.
    trunks = Prefetch("caller_ids__did__trunk", Trunk.objects.defer("credentials"))
    return list(rows.prefetch_related("caller_ids__did", trunks))


def cells(extension: Extension) -> dict[str, str]:
    """Return an extension as a line of the file."""
    return {
        "number": extension.number,
        "name": extension.name,
        "sms": extension.sms,
        "enabled": "yes" if extension.enabled else "no",
        "user": extension.user.username if extension.user else "",
        "caller_ids": ";".join(map(str, _parts(extension.caller_ids.all()))),
    }


def plan(tenant: Tenant, lines: list[Line]) -> Plan:
    """Compare the lines with what there is; nothing is written."""
    return _Planner(tenant, lines).plan()


def carry_out(todo: Plan) -> None:
    """Do it, all or nothing; the caller answers for an ``IntegrityError`` of a race."""
    edits = [edit for edit in todo.edits if edit.is_new or edit.changed]
    made = [edit.extension for edit in edits if edit.is_new]
    kept = [edit.extension for edit in edits if not edit.is_new]
    moved = [edit.extension.pk for edit in todo.changed if "user" in edit.changed]
    given = [edit for edit in edits if "caller_ids" in edit.changed]
    with transaction.atomic():
        User.objects.bulk_create(todo.new_users)
        # People may change places: first everybody gets up.
        Extension.objects.filter(pk__in=moved).update(user=None)
        Extension.objects.bulk_create(made)
        Extension.objects.bulk_update(kept, ["name", "sms", "enabled", "user"], batch_size=1000)
        CallerID.objects.filter(extension__in=[edit.extension.pk for edit in given]).delete()
        CallerID.objects.bulk_create([row for edit in given for row in edit.caller_ids])


class _Wrong(Exception):
    """A cell that cannot be."""


class _Planner:
    """One file against one tenant, whose rows are loaded once."""

    def __init__(self, tenant: Tenant, lines: list[Line]) -> None:
        self.tenant, self.lines = tenant, lines
        self.known = {row.number: row for row in extensions(tenant)}
        self.groups = set(Group.objects.filter(tenant=tenant).values_list("number", flat=True))
        own = Q(tenant=tenant) | Q(tenant=None, dids__tenant=tenant)
        # The tenant's own trunk counts where a shared one has the same name.
        trunks = Trunk.objects.filter(pk__in=Trunk.objects.filter(own).values("pk"))
        sealed = trunks.defer("credentials")
        ordered = sorted(sealed, key=lambda one: bool(one.tenant_id))
        self.trunks = {trunk.name: trunk for trunk in ordered}
        names = {line.cells.get("user", "") for line in lines}
        self.users = {user.username: user for user in User.objects.filter(username__in=names)}
        wanted = {number for line in lines for number in self._numbers(line)}
        dids = DID.objects.filter(tenant=tenant, number__in=wanted)
        self.dids = {(did.trunk_id, did.number): did for did in dids}

    def plan(self) -> Plan:
        """Take line by line, then what only shows in the whole."""
        done = Plan()
        seen: dict[str, int] = {}
        for line in self.lines:
            edit, faults = self._edit(line, seen)
            done.faults += faults
            if edit:
                done.edits.append(edit)
        done.faults = sorted(
            [*done.faults, *self._shared_users(done)], key=lambda fault: fault.line
        )
        return done

    def _edit(self, line: Line, seen: dict[str, int]) -> tuple[Edit | None, list[Fault]]:
        number = line.cells["number"]
        try:
            self._check_number(number, seen)
        except _Wrong as error:
            return None, [Fault(line.number, "number", str(error))]
        seen[number] = line.number
        known = self.known.get(number)
        extension = known or Extension(tenant=self.tenant, number=number)
        before = cells(known) if known else {}
        edit, faults = Edit(line.number, extension, is_new=known is None), []
        for column, reader in self.readers.items():
            if column not in line.cells:
                continue
            try:
                after = reader(self, edit, line.cells[column])
            except _Wrong as error:
                faults.append(Fault(line.number, column, str(error)))
                continue
            if after != before.get(column, ""):
                edit.changed[column] = (before.get(column, ""), after)
        return edit, faults

    def _check_number(self, number: str, seen: dict[str, int]) -> None:
        if number in seen:
            raise _Wrong(
                _("%(number)s stands in line %(line)d already. Remove one of the two.")
                % {"number": number, "line": seen[number]}
            )
        if number in self.groups:
            raise _Wrong(_("%(number)s is a group. Choose another number.") % {"number": number})
        _check(Extension(number=number), "number", number)

    def _name(self, edit: Edit, cell: str) -> str:
        _check(edit.extension, "name", cell)
        edit.extension.name = cell
        return cell

    def _sms(self, edit: Edit, cell: str) -> str:
        word = cell.upper() or edit.extension.sms
        if word not in Extension.Sms.values:
            known = ", ".join(Extension.Sms.values)
            raise _Wrong(_("“%(cell)s”: write one of %(known)s.") % {"cell": cell, "known": known})
        edit.extension.sms = word
        return word

    def _enabled(self, edit: Edit, cell: str) -> str:
        word = cell.lower() or ("yes" if edit.extension.enabled else "no")
        if word not in YES | NO:
            raise _Wrong(_("“%(cell)s”: write yes or no.") % {"cell": cell})
        edit.extension.enabled = word in YES
        return "yes" if word in YES else "no"

    def _user(self, edit: Edit, cell: str) -> str:
        user = self.users.get(cell)
        if cell and user is None:
            user = User(username=cell, tenant=self.tenant, role=User.Role.EXTENSION)
            _check(user, "username", cell)
            user.set_unusable_password()
            edit.new_user = self.users[cell] = user
        elif user and (user.tenant_id != self.tenant.pk or user.is_superuser):
            raise _Wrong(_("The user name “%(name)s” is taken. Choose another.") % {"name": cell})
        edit.extension.user = user
        return cell

    def _caller_ids(self, edit: Edit, cell: str) -> str:
        before = list(edit.extension.caller_ids.all()) if not edit.is_new else []
        rows: dict[int, CallerID] = {}
        for part in sheet.caller_ids(cell):
            did = self._did(part)
            if did.pk in rows:
                raise _Wrong(_("%(did)s stands here twice. Remove one.") % {"did": did.number})
            row = CallerID(tenant=self.tenant, extension=edit.extension, did=did)
            _check(row, "description", part.description)
            row.description, row.is_default = part.description, not rows
            rows[did.pk] = row
        edit.caller_ids = list(rows.values())
        # The first is the default; the others have no order.
        old, new = (
            [(row.did_id, row.description) for row in all_] for all_ in (before, edit.caller_ids)
        )
        same = old[:1] == new[:1] and set(old) == set(new)
        return ";".join(map(str, _parts(before if same else edit.caller_ids)))

    def _did(self, part: CallerIDPart) -> DID:
        trunk = self.trunks.get(part.trunk)
        if trunk is None:
            known = ", ".join(sorted(self.trunks)) or _("none")
            raise _Wrong(
                _("There is no trunk “%(trunk)s”. Write trunk:did:description; trunks: %(known)s.")
                % {"trunk": part.trunk, "known": known}
            )
        try:
            number = e164.normalize_did(part.did, self.tenant.country)
        except e164.NumberInvalid as error:
            raise _Wrong(str(error)) from error
        did = self.dids.get((trunk.pk, number))
        if did is None:
            raise _Wrong(
                _("%(did)s is no DID of yours on trunk %(trunk)s. Add it under DIDs first.")
                % {"did": number, "trunk": trunk.name}
            )
        did.trunk = trunk
        return did

    def _numbers(self, line: Line) -> Iterator[str]:
        for part in sheet.caller_ids(line.cells.get("caller_ids", "")):
            try:
                yield e164.normalize_did(part.did, self.tenant.country)
            except e164.NumberInvalid:
                continue  # told with its line, when the line is read

    def _shared_users(self, done: Plan) -> Iterator[Fault]:
        """Find people who would sign in for two extensions, as everything would be afterwards."""
        after = {row.number: row for row in self.known.values()}
        after |= {edit.extension.number: edit.extension for edit in done.edits}
        times = Counter(row.user.username for row in after.values() if row.user)
        for edit in done.edits:
            user = edit.extension.user
            if "user" not in edit.changed or not user or times[user.username] < 2:
                continue
            others = [row.number for row in after.values() if row.user == user]
            others.remove(edit.extension.number)
            why = _("“%(name)s” signs in for %(other)s, too. Each person has one extension.")
            yield Fault(edit.line, "user", why % {"name": user.username, "other": others[0]})

    readers = {
        "name": _name,
        "sms": _sms,
        "enabled": _enabled,
        "user": _user,
        "caller_ids": _caller_ids,
    }


def _parts(rows: Iterable[CallerID]) -> list[CallerIDPart]:
    return [CallerIDPart(row.did.trunk.name, row.did.number, row.description) for row in rows]


def _check(row: Extension | User | CallerID, name: str, value: str) -> None:
    """Ask the model's own field whether it takes the value."""
    try:
        row._meta.get_field(name).clean(value, row)  # type: ignore[union-attr] # noqa: SLF001 - public by its documentation
    except ValidationError as error:
        raise _Wrong(" ".join(error.messages)) from error
