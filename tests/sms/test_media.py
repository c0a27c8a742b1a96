"""Attachments: what may be kept, how providers' files are fetched, and who can open a link."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import responses
import time_machine
from django.core import signing
from django.utils import timezone
from pytest_django import Settings
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError

from portal.models import CallerID, Trunk
from sms import media
from sms.media import MediaRefused
from sms.models import MediaFile
from tests import factories

pytestmark = pytest.mark.django_db

URL = "https://media.example.com/cat.png"


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def waiting(line: CallerID) -> MediaFile:
    """Give an attachment that is still at the provider."""
    message = factories.MessageFactory(
        conversation=factories.ConversationFactory(extension=line.extension, did=line.did),
        inbound=True,
    )
    made: MediaFile = factories.MediaFileFactory(message=message, source_url=URL)
    return made


def fetch(file: MediaFile) -> MediaFile:
    """Fetch what is due and return the file as it is then."""
    assert media.fetch_due() is False
    file.refresh_from_db()
    return file


def upload(line: CallerID, body: bytes = b"png", content_type: str = "image/png") -> MediaFile:
    return media.store_upload(
        tenant=line.tenant, extension=line.extension, name="cat.png",
        content_type=content_type, body=body,
    )  # fmt: skip


@pytest.mark.parametrize(
    "content_type",
    ["image/jpeg", "IMAGE/PNG; x=1", "video/mp4", "audio/amr", "text/vcard", "application/pdf"],
)
def test_what_can_be_texted_is_taken(content_type: str) -> None:
    media.check(content_type, 1)


@pytest.mark.parametrize(
    ("content_type", "size"),
    [
        ("text/html", 1),
        ("image/svg+xml", 1),
        ("application/x-msdownload", 1),
        ("", 1),
        ("image/png", 0),
        ("image/png", media.MAX_BYTES + 1),
    ],
)
def test_what_cannot_be_texted_is_refused(content_type: str, size: int) -> None:
    with pytest.raises(MediaRefused):
        media.check(content_type, size)


@pytest.mark.parametrize("content_type", ["image/svg+xml", "text/html", "application/pdf"])
def test_nothing_that_could_run_is_shown_inside_our_pages(content_type: str) -> None:
    assert not media.INLINE.fullmatch(content_type)


def test_an_offered_file_is_copied(waiting: MediaFile, network: responses.RequestsMock) -> None:
    network.add(responses.GET, URL, body=b"\x89PNG", content_type="image/png")
    file = fetch(waiting)
    assert (file.state, file.content_type, file.size) == ("ready", "image/png", 4)
    assert file.name == "cat.png"
    assert file.file.read() == b"\x89PNG"
    file.file.close()


@pytest.mark.parametrize(
    ("body", "content_type", "why"),
    [
        (b"<html>", "text/html", "text/html"),
        (b"", "image/png", "empty"),
        (b"x" * (media.MAX_BYTES + 1), "image/png", "larger"),
    ],
)
def test_a_file_that_may_not_be_kept_is_given_up_at_once(
    waiting: MediaFile,
    network: responses.RequestsMock,
    body: bytes,
    content_type: str,
    why: str,
) -> None:
    network.add(responses.GET, URL, body=body, content_type=content_type)
    file = fetch(waiting)
    assert (file.state, file.tries) == ("failed", 1)
    assert why in file.error


def test_a_file_that_is_not_there_yet_is_tried_again(
    waiting: MediaFile, network: responses.RequestsMock
) -> None:
    network.add(responses.GET, URL, status=404)
    file = fetch(waiting)
    assert (file.state, file.tries) == ("waiting", 1)
    assert file.due_at > timezone.now()
    assert file.error
    network.replace(responses.GET, URL, body=b"\x89PNG", content_type="image/png")
    with time_machine.travel(file.due_at):
        file = fetch(file)
    assert (file.state, file.error) == ("ready", "")
    file.file.close()


def test_a_file_that_never_comes_is_given_up(
    waiting: MediaFile, network: responses.RequestsMock
) -> None:
    refused = requests.ConnectionError(
        NewConnectionError(HTTPConnection("media.example.com"), "refused")
    )
    network.add(responses.GET, URL, body=refused)
    file = waiting
    with time_machine.travel(timezone.now()) as clock:
        for _try in range(media.MAX_TRIES):
            assert file.state == "waiting"
            clock.shift(600)
            file = fetch(file)
    assert (file.state, file.tries) == ("failed", media.MAX_TRIES)


def test_a_file_that_the_disk_does_not_take_is_tried_again(
    waiting: MediaFile, network: responses.RequestsMock, settings: Settings, tmp_path: Path
) -> None:
    network.get(URL, body=b"png", content_type="image/png")
    no_folder = tmp_path / "no-folder"
    no_folder.write_text("")
    settings.MEDIA_ROOT = no_folder
    file = fetch(waiting)
    assert (file.state, file.tries) == (MediaFile.State.WAITING, 1)
    assert "could not be stored" in file.error
    assert str(no_folder) not in file.error
    assert file.due_at < timezone.now() + timedelta(seconds=5)


def test_a_file_whose_trunk_is_gone_is_given_up(waiting: MediaFile) -> None:
    assert waiting.message is not None
    waiting.message.trunk = None
    waiting.message.save()
    assert fetch(waiting).state == "failed"


def test_a_trunk_that_lost_its_credentials_fetches_later(waiting: MediaFile) -> None:
    Trunk.objects.update(credentials={})
    file = fetch(waiting)
    assert file.state == "waiting"
    assert "secret" in file.error


def test_a_killed_workers_file_comes_up_again(waiting: MediaFile) -> None:
    # The claim is the moved time; nothing else says that somebody is at it.
    MediaFile.objects.update(tries=1, due_at=timezone.now() + timedelta(seconds=120))
    assert fetch(waiting).tries == 1
    with time_machine.travel(timezone.now() + timedelta(seconds=121)):
        assert MediaFile.objects.filter(state="waiting", due_at__lte=timezone.now()).exists()


def test_more_than_a_batch_is_left_over(line: CallerID, network: responses.RequestsMock) -> None:
    network.add(responses.GET, URL, body=b"\x89PNG", content_type="image/png")
    message = factories.MessageFactory(tenant=line.tenant, inbound=True)
    factories.MediaFileFactory.create_batch(media.BATCH + 1, message=message)
    MediaFile.objects.update(state="failed")
    assert media.fetch_due() is False
    MediaFile.objects.update(state="waiting", message=None)
    assert media.fetch_due() is True
    assert media.fetch_due() is False


def test_a_link_leads_to_its_file_and_is_the_same_every_time(
    line: CallerID, settings: Settings
) -> None:
    settings.MEDIA_URL_BASE = "https://media.ours.example"
    file = upload(line)
    link = media.link(file)
    assert link == media.link(MediaFile.objects.get())
    assert link.startswith("https://media.ours.example/media/")
    token = urlsplit(link).path.removeprefix("/media/")
    assert media.by_link(token) == file


def test_a_link_expires_with_its_file(line: CallerID) -> None:
    file = upload(line)
    token = media.link(file).rpartition("/")[2]
    with time_machine.travel(timezone.now() + timedelta(hours=media.LINK_HOURS, minutes=1)):
        assert media.by_link(token) is None


@pytest.mark.parametrize("token", ["", "x", "x:y", "0" * 32])
def test_a_forged_link_leads_nowhere(line: CallerID, token: str) -> None:
    file = upload(line)
    assert media.by_link(token) is None
    assert media.by_link(file.key.hex) is None
    assert media.by_link(signing.Signer(salt="other").sign(file.key.hex)) is None


def test_a_link_to_a_file_that_is_not_there_leads_nowhere(waiting: MediaFile) -> None:
    assert media.by_link(media.link(waiting).rpartition("/")[2]) is None


def test_a_refused_upload_leaves_nothing_behind(line: CallerID, tmp_path: Path) -> None:
    with pytest.raises(MediaRefused):
        upload(line, content_type="text/html")
    assert not MediaFile.objects.exists()
    assert list(tmp_path.iterdir()) == []
