"""The account page in a real browser: what is ended goes from the list, and the page stays."""

import pytest
from django.conf import settings
from playwright.sync_api import Browser, ConsoleMessage, expect
from pytest_django.live_server_helper import LiveServer

from portal.models import Session, User
from tests import factories
from tests.estate import signed_in
from tests.windows import window

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_session_is_ended_without_loading_the_page_anew(
    browser: Browser, live_server: LiveServer
) -> None:
    ann: User = factories.UserFactory(username="ann", role="admin")
    other = signed_in(ann)
    name = settings.SESSION_COOKIE_NAME
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    with window(browser, live_server, ann) as context:
        context.on("console", hear)
        page = context.new_page()
        page.goto("/account/")
        page.evaluate("window.still = true")
        page.get_by_role("button", name="End the session of").click()
        expect(page.locator(".sessions > li")).to_have_count(1)
        expect(page.get_by_text("was signed out")).to_be_visible()
        assert page.evaluate("window.still") is True
    assert not Session.objects.filter(pk=other.cookies[name].value).exists()
    assert complaints == []
