"""Several members at once, each in a browser: who is asked, who hands on, who is there, notes."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib import resources
from typing import Any, Literal

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from portal import content_policy
from portal.management.commands.up import commands
from portal.models import Extension, Group
from sms import inbox, notes, outbound
from sms.drafts import Draft
from sms.models import Conversation, Message
from tests import factories, fakes
from tests.sms import flows
from tests.stack import held_port, status_of, wait_until
from tests.windows import DESK, PHONE, window

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text()
RUN = "axe.run(document, {resultTypes: ['violations']}).then(result => result.violations)"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SCRIPT = "<img src=x onerror='window.pwned = 1'>"

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def push_url() -> Iterator[str]:
    """One push process of this worker's Redis, for the whole module."""
    with held_port() as held:
        port = int(held.getsockname()[1])
        words = commands("127.0.0.1", 0, port)["push"]
        with subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                wait_until(lambda: status_of(port, "/healthz") == 200, what="the push process")
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


@dataclass(frozen=True)
class Team:
    """A group of three that answers one DID, and the thread that came to it."""

    group: Group
    anna: Extension
    ben: Extension
    cleo: Extension

    @property
    def members(self) -> tuple[Extension, ...]:
        """Everybody, in the group's order."""
        return (self.anna, self.ben, self.cleo)

    def hear(self, text: str = "Is the shop open?") -> Conversation:
        """Let somebody outside text the group."""
        did = self.anna.caller_ids.get().did
        flows.receive(did.trunk, fakes.text(did.number, text))
        return Conversation.objects.get(group=self.group)


@pytest.fixture
def team() -> Team:
    """Anna is asked first; everybody may send and sign in."""
    tenant = factories.TenantFactory(name="Alder")
    did = factories.DIDFactory(tenant=tenant)
    group = factories.GroupFactory(tenant=tenant, name="Support")
    found = []
    for number, name in (("1001", "Anna Lind"), ("1002", "Ben Ode"), ("1003", "Cleo Ray")):
        user = factories.UserFactory(tenant=tenant, username=f"user-{number}")
        member = factories.ExtensionFactory(tenant=tenant, number=number, name=name, user=user)
        factories.GroupMemberFactory(group=group, extension=member)
        factories.CallerIDFactory(extension=member, did=did)
        found.append(member)
    factories.route(did, to=group)
    return Team(group, *found)


@pytest.fixture
def enter(
    browser: Browser, live_server: LiveServer, settings: Settings, push_url: str
) -> Iterator[Open]:
    """Open the client of a member, live; a fault of its scripts fails the test."""
    settings.PUSH_URL = push_url
    settings.CONTENT_SECURITY_POLICY = content_policy.configuration(push_url)
    with contextlib.ExitStack() as windows:

        def enter(member: Extension, **more: Any) -> Page:
            context = windows.enter_context(window(browser, live_server, member.user, **more))
            page = context.new_page()
            with page.expect_response(lambda answer: "/events?token=" in answer.url):
                page.goto("/")
            expect(page.get_by_test_id("own-presence")).to_be_visible()
            return page

        yield enter


def open_thread(page: Page) -> Page:
    page.get_by_test_id("conversation-item").first.click()
    page.get_by_test_id("message").first.wait_for()
    return page


def who(page: Page) -> Locator:
    return page.get_by_test_id("hands-who")


def offered(page: Page) -> Locator:
    """The members in the list that is open."""
    return page.locator("[data-testid=person]:visible")


def choose_note(page: Page) -> None:
    page.get_by_role("group", name="What you write").get_by_text("Note").click()


def start_note(page: Page, words: str) -> None:
    choose_note(page)
    expect(page.get_by_test_id("note-text")).to_be_focused()
    page.keyboard.type(words)


def color_of(mention: Locator) -> str:
    return str(mention.evaluate("one => getComputedStyle(one).color"))


