"""The running product, a provider beside it, and a browser in front of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.bench.provider import Provider
from tests.journeys.carrier import Carrier
from tests.stack import Stack
from tests.web import Api

TWILIO_SECRET = "8f3a1c5e7b9d2f4061728394a5b6c7d8"
TWILIO_ACCOUNT = "AC0a1b2c3d4e5f60718293a4b5c6d7e8f9"
TELNYX_SEED = bytes(range(1, 33))
TELNYX_PUBLIC = "ebVWLo/mVPlAeLES6KmLp5AfhTrmlb7X4OORC60ElmQ="

QUEUE_DID = "12025550125"
QUEUE_MEMBERS = ["1005", "1006"]


def configuration(carrier_url: str) -> str:
    """Return the apply file of the journeys: three providers and their extensions."""
    trunks = [
        {
            "name": "QB",
            "provider": "questblue",
            "credentials": {
                "username": "acme_api",
                "password": "S3cret!pass",
                "security_key": "k3y-0123456789abcdef",
            },
            "api_base": carrier_url,
            "messages_per_second": 200,
            "dids": "12172074422",
        },
        {
            "name": "TW",
            "provider": "twilio",
            "credentials": {"account_sid": TWILIO_ACCOUNT, "auth_token": TWILIO_SECRET},
            "api_base": carrier_url,
            "messages_per_second": 200,
            "dids": "12025550123;12025550125",
        },
        {
            "name": "TX",
            "provider": "telnyx",
            "credentials": {"api_key": "KEY0123456789", "public_key": TELNYX_PUBLIC},
            "api_base": carrier_url,
            "messages_per_second": 200,
            "dids": "12025550124",
        },
    ]
    did_of = {"QB": "12172074422", "TW": "12025550123", "TX": "12025550124"}
    extensions = [
        {
            "number": number,
            "name": name,
            "sms": "ALLOW",
            "user": f"alder-{number}",
            "password": f"password-of-{number}",
            "caller_ids": [{"trunk": trunk, "did": did_of[trunk], "description": "Main"}],
        }
        for number, name, trunk in [
            ("1001", "Front desk", "QB"),
            ("1002", "Sales", "TW"),
            ("1003", "Support", "TX"),
        ]
    ]
    extensions.append({"number": "1009", "name": "Lobby"})
    # Only the journey of the queue opens the clients of these two.
    extensions += [{"number": number, "sms": "ALLOW"} for number in QUEUE_MEMBERS]
    owners = {"QB": "1001", "TW": "1002", "TX": "1003"}
    rules = [
        {"name": trunk, "trunk": trunk, "dids": did_of[trunk], "to": extension}
        for trunk, extension in owners.items()
    ]
    rules.append({"name": "queue", "trunk": "TW", "dids": QUEUE_DID, "to": "8000"})
    tenant = {
        "slug": "alder",
        "name": "Alder",
        "timezone": "America/New_York",
        "country": "US",
        "trunks": trunks,
        "extensions": extensions,
        "groups": [{"number": "8000", "name": "Queue", "kind": "queue", "members": QUEUE_MEMBERS}],
        "rules": rules,
        "admins": [{"user": "alder-admin", "password": "password-of-admin"}],
    }
    return json.dumps({"tenants": [tenant]})


@dataclass(frozen=True)
class World:
    """The product with its provider: webhook URLs by trunk, an API by extension.

    ``counter`` is a second provider, the one of the benchmark, which only counts.
    """

    stack: Stack
    carrier: Carrier
    counter: Provider
    webhooks: dict[str, str]
    apis: dict[str, Api]


def build(stack: Stack, carrier: Carrier, counter: Provider) -> World:
    """Configure a running product for the journeys."""
    file = stack.folder / "apply.json"
    file.write_text(configuration(carrier.url))
    printed = stack.manage("apply", str(file))
    webhooks = {}
    for line in printed.splitlines():
        words = line.split()
        if words[:1] == ["webhook"]:
            webhooks[words[1]] = words[-1]
    issue = ("issue_token", "--tenant", "alder", "--extension")
    apis = {
        number: Api(stack.url, stack.manage(*issue, number).strip())
        for number in ("1001", "1002", "1003", "1009", *QUEUE_MEMBERS)
    }
    return World(stack, carrier, counter, webhooks, apis)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One running product for all journeys of this process that do not break it."""
    folder = tmp_path_factory.mktemp("stack")
    with Carrier() as carrier, Provider() as counter:
        hosts = {"ALLOW_PRIVATE_PROVIDER_HOSTS": f"{carrier.host},{counter.host}"}
        with Stack(folder, **hosts, CLAIM_TIMEOUT="3") as stack:
            yield build(stack, carrier, counter)


@pytest.fixture(autouse=True)
def _open_gate(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the provider answer again after every test."""
    yield
    if "world" in request.fixturenames:
        request.getfixturevalue("world").carrier.gate.set()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile; a fault of a page's script fails the test."""
    fresh = browser.new_context(viewport={"width": 1400, "height": 900})
    faults: list[str] = []
    fresh.on("weberror", lambda error: faults.append(str(error.error)))
    yield fresh
    fresh.close()
    assert faults == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """One tab."""
    return context.new_page()


def sign_in(page: Page, url: str, username: str, password: str) -> None:
    """Sign in as a person does and wait for what comes after."""
    page.goto(f"{url}/login/")
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda seen: "/login/" not in seen)
