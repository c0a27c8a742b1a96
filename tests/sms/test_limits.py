"""What a provider cannot take is refused before it is kept; what it never posts is not taken."""

import pytest
from django.test import Client

from portal.models import CallerID
from sms import drafts
from sms.drafts import Draft
from sms.models import MediaFile
from tests import factories, fakes

pytestmark = pytest.mark.django_db


@pytest.fixture
def line() -> CallerID:
    """A line at a provider with limits of every kind."""
    made = factories.line()
    made.did.trunk.provider = "wavix"
    made.did.trunk.credentials = {"api_key": "k"}
    made.did.trunk.save()
    return made


def upload(line: CallerID, content_type: str = "image/png", size: int = 1000) -> MediaFile:
    made: MediaFile = factories.MediaFileFactory(
        message=None,
        tenant=line.tenant,
        extension=line.extension,
        name="a.bin",
        content_type=content_type,
        size=size,
        state=MediaFile.State.READY,
    )
    return made


def refused(line: CallerID, text: str = "Hi", *media: MediaFile) -> str:
    """Return why a draft is refused."""
    draft = Draft(extension=line.extension, to=fakes.REMOTE, text=text, media=media)
    with pytest.raises((drafts.MediaRefused, drafts.TextTooLong)) as caught:
        drafts.preflight(draft)
    return caught.value.detail


def test_a_text_of_too_many_segments_is_refused_by_its_alphabet(line: CallerID) -> None:
    assert (
        drafts.preflight(
            Draft(extension=line.extension, to=fakes.REMOTE, text="x" * 1530)
        ).measure.segments
        == 10
    )
    assert "11 segments; 10 are the most" in refused(line, "x" * 1531)
    assert "segments; 10 are the most" in refused(line, "☎" * 671)


def test_a_file_of_a_type_that_the_provider_lacks_is_refused(line: CallerID) -> None:
    assert "image/webp" in refused(line, "Hi", upload(line, "image/webp"))


def test_one_large_file_is_named(line: CallerID) -> None:
    assert "a.bin is larger than 1000 kB" in refused(line, "Hi", upload(line, size=1_000_001))


def test_more_files_than_the_provider_takes_are_refused(line: CallerID) -> None:
    assert "At most 5 files" in refused(line, "Hi", *(upload(line) for _each in range(6)))


def test_a_provider_that_only_sends_has_no_webhook() -> None:
    trunk = factories.TrunkFactory(
        provider="airenetworks",
        credentials={"username": "u", "password": "p", "sender_id": "ALDER"},
    )

    answer = Client().post(f"/webhooks/{trunk.webhook_token}/", b"{}", "application/json")

    assert answer.status_code == 404
