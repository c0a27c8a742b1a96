"""`manage.py check_trunk`: whether a trunk's credentials work, and how it has fared."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.models import Trunk
from providers.errors import ProviderError


class Command(BaseCommand):
    """Asks the provider once and prints what an operator wants to know."""

    help = "Check a trunk's credentials at its provider."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("trunk", metavar="SLUG/NAME", help="a shared trunk: only its NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        trunk = find(options["trunk"])
        state = "enabled" if trunk.enabled else "switched off"
        self.stdout.write(f"Trunk         {trunk.name}, {trunk.capable.label}, {state}")
        self.stdout.write(f"Webhook URL   {trunk.webhook_url}")
        self.stdout.write(f"Last webhook  {moment(trunk.last_webhook_at)}")
        self.stdout.write(f"Last send     {moment(trunk.last_send_at)}")
        if trunk.paused_since:
            since = moment(trunk.paused_since)
            self.stdout.write(f"Paused        since {since}: {trunk.paused_reason}")
        try:
            good = trunk.adapter().check()
        except (ProviderError, ValueError) as error:
            raise CommandError(f"The check failed: {error}") from error
        self.stdout.write(f"Credentials   {good}")


def find(name: str) -> Trunk:
    """Return the trunk of ``SLUG/NAME``, or the shared one of ``NAME``."""
    slug, slash, rest = name.partition("/")
    trunks = Trunk.objects.filter(tenant__slug=slug, name=rest)
    if not slash:
        trunks = Trunk.objects.filter(tenant=None, name=name)
    trunk = trunks.first()
    if trunk is None:
        raise CommandError(f"There is no trunk {name!r}; write it as SLUG/NAME.")
    return trunk


def moment(at: datetime | None) -> str:
    """Write a time, or that there was none."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "never"
