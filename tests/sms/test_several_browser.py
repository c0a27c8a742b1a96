"""Threads with several people in a real browser: whom an answer reaches stands there before."""

from collections.abc import Iterator
from importlib import resources
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.models import CallerID
from sms.models import Conversation, Message
from tests import factories
from tests.windows import PHONE, window

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text()
ANN, BOB = "+13125550177", "+16175550123"


@pytest.fixture
def thread(line: CallerID) -> Conversation:
    """A thread with Ann, whose name tries to be markup, and Bob, a stranger."""
    line.extension.user = factories.UserFactory(tenant=line.tenant)
    line.extension.save()
    contact = factories.ContactFactory(tenant=line.tenant, name="Ann <b>Lee</b>")
    factories.ContactNumberFactory(contact=contact, number=ANN)
    made: Conversation = factories.ConversationFactory(
        did=line.did, extension=line.extension, remote=f"{ANN};{BOB}"
    )
    factories.MessageFactory(conversation=made, inbound=True, sender=ANN, text="Lunch?")
    return made


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, thread: Conversation) -> Iterator[Page]:
    """The client on a phone's screen; a fault of its scripts fails the test."""
    assert thread.extension is not None
    with window(browser, live_server, thread.extension.user, viewport=PHONE) as context:
        page = context.new_page()
        yield page


def test_an_answer_says_before_whom_it_reaches_and_goes_to_all_of_them(
    page: Page, thread: Conversation
) -> None:
    factories.CallerIDFactory(extension=thread.extension, is_default=False)
    page.goto(f"/#c{thread.pk}")
    reach = page.get_by_test_id("reach")
    expect(reach).to_have_text("Goes to both: Ann <b>Lee</b>, +1 617-555-0123, as a group MMS")
    expect(page.get_by_test_id("from-select")).to_be_hidden()
    page.get_by_test_id("composer-text").fill("Yes, “all” of us")
    expect(page.get_by_test_id("counter")).to_have_text("MMS: one message to all of them")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("message").last).to_contain_text("all")
    sent = Message.objects.get(direction="outbound")
    assert (sent.conversation_id, sent.recipient) == (thread.pk, f"{ANN};{BOB}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_where_a_group_cannot_be_answered_each_can_be_written_to(
    page: Page, thread: Conversation, line: CallerID
) -> None:
    line.did.mms = False
    line.did.save()
    page.goto(f"/#c{thread.pk}")
    expect(page.get_by_test_id("composer-note")).to_contain_text("A group text is an MMS")
    expect(page.get_by_test_id("reach")).to_be_hidden()
    expect(page.get_by_test_id("composer-text")).to_be_disabled()
    ways = page.get_by_test_id("reach-one")
    expect(ways).to_have_text(["Write to Ann <b>Lee</b>", "Write to +1 617-555-0123"])
    ways.last.focus()
    page.keyboard.press("Enter")
    expect(ways).to_have_count(0)
    expect(page.get_by_test_id("composer-text")).to_be_focused()
    page.keyboard.type("Just you")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("message").last).to_contain_text("Just you")
    assert Message.objects.get(direction="outbound").recipient == BOB


@pytest.mark.parametrize("can_send_files", [True, False])
def test_whom_an_answer_reaches_is_there_for_everybody(
    page: Page, thread: Conversation, line: CallerID, can_send_files: bool
) -> None:
    line.did.mms = can_send_files
    line.did.save()
    page.goto(f"/#c{thread.pk}")
    page.get_by_test_id("reach" if can_send_files else "reach-one").first.wait_for()
    page.evaluate(AXE)
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width in (390, 1400):
            page.set_viewport_size({"width": width, "height": 844})
            found = page.evaluate("axe.run('#composer').then(result => result.violations)")
            grave = [one for one in found if one["impact"] in {"serious", "critical"}]
            assert [(one["id"], one["nodes"][0]["html"]) for one in grave] == []


def test_other_threads_say_nothing_of_a_reach(page: Page, thread: Conversation) -> None:
    alone = factories.ConversationFactory(
        tenant=thread.tenant,
        did=None,
        trunk=thread.trunk,
        our_number=thread.our_number,
        extension=thread.extension,
        remote=BOB,
    )
    page.goto(f"/#c{thread.pk}")
    expect(page.get_by_test_id("reach")).to_be_visible()
    page.goto(f"/#c{alone.pk}")
    expect(page.get_by_test_id("reach")).to_be_hidden()
