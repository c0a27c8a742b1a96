"""People outside: the tenant's shared contacts, and each extension's own."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Func, Q, QuerySet
from django.db.models.functions import Lower
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from portal import e164
from portal.addressbook import entry
from portal.addressbook.book import Book
from portal.admin import trail
from portal.models import Contact, ContactNumber, Tenant
from sms import inbox, permission
from sms.api.authentication import TokenUser
from sms.api.contact_shapes import ContactBody, ContactQuery, ContactShape, NewContact
from sms.api.conversations import ConversationDoor
from sms.api.door import Door, Pages
from sms.api.errors import NotPermitted, NumbersInvalid
from sms.api.listing import LatestFirst
from sms.api.serializers import REFUSALS, ConversationShape, body_of, words_of


class ByName(Pages):
    """Pages in the order of a telephone book."""

    ordering = ("sort", "id")


class ContactDoor(Door):
    """What the addresses of contacts share."""

    pagination_class: type[Pages] | None = ByName

    def contacts(self) -> QuerySet[Contact]:
        """Return the contacts that the caller sees."""
        return inbox.contacts(self.caller.tenant, self.caller.extension)

    def may_change(self, contact: Contact) -> bool:
        """Say whether the caller may: an extension its own, the tenant the shared ones."""
        own = self.caller.extension
        if contact.extension_id is None:
            return self.acts_for_tenant
        return own is not None and contact.extension_id == own.pk

    def book(self, *, shared: bool) -> Book:
        """Return the book into which the caller adds."""
        own = self.caller.extension
        if (shared or own is None) and not self.acts_for_tenant:
            if own is None:
                raise NotPermitted(_("You may read contacts, not add them."))
            raise NotPermitted(
                _("Only a tenant administrator adds shared contacts. Add one of your own.")
            )
        return Book(self.caller.tenant, None if shared else own)

    def to_change(self, pk: int) -> Contact:
        """Return a contact that the caller may change, locked; else refuse."""
        # Numbers are locked by way of their contact, as by an import.
        locked = self.contacts().select_for_update(of=("self",))
        contact = get_object_or_404(locked, pk=pk)
        if not self.may_change(contact):
            if self.caller.extension is None:
                raise NotPermitted(_("You may read contacts, not change them."))
            raise NotPermitted(
                _("A tenant administrator edits shared contacts. Make a copy of your own instead.")
            )
        return contact

    def normal(self, rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
        """Return the labels by number in normal form, or refuse all that cannot be read."""
        country = self.caller.tenant.country
        found: dict[str, str] = {}
        wrong: list[dict[str, list[dict[str, str]]]] = []
        for row in rows:
            typed = row.get("number", "")
            try:
                found[e164.normalize(typed, country)] = row.get("label", "")
                wrong.append({})
            except e164.NumberInvalid as error:
                why = f"{error} {entry.way_out(typed, country)}"
                wrong.append({"number": [{"message": why, "code": NumbersInvalid.code}]})
        if any(wrong):
            said = [
                f"{_('Number %d') % at}: {row['number'][0]['message']}"
                for at, row in enumerate(wrong, 1)
                if row
            ]
            raise NumbersInvalid(" ".join(said), {"numbers": wrong})
        return found

    def note(self, action: str, target: Contact | Tenant, **detail: Any) -> None:
        """Write to the audit log what was done to contacts that others see, too."""
        if isinstance(target, Contact) and target.extension_id is not None:
            return
        tenant = self.caller.tenant
        written = trail.entry(self.request, action, target, tenant=tenant, detail=detail)
        user = self.request.user
        if isinstance(user, TokenUser):
            written.username = _("API token %s") % user.token
        written.save()

    def shaped(self, contact: Contact) -> dict[str, Any]:
        """Return a contact as it crosses the API."""
        return dict(ContactShape(contact, context={"may_change": self.may_change}).data)


class ContactsView(ContactDoor):
    """The collection of contacts: the tenant's, and the extension's own."""

    @extend_schema(
        operation_id="contacts_list",
        summary="List or search contacts",
        parameters=[ContactQuery],
        responses={200: ContactShape(many=True), **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """List what the caller sees, from A to Z."""
        del request
        query = words_of(ContactQuery, self)
        # An accent apart from its letter stands after it, and not after Z.
        letters = Func(Lower("name"), template="normalize(%(expressions)s, NFD)")
        found = self.contacts().annotate(sort=letters)
        if "number" in query:
            found = found.filter(pk__in=self.having(number=self.exact(query["number"])))
        if "q" in query:
            found = found.filter(self.searched(query["q"]))
        return self.page(
            found.prefetch_related("numbers"), ContactShape, may_change=self.may_change
        )

    def having(self, **number: str) -> Any:
        """Return the ids of the contacts that have such a number."""
        rows = ContactNumber.objects.filter(tenant=self.caller.tenant, **number)
        return rows.order_by().values("contact")

    def searched(self, words: str) -> Q:
        """Look in names, and in numbers where digits were typed."""
        wanted = Q(name__icontains=words) | Q(company__icontains=words)
        digits = re.sub(r"[^0-9]", "", words)
        if digits:
            wanted |= Q(pk__in=self.having(number__contains=digits))
        return wanted

    def exact(self, typed: str) -> str:
        """Return a number in normal form, or refuse it."""
        try:
            return e164.normalize(typed, self.caller.tenant.country)
        except e164.NumberInvalid as error:
            raise permission.NumberInvalid(str(error)) from error

    @extend_schema(
        operation_id="contacts_create",
        summary="Add a contact",
        request=NewContact,
        responses={201: ContactShape, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Add an own contact; the tenant's machine or administrator may add a shared one."""
        del request
        words = body_of(NewContact, self)
        book = self.book(shared=words.pop("shared"))
        numbers = self.normal(words.pop("numbers"))
        with transaction.atomic():
            contact = Contact.objects.create(tenant=book.tenant, extension=book.extension, **words)
            _put(contact, numbers)
            self.note("added", contact, added=_said(numbers))
        return Response(self.shaped(contact), status=201)


