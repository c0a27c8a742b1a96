"""Machines' requests take the short way, pages and people the usual one."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory

from portal import wsgi
from portal.models import ApiToken, CallerID
from tests import factories
from tests.sms.callers import machine

pytestmark = pytest.mark.django_db


@pytest.fixture
def line() -> CallerID:
    return factories.line()


def test_an_answer_to_a_machine_carries_what_browsers_need_to_know(line: CallerID) -> None:
    answer = machine(line.extension).get("/api/v1/messages")

    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert not answer.cookies


def test_a_host_that_is_not_ours_is_refused_on_the_short_way_too(line: CallerID) -> None:
    assert (
        machine(line.extension).get("/api/v1/messages", HTTP_HOST="evil.example").status_code == 400
    )
    assert Client().post("/webhooks/x/", HTTP_HOST="evil.example").status_code == 400


def test_a_person_with_a_session_takes_the_usual_way() -> None:
    assert "form-action 'self'" in Client().get("/login/").headers["Content-Security-Policy"]
    assert "csrftoken" in Client().get("/login/").cookies


def test_an_address_that_nobody_answers_is_not_found(line: CallerID) -> None:
    assert machine(line.extension).get("/api/v1/nothing").status_code == 404


def answered(environ: dict[str, Any]) -> tuple[str, bytes]:
    """Let the web process's own entry answer, as the server calls it."""
    heads: list[str] = []
    body = wsgi.application(environ, lambda status, _headers: heads.append(status))
    return heads[0], b"".join(body)


def asked(path: str, body: bytes = b"", **more: Any) -> dict[str, Any]:
    """Return what a server hands over for a POST."""
    request = RequestFactory().post(path, body, content_type="application/json", **more)
    return dict(request.environ)


@pytest.mark.django_db(transaction=True)
def test_a_machines_post_gives_its_connection_back_at_once(line: CallerID) -> None:
    _token, key = ApiToken.issue(tenant=line.tenant, extension=line.extension)
    body = b'{"to": "+16175550187", "text": "Hello"}'
    status, answer = answered(
        asked(
            "/api/v1/messages",
            body,
            HTTP_AUTHORIZATION=f"Bearer {key}",
            HTTP_IDEMPOTENCY_KEY="one",
        )
    )
    assert status == "202 Accepted"
    assert json.loads(answer)["text"] == "Hello"
    assert connection.connection is None


@pytest.mark.django_db(transaction=True)
def test_a_persons_post_and_a_strangers_are_answered_by_the_same_entry() -> None:
    assert answered(asked("/login/"))[0].startswith("403")
    assert answered(asked("/webhooks/nobody/"))[0] == "404 Not Found"
