"""Where one is signed in: seen, listed in words, and ended at once."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.account.browsers import in_words
from portal.models import AuditEntry, Session, User
from tests import factories
from tests.estate import person, signed_in, system_administrator

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
)


@pytest.fixture
def ann() -> User:
    """An administrator with a password."""
    made: User = factories.UserFactory(username="ann", role="admin")
    return made


def browser(agent: str = FIREFOX, address: str = "192.0.2.7") -> Client:
    """Sign in as Ann with a browser of one's own."""
    client = Client(HTTP_USER_AGENT=agent, REMOTE_ADDR=address)
    client.post("/login/", {"username": "ann", "password": factories.PASSWORD})
    return client


def is_in(client: Client) -> bool:
    """Say whether somebody is signed in."""
    return client.get("/account/").status_code == 200


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (PHONE, "Safari on iPhone"),
        (EDGE, "Edge on Windows"),
        ("curl/8.5.0", "Unknown browser"),
        ("Something (Android)", "Android"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_named_in_words(agent: str, words: str) -> None:
    assert in_words(agent) == words


@pytest.mark.usefixtures("ann")
def test_the_own_sessions_are_listed_and_this_one_is_marked() -> None:
    here, phone = browser(), browser(PHONE, "198.51.100.9")

    page = here.get("/account/").content.decode()

    assert page.index("Safari on iPhone") > 0
    assert "192.0.2.7" in page
    assert "198.51.100.9" in page
    assert page.count("This one") == 1
    assert page.count("End this") == 1
    for client in (here, phone):
        assert client.cookies["sessionid"].value not in page


@pytest.mark.usefixtures("ann")
def test_a_session_ends_at_once_and_the_log_says_which() -> None:
    here, phone = browser(), browser(PHONE, "198.51.100.9")
    other = Session.objects.get(address="198.51.100.9")

    answer = here.post(f"/account/sessions/{other.handle}/end/", follow=True)

    assert "Safari on iPhone was signed out." in answer.content.decode()
    assert is_in(here)
    assert not is_in(phone)
    assert phone.get("/api/v1/conversations").status_code == 401
    entry = AuditEntry.objects.get(action="session ended")
    assert (entry.username, entry.address) == ("ann", "192.0.2.7")
    assert entry.detail["browser"] == "Safari on iPhone"
    assert other.session_key not in str(AuditEntry.objects.values())


@pytest.mark.usefixtures("ann")
def test_all_others_end_together() -> None:
    here, others = browser(), [browser(PHONE), browser(EDGE)]

    page = here.post("/account/sessions/others/end/", follow=True).content.decode()

    assert "You were signed out in 2 other places." in page
    assert [is_in(client) for client in (here, *others)] == [True, False, False]
    assert "End all others" not in page


def test_nobody_ends_the_session_of_somebody_else(ann: User) -> None:
    theirs = browser()
    handle = Session.objects.of(ann).get().handle
    stranger = signed_in(factories.UserFactory())

    assert stranger.post(f"/account/sessions/{handle}/end/").status_code == 404
    assert stranger.get(f"/account/sessions/{handle}/end/").status_code == 405
    stranger.post("/account/sessions/others/end/")

    assert is_in(theirs)


@pytest.mark.usefixtures("ann")
def test_when_it_began_stays_and_when_it_was_seen_moves_once_a_minute() -> None:
    with time_machine.travel(datetime(2026, 3, 4, 12, tzinfo=UTC), tick=False) as clock:
        client = browser()
        client.get("/account/")
        began = Session.objects.get(user__isnull=False).began
        clock.shift(59)
        client.get("/account/")
        assert Session.objects.get(user__isnull=False).seen == began
        clock.shift(1)
        client.get("/account/", REMOTE_ADDR="203.0.113.5")

        row = Session.objects.get(user__isnull=False)
        assert row.began == began
        assert (row.seen - began).total_seconds() == 60
        assert row.address == "203.0.113.5"

        data = dict.fromkeys(("new_password1", "new_password2"), "a new horse 8 battery")
        client.post("/account/password/", {**data, "old_password": factories.PASSWORD})
        assert Session.objects.get(user__isnull=False).began == began


def test_signing_out_and_growing_old_end_a_session(ann: User) -> None:
    gone, old = browser(), browser()
    gone.post("/logout/")
    assert Session.objects.of(ann).count() == 1

    Session.objects.update(expire_date=datetime(2026, 1, 1, tzinfo=UTC))

    assert not Session.objects.of(ann).exists()
    assert not is_in(old)


def test_the_page_asks_the_same_for_few_sessions_and_for_many(ann: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert is_in(here)
        return len(captured)

    here = browser()
    few = queries()
    for _n in range(5):
        browser()

    assert Session.objects.of(ann).count() == 6
    assert queries() == few


def test_an_administrator_ends_all_sessions_of_a_person_of_the_own_tenant(ann: User) -> None:
    desks = [browser(), browser(PHONE)]
    boss = signed_in(person(ann.tenant, "boss", User.Role.ADMIN))  # type: ignore[arg-type] # it has one
    address = f"/admin/portal/user/{ann.pk}/do/end-sessions/"
    assert "in every browser" in boss.get(address).content.decode()

    page = boss.post(address, follow=True).content.decode()

    assert "ann was signed out in 2 places." in page
    assert [is_in(client) for client in desks] == [False, False]
    entry = AuditEntry.objects.get(action="session ended")
    assert (entry.username, entry.tenant, entry.target) == ("boss", ann.tenant, "user ann")
    assert boss.post(address).status_code == 403


@pytest.mark.usefixtures("ann")
def test_another_tenants_administrator_and_a_system_administrators_session_are_apart() -> None:
    desk = browser()
    outsider = signed_in(factories.UserFactory(role="admin"))
    root = system_administrator()
    overseer = signed_in(root)
    ann = User.objects.get(username="ann")
    boss = signed_in(ann)

    assert outsider.post(f"/admin/portal/user/{ann.pk}/do/end-sessions/").status_code == 404
    assert boss.post(f"/admin/portal/user/{root.pk}/do/end-sessions/").status_code == 404

    assert is_in(desk)
    assert is_in(overseer)
