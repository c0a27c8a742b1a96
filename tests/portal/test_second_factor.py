"""The second factor: getting it, being asked for it, being made to have it, losing it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from portal import second_factor
from portal.models import AuditEntry, Tenant, User
from tests import factories
from tests.estate import person, signed_in, system_administrator
from tests.sms.callers import machine

pytestmark = pytest.mark.django_db

ENROL = "/account/second-factor/"
CODE = "/login/code/"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """Stop the clock: codes last for thirty seconds."""
    with time_machine.travel(datetime(2026, 3, 4, 12, 0, 10, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def ann() -> User:
    """An administrator who signs in with a password."""
    made: User = factories.UserFactory(username="ann", role="admin")
    return made


def code_of(app: TOTPDevice, later: int = 0) -> str:
    """Return what the app shows, now or some steps of thirty seconds later."""
    return f"{totp(app.bin_key, drift=later):06d}"


def enrolled(user: User) -> tuple[TOTPDevice, list[str]]:
    """Give somebody a second factor; its code of this moment is used up."""
    app = second_factor.new_app(user)
    _device, codes = second_factor.enrol(user, code_of(app))
    return app, codes


def password(client: Client, door: str = "/login/", user: str = "ann") -> str:
    """Do the first step; return where it leads."""
    data = {"username": user, "password": factories.PASSWORD}
    return str(client.post(door, data)["Location"])


def is_in(client: Client) -> bool:
    """Say whether somebody is signed in."""
    return client.get("/account/").status_code == 200


def actions() -> list[str]:
    """Return what the audit log says, the first entry first."""
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def test_a_code_of_the_app_turns_it_on_and_shows_ten_recovery_codes_once(ann: User) -> None:
    here, elsewhere = signed_in(ann), signed_in(ann)
    page = here.get(ENROL).content.decode()
    app = TOTPDevice.objects.get()
    assert second_factor.key_of(app) in page
    assert "otpauth://totp/SMS%20Channel%3Aann?secret=" in page
    assert 'src="data:image/svg+xml' in page

    told = here.post(ENROL, {"code": code_of(app)}).content.decode()

    tokens = StaticToken.objects.values_list("token", flat=True)
    shown = re.findall(r"<li>(\w{4} \w{4})</li>", told)
    assert len(shown) == second_factor.CODES
    assert {code.replace(" ", "") for code in shown} == set(tokens)
    account = here.get("/account/").content.decode()
    assert "10 recovery codes are left." in account
    assert not [code for code in shown if code in account]
    assert here.get(ENROL)["Location"] == "/account/"
    assert not is_in(elsewhere)
    assert actions() == ["second factor added", "session ended"]
    kept = str(list(AuditEntry.objects.values()))
    assert not [secret for secret in (app.key, *tokens) if secret in kept]


def test_a_wrong_code_turns_nothing_on_and_names_the_way_out(ann: User) -> None:
    client = signed_in(ann)
    first = client.get(ENROL).content

    page = client.post(ENROL, {"code": "000000"}).content.decode()

    assert "This code is not right" in page
    assert second_factor.key_of(TOTPDevice.objects.get()) in page
    assert second_factor.key_of(TOTPDevice.objects.get()) in first.decode()
    assert second_factor.app_of(ann) is None
    assert not StaticDevice.objects.exists()


@pytest.mark.parametrize("door", ["/login/", "/admin/login/"])
def test_the_code_is_asked_for_after_the_password(
    ann: User, door: str, clock: time_machine.Traveller
) -> None:
    app, _codes = enrolled(ann)
    client = Client()
    clock.shift(30)

    assert password(client, f"{door}?next=/admin/portal/user/") == CODE
    assert not is_in(client)
    assert client.get(CODE).status_code == 200
    assert client.post(CODE, {"code": code_of(app)})["Location"] == "/admin/portal/user/"
    assert is_in(client)
    assert client.get(CODE)["Location"] == "/login/"
    assert actions() == ["signed in"]
    assert AuditEntry.objects.get().detail["second factor"] == "app"


def test_a_code_works_once(ann: User, clock: time_machine.Traveller) -> None:
    app, _codes = enrolled(ann)
    clock.shift(30)
    code = code_of(app)
    for client, works in ((Client(), True), (Client(), False)):
        password(client)
        answer = client.post(CODE, {"code": code})
        assert is_in(client) is works
    assert "it was used already" in answer.content.decode()
    assert actions() == ["signed in", "second factor refused"]


def test_wrong_codes_have_to_wait_longer_and_longer(
    ann: User, clock: time_machine.Traveller
) -> None:
    app, codes = enrolled(ann)
    client = Client()
    password(client)
    for wait in (1, 2, 4):
        client.post(CODE, {"code": "000000"})
        clock.shift(wait)
    client.post(CODE, {"code": "000000"})

    page = client.post(CODE, {"code": code_of(app, later=1)}).content.decode()

    assert "Too many wrong codes. Wait 8 seconds" in page
    assert not is_in(client)
    assert client.post(CODE, {"code": codes[0]}).status_code == 302


def test_a_recovery_code_opens_once_however_it_is_typed(ann: User) -> None:
    _app, codes = enrolled(ann)
    for typed, works in ((codes[0].upper().replace(" ", "-"), True), (codes[0], False)):
        client = Client()
        password(client)
        client.post(CODE, {"code": typed})
        assert is_in(client) is works
    assert second_factor.codes_left(ann) == second_factor.CODES - 1


def test_the_second_step_needs_the_first_and_does_not_wait_for_ever(
    ann: User, clock: time_machine.Traveller
) -> None:
    app, _codes = enrolled(ann)
    assert Client().post(CODE, {"code": code_of(app, later=1)})["Location"] == "/login/"

    late, changed, off = Client(), Client(), Client()
    password(changed)
    ann.set_password("another horse 9")
    ann.save()
    assert changed.get(CODE)["Location"] == "/login/"
    ann.set_password(factories.PASSWORD)
    ann.save()
    password(late)
    clock.shift(10 * 60 + 1)
    assert late.get(CODE)["Location"] == "/login/"
    password(off)
    User.objects.update(is_active=False)
    assert off.get(CODE)["Location"] == "/login/"


def test_it_is_removed_with_the_password_only(ann: User) -> None:
    enrolled(ann)
    client = signed_in(ann)

    wrong = client.post(f"{ENROL}remove/", {"password": "wrong"})
    assert "This is not your password." in wrong.content.decode()
    assert second_factor.app_of(ann) is not None
    client.post(f"{ENROL}remove/", {"password": factories.PASSWORD})

    assert second_factor.app_of(ann) is None
    assert not StaticToken.objects.exists()
    assert actions() == ["second factor removed"]
    assert client.get(f"{ENROL}remove/")["Location"] == "/account/"
    assert password(Client()) == "/"


def test_new_recovery_codes_take_the_place_of_the_old_ones(ann: User) -> None:
    _app, old = enrolled(ann)
    client = signed_in(ann)

    told = client.post(f"{ENROL}codes/", {"password": factories.PASSWORD}).content.decode()

    assert not [code for code in old if code in told]
    assert second_factor.codes_left(ann) == second_factor.CODES
    assert actions() == ["recovery codes renewed"]


DEMANDS = {
    "admin": "second_factor_admins",
    "auditor": "second_factor_auditors",
    "extension": "second_factor_extensions",
}


@pytest.mark.parametrize("role", DEMANDS)
def test_a_tenant_demands_it_of_one_role(role: str) -> None:
    tenant = factories.TenantFactory(**{DEMANDS[role]: True})
    for other in DEMANDS:
        client = signed_in(person(tenant, other, other))
        assert is_in(client) is (other != role)


def test_who_must_have_it_and_has_none_gets_to_the_page_that_makes_it_and_nowhere_else() -> None:
    tenant = factories.TenantFactory(second_factor_admins=True)
    line = factories.line(tenant=tenant)
    ann = person(tenant, "ann", User.Role.ADMIN)
    client = signed_in(ann)

    inside = ("/", "/account/", "/account/password/", "/admin/", "/admin/portal/user/", "/handset/")
    for address in (*inside, f"{ENROL}remove/"):
        assert client.get(address)["Location"] == ENROL, address
    assert client.post("/admin/portal/trunk/add/")["Location"] == ENROL
    refused = client.get("/api/v1/messages")
    assert (refused.status_code, refused.json()["code"]) == (401, "second_factor_required")
    assert machine(line.extension).get("/api/v1/messages").status_code == 200

    page = client.get(ENROL).content.decode()
    assert "Your account must have one." in page
    client.post(ENROL, {"code": code_of(TOTPDevice.objects.get())})
    assert is_in(client)
    assert client.get("/admin/portal/user/").status_code == 200
    assert client.get("/api/v1/messages").status_code == 200


def test_who_must_have_it_can_sign_out() -> None:
    tenant = factories.TenantFactory(second_factor_admins=True)

    for door in ("/logout/", "/admin/logout/"):
        client = signed_in(person(tenant, door.strip("/"), User.Role.ADMIN))
        assert client.post(door).status_code in {200, 302}
        assert client.get("/account/")["Location"].startswith("/login/")


def test_a_session_that_did_not_show_it_signs_in_again_where_it_is_demanded(ann: User) -> None:
    enrolled(ann)
    Tenant.objects.update(second_factor_admins=True)
    client = signed_in(ann)

    assert client.get("/admin/portal/user/")["Location"] == "/login/?next=/admin/portal/user/"
    assert client.get(f"{ENROL}remove/")["Location"].startswith("/login/")
    assert second_factor.app_of(ann) is not None


def test_a_setting_demands_it_of_system_administrators(settings: Settings) -> None:
    root = system_administrator()
    assert is_in(signed_in(root))

    settings.SYSTEM_SECOND_FACTOR = True

    assert signed_in(root).get("/admin/")["Location"] == ENROL


def test_an_administrator_demands_it_in_the_settings(ann: User) -> None:
    client = signed_in(ann)
    address = f"/admin/portal/tenant/{ann.tenant_id}/change/"
    form = client.get(address).context["adminform"].form
    data = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    data = {name: value for name, value in data.items() if value not in {None, False}}

    client.post(address, {**data, "second_factor_auditors": "on"})

    assert Tenant.objects.get().second_factor_auditors
    assert not Tenant.objects.get().second_factor_admins


def test_an_administrator_removes_the_second_factor_of_somebody_who_lost_it(ann: User) -> None:
    desk = person(ann.tenant, "desk", User.Role.EXTENSION)  # type: ignore[arg-type] # it has one
    boss = signed_in(ann)
    address = f"/admin/portal/user/{desk.pk}/do/remove-second-factor/"
    assert boss.post(address).status_code == 403
    enrolled(desk)

    assert "really this person" in boss.get(address).content.decode()
    boss.post(address)

    assert second_factor.app_of(desk) is None
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.username) == ("second factor removed", "ann")
    assert entry.target == "user desk"


def test_the_list_of_people_says_who_has_one(ann: User) -> None:
    person(ann.tenant, "desk", User.Role.EXTENSION)  # type: ignore[arg-type] # it has one
    enrolled(ann)

    page = signed_in(ann).get("/admin/portal/user/")

    shown = {row.username: row.has_second_factor for row in page.context["cl"].result_list}
    assert shown == {"ann": True, "desk": False}
