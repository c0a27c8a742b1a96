"""The certificate chain of the public address: each fault is named, with the way out."""

import io
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import certifi
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from portal.certificate import standing
from portal.certificate.report import Report, look
from portal.models import User
from sms.tasks import look_at_certificate
from tests import factories
from tests.estate import person, signed_in, system_administrator
from tests.tls import HOST, Holder, accepting, make, serving

PAGE = "/admin/certificate/"
Serve = Callable[..., str]


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Holder:
    """The one authority that everybody trusts; the test's host names lead to loopback."""
    root = make("Trusted Root")
    roots = tmp_path / "roots.pem"
    roots.write_bytes(root.pem)
    monkeypatch.setattr(certifi, "where", lambda: str(roots))
    real = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **options: Any) -> Any:
        if host == "nowhere.example.com":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return real("127.0.0.1" if host == HOST else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return root


@pytest.fixture
def middle(root: Holder) -> Holder:
    return root.issue("Middle Authority")


@pytest.fixture
def serve(tmp_path: Path, settings: Settings) -> Iterator[Serve]:
    """Show certificates at the public address, and return it."""
    with ExitStack() as stack:

        def start(leaf: Holder, *others: Holder) -> str:
            port = stack.enter_context(serving(tmp_path, leaf, *others))
            settings.PUBLIC_URL = f"https://{HOST}:{port}"
            settings.PUBLIC_IS_LOOPBACK = False
            return str(settings.PUBLIC_URL)

        yield start


def faults(report: Report) -> list[str]:
    """Return the codes of what providers fail on."""
    return [one.code for one in report.faults]


def titles(report: Report) -> list[str]:
    """Return whose certificates the chain is made of."""
    links = report.chain.links if report.chain else ()
    return [link.subject.rfc4514_string().removeprefix("CN=") for link in links]


def words(report: Report) -> str:
    """Return everything that is said of the faults."""
    return " ".join(f"{one.text} {one.remedy}" for one in report.faults)


def test_a_whole_chain_is_good(serve: Serve, middle: Holder) -> None:
    report = look(serve(middle.issue(HOST, hosts=[HOST]), middle))

    assert faults(report) == []
    assert titles(report) == [HOST, "Middle Authority"]
    assert report.chain is not None
    assert report.chain.root is not None
    assert report.days_left is not None
    assert report.days_left > 300


def test_a_root_that_is_sent_along_does_no_harm(serve: Serve, root: Holder, middle: Holder) -> None:
    report = look(serve(middle.issue(HOST, hosts=[HOST]), middle, root))

    assert faults(report) == []
    assert titles(report) == [HOST, "Middle Authority"]
    assert report.chain is not None
    assert report.chain.spare == ()


def test_a_missing_intermediate_is_named_and_never_fetched(serve: Serve, middle: Holder) -> None:
    report = look(serve(middle.issue(HOST, hosts=[HOST])))

    assert faults(report) == ["missing_intermediate"]
    assert "Middle Authority" in words(report)
    assert "fullchain.pem" in words(report)


def test_an_expired_certificate_says_since_when(serve: Serve, middle: Holder) -> None:
    now = timezone.now()
    leaf = middle.issue(
        HOST, hosts=[HOST], starts=now - timedelta(days=90), ends=now - timedelta(days=2)
    )

    report = look(serve(leaf, middle))

    assert faults(report) == ["expired"]
    assert "reload the proxy" in words(report)


def test_an_expired_intermediate_is_told_from_the_servers_own(serve: Serve, root: Holder) -> None:
    now = timezone.now()
    old = root.issue("Old Authority", starts=now - timedelta(days=90), ends=now - timedelta(days=2))

    report = look(serve(old.issue(HOST, hosts=[HOST]), old))

    assert faults(report) == ["expired"]
    assert "Old Authority expired" in words(report)


def test_a_certificate_of_tomorrow_is_not_yet_valid(serve: Serve, middle: Holder) -> None:
    leaf = middle.issue(HOST, hosts=[HOST], starts=timezone.now() + timedelta(days=1))

    assert faults(look(serve(leaf, middle))) == ["not_yet_valid"]


def test_another_name_is_named(serve: Serve, middle: Holder) -> None:
    report = look(serve(middle.issue("x", hosts=["www.example.org"]), middle))

    assert faults(report) == ["wrong_name"]
    assert "www.example.org" in words(report)
    assert HOST in words(report)


def test_a_star_stands_for_one_label(serve: Serve, middle: Holder) -> None:
    assert faults(look(serve(middle.issue("x", hosts=["*.example.com"]), middle))) == []
    assert faults(look(serve(middle.issue("x", hosts=["*.com"]), middle))) == ["wrong_name"]


def test_a_self_signed_certificate_is_refused(serve: Serve) -> None:
    assert faults(look(serve(make(HOST, hosts=[HOST])))) == ["self_signed"]


def test_an_authority_of_ones_own_is_not_known_to_providers(serve: Serve) -> None:
    own = make("Our Own Root")

    report = look(serve(own.issue(HOST, hosts=[HOST]), own))

    assert faults(report) == ["unknown_root"]
    assert "Our Own Root" in words(report)


def test_the_wrong_order_is_warned_of(serve: Serve, middle: Holder) -> None:
    lower = middle.issue("Lower Authority")

    report = look(serve(lower.issue(HOST, hosts=[HOST]), middle, lower))

    assert faults(report) == []
    assert "wrong_order" in [one.code for one in report.warnings]
    assert titles(report) == [HOST, "Lower Authority", "Middle Authority"]


def test_a_weak_key_is_named(serve: Serve, middle: Holder) -> None:
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose

    report = look(serve(middle.issue(HOST, hosts=[HOST], key=key), middle))

    assert faults(report) == ["weak"]
    assert "RSA 1024" in words(report)


def test_several_faults_are_told_at_once(serve: Serve, middle: Holder) -> None:
    now = timezone.now()
    leaf = middle.issue(
        "x", hosts=["www.example.org"], starts=now - timedelta(days=9), ends=now - timedelta(days=2)
    )

    assert faults(look(serve(leaf))) == ["wrong_name", "missing_intermediate", "expired"]


@pytest.mark.parametrize(("days", "warned"), [(20, True), (23, False)])
def test_an_end_within_three_weeks_is_warned_of(
    serve: Serve, middle: Holder, days: int, warned: bool
) -> None:
    ends = timezone.now() + timedelta(days=days, hours=1)

    report = look(serve(middle.issue(HOST, hosts=[HOST], ends=ends), middle))

    assert faults(report) == []
    assert ("expires_soon" in [one.code for one in report.warnings]) is warned
    assert report.days_left == days


def test_a_name_with_a_private_address_is_warned_of(serve: Serve, middle: Holder) -> None:
    report = look(serve(middle.issue(HOST, hosts=[HOST]), middle))

    assert [one.code for one in report.warnings] == ["private"]
    assert "127.0.0.1" in report.warnings[0].text


def test_a_private_address_in_the_url_is_a_fault(serve: Serve, middle: Holder) -> None:
    url = serve(middle.issue(HOST, hosts=[HOST]), middle).replace(HOST, "127.0.0.1")

    assert faults(look(url)) == ["wrong_name", "private"]


def test_a_server_without_encryption_is_told_from_one_that_is_down() -> None:
    def plain(client: socket.socket) -> None:
        client.recv(100)
        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with accepting(plain) as port:
        assert faults(look(f"https://{HOST}:{port}")) == ["not_tls"]
    assert faults(look(f"https://{HOST}:{port}")) == ["cannot_connect"]
    assert faults(look("https://nowhere.example.com")) == ["unknown_host"]


def test_plain_http_is_a_fault_and_loopback_is_told_as_what_it_is() -> None:
    assert faults(look(f"http://{HOST}")) == ["no_https"]
    assert faults(look("http://127.0.0.1:8000")) == ["local"]


def run(*args: str) -> tuple[str, str]:
    """Run the command and return what it printed."""
    out, warned = io.StringIO(), io.StringIO()
    call_command("check_certificate", *args, stdout=out, stderr=warned)
    return out.getvalue(), warned.getvalue()


def test_the_command_looks_at_the_public_address(serve: Serve, middle: Holder) -> None:
    serve(middle.issue(HOST, hosts=[HOST]), middle)

    printed, warned = run()

    assert "Trusted Root" in printed
    assert "Providers get through. Good for 36" in printed
    assert "private address" in warned


def test_the_command_fails_with_the_way_out(serve: Serve, middle: Holder) -> None:
    url = serve(middle.issue(HOST, hosts=[HOST]))

    with pytest.raises(CommandError, match=r"fullchain\.pem") as caught:
        run(url)

    assert caught.value.returncode == 1


def test_the_command_trusts_other_roots_when_told(serve: Serve, tmp_path: Path) -> None:
    own = make("Our Own Root")
    url = serve(own.issue(HOST, hosts=[HOST]))
    roots = tmp_path / "own.pem"
    roots.write_bytes(own.pem)

    printed, _warned = run(url, "--roots", str(roots))

    assert "Providers get through" in printed


@pytest.mark.parametrize("args", [("ftp://example.com",), ("https://a.example", "--roots", "no")])
def test_what_cannot_be_looked_at_is_an_error_of_usage(args: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as caught:
        run(*args)

    assert caught.value.returncode == 2


@pytest.mark.django_db
def test_the_page_draws_the_chain_and_the_gap_in_it(serve: Serve, middle: Holder) -> None:
    serve(middle.issue(HOST, hosts=[HOST]))

    answer = signed_in(system_administrator()).get(PAGE)

    text = answer.content.decode()
    assert [card.role for card in answer.context["cards"]] == ["Your server", "Missing"]
    assert "Middle Authority" in text
    assert "fullchain.pem" in text


@pytest.mark.django_db
def test_the_page_says_when_all_is_well(serve: Serve, middle: Holder) -> None:
    serve(middle.issue(HOST, hosts=[HOST]), middle)

    answer = signed_in(system_administrator()).get(PAGE)

    roles = [card.role for card in answer.context["cards"]]
    assert roles == ["Your server", "Intermediate", "Root"]
    assert "Providers get through" in answer.content.decode()


@pytest.mark.django_db
def test_the_page_is_the_system_administrators() -> None:
    boss = signed_in(person(factories.TenantFactory(), "boss", User.Role.ADMIN))

    assert boss.get(PAGE).status_code == 403
    assert PAGE not in boss.get("/admin/").content.decode()
    assert Client().get(PAGE).status_code == 302


def mark(client: Client) -> str:
    """Return what the sidebar shows behind the page's link."""
    groups = client.get("/admin/").context["sidebar_navigation"]
    items = [item for group in groups for item in group["items"]]
    return str(next(item for item in items if item["link"] == PAGE).get("badge", ""))


@pytest.mark.django_db
def test_every_page_warns_of_a_certificate_that_ends_soon(serve: Serve, middle: Holder) -> None:
    overseer = signed_in(system_administrator())
    assert mark(overseer) == ""
    ends = timezone.now() + timedelta(days=9, hours=1)
    serve(middle.issue(HOST, hosts=[HOST], ends=ends), middle)

    look_at_certificate()

    assert mark(overseer) == "9 days"
    told = Client().get("/readyz").json()["certificate"]
    assert told == {"expires_in_days": 9, "faults": []}


@pytest.mark.django_db
def test_every_page_warns_of_a_fault_until_it_is_mended(serve: Serve, middle: Holder) -> None:
    overseer = signed_in(system_administrator())
    leaf = middle.issue(HOST, hosts=[HOST])
    serve(leaf)
    standing.renew()
    assert mark(overseer) == "!"

    serve(leaf, middle)
    standing.renew()

    assert mark(overseer) == ""
