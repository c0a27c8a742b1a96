"""Whatever strangers post: an adapter refuses it or cannot read it, and nothing else happens."""

import contextlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers import registry
from providers.contract import Broken, InboundMessage, StatusUpdate, WebhookRequest
from providers.errors import Unreadable, WebhookRefused
from tests.providers.cases import of

KEYS = sorted(registry.all())

# Field names that the adapters look for, so that the search gets past the front door.
NAMES = {
    name
    for key in KEYS
    for case in of(key)
    if case.kind in {"inbound", "status"} and case.body.startswith(b"{")
    for name in json.loads(case.body)
} | {"from", "to", "type", "id", "payload", "event_type", "text", "status", "cc", "media"}
FORM_NAMES = ["From", "To", "MessageSid", "NumMedia", "MediaUrl0", "SmsStatus", "MessageStatus"]
TEXTS = st.text(max_size=20) | st.sampled_from(["message", "status", "message.received", "+1202"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(NAMES)) | TEXTS, inner, max_size=5)
    ),
    max_leaves=12,
)
SIGNED = ["x-twilio-signature", "telnyx-timestamp", "telnyx-signature-ed25519"]
SIGNED += ["x-sandbox-timestamp", "x-sandbox-signature", "x-twilio-webhooks-signature-settings"]
HEADERS = st.dictionaries(st.sampled_from([*SIGNED, "content-type"]) | TEXTS, TEXTS, max_size=4)
TYPES = st.sampled_from(["application/json", "application/x-www-form-urlencoded", "", "é"])
BODIES = st.one_of(
    st.binary(max_size=60),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(FORM_NAMES), st.text(st.characters(codec="utf-8"))).map(
        lambda fields: urlencode(fields).encode()
    ),
)


@st.composite
def hostile_requests(draw: st.DrawFn) -> WebhookRequest:
    """Draw a request of any method, headers, query and body."""
    query = draw(st.text(max_size=20) | st.sampled_from(["ref=1", "bodySHA256=x", "a=%ff"]))
    return WebhookRequest(
        method=draw(st.sampled_from(["GET", "POST", "PUT"])),
        url=draw(st.sampled_from(["https://h/w/?", "http://u@h:1/w/?", ""]) | TEXTS) + query,
        headers={**draw(HEADERS), "content-type": draw(TYPES)},
        query=query,
        body=draw(BODIES),
    )


@pytest.mark.parametrize("key", KEYS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(request=hostile_requests())
def test_no_request_breaks_an_adapter(key: str, request: WebhookRequest) -> None:
    adapter = registry.build(key, of(key)[0].credentials)
    with contextlib.suppress(WebhookRefused):
        adapter.authenticate(request)
    events: list[Any] = []
    with contextlib.suppress(Unreadable):
        events = list(adapter.parse(request))
    assert adapter.reply(request).status == 200
    for event in events:
        assert isinstance(event, InboundMessage | StatusUpdate | Broken)
        texts = [value for value in vars(event).values() if isinstance(value, str)]
        # What goes to the database can be written there.
        assert "\x00" not in "".join(texts).encode().decode()
