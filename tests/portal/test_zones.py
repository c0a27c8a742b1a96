"""In whose time the admin writes."""

import datetime as dt

import pytest
from django.test import Client

from tests import factories

pytestmark = pytest.mark.django_db


def test_the_admin_writes_times_in_the_tenants_zone(client: Client) -> None:
    message = factories.MessageFactory(
        created_at=dt.datetime(2026, 1, 15, 17, 30, tzinfo=dt.UTC),
    )
    message.tenant.timezone = "America/New_York"
    message.tenant.save()
    user = factories.UserFactory(tenant=message.tenant, role="admin")
    client.force_login(user)
    page = client.get(f"/admin/sms/message/{message.pk}/change/").content.decode()
    assert "12:30 p.m." in page
    assert "5:30 p.m." not in page
