"""What the audit log keeps of an act in the admin: who, what, of what, from what to what."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.db.models import Model
from django.http import HttpRequest
from django.utils.text import Truncator

from portal.models import AuditEntry, Tenant, User

KEPT = 200  # characters of a value


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
    return AuditEntry(
        tenant=tenant,
        user=user,
        username=user.get_username() if user else "",
        action=action,
        target=f"{target._meta.verbose_name} {target}"[:200],
        detail={"model": target._meta.label, "id": target.pk, **(detail or {})},
        address=request.META.get("REMOTE_ADDR") or None,
    )


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
