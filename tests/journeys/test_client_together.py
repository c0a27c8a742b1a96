"""Several browsers on the running product: each sees at once what happens in the others."""

import json
import re
import signal
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.journeys import wires
from tests.journeys.conftest import World, sign_in
from tests.journeys.everyone import PICTURE
from tests.stack import status_of, wait_until

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.xdist_group("journeys")]

SECOND_NUMBER = {
    "tenants": [
        {
            "slug": "demo",
            "name": "Demo",
            "extensions": [
                {
                    "number": "1001",
                    "name": "Front desk",
                    "sms": "ALLOW",
                    "caller_ids": [
                        {"trunk": "Sandbox", "did": "12172074422", "description": "Front desk"},
                        {"trunk": "Sandbox", "did": "12172074425", "description": "Night"},
                    ],
                }
            ],
        }
    ]
}


class People:
    """Signs people in, each in a browser profile of its own."""

    def __init__(self, world: World, browser: Browser) -> None:
        self.world = world
        self.browser = browser
        self.faults: list[str] = []
        world.stack.manage("seed_demo")

    def enter(self, name: str, password: str = "") -> Page:
        """Return the client of somebody."""
        context = self.browser.new_context(viewport={"width": 1400, "height": 900})
        context.on("weberror", lambda error: self.faults.append(str(error.error)))
        page = context.new_page()
        with page.expect_response(lambda answer: "/events?token=" in answer.url):
            sign_in(page, self.world.stack.url, name, password or f"demo-{name}")
        page.wait_for_selector("#conversation-list[aria-busy=false]", state="attached")
        return page

    def handset(self, beside: Page) -> Page:
        """Return the outside world."""
        page = beside.context.new_page()
        page.goto(f"{self.world.stack.url}/handset/")
        return page


@pytest.fixture
def people(world: World, browser: Browser) -> Iterator[People]:
    """Whoever is needed; a fault of a page's script fails the test."""
    people = People(world, browser)
    yield people
    for context in browser.contexts:
        context.close()
    assert people.faults == []


def thread_with(page: Page, words: str) -> Locator:
    """Return the line of the list that says this."""
    return page.get_by_test_id("conversation-item").filter(has_text=words)


def bubble(page: Page, words: str) -> Locator:
    """Return the message of the open thread that says this."""
    return page.get_by_test_id("message").filter(has_text=words)


def write(page: Page, words: str) -> None:
    """Write a text into the open thread and send it."""
    page.get_by_test_id("composer-text").fill(words)
    page.get_by_test_id("composer-text").press("Enter")


def expect_delivered(page: Page, words: str) -> None:
    """Wait for both ticks: the handset's receipt has a way to go."""
    sent = bubble(page, words)
    expect(sent).to_have_attribute("data-state", "delivered", timeout=20_000)
    expect(sent).to_have_count(1)


def text_from(handset: Page, words: str) -> None:
    """Let the outside world write."""
    handset.get_by_test_id("handset-text").fill(words)
    handset.get_by_test_id("handset-send").click()


def test_two_browsers_of_one_person_see_what_the_other_does(people: People) -> None:
    desk, phone = people.enter("1001"), people.enter("1001")
    handset = people.handset(desk)
    waits = []
    for number in range(3):
        began = time.monotonic()
        text_from(handset, f"together {number}")
        for page in (desk, phone):
            expect(thread_with(page, f"together {number}")).to_be_visible()
        waits.append(time.monotonic() - began)
    # The median, because one slow moment of a busy machine says nothing about the product.
    assert statistics.median(waits) < 1.5

    unread = thread_with(phone, "together 2").get_by_test_id("unread")
    expect(unread).to_be_visible()
    thread_with(desk, "together 2").click()
    expect(unread).to_have_count(0)

    thread_with(phone, "together 2").click()
    expect(bubble(phone, "together 2")).to_be_visible()
    write(desk, "answered at the desk")
    for page in (desk, phone):
        expect_delivered(page, "answered at the desk")
    write(phone, "and on the phone")
    for page in (desk, phone):
        expect_delivered(page, "and on the phone")


