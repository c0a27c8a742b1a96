"""One text and one picture each way through every provider, over running processes."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from providers import registry
from tests.journeys import wires
from tests.journeys.everyone import LINK, PICTURE, Everyone, Player, body_of, players
from tests.providers.cases import Case
from tests.stack import Stack, wait_until
from tests.web import Answer, Api, call

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("everyone")]
WORDS = "Réponse à tout ☎"
REMOTE = "+16175550188"


@dataclass(frozen=True)
class Fair:
    """The product with every provider around it."""

    stack: Stack
    everyone: Everyone
    webhooks: dict[str, str]
    apis: dict[str, Api]


def configuration(everyone: Everyone) -> str:
    """Return the apply file: one trunk, DID, extension and rule for each provider."""
    trunks: list[dict[str, Any]] = []
    extensions: list[dict[str, Any]] = []
    rules: list[dict[str, Any]] = []
    for player in everyone.players.values():
        trunk = {
            "name": player.key,
            "provider": player.key,
            "credentials": player.credentials,
            "api_base": f"{everyone.url}/{player.key}",
            "dids": f"1{player.did}",
        }
        extension: dict[str, Any] = {"number": player.extension, "name": player.key}
        if player.sender_id:
            trunk["sender_id"] = player.sender_id
            extension["sms"] = "ALLOW_WITH_SENDER_ID"
        else:
            extension["sms"] = "ALLOW"
        extension["caller_ids"] = [{"trunk": player.key, "did": f"1{player.did}"}]
        trunks.append(trunk)
        extensions.append(extension)
        to = {"name": player.key, "trunk": player.key, "dids": f"1{player.did}"}
        rules.append({**to, "to": player.extension})
    tenant = {"slug": "fair", "name": "Fair", "timezone": "America/New_York", "country": "US"}
    tenant |= {"trunks": trunks, "extensions": extensions, "rules": rules}  # type: ignore[dict-item] # lists among the texts
    return json.dumps({"tenants": [tenant]})


@pytest.fixture(scope="module")
def fair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fair]:
    """Configure a running product with ``manage.py apply``, each trunk at the stub."""
    folder = tmp_path_factory.mktemp("fair")
    with Everyone() as everyone:
        file = folder / "apply.json"
        file.write_text(configuration(everyone))
        with Stack(folder, ALLOW_PRIVATE_PROVIDER_HOSTS=everyone.host) as stack:
            printed = stack.manage("apply", str(file))
            webhooks = dict(re.findall(r"^webhook (\S+) .*?(http\S+)$", printed, re.MULTILINE))
            issue = ("issue_token", "--tenant", "fair", "--extension")
            apis = {
                player.key: Api(stack.url, stack.manage(*issue, player.extension).strip())
                for player in everyone.players.values()
            }
            yield Fair(stack, everyone, webhooks, apis)


def upload(api: Api) -> str:
    """Upload the picture and return its id."""
    edge = "edge-of-the-form"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
    body = f"{head}Content-Type: image/png\r\n\r\n".encode() + PICTURE + f"\r\n--{edge}--".encode()
    headers = {
        "Authorization": f"Bearer {api.token}",
        "Content-Type": f"multipart/form-data; boundary={edge}",
    }
    answer = call("POST", f"{api.url}/api/v1/media", body, headers)
    assert answer.status == 201, answer.body
    return str(answer.json()["id"])


def heard(fair: Fair, player: Player, words: str) -> str:
    """Wait until the provider has heard these words and return the request."""
    requests = fair.everyone.heard.setdefault(player.key, [])

    def look() -> str:
        told = (request.encode().decode("unicode-escape", "ignore") for request in requests)
        return next((request for request in [*requests, *told] if words in request), "")

    return wait_until(look, what=f"{words!r} at {player.key}")


def sent(fair: Fair, player: Player, data: dict[str, Any], key: str) -> str:
    """Send through the API, wait until the provider took it, and return the message's state."""
    api = fair.apis[player.key]
    answer = api.post("messages", {"to": REMOTE, **data}, key=f"{player.key}-{key}")
    assert answer.status == 202, answer.body
    path = f"messages/{answer.json()['id']}"
    waiting = {"queued", "sending"}
    wait_until(lambda: api.get(path).json()["state"] not in waiting, what=f"{player.key} took it")
    return str(api.get(path).json()["state"])


def post(fair: Fair, player: Player, case: Case) -> Answer:
    """Post a sample as the provider does, with the strongest proof it has."""
    url, body = fair.webhooks[player.key], body_of(player, case, fair.everyone.url)
    headers = {"Content-Type": case.data["content_type"]}
    if player.key == "twilio":
        return wires.twilio_signed(url, body)
    if player.key == "telnyx":
        headers |= wires.telnyx_signature(body)
    if player.key == "bandwidth":
        own = player.credentials
        pair = f"{own['callback_user_id']}:{own['callback_password']}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return call("POST", url, body, {**headers, **case.data.get("headers", {})})


def arrived(fair: Fair, player: Player, case: Case) -> dict[str, Any]:
    """Wait for the message of a sample, files included, and return it."""
    event, api = case.data["expect"][0], fair.apis[player.key]
    files = len(event.get("media_urls", ())) + len(event.get("files", ()))

    def look() -> dict[str, Any] | None:
        for message in api.get("messages?direction=inbound").json()["results"]:
            ready = [one for one in message["media"] if one["state"] == "ready"]
            if message["text"] == event["text"] and len(ready) == files:
                return dict(message)
        return None

    found = wait_until(look, what=f"the message of {player.key}")
    assert found is not None
    return found


@pytest.mark.parametrize("player", players(), ids=lambda player: player.key)
def test_one_text_and_one_picture_each_way(fair: Fair, player: Player) -> None:
    able = registry.get(player.key).capabilities
    assert sent(fair, player, {"text": WORDS}, "text") == "accepted"
    heard(fair, player, WORDS)
    if able.mms:
        data = {"text": "Look", "media": [upload(fair.apis[player.key])]}
        assert sent(fair, player, data, "picture") == "accepted"
        request = heard(fair, player, LINK)
        link = re.search(rf"http://[\w.:]+{LINK}[\w:.-]+", request.replace("\\/", "/"))
        assert link, request
        for method in ("HEAD", "GET"):
            file = call(method, link[0])
            assert (file.status, file.headers["content-type"]) == (200, "image/png")
        assert file.body == PICTURE
    if player.post:
        assert post(fair, player, player.post).status == 200
        assert arrived(fair, player, player.post)["to"] == f"+1{player.did}"
    if player.post_picture:
        assert post(fair, player, player.post_picture).status == 200
        assert arrived(fair, player, player.post_picture)["media"]
    assert bool(player.post) == able.inbound
    assert bool(player.post_picture) == (able.inbound and able.mms)
