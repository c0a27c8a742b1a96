"""`manage.py issue_token`: a key for the REST API, shown once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.models import ApiToken, Extension, Tenant


class Command(BaseCommand):
    """Prints the key and nothing else, so that a script can keep it."""

    help = "Issue an API token of a tenant, or of one extension, and print it once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--extension", metavar="NUMBER", help="without it: the whole tenant")
        parser.add_argument("--label", default="", help="what it is for")

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        slug, number = options["tenant"], options["extension"]
        tenant = Tenant.objects.filter(slug=slug).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {slug!r}.")
        extension = None
        if number:
            extension = Extension.objects.filter(tenant=tenant, number=number).first()
            if extension is None:
                raise CommandError(f"Tenant {slug} has no extension {number!r}.")
        label = options["label"][:64]
        _token, key = ApiToken.issue(tenant=tenant, extension=extension, label=label)
        self.stdout.write(key)
