"""What can be wrong with the way to a server, in plain words, each with the way out."""

import ipaddress
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.certificate.chain import Chain, is_for, names, title, weakness

SOON = timedelta(days=21)
PLAIN = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}
OLD = {"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION"}


@dataclass(frozen=True)
class Finding:
    """One trouble. ``code`` is for programs, ``remedy`` says what to do."""

    code: str
    text: str
    remedy: str
    is_fault: bool = True
    """Whether providers fail on it; otherwise it only wants to be known."""


def no_https(url: str, host: str) -> Iterator[Finding]:
    """An address that begins with http."""
    if is_local(host):
        yield Finding(
            "local",
            _("%(url)s can be reached from this machine only: no provider can post to it.")
            % {"url": url},
            _(
                "That is fine for trying things out with the sandbox. For real providers, set "
                "PUBLIC_URL to the https address under which the world reaches this installation."
            ),
        )
        return
    yield Finding(
        "no_https",
        _("%(url)s is not https: texts travel in the open, and many providers refuse it.")
        % {"url": url},
        _(
            "Put a proxy with a certificate in front (Caddy fetches one by itself, nginx with "
            "certbot), then set PUBLIC_URL to the https address."
        ),
    )


def unresolved(host: str) -> Finding:
    """A name that leads nowhere."""
    return Finding(
        "unknown_host",
        _("The name %(host)s does not lead to any address.") % {"host": host},
        _("Correct PUBLIC_URL, or add an A or AAAA record for the name at your DNS provider."),
    )


def unheard(host: str, port: int, error: OSError) -> Finding:
    """A server that does not answer, or not as a web server with TLS does."""
    where = {"host": host, "port": port}
    if not isinstance(error, ssl.SSLError):
        return Finding(
            "cannot_connect",
            _("Nobody answers at %(host)s, port %(port)d.") % where,
            _("Start the proxy, and let its port through the firewall. If it is reached from "
              "outside only, run the command check_certificate on a machine outside."),
        )  # fmt: skip
    if error.reason in PLAIN:
        return Finding(
            "not_tls",
            _("%(host)s answers on port %(port)d without encryption.") % where,
            _("Switch TLS on for this port in the proxy (nginx: listen 443 ssl)."),
        )
    if error.reason in OLD:
        return Finding(
            "old_tls",
            _("%(host)s speaks only versions of TLS that nobody trusts any more.") % where,
            _("Allow TLS 1.2 and 1.3 in the proxy."),
        )
    return Finding(
        "no_handshake",
        _("%(host)s answers on port %(port)d, but no secure connection comes about: %(why)s.")
        % {**where, "why": (error.reason or type(error).__name__).replace("_", " ").lower()},
        _("Look into the proxy's log; often its certificate or key file is missing."),
    )