class ContactView(ContactDoor):
    """One contact."""

    @extend_schema(
        operation_id="contacts_get",
        summary="Read one contact",
        responses={200: ContactShape, **REFUSALS},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Read it with its numbers."""
        del request
        return Response(self.shaped(get_object_or_404(self.contacts(), pk=pk)))

    @extend_schema(
        operation_id="contacts_change",
        summary="Change a contact",
        request=ContactBody(partial=True),
        responses={200: ContactShape, **REFUSALS},
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change what is sent; numbers that are sent take the place of those it had."""
        form = ContactBody(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        words = dict(form.validated_data)
        numbers = self.normal(words.pop("numbers")) if "numbers" in words else None
        with transaction.atomic():
            contact = self.to_change(pk)
            detail = _change(contact, words, numbers)
            if detail:
                self.note("changed", contact, **detail)
        return self.get(request, pk)

    @extend_schema(
        operation_id="contacts_delete",
        summary="Delete a contact",
        responses={204: None, **REFUSALS},
    )
    def delete(self, request: Request, pk: int) -> Response:
        """Delete it; what was texted with its numbers stays."""
        del request
        with transaction.atomic():
            contact = self.to_change(pk)
            numbers = {row.number: row.label for row in contact.numbers.all()}
            self.note("deleted", contact, removed=_said(numbers))
            contact.delete()
        return Response(status=204)


class ThreadsView(ConversationDoor):
    """What was texted with the numbers of a contact."""

    pagination_class = LatestFirst

    @extend_schema(
        operation_id="contacts_conversations",
        summary="List the conversations with a contact, the latest first",
        responses={200: ConversationShape(many=True), **REFUSALS},
    )
    def get(self, request: Request, pk: int) -> Response:
        """List those that the caller may read, threads of several among them."""
        del request
        mine = inbox.contacts(self.caller.tenant, self.caller.extension)
        contact = get_object_or_404(mine.prefetch_related("numbers"), pk=pk)
        numbers = [row.number for row in contact.numbers.all()]
        among = "|".join(map(re.escape, numbers))
        several = Q(remote__contains=";", remote__regex=f"(^|;)({among})(;|$)")
        found = self.conversations(own=True).filter(Q(remote__in=numbers) | several)
        rows = self.paginate_queryset(self.dressed(found)) or []
        return self.get_paginated_response(self.shaped(rows))


def _put(contact: Contact, numbers: Mapping[str, str]) -> None:
    """Give a contact these numbers instead of those it had."""
    ContactNumber.objects.filter(contact=contact).delete()
    ContactNumber.objects.bulk_create(
        ContactNumber(tenant_id=contact.tenant_id, contact=contact, number=number, label=label)
        for number, label in numbers.items()
    )


def _change(
    contact: Contact, words: Mapping[str, str], numbers: Mapping[str, str] | None
) -> dict[str, Any]:
    """Change a contact; return what was changed, as the audit log keeps it."""
    changed = {}
    for name, new in words.items():
        old = getattr(contact, name)
        if new != old:
            changed[name] = [old[: trail.KEPT], new[: trail.KEPT]]
            setattr(contact, name, new)
    detail: dict[str, Any] = {"changed": changed} if changed else {}
    contact.save(update_fields=list(changed))
    before = {row.number: row.label for row in contact.numbers.all()}
    if numbers is not None and numbers != before:
        _put(contact, numbers)
        had, has = set(_said(before)), set(_said(numbers))
        detail |= {"added": sorted(has - had), "removed": sorted(had - has)}
    return detail


def _said(numbers: Mapping[str, str]) -> list[str]:
    """Write numbers as the audit log shows them."""
    return [f"{number} ({label})" if label else number for number, label in numbers.items()]
