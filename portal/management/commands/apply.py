"""`manage.py apply`: configuration as code, idempotent, all or nothing."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, connection, transaction

from portal import provisioning


class Command(BaseCommand):
    """Reads the file, changes the rows in one transaction, and prints what changed."""

    help = "Bring tenants, trunks, extensions and rules to what a YAML or JSON file says."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the file to apply, or - for standard input")
        parser.add_argument("--check", action="store_true", help="say what would change, only")

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        file, check = str(options["file"]), bool(options["check"])
        text = read(file)
        try:
            with transaction.atomic(durable=True):
                book = provisioning.apply(text)
                book.audit("manage.py apply")
                connection.check_constraints()
                transaction.set_rollback(check)
        except provisioning.Wrong as error:
            raise CommandError(f"{file}:{error}") from error
        except IntegrityError as error:
            raise CommandError(
                f"{file}: somebody else changed the same things at this moment; apply it again."
            ) from error
        # A new trunk's address is only made for good when it stays.
        ending = ["Only checked: nothing was changed."] if check else book.webhooks
        for line in (*book.changes, *ending):
            self.stdout.write(str(line))


def read(file: str) -> str:
    """Return the text of the file, or of standard input."""
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise CommandError(f"{file} cannot be read: {reason}") from error
