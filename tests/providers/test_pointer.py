"""Paths into foreign bodies: they find what is there, and whatever comes, nothing breaks."""

import contextlib
import json
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers import pointer
from providers.contract import WebhookRequest
from providers.errors import Unreadable
from providers.payload import Payload
from providers.pointer import Condition

JSON = {
    "id": 7,
    "ok": True,
    "none": None,
    "blank": "",
    "a/b": "slash",
    "a~b": "tilde",
    "from": {"number": "+1202", "": "nameless"},
    "to": ["1", "2"],
    "media": [{"url": "u1"}, "odd", {"url": "u2"}, {"type": "x"}],
    "deep": [[{"url": "too deep"}]],
}
XML = b"""<?xml version="1.0"?>
<n:deliver xmlns:n="urn:example" kind="sms">
  <n:message n:id="m1">
    <to>1</to><to>2</to><text lang="fr"> \xc3\x87a &amp; </text><empty/>
  </n:message>
</n:deliver>"""


def request(body: bytes, *, method: str = "POST", query: str = "") -> WebhookRequest:
    """Make a webhook request."""
    return WebhookRequest(method=method, url="https://h/w/", headers={}, query=query, body=body)


def found(tree: object, path: str) -> list[object]:
    """Return all that a path finds."""
    return pointer.every(tree, pointer.parse(path))


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("id", [7]),
        ("/id", [7]),
        ("from/number", ["+1202"]),
        ("from", ["nameless"]),
        ("to", ["1", "2"]),
        ("to/0", ["1"]),
        ("to/2", []),
        ("to/-1", []),
        ("to/9999999", []),
        ("media/url", ["u1", "u2"]),
        ("media/2/url", ["u2"]),
        ("media/0/url/0", []),
        ("deep/url", []),
        ("deep/0/url", ["too deep"]),
        ("a~1b", ["slash"]),
        ("a~0b", ["tilde"]),
        ("ok", ["true"]),
        ("none", []),
        ("blank", []),
        ("missing/x", []),
        ("id/x", []),
        ("missing, id , to", [7, "1", "2"]),
        ("", []),
    ],
)
def test_a_path_leads_into_json(path: str, values: list[object]) -> None:
    assert found(pointer.of_webhook(request(json.dumps(JSON).encode())), path) == values


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("deliver/message/to", ["1", "2"]),
        ("deliver/message/to/1", ["2"]),
        ("deliver/message/@id", ["m1"]),
        ("deliver/@kind", ["sms"]),
        ("deliver/message/text", ["Ça &"]),
        ("deliver/message/text/@lang", ["fr"]),
        ("deliver/message/empty", []),
        ("message/to", []),
    ],
)
def test_a_path_leads_into_xml(path: str, values: list[object]) -> None:
    assert found(pointer.of_webhook(request(b"\xef\xbb\xbf \n" + XML)), path) == values


def test_a_path_leads_into_a_form_and_a_query() -> None:
    form = b"a[b]=1&a[b]=2&c=+d%2B&e="
    for asked in (request(form), request(b"", query=form.decode())):
        tree = pointer.of_webhook(asked)
        assert found(tree, "a[b]") == ["1", "2"]
        assert found(tree, "a[b]/1") == ["2"]
        assert found(tree, "c") == [" d+"]
        assert found(tree, "e") == []


def test_a_get_has_its_fields_in_the_query_whatever_its_body_says() -> None:
    tree = pointer.of_webhook(request(b'{"a": "body"}', method="GET", query="a=query"))
    assert found(tree, "a") == ["query"]


def test_the_words_of_a_plain_answer_are_numbered() -> None:
    assert pointer.of_answer(" ID: 12, x=|y;\n") == ["ID", "12", "x", "y"]
    assert pointer.of_answer("") == []
    assert found(pointer.of_answer("OK 12"), "1") == ["12"]
    assert found(pointer.of_answer('{"id": 3}'), "id") == [3]
    assert found(pointer.of_answer(XML.decode()), "deliver/message/@id") == ["m1"]


