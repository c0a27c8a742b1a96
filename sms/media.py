"""Attachments: what may be stored, our own copy of what a provider offers, and signed links."""

import logging
import re
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from portal.models import Extension, Tenant, Trunk
from providers.contract import InboundMessage
from providers.download import Media
from providers.errors import ProviderError, Rejected
from sms import bell, switchboard
from sms.models import MediaFile, Message, ProviderEvent
from sms.models.media import storage_path

log = logging.getLogger(__name__)

MAX_BYTES = 10 * 1024 * 1024
LINK_HOURS = 24 * 3
MAX_TRIES = 6
BATCH = 20
_SALT = "sms.media"
_ALLOWED = re.compile(
    r"image/(jpeg|png|gif|webp|bmp|heic|heif|tiff)|audio/[\w.+-]+|video/[\w.+-]+"
    r"|text/(plain|vcard|x-vcard|calendar|directory)|application/pdf"
)
# Only these are ever shown inside our pages; everything else is downloaded.
INLINE = re.compile(r"image/(jpeg|png|gif|webp)|audio/(mpeg|mp4|ogg|amr|wav)|video/(mp4|3gpp|webm)")


class MediaRefused(ValueError):
    """A file that is too large or of a type that cannot be texted; fit for its sender."""


class NotKept(OSError):
    """A file that could not be written, for example because the disk is full; fit for anybody."""


def clean_type(content_type: str) -> str:
    """Return the bare media type, lower-case."""
    return content_type.partition(";")[0].strip().lower()


def check(content_type: str, size: int) -> None:
    """Raise ``MediaRefused`` unless a file of this type and size may be kept."""
    if not _ALLOWED.fullmatch(clean_type(content_type)):
        raise MediaRefused(f"Files of type {clean_type(content_type) or 'unknown'} are not taken.")
    if size > MAX_BYTES:
        raise MediaRefused(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB.")
    if not size:
        raise MediaRefused("The file is empty.")


def store_upload(
    *, tenant: Tenant, extension: Extension, name: str, content_type: str, body: bytes
) -> MediaFile:
    """Keep an uploaded file until a message takes it; raise ``MediaRefused``."""
    check(content_type, len(body))
    media = MediaFile(
        tenant=tenant,
        extension=extension,
        name=name[:120],
        content_type=clean_type(content_type),
        size=len(body),
        state=MediaFile.State.READY,
    )
    _keep(media, body)
    return media


def copy(media: MediaFile, *, extension: Extension) -> MediaFile:
    """Keep what an earlier message held once more, as an upload of the extension."""
    with media.file.open("rb") as stored:
        body: bytes = stored.read()
    return store_upload(
        tenant=extension.tenant,
        extension=extension,
        name=media.name,
        content_type=media.content_type,
        body=body,
    )


def _keep(media: MediaFile, body: bytes) -> None:
    """Write the file, then its row; raise ``NotKept`` and leave nothing half-written behind."""
    try:
        media.file.save("", ContentFile(body), save=True)
    except OSError as error:
        with suppress(OSError):  # the same trouble again
            media.file.storage.delete(storage_path(media, ""))
        log.exception("media.not_kept media=%s", media.key)
        raise NotKept(f"The file could not be stored: {error.strerror}.") from error


def expect(message: Message, text: InboundMessage, *, event: ProviderEvent, index: int) -> None:
    """Note the attachments of an inbound message, to be fetched by a worker.

    ``index`` is the place of the message in its event; files inside the request are taken from
    there later, like those behind URLs.
    """
    sources: list[tuple[str, ProviderEvent | None]] = [(url, None) for url in text.media_urls]
    sources += [(f"{event.pk} {index} {n}", event) for n in range(len(text.files))]
    waiting = [
        MediaFile(
            tenant_id=message.tenant_id,
            message=message,
            source_url=source,
            event=holder,
            state=MediaFile.State.WAITING,
        )
        for source, holder in sources
    ]
    if waiting:
        MediaFile.objects.bulk_create(waiting, ignore_conflicts=True)
        bell.ring("fetch_media")


def link(media: MediaFile) -> str:
    """Return the public link by which a provider fetches an outbound file.

    Always the same for one file, because some providers want a repeated request to be identical
    to the byte; so it expires by the file's own age, not by the time of signing.
    """
    token = signing.Signer(salt=_SALT).sign(media.key.hex)
    return f"{settings.MEDIA_URL_BASE}/media/{token}"


def by_link(token: str) -> MediaFile | None:
    """Return the file that a link names, unless it is forged or has expired."""
    try:
        key = signing.Signer(salt=_SALT).unsign(token)
    except signing.BadSignature:
        return None
    oldest = timezone.now() - timedelta(hours=LINK_HOURS)
    return MediaFile.objects.filter(
        key=key, state=MediaFile.State.READY, created_at__gt=oldest
    ).first()


def fetch_due() -> bool:
    """Fetch waiting attachments, a few at a time; return whether more are due.

    Each is claimed by moving its ``due_at``, so that a killed worker's file comes up again.
    """
    bell.quieten("fetch_media")
    now = timezone.now()
    with transaction.atomic():
        due = list(
            MediaFile.objects.select_for_update(skip_locked=True)
            .filter(state=MediaFile.State.WAITING, due_at__lte=now)
            .order_by("due_at")[:BATCH]
        )
        for media in due:
            media.tries += 1
            media.due_at = now + timedelta(seconds=60 * 2**media.tries)
        MediaFile.objects.bulk_update(due, ["tries", "due_at"])
    for media in due:
        _fetch(media)
    return len(due) == BATCH


def _fetch(media: MediaFile) -> None:
    message = media.message
    if message is None or message.trunk is None:
        _give_up(media, "The trunk of the message is gone.")
        return
    try:
        fetched = _fetched(media, message.trunk)
        check(fetched.content_type, len(fetched.body))
        media.content_type = clean_type(fetched.content_type)
        media.size, media.name = len(fetched.body), fetched.name[:120]
        media.state, media.error = MediaFile.State.READY, ""
        _keep(media, fetched.body)
    except (Rejected, MediaRefused) as error:
        _give_up(media, str(error))
    except (ProviderError, ValueError, OSError) as error:
        if media.tries >= MAX_TRIES:
            _give_up(media, str(error))
        else:
            MediaFile.objects.filter(pk=media.pk).update(
                error=str(error)[:300],
                due_at=timezone.now() + timedelta(seconds=2**media.tries),
            )
    else:
        _tell(message)


def _fetched(media: MediaFile, trunk: Trunk) -> Media:
    if media.event is None:
        return trunk.adapter().fetch_media(media.source_url)
    index, place = (int(word) for word in media.source_url.split()[1:])
    items = list(media.event.trunk.adapter().parse(media.event.request()))
    item = items[index] if index < len(items) else None
    if not isinstance(item, InboundMessage) or place >= len(item.files):
        raise Rejected("The file is not in its request any more; the adapter reads it otherwise.")
    return item.files[place]


def _give_up(media: MediaFile, why: str) -> None:
    log.warning("media.failed media=%s why=%s", media.pk, why)
    MediaFile.objects.filter(pk=media.pk).update(state=MediaFile.State.FAILED, error=why[:300])
    if media.message:
        _tell(media.message)


def _tell(message: Message) -> None:
    news = {"type": "message", "conversation": message.conversation_id, "message": message.pk}
    bell.tell(switchboard.audience(message.conversation), news)
