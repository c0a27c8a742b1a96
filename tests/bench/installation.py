"""The product as it runs in production, set up for the benchmark, with a provider beside it."""

import contextlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench.generator import Generator
from tests.bench.ledger import Ledger
from tests.bench.prepared import ACCOUNT, Line, Mail
from tests.bench.provider import Provider
from tests.stack import Stack
from tests.web import Api

TENANT = "bench"
# Two, because one trunk alone gets three quarters of a worker's threads.
TRUNKS = 2
# Never what holds a message back: the provider's delay and the threads do.
UNPACED = 100_000
# Nor the rate that the provider is known to take from one number.
_UNPACE = """
UPDATE portal_did SET messages_per_second = NULL
 WHERE tenant_id = (SELECT id FROM portal_tenant WHERE slug = %s)
"""
# Shorter than in production, so that what a killed worker left open is judged within the run.
CLAIM_TIMEOUT = "10"


@dataclass
class Installation:
    """Everything that runs, and the keys that are still free."""

    stack: Stack
    provider: Provider
    generator: Generator
    ledger: Ledger
    mail: Mail
    browser_key: str
    next_key: int = 1

    def keys(self, count: int) -> range:
        """Return keys that no message of this installation has had."""
        first, self.next_key = self.next_key, self.next_key + count
        return range(first, self.next_key)

    def with_people(self, people: int) -> None:
        """Let so many people write and be written to; 0: each of them once."""
        self.mail = replace(self.mail, people=people)

    @property
    def listener_api(self) -> Api:
        """The API as the first extension's browser uses it."""
        return Api(self.stack.url, self.browser_key)


def lines(count: int) -> list[Line]:
    """Return so many trunks, each with one DID and one extension."""
    return [
        Line(
            webhook_path=f"/webhooks/bench-trunk-{number:06d}/",
            secret=f"bench-secret-{number:06d}",
            did=f"1646{2_000_000 + number}",
            extension=str(100_000 + number),
        )
        for number in range(count)
    ]


def configuration(of: list[Line], api_base: str) -> str:
    """Return the file that `manage.py apply` reads."""
    trunks = [
        {
            "name": f"T{line.extension}",
            "provider": "twilio",
            "credentials": {"account_sid": ACCOUNT, "auth_token": line.secret},
            "api_base": api_base,
            "messages_per_second": UNPACED,
            "webhook_token": line.webhook_path.strip("/").rpartition("/")[2],
            "dids": line.did,
        }
        for line in of
    ]
    extensions = [
        {
            "number": line.extension,
            "name": f"Desk {line.extension}",
            "sms": "ALLOW",
            "caller_ids": [{"trunk": f"T{line.extension}", "did": line.did, "description": "Own"}],
        }
        for line in of
    ]
    rules = [
        {
            "name": f"R{line.extension}",
            "trunk": f"T{line.extension}",
            "dids": line.did,
            "to": line.extension,
        }
        for line in of
    ]
    tenant = {
        "slug": TENANT,
        "name": "Bench",
        "timezone": "America/New_York",
        "country": "US",
        "trunks": trunks,
        "extensions": extensions,
        "rules": rules,
    }
    return json.dumps({"tenants": [tenant]})


@contextlib.contextmanager
def installed(folder: Path, *, trunks: int = TRUNKS) -> Iterator[Installation]:
    """Run the product until the block ends; DEBUG is off, everything else as it comes."""
    with contextlib.ExitStack() as running:
        generator = running.enter_context(Generator())
        provider = running.enter_context(Provider())
        settings = {
            "DEBUG": "false",
            "ALLOW_PRIVATE_PROVIDER_HOSTS": provider.host,
            "CLAIM_TIMEOUT": CLAIM_TIMEOUT,
        }
        (folder / "static").mkdir()  # the pages' files, which nobody asks for here
        stack = running.enter_context(Stack(folder, **settings))
        ledger = running.enter_context(Ledger(stack.env["DATABASE_URL"]))
        yield furnished(stack, provider, generator, ledger, trunks=trunks)


def furnished(
    stack: Stack, provider: Provider, generator: Generator, ledger: Ledger, *, trunks: int = TRUNKS
) -> Installation:
    """Give a running product the tenant, the trunks and the tokens of the benchmark."""
    ledger.require_durable()
    ways = lines(trunks)
    file = stack.folder / "bench.json"
    file.write_text(configuration(ways, provider.url))
    stack.manage("apply", str(file))
    ledger.run(_UNPACE, TENANT)
    issue = ("issue_token", "--tenant", TENANT)
    token = stack.manage(*issue).strip()
    browser_key = stack.manage(*issue, "--extension", ways[0].extension).strip()
    mail = Mail(stack.url, token, ways, secrets.randbits(64))
    return Installation(stack, provider, generator, ledger, mail, browser_key)