def test_everybody_sees_who_is_asked_and_sees_it_handed_on(team: Team, enter: Open) -> None:
    anna, ben, cleo = (enter(member) for member in team.members)
    thread = team.hear()
    expect(anna.get_by_test_id("conversation-item")).to_contain_text("@you")
    expect(ben.get_by_test_id("conversation-item")).not_to_contain_text("@you")
    for page in (anna, ben, cleo):
        open_thread(page)
    expect(who(anna)).to_have_text("You are asked to answer.")
    expect(who(ben)).to_have_text("Anna Lind (1001) is answering")
    expect(who(ben).get_by_test_id("presence")).to_have_attribute("title", "Available")

    ben.get_by_test_id("thread-menu").click()
    expect(ben.get_by_test_id("menu-close")).to_be_visible()
    expect(ben.get_by_test_id("menu-transfer")).to_be_hidden()

    anna.get_by_test_id("thread-menu").focus()
    anna.keyboard.press("Enter")
    expect(anna.get_by_test_id("menu-transfer")).to_be_focused()
    anna.keyboard.press("Enter")
    expect(anna.get_by_test_id("transfer-search")).to_be_focused()
    expect(offered(anna)).to_have_count(2)
    anna.keyboard.type("ode")
    expect(offered(anna)).to_have_count(1)
    expect(anna.get_by_test_id("transfer-go")).to_have_text("Transfer to Ben Ode")
    anna.keyboard.press("Enter")

    expect(who(ben)).to_have_text("You are asked to answer.")
    expect(who(cleo)).to_have_text("Ben Ode (1002) is answering")
    expect(who(anna)).to_have_text("Ben Ode (1002) is answering")
    expect(ben.get_by_test_id("conversation-item")).to_contain_text("@you")
    expect(anna.get_by_test_id("conversation-item")).not_to_contain_text("@you")
    anna.get_by_test_id("thread-menu").click()
    expect(anna.get_by_test_id("menu-transfer")).to_be_hidden()
    thread.refresh_from_db()
    assert thread.assignee == team.ben


def test_red_marks_who_was_asked_and_blue_who_is_only_called(team: Team, enter: Open) -> None:
    thread = team.hear()
    notes.write(thread, "@1003 knows her, or was it @1009?", author=team.ben)
    page = open_thread(enter(team.ben))
    asked, called = page.get_by_test_id("mention").all()
    expect(asked).to_have_text("@Anna Lind (was asked to answer)")
    expect(called).to_have_text("@Cleo Ray (mentioned)")
    expect(page.get_by_test_id("note")).to_contain_text("or was it @1009?")
    red, blue = color_of(asked), color_of(called)
    assert red != blue
    assert (asked.get_attribute("title"), called.get_attribute("title")) == (
        "was asked to answer",
        "mentioned",
    )

    # Who has the thread now is marked wherever the thread names them.
    Conversation.objects.filter(pk=thread.pk).update(assignee=team.cleo)
    inbox.announce(thread)
    expect(called).to_have_text("@Cleo Ray (was asked to answer)")
    assert color_of(called) == red
    own = open_thread(enter(team.cleo)).get_by_test_id("mention").last
    assert own.evaluate("one => getComputedStyle(one).boxShadow") != "none"


def test_a_note_reaches_the_team_and_nobody_else(team: Team, enter: Open) -> None:
    team.hear()
    anna, ben, cleo = (enter(member) for member in team.members)
    for page in (ben, cleo):
        open_thread(page)
        page.get_by_test_id("unread").wait_for(state="detached")
        page.evaluate("location.hash = ''")
    open_thread(anna)
    start_note(anna, "Sold out, tell her @be")
    expect(anna.get_by_test_id("counter")).to_be_hidden()
    expect(anna.get_by_test_id("composer-send")).to_be_hidden()
    expect(offered(anna)).to_have_count(1)
    anna.keyboard.press("Enter")
    expect(anna.get_by_test_id("note-text")).to_have_value("Sold out, tell her @1002 ")
    anna.keyboard.press("Enter")

    mine = anna.get_by_test_id("message").last
    expect(mine).to_contain_text("Your note · Only your team sees this")
    expect(mine).to_contain_text("Sold out, tell her @Ben Ode")
    expect(anna.get_by_test_id("note-text")).to_have_value("")
    expect(ben.get_by_test_id("conversation-item")).to_contain_text("@you")
    expect(ben.get_by_test_id("unread")).to_contain_text("1")
    open_thread(cleo)
    expect(cleo.get_by_test_id("message").last).to_contain_text("Sold out")
    expect(cleo.get_by_test_id("unread")).to_have_count(0)
    assert not Message.objects.filter(direction="outbound").exists()


