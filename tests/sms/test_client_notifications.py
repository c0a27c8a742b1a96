"""Notifications of the client: asked for politely, for whom, once over all tabs, what they say."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.models import Extension, Tenant
from sms.models import Conversation, Message
from tests import factories
from tests.portal.test_accessibility import sign_in
from tests.stack import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Playwright has every page believe that it is the one in front.
ELSEWHERE = "document.hasFocus = () => false"
# What a tab tells is noted for all tabs: a tag would hide that it was told twice.
NOTED = """
if (window.isSecureContext) {
const show = ServiceWorkerRegistration.prototype.showNotification;
ServiceWorkerRegistration.prototype.showNotification = function (title, options) {
  const all = JSON.parse(localStorage.getItem("noted") ?? "[]");
  const { body, tag } = options;
  localStorage.setItem("noted", JSON.stringify([...all, { title, body, tag }]));
  return show.call(this, title, options);
};
const { requestPermission } = Notification;
Notification.requestPermission = () => {
  localStorage.setItem("asked", "yes");
  return requestPermission.call(Notification);
};
}
"""
READ = "JSON.parse(localStorage.getItem('noted') ?? '[]')"
# The push stream is another test's: here its news are handed over.
HEAR = """
([news, me]) => import('/static/sms/notify.js').then(({ Notifier }) => {
  window.notifier ??= new Notifier(me);
  return window.notifier.hear(news);
})
"""
SHOWN = """
navigator.serviceWorker.ready.then(one => one.getNotifications())
  .then(all => all.map(({ title, body }) => [title, body]))
"""


@pytest.fixture
def desk() -> Extension:
    """The reader."""
    tenant: Tenant = factories.TenantFactory()
    user = factories.UserFactory(tenant=tenant, username="desk")
    made: Extension = factories.ExtensionFactory(tenant=tenant, number="1001", user=user)
    return made


@pytest.fixture
def thread(desk: Extension) -> Conversation:
    """A thread of the reader's own, with Helen."""
    contact = factories.ContactFactory(tenant=desk.tenant, name="Helen Ruiz")
    factories.ContactNumberFactory(contact=contact)
    made: Conversation = factories.ConversationFactory(tenant=desk.tenant, extension=desk)
    factories.MessageFactory(conversation=made, inbound=True, text="Before")
    return made


@pytest.fixture
def group_thread(desk: Extension) -> Conversation:
    """A thread of a group that the reader is in; nobody was given it."""
    group = factories.GroupFactory(tenant=desk.tenant, name="Support")
    factories.GroupMemberFactory(group=group, extension=desk)
    made: Conversation = factories.ConversationFactory(
        tenant=desk.tenant, group=group, remote="+16175550177"
    )
    return made


@pytest.fixture
def context(browser: Browser, live_server: LiveServer, desk: Extension) -> Iterator[BrowserContext]:
    """The reader's browser, signed in; a fault of a page's script fails the test."""
    assert desk.user is not None
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1400, "height": 900})
    context.add_init_script(NOTED)
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    sign_in(context.new_page(), desk.user)
    yield context
    context.close()
    assert faults == []


@pytest.fixture
def page(context: BrowserContext, live_server: LiveServer) -> Page:
    """A tab in the background, of somebody who wants notifications."""
    context.grant_permissions(["notifications"], origin=live_server.url)
    context.add_init_script(ELSEWHERE)
    page = context.pages[0]
    opened(page)
    choose(page, "notify-on", wanted=True)
    return page


def opened(page: Page) -> None:
    page.goto("/")
    page.wait_for_selector("#conversation-list[aria-busy=false]", state="attached")
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")


def choose(page: Page, box: str, *, wanted: bool) -> None:
    page.get_by_test_id("notify-open").click()
    page.get_by_test_id(box).set_checked(wanted)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("notify")).to_be_hidden()


def hear(page: Page, message: Message) -> list[dict[str, Any]]:
    """Let a tab hear of a message; return what all tabs have told so far."""
    news = {"type": "message", "conversation": message.conversation_id, "message": message.pk}
    page.evaluate(HEAR, [news, "1001"])
    told: list[dict[str, Any]] = page.evaluate(READ)
    return told


def test_a_text_of_an_own_thread_is_told_with_its_sender(page: Page, thread: Conversation) -> None:
    message = factories.MessageFactory(conversation=thread, inbound=True, text="<b>Hello</b>")
    told = hear(page, message)
    assert told == [{"title": "Helen Ruiz", "body": "<b>Hello</b>", "tag": f"message-{message.pk}"}]
    assert page.evaluate(SHOWN) == [["Helen Ruiz", "<b>Hello</b>"]]


def test_the_text_can_be_left_out(page: Page, thread: Conversation) -> None:
    choose(page, "notify-text", wanted=False)
    message = factories.MessageFactory(conversation=thread, inbound=True, text="My secret")
    [told] = hear(page, message)
    assert (told["title"], told["body"]) == ("Helen Ruiz", "New message")


def test_a_message_is_told_once_over_all_tabs(
    page: Page, context: BrowserContext, thread: Conversation
) -> None:
    other = context.new_page()
    opened(other)
    message = factories.MessageFactory(conversation=thread, inbound=True, text="Hello")
    news = {"type": "message", "conversation": thread.pk, "message": message.pk}
    start = f"news => {{ window.heard = ({HEAR})([news, '1001']); }}"
    for tab in (page, other):
        tab.evaluate(start, news)
    for tab in (page, other):
        tab.evaluate("window.heard.then(() => null)")
    assert len(page.evaluate(READ)) == 1


