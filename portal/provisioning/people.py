"""Who signs in and who texts, as the file says it: users, extensions, their caller IDs, groups."""

from collections.abc import Iterable

from portal.models import CallerID, Extension, Group, GroupMember, Tenant, User
from portal.provisioning import trunks
from portal.provisioning.document import Node
from portal.provisioning.ledger import Change, Ledger, places, wanted

EXTENSION = {
    "number": ("number", Node.text),
    "name": ("name", Node.text),
    "enabled": ("enabled", Node.flag),
    "sms": ("sms", lambda node: node.choice("permission", Extension.Sms.values)),
}
GROUP = {
    "number": ("number", Node.text),
    "name": ("name", Node.text),
    "kind": ("kind", lambda node: node.choice("kind of group", Group.Kind.values)),
    "answer_within": ("answer_within", Node.count),
}


def put_user(
    book: Ledger, tenant: Tenant, node: Node, password: Node | None, role: User.Role
) -> User:
    """Make or change a sign-in; the password is only set where it differs.

    An administrator or auditor who also has an extension stays what he or she is.
    """
    name = node.text()
    user = User.objects.filter(username=name).first()
    if user is None:
        user = User(username=name, tenant=tenant, role=role)
        user.set_unusable_password()
    elif user.tenant_id != tenant.pk or user.is_superuser:
        raise node.wrong(f"the user name {name!r} is taken")
    values: dict[str, object] = {}
    if role != User.Role.EXTENSION:
        # Administrators and auditors work in the admin, which asks for staff.
        values |= {"role": role, "is_staff": True}
    change = book.put(user, values, name=name, node=node, places={})
    if password is not None and not user.check_password(password.text()):
        if not password.text():
            raise password.wrong("the password is empty")
        user.set_password(password.text())
        user.save(update_fields=["password"])
        change.note("password")
    return user


def put_staff(book: Ledger, tenant: Tenant, node: Node, role: User.Role) -> None:
    """Make or change an administrator or auditor of the tenant."""
    fields = node.fields("user", "password")
    trunks.required(node, fields, "user")
    put_user(book, tenant, fields["user"], fields.get("password"), role)


def put_extension(book: Ledger, tenant: Tenant, node: Node) -> None:
    """Make or change an extension, its sign-in and its caller IDs."""
    fields = node.fields(*EXTENSION, "user", "password", "caller_ids")
    number = trunks.required(node, fields, "number")
    if Group.objects.filter(tenant=tenant, number=number).exists():
        raise fields["number"].wrong(f"{number} is a group")
    values = wanted(fields, EXTENSION)
    if "user" in fields:
        values["user"] = _user_of(book, tenant, fields)
    elif "password" in fields:
        raise fields["password"].wrong("a password needs a user")
    found = Extension.objects.filter(tenant=tenant, number=number).first()
    extension = found or Extension(tenant=tenant)
    change = book.put(
        extension,
        values,
        name=f"{tenant.slug}/{number}",
        node=node,
        places=places(fields, EXTENSION | {"user": ("user", Node.text)}),
    )
    if "caller_ids" in fields:
        _set_caller_ids(change, extension, fields["caller_ids"])


def _user_of(book: Ledger, tenant: Tenant, fields: dict[str, Node]) -> User | None:
    if not fields["user"].text():
        return None
    return put_user(book, tenant, fields["user"], fields.get("password"), User.Role.EXTENSION)


def _set_caller_ids(change: Change, extension: Extension, node: Node) -> None:
    """Let the extension's caller IDs be exactly these; the first is the default if none says so."""
    given: dict[int, CallerID] = {}
    default: CallerID | None = None
    for item in node.items():
        fields = item.fields("trunk", "did", "description", "default")
        trunks.required(item, fields, "trunk")
        trunks.required(item, fields, "did")
        trunk = trunks.find(extension.tenant, fields["trunk"])
        did = trunks.find_did(extension.tenant, trunk, fields["did"])
        if did.pk in given:
            raise item.wrong(f"{did.number} stands here twice")
        row = CallerID(tenant=extension.tenant, extension=extension, did=did)
        row.description = fields["description"].text() if "description" in fields else ""
        if "default" in fields and fields["default"].flag():
            if default is not None:
                raise fields["default"].wrong("only one caller ID can be the default")
            default = row
        given[did.pk] = row
    for row in given.values():
        row.is_default = row is (default or next(iter(given.values())))
    if _caller_ids(extension.caller_ids.all()) == _caller_ids(given.values()):
        return
    extension.caller_ids.all().delete()
    CallerID.objects.bulk_create(given.values())
    change.note("caller_ids")


def _caller_ids(rows: Iterable[CallerID]) -> set[tuple[int, str, bool]]:
    return {(row.did_id, row.description, row.is_default) for row in rows}


def put_group(book: Ledger, tenant: Tenant, node: Node) -> None:
    """Make or change a group; its members, in their order, become exactly those of the file."""
    fields = node.fields(*GROUP, "members")
    number = trunks.required(node, fields, "number")
    if Extension.objects.filter(tenant=tenant, number=number).exists():
        raise fields["number"].wrong(f"{number} is an extension")
    group = Group.objects.filter(tenant=tenant, number=number).first() or Group(tenant=tenant)
    change = book.put(
        group,
        wanted(fields, GROUP),
        name=f"{tenant.slug}/{number}",
        node=node,
        places=places(fields, GROUP),
    )
    if "members" in fields:
        members = [_member(tenant, item) for item in fields["members"].items()]
        _set_members(change, group, list(dict.fromkeys(members)))


def _member(tenant: Tenant, node: Node) -> Extension:
    number = node.text()
    extension = Extension.objects.filter(tenant=tenant, number=number).first()
    if extension is None:
        raise node.wrong(f"there is no extension {number!r}")
    return extension


def _set_members(change: Change, group: Group, members: list[Extension]) -> None:
    if [member.extension_id for member in group.members.all()] == [one.pk for one in members]:
        return
    group.members.all().delete()
    GroupMember.objects.bulk_create(
        GroupMember(tenant=group.tenant, group=group, extension=extension, order=order)
        for order, extension in enumerate(members)
    )
    change.note("members")