def test_what_is_typed_after_another_thread_was_opened_is_a_text_again(
    team: Team, enter: Open
) -> None:
    thread = team.hear()
    other = factories.ConversationFactory(
        did=team.anna.caller_ids.get().did, extension=team.anna, remote="+16175550123"
    )
    page = enter(team.anna)
    page.goto(f"/#c{thread.pk}")
    start_note(page, "half a thought")
    page.goto(f"/#c{other.pk}")
    expect(page.get_by_test_id("notepad")).to_be_hidden()
    expect(page.get_by_test_id("composer-text")).to_be_visible()
    page.goto(f"/#c{thread.pk}")
    expect(page.get_by_test_id("notepad")).to_be_hidden()
    choose_note(page)
    expect(page.get_by_test_id("note-text")).to_have_value("half a thought")


def test_a_note_pressed_again_on_a_bad_line_is_one_note(team: Team, enter: Open) -> None:
    team.hear()
    page = open_thread(enter(team.anna))

    def lose_the_answer(route: Any) -> None:
        route.fetch()
        route.abort("connectionreset")

    page.route("**/notes", lose_the_answer, times=1)
    start_note(page, "Once, please")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("note-error")).to_contain_text("it will be added only once")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("note-error")).to_be_hidden()
    expect(page.get_by_test_id("note")).to_have_count(1)
    assert Message.objects.filter(text="Once, please").count() == 1


def test_what_a_note_says_stays_text(team: Team, enter: Open) -> None:
    team.anna.name = SCRIPT
    team.anna.save()
    notes.write(team.hear(), f"{SCRIPT} @1001", author=team.ben)
    page = open_thread(enter(team.cleo))
    expect(page.get_by_test_id("note")).to_contain_text(f"{SCRIPT} @{SCRIPT}")
    expect(who(page)).to_contain_text(SCRIPT)
    assert page.evaluate("window.pwned") is None


def test_the_first_to_come_takes_what_waits(team: Team, enter: Open) -> None:
    Extension.objects.update(presence="away")
    team.hear()
    anna, ben = (open_thread(enter(member)) for member in (team.anna, team.ben))
    for page in (anna, ben):
        expect(page.get_by_test_id("conversation-item")).to_contain_text("Waiting")
        expect(who(page)).to_contain_text("Waiting for someone to answer")
        expect(page.get_by_test_id("take")).to_be_visible()
    # Ben's browser has not heard yet that Anna was faster.
    ben.route("**/api/v1/conversations/*", lambda route: route.abort())
    anna.get_by_test_id("take").click()
    expect(who(anna)).to_have_text("You are asked to answer.")
    expect(anna.get_by_test_id("take")).to_be_hidden()
    ben.get_by_test_id("take").click()
    expect(ben.get_by_role("alert").filter(has_text="waits no more")).to_be_visible()
    ben.unroute("**/api/v1/conversations/*")
    ben.reload()
    expect(who(ben)).to_have_text("Anna Lind (1001) is answering")
    assert Conversation.objects.get().assignee == team.anna


def test_the_agent_is_told_when_the_time_runs_out(team: Team, enter: Open) -> None:
    thread = team.hear()
    anna, ben = (open_thread(enter(member)) for member in (team.anna, team.ben))
    expect(anna.get_by_test_id("hands-left")).to_be_hidden()
    soon = timezone.now() + timedelta(minutes=3, seconds=50)
    Conversation.objects.filter(pk=thread.pk).update(answer_by=soon)
    inbox.announce(thread)
    expect(anna.get_by_test_id("hands-left")).to_have_text("3 minutes left")
    expect(ben.get_by_test_id("hands-left")).to_be_hidden()


def test_colleagues_see_at_once_who_is_there(team: Team, enter: Open) -> None:
    outbound.submit(Draft(extension=team.anna, to="1002", text="Lunch?"))
    anna, ben = enter(team.anna), open_thread(enter(team.ben))
    seen = ben.get_by_test_id("presence-word")
    expect(seen).to_have_text("Available")
    anna.get_by_test_id("own-presence").focus()
    anna.keyboard.press("ArrowDown")
    expect(anna.get_by_test_id("presence-available")).to_be_focused()
    anna.keyboard.press("ArrowDown")
    anna.keyboard.press("Enter")
    expect(anna.get_by_test_id("own-presence")).to_contain_text("Away")
    expect(anna.get_by_test_id("own-presence")).to_be_focused()
    expect(seen).to_have_text("Away")
    dot = ben.get_by_test_id("conversation-item").get_by_test_id("presence")
    expect(dot).to_have_attribute("aria-label", "Away")
    ben.get_by_test_id("new-message").click()
    ben.keyboard.type("anna")
    found = ben.get_by_test_id("recipient-option").get_by_test_id("presence")
    expect(found).to_have_attribute("aria-label", "Away")
    team.anna.refresh_from_db()
    assert team.anna.presence == "away"