def test_events_are_those_at_the_path_or_the_body() -> None:
    rows = [{"a": 1}, {"a": 2}]
    assert pointer.elements(rows, ()) == rows
    assert pointer.elements({"a": 1}, ()) == [{"a": 1}]
    assert pointer.elements({"rows": rows, "more": 3}, pointer.parse("rows, more")) == [*rows, 3]
    nothings: list[object] = [{}, {"rows": []}, [], "rows"]
    for nothing in nothings:
        with pytest.raises(Unreadable, match="no event"):
            pointer.elements(nothing, pointer.parse("rows"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("/", "empty step"),
        ("a//b", "empty step"),
        ("a/", "empty step"),
        ("a,,b", "empty step"),
        ("a~b", "neither ~0 nor ~1"),
        ("a~", "neither ~0 nor ~1"),
    ],
)
def test_a_path_that_is_none_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        pointer.parse(text)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("state = ok", True),
        ("state=OK|queued", True),
        ("state = failed | ok", True),
        ("state = failed", False),
        ("state", True),
        ("missing", False),
        ("missing = none", False),
        ("flag = true", True),
        ("count = 0", True),
        ("wrong/state, state = ok", True),
        ("@status = 200 | 202", True),
        ("@status = 204", False),
    ],
)
def test_a_condition_holds_or_does_not(text: str, holds: bool) -> None:
    tree = {"state": "Ok ", "flag": True, "count": 0}
    assert Condition.parse(text).holds(tree, 202) is holds


def test_a_condition_does_not_look_into_what_is_no_value() -> None:
    deep = pointer.of_answer('{"a":' * 900 + "1" + "}" * 900)
    assert not Condition.parse("a = 1").holds(deep, 200)
    assert Condition.parse("a").holds(deep, 200)


@pytest.mark.parametrize("text", ["", "=", "= ok", "state =", "state = a |", "a//b = c"])
def test_a_condition_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not written as|empty step"):
        Condition.parse(text)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[" * 5000,
        b'{"a":' * 900 + b"1" + b"}" * 900,
        b"<a>" * 5000 + b"</a>" * 5000,
        b"<a",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b"a=%ff",
        b"&".join([b"a=1"] * 2000),
        b"\xff\xfe",
    ],
    ids=lambda body: str(body[:12]),
)
def test_a_hostile_body_is_unreadable_or_empty(body: bytes) -> None:
    with contextlib.suppress(Unreadable):
        assert found(pointer.of_webhook(request(body)), "b/c") == []


STEPS = st.sampled_from(["a", "b", "0", "1", "@a", "@status", "999999"])
PATHS = st.lists(STEPS, min_size=1, max_size=4).map("/".join) | st.text(max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "0", ""]), inner, max_size=3)
    ),
    max_leaves=10,
)
ELEMENTS = st.recursive(
    st.sampled_from(["<a/>", '<b a="1">x</b>', "<a>&amp;</a>", "<a>&b;</a>", "<", "]]>"]),
    lambda inner: st.lists(inner, max_size=3).map(lambda many: f"<a>{''.join(many)}</a>"),
    max_leaves=8,
)
BODIES = st.one_of(
    st.binary(max_size=40),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(["a", "b"]), st.text(st.characters(codec="utf-8"))).map(
        lambda fields: urlencode(fields).encode()
    ),
    ELEMENTS.map(str.encode),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=PATHS, body=BODIES, query=st.text(max_size=10), method=st.sampled_from(["GET", "PUT"]))
def test_no_path_and_no_body_raises_anything_but_unreadable(
    path: str, body: bytes, query: str, method: str
) -> None:
    try:
        paths = pointer.parse(path)
    except ValueError:
        return  # such a path is not saved
    with contextlib.suppress(Unreadable):
        tree = pointer.of_webhook(request(body, method=method, query=query))
        for item in pointer.elements(tree, paths):
            Payload({"one": pointer.first(item, paths)}).text("one", "")
    with contextlib.suppress(Unreadable):
        tree = pointer.of_answer(body.decode(errors="replace"))
        Condition(paths, frozenset({"a"})).holds(tree, 200)
