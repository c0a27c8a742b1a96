"""No secret of any provider gets out: not into logs, errors, kept exchanges, pages or answers."""

import logging
import re
from collections.abc import Iterator
from queue import SimpleQueue

import pytest
import requests
import responses
from django.test import Client

from portal.models import CallerID, Trunk, User
from providers import registry
from providers.credentials import credential_fields
from sms import dispatch
from sms.models import Attempt, Message, ProviderEvent
from tests import factories
from tests.estate import person, signed_in
from tests.providers.cases import of
from tests.sms.callers import machine
from tests.sms.flows import submit

pytestmark = pytest.mark.django_db
KEYS = sorted(registry.all())
ANYTHING = re.compile(".*")
STATUSES = (200, 206, 400, 401, 403, 422, 429, 500)


def secrets_of(key: str, credentials: dict[str, str]) -> dict[str, str]:
    """Return the secrets among these credentials, and made-up ones where the samples lack them."""
    return {
        field.name: credentials.get(field.name) or f"s3cret/of+{field.name}"
        for field in credential_fields(registry.get(key).credentials_type)
        if field.secret and not field.multiline
    }


@pytest.fixture(params=KEYS)
def line(request: pytest.FixtureRequest) -> CallerID:
    """A line at each provider, with every secret filled in."""
    key = request.param
    credentials = dict(of(key)[0].credentials)
    credentials |= secrets_of(key, credentials)
    made = factories.line()
    Trunk.objects.filter(pk=made.did.trunk_id).update(provider=key)
    trunk = Trunk.objects.get(pk=made.did.trunk_id)
    trunk.credentials = credentials
    trunk.save()
    made.did.trunk = trunk
    return made


@pytest.fixture
def echo(network: responses.RequestsMock, line: CallerID) -> list[int]:
    """Let the provider repeat every secret it was told, in every way it can."""
    secrets = secrets_of(line.did.trunk.provider, line.did.trunk.credentials)
    statuses: list[int] = []

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        said = " ".join([*secrets.values(), str(request.url), str(request.body)])
        body = {"error": said, "message": said, "status": said, "code": "1", "errors": [said]}
        return statuses[0] if statuses else 200, {"X-Request-Id": said[:200]}, repr(body)

    for method in ("GET", "POST", "PUT"):
        network.add_callback(method, url=ANYTHING, callback=answer)
    return statuses


def test_no_secret_gets_out(
    line: CallerID, echo: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    trunk = line.did.trunk
    secrets = secrets_of(trunk.provider, trunk.credentials)
    boss = signed_in(person(line.tenant, "boss", User.Role.ADMIN))
    for status in STATUSES:
        echo[:] = [status]
        submit(line.extension, f"Hello {status}")
        Trunk.objects.update(paused_since=None)
        dispatch.drain(trunk.pk, SimpleQueue())
        boss.post(f"/admin/portal/trunk/{trunk.pk}/do/check/", follow=True)
    Client().post(f"/webhooks/{trunk.webhook_token}/", b"{}", "application/json")

    told = [caplog.text, *_kept(), *_pages(boss, trunk, line)]
    assert Attempt.objects.exists() or trunk.provider == "airenetworks"
    for name, secret in secrets.items():
        assert not [text for text in told if secret in text], f"{name} of {trunk.provider}"


def _kept() -> Iterator[str]:
    for attempt in Attempt.objects.all():
        yield f"{attempt.request} {attempt.response} {attempt.detail} {attempt.code}"
    for message in Message.objects.all():
        yield f"{message.error} {message.error_code} {message.history}"
    for event in ProviderEvent.objects.all():
        yield f"{event.detail} {event.headers} {event.query}"
    for trunk in Trunk.objects.all():
        yield trunk.paused_reason


def _pages(boss: Client, trunk: Trunk, line: CallerID) -> Iterator[str]:
    for address in (
        f"/admin/portal/trunk/{trunk.pk}/change/",
        f"/admin/portal/trunk/{trunk.pk}/history/",
        f"/admin/portal/trunk/{trunk.pk}/do/try/",
        "/admin/portal/auditentry/",
        *(f"/admin/sms/message/{row.pk}/change/" for row in Message.objects.all()),
    ):
        yield boss.get(address).content.decode()
    yield machine(line.extension).get("/api/v1/messages").content.decode()
