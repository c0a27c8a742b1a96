"""Every page, by axe: wide and on a phone, light and dark, nothing serious is wrong with it.

A new page is one line here.
"""

from collections.abc import Iterator
from importlib import resources
from typing import Any, Literal

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from portal.admin.sign_in_link import link_of
from portal.models import User
from tests import estate as estates
from tests.estate import Estate

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text()
RUN = "axe.run(document, {resultTypes: ['violations']}).then(result => result.violations)"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = ((1400, 900), (390, 844))

# By area; names in braces are rows of the tenant, by their model.
ADMINISTRATOR = {
    "trunks": (
        "/admin/portal/trunk/",
        "/admin/portal/trunk/add/",
        "/admin/portal/trunk/add/?provider=twilio",
        "/admin/portal/trunk/{Trunk}/change/",
        "/admin/portal/trunk/{Trunk}/do/try/",
        "/admin/portal/trunk/{Trunk}/do/rotate/",
        "/admin/portal/trunk/{Trunk}/do/pause/",
        "/admin/providers/",
    ),
    "numbers": (
        "/admin/portal/did/",
        "/admin/portal/did/add/",
        "/admin/portal/did/import/",
        "/admin/simulator/",
        "/admin/portal/did/{DID}/change/",
        "/admin/portal/senderid/",
        "/admin/portal/inboundrule/",
        "/admin/portal/inboundrule/add/",
        "/admin/portal/inboundrule/{InboundRule}/change/",
        "/admin/portal/schedule/{Schedule}/change/",
    ),
    "extensions": (
        "/admin/portal/extension/",
        "/admin/portal/extension/import/",
        "/admin/portal/extension/add/",
        "/admin/portal/extension/{Extension}/change/",
        "/admin/portal/extension/{Extension}/do/link/",
        "/admin/portal/extension/{Extension}/delete/",
    ),
    "people": (
        "/admin/portal/group/{Group}/change/",
        "/admin/portal/contact/",
        "/admin/portal/contact/import/",
        "/admin/portal/contact/{Contact}/change/",
        "/admin/portal/user/",
        "/admin/portal/user/add/",
        "/admin/portal/user/{User}/change/",
        "/admin/portal/user/{User}/password/",
    ),
    "settings": (
        "/admin/",
        "/admin/portal/tenant/{Tenant}/change/",
        "/admin/portal/tenant/{Tenant}/history/",
        "/admin/portal/apitoken/",
        "/admin/portal/apitoken/add/",
        "/admin/portal/auditentry/",
        "/admin/portal/auditentry/{AuditEntry}/change/",
    ),
    "traffic": (
        "/admin/sms/message/",
        "/admin/sms/message/{Message}/change/",
        "/admin/sms/conversation/",
        "/admin/sms/trunkqueue/",
        "/admin/sms/trunkqueue/{TrunkQueue}/change/",
        "/admin/sms/providerevent/",
        "/admin/sms/providerevent/{ProviderEvent}/change/",
        "/admin/sms/optout/",
    ),
}
SYSTEM_ADMINISTRATOR = (
    "/admin/portal/tenant/",
    "/admin/portal/tenant/add/",
    "/admin/certificate/",
    "/admin/portal/extension/add/",
    "/admin/sms/refusedcount/",
)
EXTENSION_USER = ("/", "/handset/", "/account/", "/account/password/", "/account/second-factor/")
STRANGER = ("/login/", "/admin/login/", "/account/forgotten/")


@pytest.fixture
def estate() -> Estate:
    """A tenant with a row of everything."""
    return estates.build("zebra", "+12125550171")


@pytest.fixture
def page(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A browser with axe in every page."""
    context = browser.new_context(base_url=live_server.url)
    context.add_init_script(AXE)
    yield context.new_page()
    context.close()


def sign_in(page: Page, user: User) -> None:
    """Give the browser the session of somebody."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    name = settings.SESSION_COOKIE_NAME
    cookie: Any = {"name": name, "value": client.cookies[name].value, "path": "/"}
    page.context.add_cookies([cookie | {"domain": "localhost"}])


def wrong(page: Page, *addresses: str) -> list[str]:
    """Return what is seriously wrong with pages, in each look, in words."""
    return [line for address in addresses for line in _wrong(page, address)]


def _wrong(page: Page, address: str) -> Iterator[str]:
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        assert page.evaluate("location.pathname") == address.partition("?")[0]
        for width, height in WIDTHS:
            page.set_viewport_size({"width": width, "height": height})
            for one in page.evaluate(RUN):
                if one["impact"] in {"serious", "critical"}:
                    look = f"{address} {scheme} {width}"
                    yield from (f"{look} {one['id']}: {node['html']}" for node in one["nodes"])


@pytest.mark.parametrize("area", ADMINISTRATOR)
def test_the_administrators_pages_are_accessible(page: Page, estate: Estate, area: str) -> None:
    rows = {model.__name__: row.pk for model, row in estate.rows.items()}
    sign_in(page, estate.admin)

    assert wrong(page, *(address.format(**rows) for address in ADMINISTRATOR[area])) == []


@pytest.mark.usefixtures("estate")
def test_the_system_administrators_pages_are_accessible(page: Page) -> None:
    sign_in(page, estates.system_administrator())

    assert wrong(page, *SYSTEM_ADMINISTRATOR) == []


def test_the_pages_of_an_extensions_user_are_accessible(page: Page, estate: Estate) -> None:
    sign_in(page, estate.rows[User])

    assert wrong(page, *EXTENSION_USER) == []


def test_the_way_in_is_accessible(page: Page, estate: Estate) -> None:
    page.goto(link_of(estate.rows[User]).removeprefix(settings.PUBLIC_URL))

    assert wrong(page, page.evaluate("location.pathname"), *STRANGER) == []