def is_local(host: str) -> bool:
    """Say whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def nearby(host: str, addresses: Iterable[str]) -> Iterator[Finding]:
    """Addresses that the world cannot reach."""
    private = [one for one in addresses if not ipaddress.ip_address(one.split("%")[0]).is_global]
    if not private:
        return
    if host in private:
        yield Finding(
            "private",
            _("%(host)s is a private address: no provider can post to it.") % {"host": host},
            _("Set PUBLIC_URL to the name under which the world reaches this installation."),
        )
        return
    yield Finding(
        "private",
        _("From here %(host)s leads to %(address)s, which is a private address.")
        % {"host": host, "address": private[0]},
        _(
            "Make sure that the name leads to a public address when it is asked from outside; "
            "otherwise no provider gets through."
        ),
        is_fault=False,
    )


def of_name(leaf: x509.Certificate, host: str) -> Iterator[Finding]:
    """A certificate for somebody else."""
    if is_for(leaf, host):
        return
    others = ", ".join(names(leaf)[:5])
    text = _("The certificate is for %(names)s, not for %(host)s.")
    if not others:
        text = _("The certificate names no host at all, so it is not for %(host)s.")
    yield Finding(
        "wrong_name",
        text % {"names": others, "host": host},
        _(
            "Get a certificate for %(host)s, or choose the right one in the proxy (nginx: "
            "server_name and ssl_certificate). If another name is the right one, set PUBLIC_URL."
        )
        % {"host": host},
    )


def of_path(chain: Chain) -> Iterator[Finding]:
    """A chain that leads to no root that is known."""
    if chain.root is not None:
        return
    last = chain.links[-1]
    issuer = title(last.issuer)
    if not chain.is_self_signed:
        yield Finding(
            "missing_intermediate",
            _("%(name)s was signed by %(issuer)s, whose certificate the server does not send.")
            % {"name": title(last.subject), "issuer": issuer},
            _(
                "Give the proxy the full chain (with certbot fullchain.pem in place of cert.pem) "
                "and reload it. Browsers fetch a missing one by themselves; providers do not."
            ),
        )
    elif len(chain.links) == 1:
        yield Finding(
            "self_signed",
            _("The certificate was signed by nobody but itself."),
            _("Get one from a public authority; Let's Encrypt gives them away."),
        )
    else:
        yield Finding(
            "unknown_root",
            _("The chain ends at %(issuer)s, which providers do not know.") % {"issuer": issuer},
            _("An authority of your own is for your own machines. Get a certificate from a "
              "public authority; Let's Encrypt gives them away."),
        )  # fmt: skip


def of_link(certificate: x509.Certificate, now: datetime, *, is_leaf: bool) -> Iterator[Finding]:
    """A certificate whose time is not now, or that is easily forged."""
    name = title(certificate.subject)
    if certificate.not_valid_after_utc < now:
        yield Finding(
            "expired",
            _("%(name)s expired on %(day)s.")
            % {"name": name, "day": date_format(certificate.not_valid_after_utc)},
            _("Renew it and reload the proxy: an automatic renewal that works often ends without "
              "the reload.")
            if is_leaf
            else _("Give the proxy the authority's present chain, and reload it."),
        )  # fmt: skip
    if certificate.not_valid_before_utc > now:
        yield Finding(
            "not_yet_valid",
            _("%(name)s is valid from %(day)s only.")
            % {"name": name, "day": date_format(certificate.not_valid_before_utc)},
            _("Use the former certificate until then. If it is valid today already, set the "
              "clock of this machine."),
        )  # fmt: skip
    if weak := weakness(certificate):
        yield Finding(
            "weak",
            _("%(name)s uses %(weak)s, which is too weak.") % {"name": name, "weak": weak},
            _("Get a certificate with an RSA key of 2048 bits or more, or an EC key of 256, "
              "signed with SHA-256."),
        )  # fmt: skip


def refused(why: str) -> Finding:
    """Something that none of our words fits."""
    return Finding(
        "refused",
        _("A strict client refuses the certificate: %(why)s.") % {"why": why},
        _("Show this sentence to whoever issued the certificate."),
    )


def of_order(chain: Chain) -> Iterator[Finding]:
    """Certificates that do not follow each other."""
    if not chain.in_order:
        yield Finding(
            "wrong_order",
            _("The server sends the certificates in the wrong order; some clients refuse that."),
            _("Write each one behind the one that it signed: the server's own comes first."),
            is_fault=False,
        )


def of_end(expires_at: datetime, now: datetime) -> Iterator[Finding]:
    """A chain that ends soon."""
    if not now <= expires_at <= now + SOON:
        return
    days = (expires_at - now).days
    text = ngettext(
        "The certificate expires in %(days)d day, on %(day)s.",
        "The certificate expires in %(days)d days, on %(day)s.",
        days,
    )
    yield Finding(
        "expires_soon",
        text % {"days": days, "day": date_format(expires_at)},
        _("Renew it now. If that should go by itself, find out why it did not (certbot renew)."),
        is_fault=False,
    )
