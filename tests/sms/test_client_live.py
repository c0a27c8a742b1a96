"""The open client and its push stream: news, gaps, silence, new tokens, another tab."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as product
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from portal import content_policy
from portal.models import CallerID
from sms import bell, inbox, switchboard
from sms.models import Conversation, Message
from tests import factories
from tests.portal.test_accessibility import sign_in
from tests.stack import Stack, status_of, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MANY = 70  # more than a page


@pytest.fixture(scope="module")
def push_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The push process alone, on the Redis of the tests."""
    names = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL")
    own = {name: getattr(product, name) for name in names}
    stack = Stack(tmp_path_factory.mktemp("push"), **own)
    try:
        launch(stack)
        yield stack
    finally:
        stack.stop()


def launch(stack: Stack) -> None:
    stack.launch("push")
    wait_until(lambda: status_of(stack.push_port, "/healthz") == 200, what="push alive")


@pytest.fixture
def conversation(line: CallerID, push_process: Stack, settings: Settings) -> Conversation:
    """A thread of somebody who reads it in the browser."""
    settings.PUSH_URL = push_process.push_url
    settings.CONTENT_SECURITY_POLICY = content_policy.configuration(push_process.push_url)
    line.extension.user = factories.UserFactory(tenant=line.tenant, username="desk")
    line.extension.save()
    made: Conversation = factories.ConversationFactory(did=line.did, extension=line.extension)
    factories.MessageFactory(conversation=made, inbound=True, text="Before")
    return made


