"""One SMS holds 160 septets, or 70 units of 16 bits."""

import pytest

from providers.alphabet import BASIC, EXTENDED, culprit, fits_one_sms, widths


def test_the_alphabet_is_that_of_the_standard() -> None:
    # 128 places, of which one is the escape to the extension table.
    assert (len(BASIC), len(EXTENDED)) == (127, 10)
    assert not BASIC & EXTENDED


@pytest.mark.parametrize(
    "text",
    ["", "a" * 160, "é" * 160, "€" * 80, "{}[]|^~\\€\f" * 8, "日" * 70, "ç" * 70, "🥐" * 35],
)
def test_what_fits_to_the_last_place(text: str) -> None:
    assert fits_one_sms(text)
    assert not fits_one_sms(f"{text}{'a' * 161}")


@pytest.mark.parametrize(
    "text", ["a" * 161, "a" * 159 + "€", "€" * 81, "日" * 71, "a" * 70 + "ç", "🥐" * 35 + "a"]
)
def test_what_does_not_fit_by_one_place(text: str) -> None:
    assert not fits_one_sms(text)


def test_one_foreign_character_makes_every_other_wide() -> None:
    assert (culprit("a€b"), widths("a€b")) == ("", [1, 2, 1])
    assert (culprit("a€日🥐"), widths("a€日🥐")) == ("日", [1, 1, 1, 2])
