"""Files through the API: uploaded, sent, read by those entitled, fetched by providers."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from portal.models import CallerID, Extension
from sms import media
from sms.models import MediaFile
from tests import factories
from tests.sms.callers import API, machine

pytestmark = pytest.mark.django_db
PICTURE = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture(autouse=True)
def _files_of_the_test(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def put(
    client: APIClient, name: str = "a.png", kind: str = "image/png", body: bytes = PICTURE
) -> Any:
    return client.post(f"{API}/media", {"file": SimpleUploadedFile(name, body, kind)})


def stored(extension: Extension, **fields: Any) -> MediaFile:
    made = media.store_upload(
        tenant=extension.tenant,
        extension=extension,
        name="a.png",
        content_type="image/png",
        body=PICTURE,
    )
    for name, value in fields.items():
        setattr(made, name, value)
    made.save()
    return made


def content(answer: Any) -> bytes:
    """Read a file to its end, which also closes it."""
    return b"".join(answer.streaming_content)


def status(answer: Any) -> int:
    content(answer)
    return int(answer.status_code)


def test_a_file_is_uploaded_sent_and_read_back(line: CallerID) -> None:
    client = machine(line.extension)
    kept = put(client).json()
    assert (kept["name"], kept["content_type"], kept["size"]) == (
        "a.png",
        "image/png",
        len(PICTURE),
    )
    data = {"to": "+16175550188", "text": "", "media": [kept["id"]]}
    sent = client.post(f"{API}/messages", data, format="json", HTTP_IDEMPOTENCY_KEY="k")
    assert sent.json()["media"] == [kept]
    again = client.post(f"{API}/messages", data, format="json", HTTP_IDEMPOTENCY_KEY="k")
    assert again.json()["id"] == sent.json()["id"]
    assert content(client.get(kept["url"])) == PICTURE


@pytest.mark.parametrize(
    ("kind", "body"),
    [("text/html", b"<script>"), ("application/x-sh", b"rm"), ("image/png", b""), ("", b"x")],
)
def test_what_cannot_be_texted_is_refused(line: CallerID, kind: str, body: bytes) -> None:
    answer = put(machine(line.extension), kind=kind, body=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "media_refused")
    assert not MediaFile.objects.exists()


def test_an_upload_without_a_file_is_refused(line: CallerID) -> None:
    answer = machine(line.extension).post(f"{API}/media", {})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_a_tenants_token_names_the_extension_that_uploads(line: CallerID) -> None:
    client = machine(line.tenant)
    assert put(client).json()["code"] == "extension_required"
    upload = SimpleUploadedFile("a.png", PICTURE, "image/png")
    data = {"file": upload, "extension": line.extension.number}
    assert client.post(f"{API}/media", data).status_code == 201


def test_only_those_who_read_the_conversation_read_its_files(line: CallerID) -> None:
    conversation = factories.ConversationFactory(did=line.did, extension=line.extension)
    message = factories.MessageFactory(conversation=conversation, inbound=True)
    url = f"{API}/media/{stored(line.extension, message=message).key}"
    MediaFile.objects.update(extension=None)
    colleague = factories.ExtensionFactory(tenant=line.tenant)
    assert status(machine(line.extension).get(url)) == 200
    assert status(machine(line.tenant).get(url)) == 200
    assert machine(colleague).get(url).status_code == 404
    assert machine(factories.ExtensionFactory()).get(url).status_code == 404
    assert APIClient().get(url).status_code == 401


def test_an_upload_that_waits_belongs_to_its_extension(line: CallerID) -> None:
    url = f"{API}/media/{stored(line.extension).key}"
    colleague = factories.ExtensionFactory(tenant=line.tenant)
    assert status(machine(line.extension).get(url, HTTP_ACCEPT="image/png")) == 200
    assert machine(colleague).get(url).status_code == 404


@pytest.mark.parametrize(
    ("kind", "disposition"),
    [("image/png", "inline"), ("image/svg+xml", "attachment"), ("text/plain", "attachment")],
)
def test_only_harmless_types_are_shown_in_the_page(
    line: CallerID, kind: str, disposition: str
) -> None:
    name = 'x"\r\nSet-Cookie: a=b.png'
    kept = stored(line.extension, content_type=kind, name=name)
    answer = machine(line.extension).get(f"{API}/media/{kept.key}")
    assert answer["Content-Type"] == kind
    assert answer["Content-Disposition"].startswith(disposition)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert content(answer) == PICTURE


def test_a_file_that_is_not_there_is_not_found(line: CallerID) -> None:
    waiting = stored(line.extension, state=MediaFile.State.WAITING)
    gone = stored(line.extension)
    Path(gone.file.path).unlink()
    client = machine(line.extension)
    assert client.get(f"{API}/media/{waiting.key}").json()["code"] == "not_found"
    assert client.get(f"{API}/media/{gone.key}").json()["code"] == "not_found"


def test_a_provider_fetches_a_file_by_its_signed_link(line: CallerID, client: Client) -> None:
    path = "/media/" + media.link(stored(line.extension)).partition("/media/")[2]
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert content(answer) == PICTURE
    head = client.head(path)
    assert (status(head), head["Content-Length"]) == (200, str(len(PICTURE)))
    assert client.post(path).status_code == 405


def test_a_forged_or_expired_link_opens_nothing(line: CallerID, client: Client) -> None:
    kept = stored(line.extension)
    path = "/media/" + media.link(kept).partition("/media/")[2]
    assert client.get(path + "x").status_code == 404
    assert client.get(f"/media/{kept.key.hex}").status_code == 404
    MediaFile.objects.update(created_at=timezone.now() - timedelta(days=4))
    assert client.get(path).status_code == 404