@pytest.fixture
def context(
    browser: Browser, live_server: LiveServer, conversation: Conversation
) -> Iterator[BrowserContext]:
    """The reader's browser; a fault of a page's script fails the test."""
    assert conversation.extension is not None
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1400, "height": 900})
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    assert conversation.extension.user is not None
    sign_in(context.new_page(), conversation.extension.user)
    yield context
    context.close()
    assert faults == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab that hears."""
    return listening(context.pages[0])


def listening(page: Page, place: str = "") -> Page:
    """Open the client and wait until its stream has greeted it."""
    with page.expect_response(lambda answer: "/events?token=" in answer.url):
        page.goto(f"/{place}")
    page.get_by_test_id("conversation-item").first.wait_for()
    expect(page.get_by_test_id("line-state")).to_be_hidden()
    return page


def arrives(conversation: Conversation, text: str) -> dict[str, Any]:
    """Let a text of the other side come in; return the news of it."""
    message = factories.MessageFactory(conversation=conversation, inbound=True, text=text)
    Conversation.objects.filter(pk=conversation.pk).update(
        last_message_at=timezone.now(), last_text=text
    )
    news = {"type": "message", "conversation": conversation.pk, "message": message.pk}
    bell.tell(switchboard.audience(conversation), news)
    return news


def shown(page: Page) -> list[str]:
    """Return the texts of the open thread, in their order."""
    return page.get_by_test_id("message").locator(".text").all_inner_texts()


def test_news_that_are_told_twice_show_once(page: Page, conversation: Conversation) -> None:
    page.goto(f"/#c{conversation.pk}")
    news = arrives(conversation, "Only once")
    bell.tell(switchboard.audience(conversation), news)
    expect(page.get_by_test_id("message").last).to_contain_text("Only once")
    arrives(conversation, "And the next")
    expect(page.get_by_test_id("message").last).to_contain_text("And the next")
    assert shown(page) == ["Before", "Only once", "And the next"]


def test_what_came_while_the_push_process_was_dead_shows_once(
    page: Page, conversation: Conversation, push_process: Stack
) -> None:
    page.goto(f"/#c{conversation.pk}")
    expect(page.get_by_test_id("message")).to_have_count(1)
    push_process.kill("push")
    expect(page.get_by_test_id("line-state")).to_contain_text("Connection lost")
    texts = [f"Missed {number}" for number in range(MANY)]
    for text in texts:
        arrives(conversation, text)
    launch(push_process)
    expect(page.get_by_test_id("line-state")).to_be_hidden(timeout=30_000)
    expect(page.get_by_test_id("message").last).to_contain_text(texts[-1])
    expect(page.get_by_test_id("conversation-item")).to_contain_text(texts[-1])
    seen = shown(page)
    assert seen == ["Before", *texts][-len(seen) :]

    # Scrolling back there is no hole either.
    while shown(page)[0] != "Before":
        before = page.get_by_test_id("message").count()
        page.get_by_test_id("message").first.scroll_into_view_if_needed()
        page.evaluate("document.getElementById('scroll').scrollTop = 0")
        page.wait_for_function(
            "count => document.querySelectorAll('[data-testid=message]').length > count",
            arg=before,
        )
    assert shown(page) == ["Before", *texts]


def test_a_line_on_which_nobody_speaks_is_given_up(
    context: BrowserContext, conversation: Conversation, push_process: Stack
) -> None:
    page = context.pages[0]
    page.clock.install()
    listening(page)
    [group] = {os.getpgid(pid) for pid in push_process.pids("push")}
    os.killpg(group, signal.SIGSTOP)
    try:
        page.clock.fast_forward(45_000)
        expect(page.get_by_test_id("line-state")).to_contain_text("Connection lost")
        arrives(conversation, "By the API meanwhile")
        page.clock.fast_forward(10_000)
        expect(page.get_by_test_id("conversation-item")).to_contain_text("By the API")
    finally:
        os.killpg(group, signal.SIGCONT)
    page.clock.fast_forward(30_000)
    expect(page.get_by_test_id("line-state")).to_be_hidden(timeout=20_000)


def test_a_token_is_renewed_before_it_ends_and_nobody_notices(
    context: BrowserContext, conversation: Conversation
) -> None:
    page, passes, lines = context.pages[0], [], []

    def short_lived(route: Route) -> None:
        answer = route.fetch()
        passes.append(answer.json()["token"])
        # The client renews a minute before the end: after two seconds, the first time.
        left = 62 if len(passes) == 1 else 900
        route.fulfill(response=answer, json=answer.json() | {"expires_in": left})

    page.route("**/api/v1/events", short_lived)
    page.on("request", lambda sent: lines.append(sent.url) if "?token=" in sent.url else None)
    listening(page)
    with page.expect_request(lambda sent: "?token=" in sent.url):
        arrives(conversation, "Under the first")
        expect(page.get_by_test_id("conversation-item")).to_contain_text("Under the first")
    arrives(conversation, "Under the second")
    expect(page.get_by_test_id("conversation-item")).to_contain_text("Under the second")
    expect(page.get_by_test_id("line-state")).to_be_hidden()
    assert len(passes) == len(lines) == 2


def test_the_other_tab_follows_what_is_read_closed_and_sent(
    page: Page, context: BrowserContext, conversation: Conversation
) -> None:
    expect(page.get_by_test_id("unread")).to_contain_text("1")
    expect(page).to_have_title("(1) Messages - SMS Channel")
    other = listening(context.new_page(), f"#c{conversation.pk}")
    expect(page.get_by_test_id("unread")).to_have_count(0)
    expect(page).to_have_title("Messages - SMS Channel")
    page.get_by_test_id("conversation-item").click()
    expect(page.get_by_test_id("message")).to_have_count(1)
    page.get_by_test_id("composer-text").fill("A draft of this tab")

    other.get_by_test_id("composer-text").fill("Sent over there")
    other.get_by_test_id("composer-text").press("Enter")
    expect(page.get_by_test_id("message").last).to_contain_text("Sent over there")
    expect(page.get_by_test_id("composer-text")).to_have_value("A draft of this tab")
    sent = Message.objects.get(text="Sent over there")
    Message.objects.filter(pk=sent.pk).update(state="delivered")
    state = {"type": "state", "conversation": conversation.pk, "message": sent.pk}
    bell.tell(switchboard.audience(conversation), state)
    for tab in (page, other):
        expect(tab.get_by_test_id("message").last).to_have_attribute("data-state", "delivered")

    inbox.close(conversation)
    for tab in (page, other):
        expect(tab.locator("#toggle-closed")).to_have_text("Reopen")


def test_the_icon_of_the_tab_shows_that_something_is_unread(page: Page) -> None:
    icon = page.locator("link[rel=icon]")
    expect(icon).to_have_attribute("href", "/static/sms/icon-unread.svg")
    page.get_by_test_id("conversation-item").click()
    expect(icon).to_have_attribute("href", "/static/sms/icon.svg")
