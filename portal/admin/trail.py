"""What the audit log keeps of an act in the admin: who, what, of what, from what to what."""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django import forms
from django.apps import apps
from django.core.cache import cache
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.http import HttpRequest
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from portal.admin.fence import managed, own_tenant, person
from portal.models import AuditEntry, Tenant, User

KEPT = 200  # characters of a value
ROWS = {"added": "+", "removed": "\u2212", "edited": "\u00b1"}  # rows that hang on the row
KNOWN = {"model", "id", "managing", "changed", *ROWS}
LOOKED = "looked at"
LOOK_SECONDS = 3600  # within which a look at the same row is the same look
# Whose pages show what people wrote. Models of other applications are named, never imported.
SENSITIVE = frozenset({"sms.Message", "sms.Conversation", "sms.ProviderEvent", "sms.Attempt"})


def record(
    request: HttpRequest,
    action: str,
    target: Model,
    *,
    tenant_id: int | None,
    detail: Mapping[str, Any] | None = None,
    by: User | None = None,
) -> None:
    """Write one entry. ``detail`` must hold no secret; ``changes`` makes it so.

    ``by`` is who acts where nobody is signed in.
    """
    tenant = Tenant.objects.filter(pk=tenant_id or 0).first()
    entry(request, action, target, tenant=tenant, detail=detail, by=by).save()


def exported(request: HttpRequest, table: Any, asked: Mapping[str, Any] | None = None) -> None:
    """Write that somebody took a table along, and by which filter it was chosen."""
    owner = own_tenant(request)
    detail = {"table": str(table), "filter": dict(asked or {})}
    target = owner or person(request)
    record(request, "exported", target, tenant_id=owner.pk if owner else None, detail=detail)


def entry(
    request: HttpRequest,
    action: str,
    target: Model,
    *,
    tenant: Tenant | None,
    detail: Mapping[str, Any] | None = None,
    by: User | None = None,
) -> AuditEntry:
    """Return one entry, for those who write many at once."""
    user = by or (request.user if isinstance(request.user, User) else None)
    entered = managed(request)
    mark = {"managing": entered.name} if entered else {}
    return AuditEntry(
        tenant=tenant or entered,
        user=user,
        username=user.get_username() if user else "",
        action=action,
        target=f"{target._meta.verbose_name} {target}"[:200],
        detail={"model": target._meta.label, "id": target.pk, **mark, **(detail or {})},
        address=_address(request),
    )


def look(request: HttpRequest, target: Model, *, tenant_id: int | None) -> None:
    """Write that somebody opened a sensitive row, once a person, row and hour."""
    if target._meta.label not in SENSITIVE:
        return
    key = f"looked:{request.user.pk}:{target._meta.label}:{target.pk}"
    try:
        is_first = cache.add(key, True, LOOK_SECONDS)
    except RedisError:
        is_first = True  # rather one entry too many than a look that nobody sees
    if is_first:
        record(request, LOOKED, target, tenant_id=tenant_id)


def _address(request: HttpRequest) -> str | None:
    """Return from where it was asked: behind a proxy that we trust, portal.wsgi put it there."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None  # a proxy may write what is no address


def about(target: Model) -> dict[str, Any]:
    """Return the filter for the entries that are about one row."""
    return {"detail__model": target._meta.label, "detail__id": target.pk}


def changes(form: forms.BaseForm, formsets: Iterable[Any] = ()) -> dict[str, Any]:
    """Describe what a valid form changed: field to [old, new], a secret only as a star."""
    fields = {name: _change(form, name) for name in form.changed_data}
    found: dict[str, Any] = {"changed": fields} if fields else {}
    for formset in formsets:
        for verb, rows in (
            ("added", formset.new_objects),
            ("removed", formset.deleted_objects),
            ("edited", [row for row, _names in formset.changed_objects]),
        ):
            if rows:
                found.setdefault(verb, []).extend(
                    f"{row._meta.verbose_name} {row}"[:KEPT] for row in rows
                )
    return found


def sentence(entry: AuditEntry) -> str:
    """Say who did what."""
    parts = {"who": entry.username, "did": _(entry.action), "what": entry.target}
    if entry.detail.get("managing"):
        return _("%(who)s, managing the tenant, %(did)s %(what)s") % parts
    return _("%(who)s %(did)s %(what)s") % parts


def lines(entry: AuditEntry) -> Iterator[str]:
    """Yield what changed, a line for each thing; of a secret only that it did."""
    for name, (old, new) in entry.detail.get("changed", {}).items():
        values = {"field": _label(entry, name), "old": _said(old), "new": _said(new)}
        if old == "*":
            yield _("%(field)s: changed") % values
        else:
            yield _("%(field)s: %(old)s → %(new)s") % values
    for verb, sign in ROWS.items():
        yield from (f"{sign} {row}" for row in entry.detail.get(verb, ()))
    yield from (
        f"{name}: {_said(value)}" for name, value in entry.detail.items() if name not in KNOWN
    )


def _label(entry: AuditEntry, name: str) -> str:
    """Return what a field is called on its page."""
    try:
        model = apps.get_model(entry.detail.get("model", ""))
        return str(getattr(model._meta.get_field(name), "verbose_name", name))
    except (FieldDoesNotExist, LookupError, ValueError):
        return name.replace("_", " ")


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return "; ".join(f"{name}: {what}" for name, what in value.items())
    return _("(empty)") if value is None or value == "" else str(value)


def _change(form: forms.BaseForm, name: str) -> list[Any]:
    field = form.fields.get(name)
    if field is None or isinstance(field.widget, forms.PasswordInput):
        return ["*", "*"]
    old = form.get_initial_for_field(field, name)
    new = getattr(form, "cleaned_data", {}).get(name)
    if isinstance(field, forms.ModelChoiceField) and old and field.queryset is not None:
        old = field.queryset.filter(pk=getattr(old, "pk", old)).first() or old
    return [_plain(old), _plain(new)]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return Truncator(str(value)).chars(KEPT)
