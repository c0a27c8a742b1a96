"""What tests of contacts need: contacts with numbers, who may change them, what they have now."""

from typing import Any

from rest_framework.test import APIClient

from portal.models import Contact, ContactNumber, Tenant, User
from tests import factories
from tests.sms.callers import person


def known(name: str, *numbers: str, **owner: Any) -> Contact:
    """Make a contact with these numbers."""
    contact: Contact = factories.ContactFactory(name=name, **owner)
    for number in numbers:
        factories.ContactNumberFactory(contact=contact, number=number)
    return contact


def administrator(tenant: Tenant) -> APIClient:
    """Return a client of the tenant's administrator, who has no extension."""
    return person(factories.UserFactory(tenant=tenant, role=User.Role.ADMIN))


def numbers_of(contact: Contact) -> dict[str, str]:
    """Return the labels of a contact by number."""
    return dict(ContactNumber.objects.filter(contact=contact).values_list("number", "label"))
