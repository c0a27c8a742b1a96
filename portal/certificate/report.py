"""Looks at the server of a URL the way a provider does, and reports what there is to say of it."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import certifi
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.certificate import chain as chains
from portal.certificate import findings, handshake
from portal.certificate.chain import Chain
from portal.certificate.findings import Finding


@dataclass(frozen=True)
class Report:
    """What a look at one URL found; ``chain`` is None where nobody showed a certificate."""

    url: str
    host: str
    at: datetime
    findings: tuple[Finding, ...]
    chain: Chain | None = None

    @property
    def faults(self) -> list[Finding]:
        """Return what providers fail on."""
        return [one for one in self.findings if one.is_fault]

    @property
    def warnings(self) -> list[Finding]:
        """Return what only wants to be known."""
        return [one for one in self.findings if not one.is_fault]

    @property
    def expires_at(self) -> datetime | None:
        """Return when the first link of the chain ends."""
        return _end(self.chain) if self.chain else None

    @property
    def days_left(self) -> int | None:
        """Return for how many whole days the chain is still good."""
        return (self.expires_at - self.at).days if self.expires_at else None


def look(url: str, roots: str = "") -> Report:
    """Look at the server of a URL from outside; this takes seconds where nobody answers.

    ``roots`` is a PEM file to trust in place of Mozilla's list, by which most providers go.
    Raises ``ValueError`` for what is no URL, ``OSError`` for roots that cannot be read.
    """
    parts = urlsplit(url)
    host, port, at = parts.hostname or "", parts.port or 443, timezone.now()
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError(url)
    client = handshake.strict(roots or certifi.where())
    if parts.scheme == "http":
        return Report(url, host, at, tuple(findings.no_https(url, host)))
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return Report(url, host, at, (findings.unresolved(host),))
    near = tuple(findings.nearby(host, dict.fromkeys(str(entry[4][0]) for entry in entries)))
    try:
        seen = handshake.look(host, port, client)
    except OSError as error:
        return Report(url, host, at, (findings.unheard(host, port, error), *near))
    except ValueError:
        return Report(url, host, at, (findings.refused(_("it cannot be read")), *near))
    chain = chains.follow(seen.sent, client.get_ca_certs(binary_form=True), at)
    wrong = tuple(_faults(chain, host, at))
    if seen.refusal and not wrong:
        wrong = (findings.refused(seen.refusal),)
    soon = findings.of_end(_end(chain), at)
    return Report(url, host, at, (*wrong, *soon, *near, *findings.of_order(chain)), chain)


def _faults(chain: Chain, host: str, at: datetime) -> Iterator[Finding]:
    leaf = chain.links[0]
    yield from findings.of_name(leaf, host)
    yield from findings.of_path(chain)
    for link in chain.links:
        yield from findings.of_link(link, at, is_leaf=link is leaf)


def _end(chain: Chain) -> datetime:
    return min(one.not_valid_after_utc for one in chain.links)