def test_nothing_is_told_while_one_of_the_tabs_is_looked_at(
    page: Page, context: BrowserContext, thread: Conversation
) -> None:
    other = context.new_page()
    opened(other)
    other.evaluate("document.hasFocus = () => true")
    message = factories.MessageFactory(conversation=thread, inbound=True, text="Hello")
    assert hear(other, message) == []
    assert hear(page, message) == []


def test_a_text_to_a_group_is_told_to_whom_it_was_given(
    page: Page, desk: Extension, group_thread: Conversation
) -> None:
    message = factories.MessageFactory(conversation=group_thread, inbound=True, text="Anybody?")
    assert hear(page, message) == []
    Conversation.objects.filter(pk=group_thread.pk).update(assignee=desk)
    message = factories.MessageFactory(conversation=group_thread, inbound=True, text="You?")
    [told] = hear(page, message)
    assert told["body"] == "You?"


def test_a_note_is_told_to_whom_it_calls(page: Page) -> None:
    script = """
    note => import('/static/sms/notify.js').then(({ Notifier }) =>
      Notifier.prototype.concerns.call(
        { me: '1001' }, { group: {} }, { direction: 'note', ...note }))
    """
    called = {"extension": "1002", "mentions": [{"number": "1001"}]}
    assert page.evaluate(script, called) is True
    assert page.evaluate(script, called | {"mentions": [{"number": "1003"}]}) is False
    assert page.evaluate(script, called | {"extension": "1001"}) is False


def test_what_the_reader_wrote_is_not_told(page: Page, thread: Conversation) -> None:
    message = factories.MessageFactory(conversation=thread, text="From my other device")
    assert hear(page, message) == []


def test_reading_takes_the_notification_away(page: Page, thread: Conversation) -> None:
    hear(page, factories.MessageFactory(conversation=thread, inbound=True, text="Hello"))
    page.evaluate("id => window.notifier.forget(id)", thread.pk + 1)
    assert len(page.evaluate(SHOWN)) == 1
    page.evaluate("id => window.notifier.forget(id)", thread.pk)
    assert page.evaluate(SHOWN) == []


def test_a_notification_opens_its_conversation(page: Page, thread: Conversation) -> None:
    """The worker's own part: playwright cannot click what the system shows."""
    hear(page, factories.MessageFactory(conversation=thread, inbound=True, text="Hello"))
    [worker] = page.context.service_workers
    worker.evaluate(
        "() => self.registration.getNotifications().then(([notification]) =>"
        " self.dispatchEvent(new NotificationEvent('notificationclick', { notification })))"
    )
    expect(page.get_by_test_id("message").last).to_contain_text("Hello")
    assert page.evaluate("location.hash") == f"#c{thread.pk}"


def test_nobody_is_asked_before_a_message_came_and_then_once(
    context: BrowserContext, thread: Conversation
) -> None:
    page, ask = context.pages[0], "[data-testid=notify-ask]"
    opened(page)
    expect(page.locator(ask)).to_be_hidden()
    page.evaluate(HEAR, [{"type": "state"}, "1001"])
    page.evaluate("window.notifier.offer()")
    expect(page.locator(ask)).to_be_visible()
    assert page.evaluate("localStorage.getItem('asked')") is None
    page.get_by_role("button", name="No, thanks").click()
    page.evaluate("window.notifier.offer()")
    expect(page.locator(ask)).to_be_hidden()
    opened(page)
    page.evaluate(HEAR, [{"type": "state"}, "1001"])
    page.evaluate("window.notifier.offer()")
    expect(page.locator(ask)).to_be_hidden()
    assert page.evaluate("localStorage.getItem('asked')") is None
    assert thread.pk


def test_a_browser_that_blocks_notifications_is_told_the_way_out(
    context: BrowserContext, thread: Conversation
) -> None:
    page = context.pages[0]
    page.add_init_script("Object.defineProperty(Notification, 'permission', {value: 'denied'})")
    opened(page)
    page.get_by_test_id("notify-open").click()
    expect(page.get_by_test_id("notify")).to_contain_text("Its own settings")
    expect(page.get_by_test_id("notify-on")).to_be_disabled()
    expect(page.get_by_test_id("notify-sound")).to_be_enabled()
    assert thread.pk


@pytest.mark.usefixtures("thread")
def test_without_a_network_the_worker_says_so(context: BrowserContext) -> None:
    page = context.pages[0]
    opened(page)
    context.set_offline(True)
    page.reload()
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).borderRadius") != "0px"
    assert page.locator(".topbar").count() == 0
    context.set_offline(False)
    page.get_by_role("link", name="Try again").click()
    page.get_by_test_id("conversation-item").wait_for()


def test_the_manifest_names_icons_that_are_there(client: Client) -> None:
    answer = client.get("/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    manifest = answer.json()
    assert (manifest["start_url"], manifest["display"]) == ("/", "standalone")
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        picture = (ROOT / icon["src"].lstrip("/")).read_bytes()
        size = int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])
        assert picture.startswith(b"\x89PNG")
        assert "{}x{}".format(*size) == icon["sizes"]


@pytest.mark.parametrize("address", ["/worker.js", "/offline/", "/manifest.webmanifest"])
def test_what_makes_an_app_of_it_is_open_to_everybody(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200
    assert "sessionid" not in answer.cookies
    assert client.post(address).status_code == 405
