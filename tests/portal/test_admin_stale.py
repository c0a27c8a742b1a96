"""Two administrators at the same form do not overwrite each other unseen."""

import re
from typing import Any

import pytest
from django.test import Client

from portal.models import AuditEntry, Extension, Tenant, Trunk, User
from tests import factories
from tests.estate import person, signed_in
from tests.forms import untouched

pytestmark = pytest.mark.django_db

SECRET = "s3cret-that-stays"


@pytest.fixture
def ann(tenant: Tenant) -> Client:
    return signed_in(person(tenant, "ann", User.Role.ADMIN))


@pytest.fixture
def bob(tenant: Tenant) -> Client:
    return signed_in(person(tenant, "bob", User.Role.ADMIN))


@pytest.fixture
def desk(tenant: Tenant) -> Extension:
    desk: Extension = factories.ExtensionFactory(tenant=tenant, number="1001", name="Desk")
    return desk


def address(row: Any) -> str:
    options = row._meta  # noqa: SLF001 - Django's own name
    return f"/admin/{options.app_label}/{options.model_name}/{row.pk}/change/"


def opened(client: Client, row: Any) -> dict[str, str]:
    data = untouched(client, address(row))
    assert data["_loaded"]
    return data


def anyway(response: Any) -> str:
    found = re.search(r'name="_anyway"\s+value="(\w+)"', response.content.decode())
    assert found
    return found[1]


def test_a_form_that_nobody_else_touched_is_saved(ann: Client, desk: Extension) -> None:
    response = ann.post(address(desk), opened(ann, desk) | {"name": "Reception"})

    desk.refresh_from_db()
    assert response.status_code == 302
    assert desk.name == "Reception"


def test_a_change_made_meanwhile_is_shown_and_not_overwritten(
    ann: Client, bob: Client, desk: Extension
) -> None:
    form = opened(ann, desk)
    bob.post(address(desk), opened(bob, desk) | {"name": "Front desk"})

    response = ann.post(address(desk), form | {"name": "Reception", "sms": "DISABLE"})

    desk.refresh_from_db()
    assert (desk.name, desk.sms) == ("Front desk", "ALLOW")
    refusal = response.context["refusal"]
    assert [vars(one) for one in refusal.differences] == [
        {"label": "Display name", "theirs": "Front desk", "yours": "Reception"}
    ]
    assert [entry.username for entry in refusal.changes] == ["bob"]
    page = response.content.decode()
    assert "Somebody else changed this after you opened it." in page
    assert 'value="Reception"' in page
    assert not AuditEntry.objects.filter(username="ann", action="changed").exists()


def test_pressing_save_again_does_not_overwrite_but_saving_anyway_does(
    ann: Client, bob: Client, desk: Extension
) -> None:
    form = opened(ann, desk) | {"name": "Reception"}
    bob.post(address(desk), opened(bob, desk) | {"name": "Front desk"})
    refused = ann.post(address(desk), form)

    assert ann.post(address(desk), form).status_code == 200
    assert ann.post(address(desk), form | {"_anyway": anyway(refused)}).status_code == 302

    desk.refresh_from_db()
    assert desk.name == "Reception"


def test_saving_anyway_overwrites_only_what_was_seen(
    ann: Client, bob: Client, desk: Extension
) -> None:
    form = opened(ann, desk) | {"name": "Reception"}
    bob.post(address(desk), opened(bob, desk) | {"name": "Front desk"})
    seen = anyway(ann.post(address(desk), form))
    bob.post(address(desk), opened(bob, desk) | {"name": "Lobby"})

    response = ann.post(address(desk), form | {"_anyway": seen})

    assert response.context["refusal"].differences[0].theirs == "Lobby"
    desk.refresh_from_db()
    assert desk.name == "Lobby"


def test_the_same_change_made_by_both_is_no_conflict(
    ann: Client, bob: Client, desk: Extension
) -> None:
    form = opened(ann, desk) | {"name": "Lobby"}
    bob.post(address(desk), opened(bob, desk) | {"name": "Lobby"})

    assert ann.post(address(desk), form).status_code == 302


def test_what_workers_write_meanwhile_is_no_conflict(ann: Client, tenant: Tenant) -> None:
    trunk = factories.TrunkFactory(tenant=tenant)
    form = opened(ann, trunk)
    Trunk.objects.filter(pk=trunk.pk).update(paused_reason="x", last_send_at="2026-01-01T00:00Z")

    assert ann.post(address(trunk), form | {"name": "Other"}).status_code == 302


def test_a_secret_that_was_replaced_is_noticed_and_not_shown(
    ann: Client, bob: Client, tenant: Tenant
) -> None:
    trunk = factories.TrunkFactory(tenant=tenant)
    form = opened(ann, trunk)
    assert trunk.credentials["secret"] not in str(form)
    bob.post(address(trunk), opened(bob, trunk) | {"credential_secret": SECRET})

    response = ann.post(address(trunk), form | {"credential_secret": "another-of-mine"})

    assert [one.label for one in response.context["refusal"].differences] == ["Credentials"]
    assert SECRET not in response.content.decode()
    trunk.refresh_from_db()
    assert trunk.credentials["secret"] == SECRET


def test_rows_that_hang_on_the_row_count(ann: Client, bob: Client, desk: Extension) -> None:
    caller = factories.CallerIDFactory(extension=desk)
    form = opened(ann, desk)
    bob.post(address(desk), opened(bob, desk) | {"caller_ids-0-description": "Sales"})

    response = ann.post(address(desk), form | {"name": "Reception"})

    (difference,) = response.context["refusal"].differences
    assert difference.label.startswith("caller ID")
    assert difference.theirs == "changed"
    caller.refresh_from_db()
    assert caller.description == "Sales"


def test_a_row_that_was_removed_cannot_be_saved_anyway(
    ann: Client, bob: Client, desk: Extension
) -> None:
    factories.CallerIDFactory(extension=desk)
    form = opened(ann, desk)
    bob.post(address(desk), opened(bob, desk) | {"caller_ids-0-DELETE": "on"})

    response = ann.post(address(desk), form)

    assert response.context["refusal"].stored == ""
    assert "cannot be saved any more" in response.content.decode()
    assert not desk.caller_ids.exists()


def test_a_change_by_no_person_is_called_so(ann: Client, desk: Extension) -> None:
    form = opened(ann, desk)
    Extension.objects.filter(pk=desk.pk).update(presence="away")

    response = ann.post(address(desk), form)

    assert "No person: a command or the system itself changed it." in response.content.decode()


def test_a_version_that_is_no_version_does_not_stop_anybody(ann: Client, desk: Extension) -> None:
    for token in ("", "{", "[]", '{"at": "never", "version": {}}'):
        assert ann.post(address(desk), opened(ann, desk) | {"_loaded": token}).status_code == 302


def test_the_price_of_a_version_does_not_grow_with_the_rows(
    ann: Client, desk: Extension, django_assert_max_num_queries: Any
) -> None:
    factories.CallerIDFactory(extension=desk)
    with django_assert_max_num_queries(200) as few:
        form = opened(ann, desk)
        ann.post(address(desk), form)
    for _turn in range(5):
        factories.CallerIDFactory(extension=desk, is_default=False)
    with django_assert_max_num_queries(200) as many:
        ann.get(address(desk))

    assert len(many) <= len(few)
