"""The open conversation in a real browser: thousands of messages, scrolled, grown, caught up."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from portal.models import CallerID
from sms.models import Conversation
from tests import factories
from tests.sms import threads
from tests.sms.threads import (
    BY_IDS,
    lay_open,
    open_thread,
    read,
    scroll_to,
    texts,
    top_of,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MANY = 5000


@pytest.fixture
def conversation(line: CallerID, settings: Settings, tmp_path: Path) -> Conversation:
    """An empty conversation of somebody who can sign in."""
    settings.MEDIA_ROOT = tmp_path
    return threads.of(line)


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, conversation: Conversation) -> Iterator[Page]:
    """The client, signed in, not yet loaded."""
    with threads.page_of(browser, live_server, conversation) as page:
        yield page


def test_five_thousand_messages_scroll_back_without_gap_or_double(
    page: Page, conversation: Conversation
) -> None:
    made = texts(conversation, MANY)
    read(conversation)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    messages = open_thread(page, conversation)
    expect(messages).to_have_count(50)
    assert len([url for url in requests if re.search(r"conversations/\d+/messages", url)]) == 1
    page.evaluate(
        "new MutationObserver(() => document.getElementById('scroll').scrollTop = 0)"
        ".observe(document.getElementById('messages'), { childList: true })"
    )
    scroll_to(page, 0)
    expect(messages).to_have_count(MANY, timeout=240_000)
    assert messages.evaluate_all(BY_IDS) == made


def test_a_tick_among_thousands_draws_one_message_only(
    page: Page, conversation: Conversation
) -> None:
    made = texts(conversation, 200)
    read(conversation)
    messages = open_thread(page, conversation)
    scroll_to(page, 0)
    expect(messages).to_have_count(100)
    drawn = page.evaluate(
        """async ([id, other]) => {
            const { Strip } = await import("/static/sms/strip.js");
            const root = document.createElement("ol");
            const strip = new Strip(root);
            strip.clear({ me: "1001", isGroup: false, nameOf: String });
            const row = (pk, state) => ({ id: pk, state, direction: "outbound", text: `${pk}`,
                extension: "1001", author: { number: "1001", name: "" }, media: [], error: "",
                advice: "", created_at: "2026-01-05T10:00:00Z" });
            for (let pk = 0; pk < 5000; pk += 1) strip.put(row(pk, "sent"), 1);
            const touched = new Set();
            new MutationObserver((changes) => {
                for (const { target } of changes) touched.add(target.closest("li")?.dataset.id);
            }).observe(root, { subtree: true, childList: true, attributes: true });
            strip.put(row(2500, "delivered"), 2);
            await new Promise((done) => setTimeout(done));
            return [...touched];
        }""",
        made[:2],
    )
    assert set(drawn) <= {"2499", "2500"}
    assert "2500" in drawn


def test_what_the_reader_looks_at_stays_put_while_older_ones_load(
    page: Page, conversation: Conversation
) -> None:
    made = texts(conversation, 120)
    read(conversation)
    messages = open_thread(page, conversation)
    looked_at = made[-50]
    page.evaluate("document.getElementById('scroll').scrollTop = 40")
    before = top_of(page, looked_at)
    expect(messages).to_have_count(100)
    assert abs(top_of(page, looked_at) - before) < 2


def test_new_messages_begin_at_a_line_and_the_end_is_one_press_away(
    page: Page, conversation: Conversation
) -> None:
    made = texts(conversation, 300, inbound=True)
    read(conversation, made[99])
    messages = open_thread(page, conversation)
    fresh = page.get_by_test_id("fresh")
    expect(fresh).to_have_text("New messages")
    expect(fresh).to_be_in_viewport()
    following = fresh.evaluate("one => Number(one.nextElementSibling.dataset.id)")
    assert following == made[100]
    expect(page.get_by_test_id("latest-count")).to_have_text("99+")
    page.get_by_test_id("latest").click()
    expect(messages.last).to_have_attribute("data-id", str(made[-1]))
    expect(messages.last).to_be_in_viewport()
    expect(page.get_by_test_id("latest")).to_be_hidden()


def test_from_the_middle_the_thread_grows_to_its_end_without_gap_or_double(
    page: Page, conversation: Conversation
) -> None:
    made = texts(conversation, 200, inbound=True)
    read(conversation, made[49])
    messages = open_thread(page, conversation)
    expect(page.get_by_test_id("fresh")).to_be_in_viewport()
    made += texts(conversation, 3, inbound=True, created_at=timezone.now())
    page.evaluate(
        "new MutationObserver(() => document.getElementById('scroll').scrollTop = 1e9)"
        ".observe(document.getElementById('messages'), { childList: true })"
    )
    scroll_to(page, 1)
    expect(messages.last).to_have_attribute("data-id", str(made[-1]))
    seen = messages.evaluate_all(BY_IDS)
    assert seen == made[-len(seen) :]


def test_a_text_that_comes_while_scrolled_up_is_counted_and_moves_nothing(
    page: Page, conversation: Conversation
) -> None:
    made = texts(conversation, 40)
    read(conversation)
    messages = open_thread(page, conversation)
    expect(page.get_by_test_id("latest")).to_be_hidden()
    scroll_to(page, 0.3)
    expect(page.get_by_test_id("latest")).to_be_visible()
    before = top_of(page, made[20])
    texts(conversation, 2, inbound=True, created_at=timezone.now())
    expect(messages).to_have_count(42, timeout=20_000)  # the client catches up by itself
    assert abs(top_of(page, made[20]) - before) < 2
    expect(page.get_by_test_id("latest-count")).to_have_text("2")
    page.get_by_test_id("latest").click()
    expect(messages.last).to_be_in_viewport()
    expect(page.get_by_test_id("latest")).to_be_hidden()


def test_a_text_that_comes_at_the_end_comes_into_view(
    page: Page, conversation: Conversation
) -> None:
    texts(conversation, 40)
    read(conversation)
    messages = open_thread(page, conversation)
    expect(messages.last).to_be_in_viewport()
    late = texts(conversation, 3, inbound=True, created_at=timezone.now(), text="Long " * 80)
    expect(messages.last).to_have_attribute("data-id", str(late[-1]), timeout=20_000)
    expect(messages.last).to_be_in_viewport(ratio=0.9)
    expect(page.get_by_test_id("latest")).to_be_hidden()


@pytest.mark.parametrize("share", [0.5, 1])
def test_more_than_a_page_that_was_missed_leaves_no_gap(
    page: Page, conversation: Conversation, share: float
) -> None:
    made = texts(conversation, 60)
    read(conversation)
    messages = open_thread(page, conversation)
    expect(messages).to_have_count(50)
    scroll_to(page, share)
    made += texts(conversation, 120, inbound=True, created_at=timezone.now())
    page.wait_for_function(  # the client catches up by itself
        "ids => ids.some(id => document.querySelector(`.message[data-id='${id}']`))",
        arg=made[60:],
    )
    for _ in range(4):
        scroll_to(page, 1)
        page.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
    if page.get_by_test_id("latest").is_visible():
        page.get_by_test_id("latest").click()
    expect(messages.last).to_have_attribute("data-id", str(made[-1]))
    seen = messages.evaluate_all(BY_IDS)
    assert seen == made[-len(seen) :]


def test_a_text_that_comes_while_the_thread_opens_is_there(
    page: Page, conversation: Conversation
) -> None:
    texts(conversation, 3)
    lay_open(page)
    shown = page.evaluate(
        """async (id) => {
            const { get } = await import("/static/sms/api.js");
            const page = await get(`conversations/${id}/messages`);
            const late = { ...page.results[0], id: page.results[0].id + 1, text: "meanwhile" };
            const ask = window.fetch;
            let isFirst = true;
            window.fetch = async (path, ...words) => {
                const answer = await ask(path, ...words);
                if (!path.endsWith("/messages")) return answer;
                // It comes after the first answer was made, and is on the second one.
                if (isFirst) window.opened.put(late);
                const results = isFirst ? page.results : [late, ...page.results];
                isFirst = false;
                return Response.json({ ...page, results });
            };
            await window.opened.open(await get(`conversations/${id}`));
            return [...window.opened.rows.values()].map((row) => row.text);
        }""",
        conversation.pk,
    )
    assert len(shown) == 4
    assert shown[3] == "meanwhile"


def test_a_hit_is_opened_in_the_middle_of_its_thread_and_flashes(
    page: Page, conversation: Conversation
) -> None:
    made = texts(conversation, 300)
    read(conversation)
    lay_open(page)
    script = """async ([id, message]) => {
        const { get } = await import("/static/sms/api.js");
        document.getElementById("thread").hidden = false;
        await window.opened.openAt(await get(`conversations/${id}`), message);
    }"""
    for wanted in (made[100], made[101], made[290]):
        page.evaluate(script, [conversation.pk, wanted])
        hit = page.locator(f".message[data-id='{wanted}']")
        expect(hit).to_have_class(re.compile("flashes"))
        expect(hit).to_be_in_viewport()
        expect(hit).to_have_attribute("tabindex", "0")
        seen = page.get_by_test_id("message").evaluate_all(BY_IDS)
        assert seen == made[made.index(seen[0]) :][: len(seen)]


def test_an_answer_that_was_overtaken_does_not_turn_a_tick_back(
    page: Page, conversation: Conversation
) -> None:
    message = factories.MessageFactory(conversation=conversation, state="sent")
    messages = open_thread(page, conversation)
    states = page.evaluate(
        """async (id) => {
            const { Strip } = await import("/static/sms/strip.js");
            const strip = new Strip(document.createElement("ol"));
            strip.clear({ me: "1001", isGroup: false, nameOf: String });
            const { get } = await import("/static/sms/api.js");
            const row = await get(`messages/${id}`);
            const look = () => strip.node(id).dataset.state;
            strip.put(row, 1);
            strip.put({ ...row, state: "delivered" }, 3);
            strip.put(row, 2);
            return look();
        }""",
        message.pk,
    )
    assert states == "delivered"
    expect(messages).to_have_count(1)
