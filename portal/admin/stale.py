"""Two people at one form: what somebody else changed meanwhile is not overwritten unseen."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from portal.admin import trail
from portal.admin.fence import visible
from portal.models import AuditEntry
from portal.vault import CredentialsUnreadable, EncryptedJSONField

LOADED = "_loaded"  # what the form showed when it was opened
ANYWAY = "_anyway"  # what was saved meanwhile, where somebody saw it and decided to overwrite it
TENANT = "_tenant"  # whose new row it is
REFUSAL = "form_refusal"  # kept for the length of a request
ROW = ":"  # in the names of rows that hang on the row; no field has it in its name

Version = dict[str, str]


@dataclass(frozen=True)
class Difference:
    """One thing that somebody else changed; ``yours`` is None where there is nothing to compare."""

    label: str
    theirs: str
    yours: str | None = None


@dataclass(frozen=True)
class Refusal:
    """Why a form was not saved."""

    text: str
    differences: tuple[Difference, ...] = ()
    changes: tuple[AuditEntry, ...] = ()
    stored: str = ""
    """What must come back for the form to be saved anyway; empty where it cannot be."""


class RefusedForm(forms.BaseForm):
    """Stands before the class of a form that must not be saved, whatever is in it."""

    refusal = ""

    def full_clean(self) -> None:
        """Check it as usual, and say why not."""
        super().full_clean()
        if self.is_bound:
            self.add_error(None, self.refusal)


class StaleAdmin:
    """A page whose form knows what it showed, and is saved only over that."""

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Refuse what was found to be stale."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc] # the page has it
        refusal = vars(request).get(REFUSAL)
        if refusal is None:
            return form
        return type(form)(form.__name__, (RefusedForm, form), {"refusal": refusal.text})

    def _changeform_view(
        self, request: HttpRequest, object_id: str | None, form_url: str, extra_context: Any
    ) -> HttpResponse:
        if request.method == "POST":
            refusal = self._moved(request) if object_id is None else self._stale(request, object_id)
            if refusal:
                vars(request)[REFUSAL] = refusal
        answer: HttpResponse = super()._changeform_view(  # type: ignore[misc] # the page has it
            request, object_id, form_url, extra_context
        )
        return answer

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Put into the form what it shows, and above it what went wrong."""
        row = context.get("original")
        context["refusal"] = vars(request).get(REFUSAL)
        if row is None:
            tenant = self.working_tenant(request)  # type: ignore[attr-defined] # the page has it
            context["new_row_of"] = request.POST.get(TENANT, tenant.pk if tenant else "")
        elif self.has_change_permission(request, row):  # type: ignore[attr-defined] # the page has it
            context["loaded"] = request.POST.get(LOADED) or self._token(request, row)
        answer: HttpResponse = super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc] # the page has it
        return answer

    def _token(self, request: HttpRequest, row: Any) -> str:
        now = timezone.now().isoformat()
        return json.dumps({"at": now, "version": self._version(request, row)})

    def _moved(self, request: HttpRequest) -> Refusal | None:
        """Refuse a new row where its maker has gone to another tenant in another window."""
        tenant = self.working_tenant(request)  # type: ignore[attr-defined] # the page has it
        here = str(tenant.pk) if tenant else ""
        if request.POST.get(TENANT, here) == here:
            return None
        return Refusal(
            _("This form was opened for another tenant than the one you work in now. Open it anew.")
        )

    def _stale(self, request: HttpRequest, object_id: str) -> Refusal | None:
        loaded = _read(request.POST.get(LOADED, ""))
        row = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined] # the page has it
        if loaded is None or row is None:
            return None
        at, version = loaded
        # Whoever saves the same row next waits here, and then sees what this one saved. Rows that
        # point at it may come and go meanwhile.
        rows = type(row)._base_manager.filter(pk=row.pk)
        rows.select_for_update(no_key=True).values("pk").first()
        row = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined] # the page has it
        if row is None:
            return None
        stored = self._version(request, row)
        if request.POST.get(ANYWAY) == _digest(json.dumps(stored)):
            return None
        differences, gone = self._differences(request, row, version, stored)
        if not differences:
            return None
        changes = AuditEntry.objects.filter(**trail.about(row), at__gte=at).exclude(
            action=trail.LOOKED
        )
        return Refusal(
            _("Somebody else changed this after you opened it. Nothing was saved yet."),
            differences=tuple(differences),
            changes=tuple(visible(request, changes)[:5]),
            stored="" if gone else _digest(json.dumps(stored)),
        )

    def _version(self, request: HttpRequest, row: Any) -> Version:
        """Return a digest of each thing that the form of a row shows."""
        form = self.get_form(request, row, change=True)(instance=row)
        version = {name: _digest(_initial(form[name])) for name in form.fields}
        for field in row._meta.concrete_fields:
            if isinstance(field, EncryptedJSONField):
                version[f"secret {field.name}"] = _digest(_secret(row, field))
        for key, hanging in self._hanging(request, row):
            shown = [_initial(hanging[name]) for name in hanging.fields]
            version[key] = _digest(json.dumps(shown))
        return version

    def _hanging(self, request: HttpRequest, row: Any) -> Iterator[tuple[str, Any]]:
        """Yield the forms of the rows that are edited together with the row."""
        pairs = self.get_formsets_with_inlines(request, row)  # type: ignore[attr-defined] # the page has it
        for place, (formset, inline) in enumerate(pairs):
            if not inline.has_change_permission(request, row):
                continue
            rows = formset(instance=row, queryset=inline.get_queryset(request))
            for form in rows.initial_forms:
                yield f"{place}{ROW}{form.instance.pk}", form

    def _differences(
        self, request: HttpRequest, row: Any, loaded: Version, stored: Version
    ) -> tuple[list[Difference], bool]:
        """Return what others changed and we would undo, and whether a row of ours is gone."""
        changed = [name for name, digest in stored.items() if loaded.get(name, digest) != digest]
        form_class = self.get_form(request, row, change=True)
        theirs, yours = form_class(instance=row), form_class(request.POST, instance=row)
        found = []
        for name in changed:
            if name in theirs.fields:
                now, typed = _shown(theirs[name]), _shown(yours[name])
                if now != typed:
                    found.append(Difference(str(theirs[name].label), now, typed))
            elif ROW not in name:
                found.append(Difference(_("Credentials"), _("replaced")))
        hanging = dict(self._hanging(request, row))
        found += [_row(hanging[key], _("changed")) for key in changed if key in hanging]
        found += [_row(form, _("added")) for key, form in hanging.items() if key not in loaded]
        gone = [name for name in loaded if ROW in name and name not in stored]
        found += [Difference(_("A row below"), _("removed"))] * len(gone)
        return found, bool(gone)


