"""The shapes in which contacts cross the API."""

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from portal import e164
from portal.addressbook import entry
from portal.models import Contact, ContactNumber
from sms.api.serializers import Shape


class ContactNumberShape(Shape):
    """One number of a contact."""

    number = serializers.CharField(max_length=40)
    label_ = serializers.CharField(
        max_length=entry.LABEL, required=False, allow_blank=True, default=""
    )
    pretty = serializers.SerializerMethodField()

    def get_pretty(self, row: ContactNumber) -> str:
        """Return the number as people write it."""
        return e164.pretty(row.number)


class ContactBody(Shape):
    """What can be said of a contact; the numbers may be sent in any usual writing."""

    name = serializers.CharField(max_length=entry.LENGTHS["name"])
    company = serializers.CharField(
        max_length=entry.LENGTHS["company"], required=False, allow_blank=True
    )
    notes = serializers.CharField(
        max_length=entry.LENGTHS["notes"], required=False, allow_blank=True
    )
    numbers = ContactNumberShape(many=True, allow_empty=False)

    def validate_numbers(self, numbers: list[dict[str, str]]) -> list[dict[str, str]]:
        """Refuse a telephone book in one contact."""
        if len(numbers) > entry.MOST_NUMBERS:
            words = _("A contact has at most %d numbers.")
            raise serializers.ValidationError(words % entry.MOST_NUMBERS)
        return numbers


class NewContact(ContactBody):
    """A contact on its way in."""

    shared = serializers.BooleanField(
        required=False,
        default=False,
        help_text=gettext_lazy("For the whole tenant; only its administrator or token may."),
    )


class ContactShape(ContactBody):
    """A person or company. Its context holds ``may_change``, which knows what the caller may."""

    id = serializers.IntegerField(read_only=True)
    shared = serializers.SerializerMethodField()
    editable = serializers.SerializerMethodField()

    def get_shared(self, contact: Contact) -> bool:
        """Say whether the whole tenant sees the contact."""
        return contact.extension_id is None

    def get_editable(self, contact: Contact) -> bool:
        """Say whether the caller may change or delete it."""
        may_change: Callable[[Contact], bool] = self.context["may_change"]
        return may_change(contact)


class ContactQuery(Shape):
    """How contacts are searched."""

    q = serializers.CharField(
        required=False, max_length=100, help_text=gettext_lazy("In a name, company or number.")
    )
    number = serializers.CharField(
        required=False, max_length=40, help_text=gettext_lazy("Exactly this number.")
    )
