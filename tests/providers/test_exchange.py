"""What is kept of a call: enough to understand it, and never a credential."""

import json
import re
from collections.abc import Callable

import pytest
import responses

from providers import registry
from providers.credentials import credential_fields
from providers.errors import SendError, Unconfirmed
from providers.exchange import MASK, Redactor, basic_token
from providers.http import Http
from tests.providers.cases import of

BASE = "https://api.example"
SECRET = 'p"ss wörd/+%'


def everywhere(http: Http, edge: responses.RequestsMock) -> list[str]:
    """Say a secret in every place there is, and return all that was kept of it."""
    token = basic_token("user", SECRET)
    echo = json.dumps({"echo": SECRET})
    edge.post(f"{BASE}/ok", json={"echo": SECRET, "token": token})
    edge.post(f"{BASE}/bad", status=400, body=f"{SECRET} {echo} " + SECRET * 1000)
    edge.post(f"{BASE}/raw", status=401, body=SECRET)
    parts = {"a": SECRET}
    answer = http.post("/ok", basic=("user", SECRET), params=parts, json=parts)
    kept = [answer.exchange.request, answer.exchange.response]
    for path in ("/bad", "/raw"):
        with pytest.raises(SendError) as caught:
            http.post(path, bearer=SECRET, headers={"X-Key": "key"}, form=parts)
        error = caught.value
        kept += [str(error), repr(error), error.request, error.response]
    return kept


def test_no_credential_stays_in_any_text(edge: responses.RequestsMock) -> None:
    kept = everywhere(Http(BASE, secrets=[SECRET]), edge)
    writings = [SECRET, "p%22ss", "w%C3%B6rd", "w\\u00f6rd", "wörd"]
    writings.append(basic_token("user", SECRET))
    for text in kept:
        assert not any(writing in text for writing in writings), text
        assert len(text) < 3 * 4096
    assert any(MASK in text for text in kept)


def test_credentials_of_one_call_are_hidden_without_being_registered(
    edge: responses.RequestsMock,
) -> None:
    assert not any(SECRET in text for text in everywhere(Http(BASE), edge))


def test_texts_of_an_exchange_can_be_stored(edge: responses.RequestsMock) -> None:
    edge.post(f"{BASE}/", body=b'{"a":"\x00\xff"}')
    with pytest.raises(Unconfirmed) as caught:
        Http(BASE).post("/")
    assert "\x00" not in caught.value.response


def test_a_secret_inside_xml_is_hidden() -> None:
    assert Redactor(['a<&>"b'])("<key>a&lt;&amp;&gt;&quot;b</key>") == f"<key>{MASK}</key>"


def test_a_secret_inside_another_hides_both() -> None:
    assert Redactor(["abc", "abcdef", ""])("abcdef abc ab") == f"{MASK} {MASK} ab"


@pytest.mark.parametrize("status", [200, 206, 400, 401, 429, 500])
@pytest.mark.parametrize("key", sorted(registry.all()))
def test_no_adapter_leaks_a_secret(edge: responses.RequestsMock, key: str, status: int) -> None:
    kind = registry.get(key)
    names = [field.name for field in credential_fields(kind.credentials_type) if field.secret]
    secrets = {name: f"hush-{name}/+ é" for name in names}
    case = of(key)[0]
    adapter = registry.build(key, {**case.credentials, **secrets})
    echo = {"error": str(secrets), "message": str(secrets), "code": 1, "data": secrets}
    for method in ("GET", "POST"):
        edge.add(method, re.compile(".*"), json=echo, status=status)
    kept = [repr(adapter.credentials), repr(adapter)]
    calls: list[Callable[[], object]] = [lambda: adapter.send(case.plain(str(secrets)))]
    # Some providers have nothing that could be called to check.
    if any(one.data["exchanges"] for one in of(key) if one.data.get("call") == "check"):
        calls.append(adapter.check)
    for call in calls:
        with pytest.raises(SendError) as caught:
            call()
        error = caught.value
        assert error.request
        assert error.response
        kept += [str(error), repr(error), error.request, error.response]
    assert not [text for text in kept if "hush-" in text]
