"""The fence around a tenant: whoever calls from another one sees, reaches and learns nothing."""

from typing import Any

import pytest

from portal.models import CallerID, User
from tests import factories
from tests.sms.callers import API, machine, person

pytestmark = pytest.mark.django_db

LISTS = ["messages", "conversations", "contacts"]
ADDRESSES = [
    ("get", "messages/{message}"),
    ("get", "conversations/{conversation}"),
    ("get", "conversations/{conversation}/messages"),
    ("get", "media/{media}"),
    ("get", "conversations/{conversation}/people"),
    ("post", "conversations/{conversation}/take"),
    ("post", "conversations/{conversation}/transfer"),
    ("post", "conversations/{conversation}/read"),
    ("post", "conversations/{conversation}/close"),
    ("post", "conversations/{conversation}/reopen"),
    ("get", "contacts/{contact}"),
    ("patch", "contacts/{contact}"),
    ("delete", "contacts/{contact}"),
    ("get", "contacts/{contact}/conversations"),
]
OUTSIDERS = ["extension", "tenant token", "administrator", "auditor"]


@pytest.fixture
def theirs(line: CallerID) -> dict[str, Any]:
    """What another tenant has."""
    conversation = factories.ConversationFactory(did=line.did, extension=line.extension)
    message = factories.MessageFactory(conversation=conversation, inbound=True)
    media = factories.MediaFileFactory(message=message, state="ready")
    contact = factories.ContactNumberFactory(tenant=line.tenant).contact
    rows = {"conversation": conversation, "message": message, "contact": contact}
    return {"media": media.key} | {name: row.pk for name, row in rows.items()}


def outsider(kind: str) -> Any:
    own = factories.line()
    if kind == "extension":
        return machine(own.extension)
    if kind == "tenant token":
        return machine(own.tenant)
    role = User.Role.ADMIN if kind == "administrator" else User.Role.AUDITOR
    return person(factories.UserFactory(tenant=own.tenant, role=role))


@pytest.mark.parametrize("kind", OUTSIDERS)
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.usefixtures("theirs")
def test_lists_hold_nothing_of_another_tenant(kind: str, name: str) -> None:
    assert outsider(kind).get(f"{API}/{name}").json()["results"] == []


@pytest.mark.parametrize("kind", OUTSIDERS)
@pytest.mark.parametrize(("method", "address"), ADDRESSES)
def test_another_tenants_rows_are_not_found(
    kind: str, method: str, address: str, theirs: dict[str, Any]
) -> None:
    client = outsider(kind)
    answer = getattr(client, method)(f"{API}/{address.format(**theirs)}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_another_tenants_extension_and_uploads_are_unknown(line: CallerID) -> None:
    client = outsider("tenant token")
    data = {"to": "+16175550188", "text": "x", "extension": line.extension.number}
    answer = client.post(f"{API}/messages", data, format="json", HTTP_IDEMPOTENCY_KEY="k")
    assert answer.json()["code"] == "extension_unknown"
    upload = factories.MediaFileFactory(
        message=None, extension=line.extension, tenant=line.tenant, state="ready"
    )
    with_upload = {"to": "+16175550188", "text": "x", "media": [str(upload.key)]}
    answer = outsider("extension").post(
        f"{API}/messages", with_upload, format="json", HTTP_IDEMPOTENCY_KEY="k"
    )
    assert answer.json()["code"] == "media_refused"
