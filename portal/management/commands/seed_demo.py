"""`manage.py seed_demo`: something to play with, on the built-in sandbox carrier."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from portal import provisioning
from portal.provisioning import demo


class Command(BaseCommand):
    """Makes what is missing of the demo and prints where to go with which login."""

    help = "Make the demo: a tenant on the sandbox carrier, two extensions, a queue, and logins."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--force", action="store_true", help="also where others can reach it")

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        at_home = settings.DEBUG or settings.PUBLIC_IS_LOOPBACK
        if not (at_home or options["force"]):
            raise CommandError(
                f"{settings.PUBLIC_HOST} can be reached by others; --force makes the demo anyway, "
                "with random passwords."
            )
        try:
            with transaction.atomic(durable=True):
                book, passwords = demo.seed()
        except provisioning.Wrong as error:
            raise CommandError(f"The demo does not fit what is here: line {error}") from error
        changed = sum(change.verb != "unchanged" for change in book.changes)
        self.stdout.write(f"Demo: {changed} of {len(book.changes)} objects created or changed.")
        for line in guide(passwords):
            self.stdout.write(line)


def guide(passwords: dict[str, str]) -> list[str]:
    """Say where to go and how to sign in."""
    url = settings.PUBLIC_URL
    secret = {name: passwords.get(name, "(unchanged)") for name in demo.LOGINS}
    return [
        f"  Client    {url}/",
        f"  Handset   {url}/handset/   text +1 217-207-4422 from here; 1001 gets it",
        f"  Admin     {url}/admin/",
        *(f"  login {name:<11} {secret[name]:<17} {what}" for name, what in demo.LOGINS.items()),
    ]