def test_a_choice_that_was_not_kept_says_so(team: Team, enter: Open) -> None:
    page = enter(team.anna)
    page.route("**/api/v1/presence", lambda route: route.abort())
    page.get_by_test_id("own-presence").click()
    page.get_by_test_id("presence-off").click()
    expect(page.get_by_role("alert")).to_contain_text("Your presence was not changed")
    expect(page.get_by_test_id("own-presence")).to_contain_text("Available")


def test_escape_closes_what_is_open_and_not_the_thread_behind_it(team: Team, enter: Open) -> None:
    team.hear()
    page = open_thread(enter(team.anna))
    menu = page.get_by_test_id("menu")
    page.get_by_test_id("thread-menu").click()
    page.keyboard.press("End")
    expect(page.get_by_test_id("menu-close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(page.get_by_test_id("thread-menu")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("transfer")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("transfer")).to_be_hidden()
    expect(page.get_by_test_id("thread-menu")).to_be_focused()
    start_note(page, "@")
    expect(offered(page)).to_have_count(2)
    page.keyboard.press("Escape")
    expect(offered(page)).to_have_count(0)
    expect(page.get_by_test_id("note-text")).to_have_value("@")


def test_the_menu_closes_and_reopens_the_thread(team: Team, enter: Open) -> None:
    team.hear()
    page = open_thread(enter(team.anna))
    page.get_by_test_id("thread-menu").click()
    page.get_by_test_id("menu-close").click()
    expect(page.get_by_test_id("conversation-item")).to_contain_text("Closed")
    page.get_by_test_id("thread-menu").click()
    expect(page.get_by_test_id("menu-close")).to_have_text("Reopen")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("window", [DESK, PHONE], ids=["wide", "phone"])
def test_nothing_serious_is_wrong_with_it(
    team: Team, enter: Open, window: dict[str, int], scheme: str
) -> None:
    thread = team.hear()
    notes.write(thread, "@1001 and @1003: look", author=team.ben)
    outbound.submit(Draft(extension=team.ben, to="1001", text="Lunch?"))
    page = enter(team.anna, viewport=window, color_scheme=scheme)
    page.evaluate(AXE)
    found: list[str] = []

    def look(at: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= window["width"], at
        found.extend(
            f"{at}: {one['id']} {[node['target'] for node in one['nodes']]}"
            for one in page.evaluate(RUN)
            if one["impact"] in {"serious", "critical"}
        )

    look("list")
    page.get_by_test_id("own-presence").click()
    look("presence")
    page.keyboard.press("Escape")
    page.evaluate(f"location.hash = 'c{thread.pk}'")
    page.get_by_test_id("note").wait_for()
    look("thread")
    page.get_by_test_id("thread-menu").click()
    look("menu")
    page.get_by_test_id("menu-transfer").click()
    offered(page).first.wait_for()
    page.keyboard.press("ArrowDown")
    look("transfer")
    page.keyboard.press("Escape")
    start_note(page, "@")
    offered(page).first.wait_for()
    look("note")
    assert found == []


def test_a_note_in_a_thread_of_ones_own_says_who_sees_it(team: Team, enter: Open) -> None:
    thread = factories.ConversationFactory(
        did=team.anna.caller_ids.get().did, extension=team.anna, remote="+16175550123"
    )
    factories.MessageFactory(conversation=thread, inbound=True)
    page = open_thread(enter(team.anna))
    start_note(page, "Call her on @1002")
    expect(offered(page)).to_have_count(0)
    expect(page.get_by_test_id("notepad")).to_contain_text("Nobody outside sees this.")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("message").last).to_contain_text("Nobody outside sees this")
    expect(page.get_by_test_id("note")).to_have_text("Call her on @1002")


def test_a_file_dropped_on_a_note_goes_nowhere(team: Team, enter: Open) -> None:
    team.hear()
    page = open_thread(enter(team.anna))
    start_note(page, "x")
    refused = page.evaluate(
        """() => {
          const dropped = new DataTransfer();
          dropped.items.add(new File(["x"], "a.txt", { type: "text/plain" }));
          let heard = false;
          document.addEventListener("drop", () => (heard = true));
          const way = { dataTransfer: dropped, bubbles: true, cancelable: true };
          const event = new DragEvent("drop", way);
          document.getElementById("note-text").dispatchEvent(event);
          return event.defaultPrevented && !heard;
        }"""
    )
    assert refused