def test_pictures_go_both_ways(people: People, tmp_path: Path) -> None:
    picture = tmp_path / "view.png"
    picture.write_bytes(PICTURE)
    desk, phone = people.enter("1001"), people.enter("1001")
    handset = people.handset(desk)
    handset.get_by_test_id("handset-file").set_input_files(picture)
    handset.locator("#files img").wait_for()
    text_from(handset, "look at this")
    for page in (desk, phone):
        thread_with(page, "look at this").click()
        expect(bubble(page, "look at this").locator("img")).to_be_visible()

    desk.get_by_test_id("composer-file").set_input_files(picture)
    desk.get_by_test_id("attachment").wait_for()
    desk.get_by_test_id("composer-text").fill("and at this")
    expect(desk.get_by_test_id("composer-send")).to_be_enabled()
    desk.get_by_test_id("composer-send").click()
    expect(bubble(phone, "and at this").locator("img")).to_be_visible()
    outside = handset.get_by_test_id("handset-message").filter(has_text="and at this")
    expect(outside.locator("img")).to_be_visible()


def test_the_number_that_was_chosen_is_the_one_that_is_seen(people: People, world: World) -> None:
    file = world.stack.folder / "second-number.json"
    file.write_text(json.dumps(SECOND_NUMBER))
    world.stack.manage("apply", str(file))
    desk = people.enter("1001")
    handset = people.handset(desk)
    handset.get_by_test_id("handset-did").select_option(label="+1 217-207-4425")
    handset.get_by_test_id("handset-number").fill("+12025550145")
    desk.get_by_test_id("new-message").click()
    desk.get_by_test_id("recipient").fill("+12025550145")
    expect(desk.get_by_test_id("recipient-verdict")).to_contain_text("United States")
    desk.get_by_test_id("from-select").select_option("+12172074425")
    write(desk, "from the other number")
    outside = handset.get_by_test_id("handset-message").filter(has_text="from the other number")
    expect(outside).to_be_visible()
    expect_delivered(desk, "from the other number")
    expect(desk.locator("#thread-subtitle")).to_contain_text("217-207-4425")


def test_colleagues_chat_while_both_look(people: People) -> None:
    desk, sales = people.enter("1001"), people.enter("1002")
    desk.get_by_test_id("new-message").click()
    desk.get_by_test_id("recipient").fill("1002")
    expect(desk.get_by_test_id("recipient-verdict")).to_contain_text("internal chat")
    write(desk, "are you there?")
    expect(bubble(desk, "are you there?")).to_be_visible()
    thread_with(sales, "are you there?").click()
    write(sales, "I am")
    expect(bubble(desk, "I am")).to_be_visible()
    write(desk, "good")
    expect(bubble(sales, "good")).to_be_visible()
    expect(bubble(sales, "good")).to_have_class(re.compile("is-theirs"))
    assert desk.get_by_test_id("message").count() == sales.get_by_test_id("message").count()


def test_a_text_that_came_while_the_push_process_was_dead_shows_once(
    people: People, world: World
) -> None:
    stack = world.stack
    desk = people.enter("alder-1001", "password-of-1001")
    wires.questblue_text(world.webhooks["QB"], "before the end")
    thread_with(desk, "before the end").click()
    expect(bubble(desk, "before the end")).to_be_visible()
    stack.kill("push", signal.SIGKILL)
    try:
        expect(desk.get_by_test_id("line-state")).to_contain_text("Connection lost")
        wires.questblue_text(world.webhooks["QB"], "meanwhile")
        wait_until(lambda: "meanwhile" in world.apis["1001"].get("messages").body.decode())
    finally:
        stack.launch("push")
        wait_until(lambda: status_of(stack.push_port, "/healthz") == 200, what="push alive")
    expect(desk.get_by_test_id("line-state")).to_be_hidden(timeout=30_000)
    expect(bubble(desk, "meanwhile")).to_be_visible()
    wires.questblue_text(world.webhooks["QB"], "after it")
    expect(bubble(desk, "after it")).to_be_visible()
    expect(bubble(desk, "meanwhile")).to_have_count(1)
    expect(bubble(desk, "before the end")).to_have_count(1)


def test_a_double_press_on_a_slow_line_is_one_message_at_the_provider(
    people: People, world: World
) -> None:
    desk = people.enter("alder-1001", "password-of-1001")
    desk.get_by_test_id("new-message").click()
    desk.get_by_test_id("recipient").fill("+12025550187")
    desk.get_by_test_id("composer-text").fill("pressed twice")
    slow = desk.context.new_cdp_session(desk)
    slow.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 1500, "downloadThroughput": -1, "uploadThroughput": -1},
    )
    desk.get_by_test_id("composer-send").dblclick()
    desk.get_by_test_id("composer-text").press("Enter")
    expect(bubble(desk, "pressed twice")).to_have_count(1, timeout=20_000)
    expect(bubble(desk, "pressed twice")).to_have_attribute(
        "data-state", re.compile("accepted|sent|delivered"), timeout=20_000
    )
    assert world.carrier.texts().count("pressed twice") == 1
