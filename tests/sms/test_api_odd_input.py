"""No odd input makes the API answer 5xx, and what it answers is what its schema says."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import response_schema_conformance

from portal.models import ApiToken, CallerID
from portal.wsgi import application
from tests import factories
from tests.sms.callers import API, machine

pytestmark = pytest.mark.django_db


@pytest.fixture
def schema() -> Iterator[Any]:
    """Read the schema as it is served."""
    signals = (request_started, request_finished)
    for signal in signals:  # the connection is the test's, not one request's
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/v1/schema/", application)
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def key(line: CallerID) -> str:
    """Give a token of an extension that has something of everything."""
    conversation = factories.ConversationFactory(did=line.did, extension=line.extension)
    factories.MediaFileFactory(message=factories.MessageFactory(conversation=conversation))
    factories.ContactNumberFactory(tenant=line.tenant)
    _token, key = ApiToken.issue(tenant=line.tenant, extension=line.extension)
    return key


def probe(operation: Any, mode: GenerationMode, key: str) -> None:
    """Call one operation with a dozen inputs that fit the schema, or that do not."""

    @settings(
        max_examples=12,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def call(case: Any) -> None:
        answer = case.call(headers={"Authorization": f"Bearer {key}"})
        case.validate_response(answer, checks=[not_a_server_error, response_schema_conformance])

    call()


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_odd_input_is_never_a_server_error(schema: Any, key: str, mode: GenerationMode) -> None:
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 15
    for operation in operations:
        probe(operation, mode, key)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"[" * 100_000,
        b'{"to": 1e999}',
        b"\xff\xfe",
        b"9" * 10_000,
        b'{"media": ["\\ud800"]}',
        b'{"name": "\\ud800"}',
    ],
)
def test_a_malformed_body_is_refused(line: CallerID, body: bytes) -> None:
    client = machine(line.extension)
    for address in ("messages", "messages/preflight", "contacts"):
        answer = client.post(
            f"{API}/{address}", body, content_type="application/json", HTTP_IDEMPOTENCY_KEY="k"
        )
        assert 400 <= answer.status_code < 500
        assert answer.json()["code"]


def test_the_schema_is_complete() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=io.StringIO())
