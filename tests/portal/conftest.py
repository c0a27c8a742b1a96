"""A tenant and its administrator: who most tests of the admin act as."""

import pytest
from django.test import Client

from portal.models import Tenant, User
from tests import factories
from tests.estate import person, signed_in


@pytest.fixture
def tenant() -> Tenant:
    """A tenant with nothing in it."""
    tenant: Tenant = factories.TenantFactory()
    return tenant


@pytest.fixture
def boss(tenant: Tenant) -> Client:
    """A browser in which its administrator is signed in."""
    return signed_in(person(tenant, "boss", User.Role.ADMIN))
