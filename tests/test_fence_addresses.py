"""The tenant fence, address by address: what the admin answers to those who should not see it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver

from portal.admin import trail
from portal.admin.site import site
from portal.models import AuditEntry, User
from tests import estate as estates
from tests.estate import Estate, person, signed_in
from tests.test_fence import PAGES, assert_unseen, name_of

pytestmark = pytest.mark.django_db

# Ends the session that walks, or holds nothing of anybody.
ASIDE = {"logout", "login", "jsi18n", "app_list", "password_change"}
REFUSED = {302, 403, 404, 405}
# What an auditor may leave behind: reading is noted.
READING = {trail.LOOKED, "exported"}


@dataclass(frozen=True)
class Address:
    """One address of the admin, and whether it names a row."""

    path: str
    of_row: bool


def addresses(estate: Estate) -> list[Address]:
    """Return every address of the admin, with the estate's rows where one is asked for."""
    rows = {name_of(model).replace("_", "/", 1): row for model, row in estate.rows.items()}
    acts = {
        name_of(model).replace("_", "/", 1): [act.name for act in page.acts]  # type: ignore[attr-defined] # ours
        for model, page in PAGES.items()
    }
    found = []
    for route, pattern in _patterns(site.get_urls()):
        if pattern.name in ASIDE or "url" in pattern.pattern.converters or "(?P<" in route:
            continue
        model = "/".join(route.split("/")[:2])
        names = acts[model] if "name" in pattern.pattern.converters else [""]
        for name in names:
            path = route.replace("<path:object_id>", "<id>").replace("<slug:name>", name)
            path = path.replace("<id>", str(rows[model].pk) if model in rows else "1")
            found.append(Address(f"/admin/{path}", of_row="<" in route))
    return found


def _patterns(listed: Any, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in listed:
        route = f"{before}{one.pattern}"
        if isinstance(one, URLResolver):
            yield from _patterns(one.url_patterns, route)
        else:
            yield route, one


@pytest.fixture
def ours() -> Estate:
    """The tenant that is to stay unseen."""
    return estates.build("zebra", "+12125550171")


@pytest.fixture
def theirs() -> Estate:
    """Another tenant."""
    return estates.build("koala", "+13105550142")


def test_the_walk_knows_every_kind_of_page(ours: Estate) -> None:
    paths = {address.path for address in addresses(ours)}

    assert len(paths) > 150
    assert {"/admin/", "/admin/simulator/", "/admin/sms/message/export/"} <= paths
    for page in PAGES.values():
        for act in page.acts:  # type: ignore[attr-defined] # ours
            assert any(path.endswith(f"/do/{act.name}/") for path in paths)


@pytest.mark.parametrize("role", [User.Role.ADMIN, User.Role.AUDITOR, User.Role.EXTENSION])
def test_nobody_of_another_tenant_finds_anything(ours: Estate, theirs: Estate, role: str) -> None:
    client = signed_in(person(theirs.tenant, "stranger", role))

    for address in addresses(ours):
        for answer in (client.get(address.path), client.post(address.path)):
            assert_unseen(answer, ours)
            assert answer.status_code in REFUSED or not address.of_row, address.path

    assert not AuditEntry.objects.filter(username="stranger", tenant=ours.tenant).exists()


def test_the_door_is_shut_to_extension_users_and_to_whoever_is_not_signed_in(ours: Estate) -> None:
    user = person(ours.tenant, "somebody", User.Role.EXTENSION)

    for client in (signed_in(user), Client()):
        for address in addresses(ours):
            for answer in (client.get(address.path), client.post(address.path)):
                assert answer.status_code in REFUSED, address.path
                assert_unseen(answer, ours)


def test_an_auditor_changes_nothing_anywhere(ours: Estate) -> None:
    client = signed_in(person(ours.tenant, "auditor", User.Role.AUDITOR))
    before = {model: list(model._default_manager.order_by("pk").values()) for model in PAGES}  # noqa: SLF001 - Django's own name
    kept = [entry.pk for entry in AuditEntry.objects.all()]

    for address in addresses(ours):
        client.post(address.path, {"post": "yes", "_save": "1", "reason": "because"})

    after = {model: list(model._default_manager.order_by("pk").values()) for model in PAGES}  # noqa: SLF001 - Django's own name
    del before[AuditEntry], after[AuditEntry]
    assert after == before
    left = AuditEntry.objects.exclude(pk__in=kept).values_list("action", flat=True)
    assert set(left) <= READING
