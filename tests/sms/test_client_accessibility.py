"""The client's places, by axe and under a thumb: list, thread, new message, settings."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from portal.models import CallerID
from sms.models import Conversation
from tests import factories
from tests.portal.test_accessibility import AXE, RUN, SCHEMES, WIDTHS, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE: ViewportSize = {"width": 390, "height": 844}
SMALL = """
() => [...document.querySelectorAll('button, a, select, summary, input[type=file]')]
  .map(one => one.closest('label') ?? one)
  .filter(one => one.checkVisibility() && !one.closest('.visually-hidden, .text'))
  .map(one => [one, one.getBoundingClientRect()])
  .filter(([, box]) => box.width && box.height && (box.width < 43.5 || box.height < 43.5))
  .map(([one, box]) => `${one.outerHTML.slice(0, 90)} ${box.width}x${box.height}`)
"""


@pytest.fixture
def conversation(line: CallerID) -> Conversation:
    """A thread with something of every kind in it, and another one in the list."""
    line.extension.user = factories.UserFactory(tenant=line.tenant, username="desk")
    line.extension.save()
    contact = factories.ContactFactory(tenant=line.tenant, name="Helen Ruiz")
    factories.ContactNumberFactory(contact=contact)
    factories.ConversationFactory(did=line.did, extension=line.extension, remote="+16175550177")
    made: Conversation = factories.ConversationFactory(did=line.did, extension=line.extension)
    for state in ("delivered", "failed", "unconfirmed", "held", "queued"):
        factories.MessageFactory(conversation=made, state=state, error="It says why.")
    factories.MessageFactory(conversation=made, inbound=True, text="See https://example.com/a")
    return made


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, conversation: Conversation) -> Iterator[Page]:
    """A signed-in browser with axe in every page."""
    context = browser.new_context(base_url=live_server.url)
    context.add_init_script(AXE)
    page = context.new_page()
    assert conversation.extension is not None
    assert conversation.extension.user is not None
    sign_in(page, conversation.extension.user)
    yield page
    context.close()


def opened(page: Page, place: str) -> None:
    """Open one of the client's places and wait until it is drawn."""
    page.goto("about:blank")
    page.goto(f"/{place}")
    page.wait_for_selector("#conversation-list[aria-busy=false]", state="attached")
    if place.startswith("#c"):
        page.get_by_test_id("message").first.wait_for()
    elif place == "#new":
        page.get_by_test_id("recipient").wait_for()
    else:
        page.get_by_test_id("conversation-item").first.wait_for()


@pytest.mark.parametrize("width", WIDTHS)
def test_every_place_of_the_client_is_accessible(
    page: Page, conversation: Conversation, width: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": width[0], "height": width[1]})
    wrong = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for place in ("", f"#c{conversation.pk}", "#new", "settings"):
            opened(page, "" if place == "settings" else place)
            if place == "settings":
                page.get_by_test_id("notify-open").click()
            for one in page.evaluate(RUN):
                if one["impact"] in {"serious", "critical"}:
                    look = f"{place} {scheme}"
                    wrong += [f"{look} {one['id']}: {node['html']}" for node in one["nodes"]]
    assert wrong == []


def test_a_thumb_hits_everything(page: Page, conversation: Conversation) -> None:
    page.set_viewport_size(PHONE)
    for place in ("", f"#c{conversation.pk}", "#new"):
        opened(page, place)
        assert page.evaluate(SMALL) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_way_back_of_the_browser_leads_to_the_list(
    page: Page, conversation: Conversation
) -> None:
    page.set_viewport_size(PHONE)
    opened(page, "")
    page.get_by_test_id("conversation-item").first.click()
    expect(page.get_by_test_id("thread")).to_be_visible()
    page.go_back()
    expect(page.get_by_test_id("conversation-list")).to_be_visible()
    expect(page.get_by_test_id("thread")).to_be_hidden()
    assert conversation.pk


def test_the_keyboard_of_a_phone_does_not_hide_the_composer(
    page: Page, conversation: Conversation
) -> None:
    page.set_viewport_size(PHONE)
    opened(page, f"#c{conversation.pk}")
    # As where the keyboard makes the page smaller, and as where it covers the page.
    page.set_viewport_size({"width": 390, "height": 500})
    expect(page.get_by_test_id("composer-send")).to_be_in_viewport(ratio=1)
    page.set_viewport_size(PHONE)
    page.evaluate(
        "() => { Object.defineProperty(visualViewport, 'height', {value: 500});"
        " visualViewport.dispatchEvent(new Event('resize')); }"
    )
    bottom = page.get_by_test_id("composer-send").evaluate(
        "one => one.getBoundingClientRect().bottom"
    )
    assert bottom <= 500
