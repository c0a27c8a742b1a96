"""Every factory makes, all by itself, a row that the database takes at commit."""

import pytest
from django.db import connection
from factory.django import DjangoModelFactory

from tests import factories

MADE = [
    factory
    for name, factory in vars(factories).items()
    if name.endswith("Factory") and factory.__module__ == factories.__name__
]


@pytest.mark.django_db
@pytest.mark.parametrize("factory", MADE, ids=lambda factory: factory.__name__)
def test_a_factory_makes_a_row_that_the_database_takes(factory: type[DjangoModelFactory]) -> None:
    row = factory()
    connection.check_constraints()
    row.refresh_from_db()
    assert row.pk


@pytest.mark.django_db
def test_a_line_is_all_in_one_tenant() -> None:
    line = factories.line()
    connection.check_constraints()
    assert line.tenant == line.extension.tenant == line.did.tenant == line.did.trunk.tenant
