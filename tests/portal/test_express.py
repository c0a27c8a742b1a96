"""Machines' requests take the short way, pages and people the usual one."""

import pytest
from django.test import Client

from portal.models import CallerID
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