def _read(token: str) -> tuple[datetime, Version] | None:
    """Read what a form brings back; None where it brings nothing that we wrote."""
    try:
        data = json.loads(token)
        return datetime.fromisoformat(data["at"]), dict(data["version"])
    except (KeyError, TypeError, ValueError):
        return None


def _digest(text: str) -> str:
    return salted_hmac("portal.stale", text).hexdigest()[:12]


def _initial(bound: forms.BoundField) -> str:
    value = bound.field.prepare_value(bound.initial)
    return "" if value is None else str(value)


def _secret(row: Any, field: EncryptedJSONField) -> str:
    """Return what must not leave the server other than as a digest."""
    try:
        return json.dumps(field.value_from_object(row), sort_keys=True)
    except CredentialsUnreadable:
        return ""


def _row(form: Any, what: str) -> Difference:
    return Difference(f"{form.instance._meta.verbose_name} {form.instance}", what)


def _shown(bound: forms.BoundField) -> str:
    """Return a value as somebody reads it; a secret is never shown."""
    field, value = bound.field, bound.value()
    if isinstance(field.widget, forms.PasswordInput):
        return ""
    if isinstance(field, forms.BooleanField):
        return _("yes") if value else _("no")
    if isinstance(field, forms.ModelChoiceField):
        chosen = (
            field.queryset.filter(pk=value or 0).first() if field.queryset is not None else None
        )
        return str(chosen or "")
    if isinstance(field, forms.ChoiceField):
        options: Any = field.choices
        return str({str(key): label for key, label in options}.get(str(value), value))
    return "" if value is None else str(value)
