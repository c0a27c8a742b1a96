"""A browser in which somebody is signed in at the test's own server."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ViewportSize
from pytest_django.live_server_helper import LiveServer

from portal.models import User

DESK: ViewportSize = {"width": 1400, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@contextmanager
def window(
    browser: Browser, server: LiveServer, user: User | None, **options: Any
) -> Iterator[BrowserContext]:
    """Open a browser with the session of somebody; a fault of a page's script fails the test."""
    assert user is not None
    context = browser.new_context(**{"base_url": server.url, "viewport": DESK, **options})
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": server.url}])
    yield context
    context.close()
    assert faults == []
