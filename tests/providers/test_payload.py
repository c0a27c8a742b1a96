"""Foreign bodies: every reader names the field that is wrong, and nothing else escapes."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.errors import Unreadable
from providers.payload import Payload, clean

EVENTS = b'{"events":[{"from":"1"},{"from":"2"},{"from":{"x":1}},7]}'


@pytest.mark.parametrize(
    ("read", "complaint"),
    [
        (lambda body: body.children("events")[2].text("from"), "events[2].from: expected text"),
        (lambda body: body.children("events")[3].text("from"), "events[3]: expected an object"),
        (lambda body: body.children("events")[0].text("to"), "events[0].to: missing"),
        (lambda body: body.children("nothing"), "nothing: missing"),
        (lambda body: body.child("events"), "events: expected an object"),
        (lambda body: body.child("nothing"), "nothing: missing"),
        (lambda body: body.text("events"), "events: expected text"),
        (lambda body: body.whole("events"), "events: expected a whole number"),
        (lambda body: body.flag("events"), "events: expected true or false"),
        (lambda body: body.strings("events"), "events[0]: expected text"),
        (lambda body: body.ident("events"), "events: expected text"),
    ],
)
def test_a_bad_field_names_itself(read: Callable[[Payload], object], complaint: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(Payload.json(EVENTS))
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"text"',
        b"1",
        b"null",
        b"{",
        b"\xff\xfe{}",
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=lambda body: str(body[:12]),
)
def test_what_is_no_json_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        Payload.json(body)


@given(st.binary())
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    for reader in (Payload.json, Payload.form):
        try:
            reader(body)
        except Unreadable:
            continue


def test_texts_lose_what_the_database_refuses() -> None:
    body = Payload.json(b'{"a":"x\\u0000y\\ud83d","b":"\\ud83e\\udd50","c":["\\u0000"]}')
    assert body.text("a") == "xy\ufffd"
    assert body.text("b") == "🥐"
    assert body.strings("c") == [""]
    assert Payload.form("a=%00b").text("a") == "b"


@given(st.text(st.characters(codec=None)))
def test_a_clean_text_can_be_stored(text: str) -> None:
    assert "\x00" not in clean(text).encode().decode()


def test_numbers_are_read_as_text_and_texts_as_numbers() -> None:
    body = Payload.json(b'{"a":18000001,"b":" 12 ","c":1.5,"d":true,"e":1e999,"f":"1e3","g":null}')
    assert (body.text("a"), body.text("c"), body.whole("b"), body.whole("g", 3)) == (
        "18000001",
        "1.5",
        12,
        3,
    )
    for name in ("d", "e", "g"):
        with pytest.raises(Unreadable):
            body.text(name)
    for name in ("c", "d", "f", "g"):
        with pytest.raises(Unreadable):
            body.whole(name)


@pytest.mark.parametrize("ident", ["", "  ", "x" * 129])
def test_an_id_is_neither_empty_nor_endless(ident: str) -> None:
    with pytest.raises(Unreadable):
        Payload({"id": ident}).ident("id")


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-10-30T14:15:16.789+00:00", datetime(2026, 10, 30, 14, 15, 16, 789000, UTC)),
        ("2026-10-30T16:15:16+02:00", datetime(2026, 10, 30, 14, 15, 16, tzinfo=UTC)),
        ("2026-10-30T14:15:16Z", datetime(2026, 10, 30, 14, 15, 16, tzinfo=UTC)),
        ("2026-10-30 14:15:16", datetime(2026, 10, 30, 14, 15, 16, tzinfo=UTC)),
        (1793369716, datetime(2026, 10, 30, 14, 15, 16, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        ("", None),
        (10**30, None),
        (float("inf"), None),
        (True, None),
        ([], None),
        (None, None),
    ],
)
def test_a_moment_is_aware_or_none(value: object, moment: datetime | None) -> None:
    assert Payload({"at": value}).moment("at") == moment


def test_choices_ignore_case_and_unknown_words() -> None:
    body = Payload({"a": " Sent ", "b": "vanished"})
    assert body.choice("a", {"sent": 1}) == 1
    assert body.choice("b", {"sent": 1}) is None


def test_null_counts_as_missing() -> None:
    body = Payload.json(b'{"a":null}')
    assert "a" not in body
    assert body.text("a", "") == ""
    assert body.children("a", optional=True) == []
    assert body.strings("a") == []
    assert body.flag("a") is False


def test_lists_of_texts_may_hold_objects_that_name_them() -> None:
    body = Payload({"to": ["1", {"phone": "2"}], "from": {"phone": "3"}, "cc": "4", "no": [{}]})
    assert body.strings("to", inside="phone") == ["1", "2"]
    assert body.strings("from", inside="phone") == ["3"]
    assert body.strings("cc", inside="phone") == ["4"]
    with pytest.raises(Unreadable):
        body.strings("no", inside="phone")


def test_a_form_keeps_every_pair_as_it_was_sent() -> None:
    body = Payload.form(b"a=&b=+x+&c=1&c=2&%C3%A9=%F0%9F%A5%90")
    assert body.pairs == (("a", ""), ("b", " x "), ("c", "1"), ("c", "2"), ("é", "🥐"))
    assert (body.text("a"), body.text("c"), body.strings("c")) == ("", "1", ["1", "2"])


@pytest.mark.parametrize("body", [b"a=%ff", b"\xff=1", b"a=1&" * 1001])
def test_a_form_that_is_none_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        Payload.form(body)
