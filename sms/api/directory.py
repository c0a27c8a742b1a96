"""Whom one can text and from what: contacts and caller IDs."""

import re
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal import e164
from portal.models import Contact, ContactNumber
from sms import inbox, media, permission
from sms.api.door import Door, Pages
from sms.api.errors import NotPermitted
from sms.api.serializers import REFUSALS, Shape, body_of, words_of

MAX_NUMBERS = 20


class ContactNumberShape(Shape):
    """One number of a contact."""

    number = serializers.CharField(max_length=40)
    label_ = serializers.CharField(max_length=32, required=False, allow_blank=True, default="")
    pretty = serializers.SerializerMethodField()

    def get_pretty(self, row: ContactNumber) -> str:
        """Return the number as people write it."""
        return e164.pretty(row.number)


class ContactShape(Shape):
    """A person or company; the numbers may be sent in any usual writing."""

    id = serializers.IntegerField(read_only=True)
    name = serializers.CharField(max_length=100)
    company = serializers.CharField(max_length=100, required=False, allow_blank=True)
    notes = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    shared = serializers.SerializerMethodField()
    numbers = ContactNumberShape(many=True, allow_empty=False)

    def validate_numbers(self, numbers: list[dict[str, str]]) -> list[dict[str, str]]:
        """Refuse a telephone book in one contact."""
        if len(numbers) > MAX_NUMBERS:
            raise serializers.ValidationError(_("A contact has at most %d numbers.") % MAX_NUMBERS)
        return numbers

    def get_shared(self, contact: Contact) -> bool:
        """Say whether the whole tenant sees the contact."""
        return contact.extension_id is None


class ContactQuery(Shape):
    """How contacts are searched."""

    q = serializers.CharField(
        required=False, max_length=100, help_text=gettext_lazy("In a name, company or number.")
    )
    number = serializers.CharField(
        required=False, max_length=40, help_text=gettext_lazy("Exactly this number.")
    )


class LimitsShape(Shape):
    """What the trunk takes of files; 0 and an empty list mean that nobody knows."""

    mms = serializers.BooleanField()
    types = serializers.ListField(
        child=serializers.CharField(),
        help_text=gettext_lazy("One that ends with / means everything that begins so."),
    )
    max_files = serializers.IntegerField()
    max_file_bytes = serializers.IntegerField()
    max_total_bytes = serializers.IntegerField()


class CallerIdShape(Shape):
    """Something to send from."""

    from_ = serializers.CharField(source="value")
    pretty = serializers.SerializerMethodField()
    kind = serializers.SerializerMethodField()
    description = serializers.CharField()
    is_default = serializers.BooleanField()
    trunk = serializers.CharField(source="trunk.name")
    mms = serializers.SerializerMethodField()
    limits = serializers.SerializerMethodField()

    def get_pretty(self, sender: permission.Sender) -> str:
        """Return it as people write it."""
        return e164.pretty(sender.value)

    @extend_schema_field(serializers.ChoiceField(choices=["number", "word"]))
    def get_kind(self, sender: permission.Sender) -> str:
        """Say whether it is a number or a Sender ID, which gets no answers."""
        return "word" if sender.is_word else "number"

    def get_mms(self, sender: permission.Sender) -> bool:
        """Say whether files can be sent from it."""
        capable = sender.trunk.capable.capabilities.mms
        return bool(capable and sender.did and sender.did.mms)

    @extend_schema_field(LimitsShape)
    def get_limits(self, sender: permission.Sender) -> dict[str, Any]:
        """Return what files may be; a file is also kept here, so our own limit holds, too."""
        able = sender.trunk.capable.capabilities
        limits = {
            "mms": self.get_mms(sender),
            "types": able.media_types,
            "max_files": able.max_media,
            "max_file_bytes": min(able.max_file_bytes or media.MAX_BYTES, media.MAX_BYTES),
            "max_total_bytes": able.max_media_bytes,
        }
        return dict(LimitsShape(limits).data)


class CallerIdQuery(Shape):
    """Whose caller IDs."""

    extension = serializers.CharField(
        required=False,
        max_length=10,
        help_text=gettext_lazy("For the tokens of a tenant, and needed there."),
    )
    conversation = serializers.IntegerField(
        required=False,
        min_value=1,
        help_text=gettext_lazy("In this thread: a group's own number, too."),
    )


class ByName(Pages):
    """Pages in the order of a telephone book."""

    ordering = ("name", "id")


class ContactsView(Door):
    """The collection of contacts: the tenant's, and the extension's own."""

    pagination_class = ByName

    @extend_schema(
        operation_id="contacts_list",
        summary="List or search contacts",
        parameters=[ContactQuery],
        responses={200: ContactShape(many=True), **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """List what the caller sees."""
        del request
        query = words_of(ContactQuery, self)
        found = inbox.contacts(self.caller.tenant, self.caller.extension)
        if "number" in query:
            found = found.filter(pk__in=self.having(number=self.normal(query["number"])))
        if "q" in query:
            found = found.filter(self.searched(query["q"]))
        return self.page(found.prefetch_related("numbers"), ContactShape)

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

    def normal(self, typed: str) -> str:
        """Return a number in normal form, or refuse it."""
        try:
            return e164.normalize(typed, self.caller.tenant.country)
        except e164.NumberInvalid as error:
            raise permission.NumberInvalid(str(error)) from error

    @extend_schema(
        operation_id="contacts_create",
        summary="Add a contact",
        request=ContactShape,
        responses={201: ContactShape, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Add an own contact; the tenant's machine or administrator adds a shared one."""
        del request
        words = body_of(ContactShape, self)
        own = self.caller.extension
        if own is None and not self.acts_for_tenant:
            raise NotPermitted(_("You may read contacts, not add them."))
        numbers = {self.normal(row["number"]): row["label"] for row in words.pop("numbers")}
        with transaction.atomic():
            contact = Contact.objects.create(tenant=self.caller.tenant, extension=own, **words)
            ContactNumber.objects.bulk_create(
                ContactNumber(tenant_id=contact.tenant_id, contact=contact, number=n, label=label)
                for n, label in numbers.items()
            )
        return Response(ContactShape(contact).data, status=201)


class CallerIdsView(Door):
    """What an extension may send from."""

    pagination_class = None

    @extend_schema(
        operation_id="caller_ids_list",
        summary="List what an extension may send from, the default first",
        parameters=[CallerIdQuery],
        responses={200: CallerIdShape(many=True), **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """List caller IDs and Sender IDs."""
        del request
        query = words_of(CallerIdQuery, self)
        extension = self.extension(query.get("extension", ""))
        thread = self.conversation(query["conversation"]) if "conversation" in query else None
        # The order in which a sender is chosen when none was named.
        found = permission.senders_in(extension, thread)
        senders = sorted(found, key=lambda sender: not sender.is_default)
        return Response(CallerIdShape(senders, many=True).data)
