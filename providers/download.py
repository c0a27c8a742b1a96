"""Fetches attachments from addresses that strangers may have chosen."""

import re
from dataclasses import dataclass
from email.message import Message
from urllib.parse import urljoin, urlsplit

import requests  # noqa: TID251 - downloads are calls, too
from urllib3.exceptions import HTTPError

from providers import connection, wire
from providers.errors import Rejected, SendError, Throttled, Unavailable
from providers.payload import clean

MAX_MEDIA = 10_000_000
MAX_REDIRECTS = 3


@dataclass(frozen=True)
class Media:
    """One downloaded attachment; ``name`` is the last part of a path, never a path."""

    content_type: str
    body: bytes
    name: str


def fetch(
    url: str,
    *,
    trusted_hosts: frozenset[str],
    basic: tuple[str, str] | None = None,
    bearer: str = "",
    max_bytes: int = MAX_MEDIA,
) -> Media:
    """Fetch an attachment; raise ``Rejected`` (with the HTTP status as code), or a wait.

    Only public addresses and trusted hosts are reached, redirects are followed by hand, and the
    credentials stay with the host and port they were meant for.
    """
    home = None
    until = wire.deadline()
    with wire.session(connection.guarded_pools(trusted_hosts)) as session:
        for _ in range(MAX_REDIRECTS + 1):
            try:
                plain = requests.Request("GET", url, headers={"Accept": "*/*"})
                request = wire.prepared(plain)
                # Judged by the URL as it will be called, not as it was written.
                home = home or _origin(str(request.url))
                if _origin(str(request.url)) == home:
                    request.headers.update(wire.authorization(basic, bearer))
                with wire.sent(session, request) as response:
                    location = response.headers.get("location", "")
                    if not (300 <= response.status_code < 400 and location):
                        return _media(response, max_bytes, until)
                url = urljoin(url, location)
            except connection.NotPublic as error:
                raise Rejected(f"The attachment's address {error}.") from None
            except (requests.RequestException, HTTPError, ValueError, TimeoutError) as error:
                raise _unfetched(error) from None
    raise Rejected(f"The attachment's address redirects more than {MAX_REDIRECTS} times.")


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _unfetched(error: Exception) -> SendError:
    if isinstance(error, ValueError):
        return Rejected("The attachment's address cannot be used.")
    return Unavailable("The attachment could not be fetched now.")


def _media(response: requests.Response, max_bytes: int, until: float) -> Media:
    status = response.status_code
    if status == 429:
        raise Throttled("The attachment's server asks for patience (HTTP 429).")
    if status in {404, 408} or status >= 500:
        # Right after the webhook some providers do not have the file yet.
        raise Unavailable(f"The attachment is not there yet (HTTP {status}).")
    if status != 200:
        raise Rejected(f"The attachment cannot be fetched (HTTP {status}).", code=str(status))
    too_large = Rejected(f"The attachment is larger than {max_bytes} bytes.")
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and len(announced) < 20 and int(announced) > max_bytes:
        raise too_large
    body = wire.read(response, max_bytes, until)
    if body is None:
        raise too_large
    # Some servers name several types; the first one counts.
    kind = re.split("[;,]", response.headers.get("content-type", ""))[0].strip().lower()
    return Media(kind or "application/octet-stream", body, _name(response))


def _name(response: requests.Response) -> str:
    header = Message()
    header["content-disposition"] = response.headers.get("content-disposition", "")
    given = header.get_filename() or urlsplit(str(response.url)).path
    last = clean(given).replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[:100]
