"""What every kind of page tells the browser to allow, to hide and not to keep."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path
from pytest_django import Settings

from portal.models import Extension, User
from tests import factories
from tests.estate import person, signed_in

pytestmark = pytest.mark.django_db

OPEN = ("/login/", "/admin/login/", "/account/forgotten/", "/account/reset/MQ/no-token/")
INSIDE = {
    "/": 200,
    "/handset/": 200,
    "/account/": 200,
    "/account/password/": 200,
    "/account/second-factor/": 200,
    "/admin/": 200,
    "/admin/portal/extension/": 200,
    "/admin/portal/extension/add/": 200,
    "/admin/portal/nothing/": 404,
    "/api/v1/docs/": 200,
    "/api/v1/conversations": 200,
    "/api/v1/nothing": 404,
    "/nowhere": 404,
    "/boom": 500,
}
FORBIDDEN = "/admin/portal/tenant/add/"


def boom(request: object) -> HttpResponse:
    """Fail."""
    raise ZeroDivisionError(request)


urlpatterns = [path("boom", boom), path("", include("portal.urls"))]


@pytest.fixture(autouse=True)
def _as_in_production(settings: Settings) -> None:
    """Show error pages to people, and one that fails."""
    settings.DEBUG = False
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def boss() -> Client:
    """An administrator who texts as well, so that every page opens."""
    line = factories.line()
    user = person(line.tenant, "boss", User.Role.ADMIN)
    Extension.objects.filter(pk=line.extension_id).update(user=user)
    client = signed_in(user)
    client.raise_request_exception = False
    return client


def assert_strict(answer: Any) -> None:
    """Fail unless an answer carries what keeps a browser from harm."""
    policy = dict(
        directive.strip().partition(" ")[::2]
        for directive in answer["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert "'unsafe-inline'" not in policy.get("script-src", "'self'")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("address", OPEN)
def test_a_page_for_strangers_is_strict(client: Client, address: str) -> None:
    answer = client.get(address)

    assert answer.status_code == 200
    assert_strict(answer)


@pytest.mark.parametrize(("address", "status"), INSIDE.items())
def test_a_page_for_people_is_strict_and_kept_by_nobody(
    boss: Client, address: str, status: int
) -> None:
    answer = boss.get(address)

    assert answer.status_code == status
    assert_strict(answer)
    assert "no-store" in answer["Cache-Control"]


def test_what_is_forbidden_is_strict_too(boss: Client) -> None:
    answer = boss.get(FORBIDDEN)

    assert answer.status_code == 403
    assert_strict(answer)
    assert "no-store" in answer["Cache-Control"]


def test_a_forged_form_is_refused_in_words(boss: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = boss.cookies

    answer = strict.post("/account/sessions/others/end/")

    assert answer.status_code == 403
    assert "Please try again" in answer.content.decode()
    assert_strict(answer)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/nowhere", "This page does not exist"),
        ("/boom", "Something went wrong"),
        (FORBIDDEN, "This is not open to you"),
    ],
)
def test_an_error_page_says_what_to_do(boss: Client, address: str, words: str) -> None:
    text = boss.get(address).content.decode()

    assert words in text
    assert "To the start page" in text
    assert "ZeroDivisionError" not in text


def test_code_and_pictures_may_be_kept(boss: Client) -> None:
    assert "Cache-Control" not in boss.get("/texts.js")
