"""The pages of the browser client: who gets which, and what a browser is told to allow."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from portal.models import CallerID, Extension, User
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(line: CallerID) -> User:
    """The user of the line's extension."""
    made: User = factories.UserFactory(tenant=line.tenant, username="desk")
    Extension.objects.filter(pk=line.extension_id).update(user=made)
    return made


def test_a_stranger_is_asked_to_sign_in(client: Client) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/")
    assert b"Sign in" in client.get("/login/").content


@pytest.mark.usefixtures("user")
def test_a_wrong_password_says_so(client: Client) -> None:
    answer = client.post("/login/", {"username": "desk", "password": "wrong"})
    assert b'role="alert"' in answer.content


@pytest.mark.usefixtures("user")
def test_signing_in_leads_to_the_client_and_out_again(client: Client) -> None:
    entered = {"username": "desk", "password": factories.PASSWORD}
    assert client.post("/login/", entered)["Location"] == "/"
    assert client.post("/logout/")["Location"] == "/login/"


def test_an_extensions_user_gets_the_client(client: Client, user: User, line: CallerID) -> None:
    client.force_login(user)
    page = client.get("/").content.decode()
    assert f'data-extension="{line.extension.number}"' in page
    assert 'data-may-send="yes"' in page
    assert 'href="/handset/"' in page
    assert 'href="/admin/"' not in page


def test_the_handset_is_offered_to_sandbox_tenants_only(client: Client) -> None:
    line = factories.CallerIDFactory(
        did=factories.DIDFactory(trunk=factories.QuestBlueTrunkFactory())
    )
    line.extension.user = factories.UserFactory(tenant=line.tenant)
    line.extension.save()
    client.force_login(line.extension.user)
    assert b'href="/handset/"' not in client.get("/").content


def test_a_page_says_who_may_not_send(client: Client, user: User) -> None:
    Extension.objects.update(sms=Extension.Sms.DISABLE)
    client.force_login(user)
    assert b'data-may-send="no"' in client.get("/").content


def test_an_administrator_without_extension_goes_to_the_admin(client: Client) -> None:
    client.force_login(factories.UserFactory(role=User.Role.ADMIN, is_staff=True))
    assert client.get("/")["Location"] == "/admin/"


def test_a_user_without_extension_is_told_why_the_page_is_empty(client: Client) -> None:
    client.force_login(factories.UserFactory())
    assert b"You have no extension yet" in client.get("/").content


def test_nothing_in_our_pages_is_inline(client: Client, user: User) -> None:
    pages = [client.get("/login/")]
    client.force_login(user)
    pages.append(client.get("/"))
    for page in pages:
        policy = page["Content-Security-Policy"]
        assert "unsafe" not in policy
        text = page.content.decode()
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", text)


def test_what_the_page_loads_is_there(client: Client, user: User) -> None:
    client.force_login(user)
    text = client.get("/").content.decode()
    for path in re.findall(r'(?:src|href)="/static/([^"]+)"', text):
        assert finders.find(path), path
    assert client.get("/texts.js").status_code == 200


def test_extension_names_are_escaped(client: Client, user: User) -> None:
    Extension.objects.update(name="<script>alert(1)</script>")
    client.force_login(user)
    assert b"<script>alert" not in client.get("/").content
