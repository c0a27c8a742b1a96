"""`manage.py check_certificate`: whether providers get through to this installation by https."""

from typing import Any

from cryptography import x509
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.certificate.chain import Chain, title
from portal.certificate.report import look


class Command(BaseCommand):
    """Prints the chain and what is wrong with it; exits with 1 for a fault and 2 for no URL."""

    help = "Check the certificate chain of the public address, as the client of a provider does."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", metavar="URL", nargs="?", help="in place of PUBLIC_URL")
        parser.add_argument(
            "--roots", metavar="FILE", default="", help="trust these (PEM) in place of Mozilla's"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        url = options["url"] or settings.PUBLIC_URL
        try:
            report = look(url, options["roots"])
        except ValueError as error:
            raise CommandError(
                f"{url!r} is not a URL; write it as https://sms.example.com.", returncode=2
            ) from error
        except OSError as error:
            raise CommandError(f"{options['roots']} holds no roots.", returncode=2) from error
        self.stdout.write(f"Looked at {report.url}")
        if report.chain:
            self._draw(report.chain)
        for one in report.warnings:
            self.stderr.write(f"Warning: {one.text}\n  {one.remedy}")
        if report.faults:
            raise CommandError("\n".join(f"{one.text}\n  {one.remedy}" for one in report.faults))
        self.stdout.write(f"Providers get through. Good for {report.days_left} days more.")

    def _draw(self, chain: Chain) -> None:
        for depth, link in enumerate(chain.links):
            self.stdout.write(f"{'   ' * depth}{_line(link)}")
        depth = len(chain.links)
        if chain.root and chain.root not in chain.links:
            self.stdout.write(f"{'   ' * depth}{_line(chain.root)}, known to providers")
        elif not chain.root and not chain.is_self_signed:
            self.stdout.write(f"{'   ' * depth}{title(chain.links[-1].issuer)}: MISSING")


def _line(link: x509.Certificate) -> str:
    first, last = link.not_valid_before_utc, link.not_valid_after_utc
    return f"{title(link.subject)}, {first:%Y-%m-%d} to {last:%Y-%m-%d}"
