"""Numbers come to one normal form, however people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import e164
from portal.e164 import CallerMask, NumberInvalid


@pytest.mark.parametrize(
    ("raw", "country", "number"),
    [
        ("+12025550123", "US", "+12025550123"),
        ("+1 (202) 555-0123", "US", "+12025550123"),
        ("2025550123", "US", "+12025550123"),
        ("202.555.0123", "US", "+12025550123"),
        ("12025550123", "US", "+12025550123"),
        ("011442071234567", "US", "+442071234567"),
        ("0044 20 7123 4567", "US", "+442071234567"),
        ("442071234567", "US", "+442071234567"),
        ("020 7123 4567", "GB", "+442071234567"),
        ("044 668 18 00", "CH", "+41446681800"),
        ("75075", "US", "75075"),
        (" 911 ", "US", "911"),
    ],
)
def test_a_typed_number_is_read_in_its_country(raw: str, country: str, number: str) -> None:
    assert e164.normalize(raw, country) == number


@pytest.mark.parametrize("raw", ["", "12", "hello", "+", "+0123456789", "1" * 20, "٢٠٢"])
def test_what_is_no_number_is_named_in_the_refusal(raw: str) -> None:
    with pytest.raises(NumberInvalid) as caught:
        e164.normalize(raw, "US")
    assert (raw or '""') in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "country", "number"),
    [
        ("16468097065", "GB", "+16468097065"),
        ("+16468097065", "US", "+16468097065"),
        ("0016468097065", "US", "+16468097065"),
        ("6468097065", "US", "+16468097065"),
        ("6468097065", "GB", "+6468097065"),
        ("+6468097065", "US", "+6468097065"),
        ("1 646 809.7065", "US", "+16468097065"),
        ("75075", "US", "75075"),
    ],
)
def test_a_did_is_written_with_its_country_code(raw: str, country: str, number: str) -> None:
    assert e164.normalize_did(raw, country) == number


def test_a_pool_is_read_in_portsip_syntax() -> None:
    pool = "16468097065-16468097067; +16468097069 ;00442071234567;\n 1 646 809 7065 ;"
    assert e164.parse_pool(pool, "US") == [
        "+16468097065",
        "+16468097066",
        "+16468097067",
        "+16468097069",
        "+442071234567",
    ]


@pytest.mark.parametrize(
    ("pool", "named"),
    [
        ("16468097065;abc", "abc"),
        ("16468097065;16468097069-16468097066", "16468097069-16468097066"),
        ("16468097065-164680970", "16468097065-164680970"),
        ("16468097065;16460000000-16469999999", "16460000000-16469999999"),
        ("16468097065-", ""),
    ],
)
def test_the_part_of_a_pool_that_is_wrong_is_named(pool: str, named: str) -> None:
    with pytest.raises(NumberInvalid) as caught:
        e164.parse_pool(pool, "US")
    assert named in str(caught.value)


def test_an_empty_pool_has_no_numbers() -> None:
    assert e164.parse_pool(" ;\n; ", "US") == []


def test_both_ends_of_a_range_count() -> None:
    assert e164.range_size("+12025550100", "+12025550119") == 20
    numbers = list(e164.numbers_of("+12025550100", "+12025550119"))
    assert numbers[0] == "+12025550100"
    assert numbers[-1] == "+12025550119"
    assert len(numbers) == 20


@given(st.integers(10_000_000_000, 99_999_999_990), st.integers(0, 9))
def test_a_range_of_a_pool_holds_what_its_ends_say(first: int, more: int) -> None:
    pool = e164.parse_pool(f"{first}-{first + more}", "US")
    assert pool == [f"+{first + step}" for step in range(more + 1)]


@given(st.text(max_size=60))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        number = e164.normalize(text, "US")
    except NumberInvalid:
        return
    assert e164.is_e164(number) or e164.is_short_code(number)
    assert e164.normalize(number, "CH") == number


@pytest.mark.parametrize(
    ("mask", "named"),
    [
        ("1000-20", "1000-20"),
        ("6000;2000-1000", "2000-1000"),
        ("44(20)*", "44(20)*"),
        ("6000;a-b", "a-b"),
    ],
)
def test_the_part_of_a_mask_that_is_wrong_is_named(mask: str, named: str) -> None:
    with pytest.raises(NumberInvalid) as caught:
        CallerMask(mask).check()
    assert named in str(caught.value)


@pytest.mark.parametrize("mask", ["", "0044**********;1000-2000;6000", " + 44 * ; ALDERCO "])
def test_a_mask_that_can_match_is_taken(mask: str) -> None:
    CallerMask(mask).check()


@pytest.mark.parametrize(
    ("word", "good"),
    [
        ("ALDERCO", True),
        ("Alder & Co", True),
        ("A1234567890", True),
        ("A12345678901", False),
        ("12345", False),
        ("", False),
        ("Ålder", False),
    ],
)
def test_a_sender_id_has_up_to_11_characters_and_a_letter(word: str, good: bool) -> None:
    assert e164.is_sender_id(word) is good


def test_words_cannot_be_answered_and_short_codes_can() -> None:
    assert e164.can_be_answered("+12025550123")
    assert e164.can_be_answered("75075")
    assert not e164.can_be_answered("ALDERCO")
    assert not e164.can_be_answered("")


def test_people_read_numbers_with_spaces_and_words_as_they_are() -> None:
    assert e164.pretty("+12025550123") == "+1 202-555-0123"
    assert e164.pretty("+999123456789") == "+999123456789"
    assert e164.pretty("75075") == "75075"
    assert e164.pretty("ALDERCO") == "ALDERCO"
