"""Segments are counted as the networks bill them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms.segments import GSM7, UCS2, measure

GSM_TEXT = st.text(alphabet=st.sampled_from("abcXYZ 0123@£é€[]{}^~|\\\n"), max_size=700)
ANY_TEXT = st.text(
    alphabet=st.one_of(st.sampled_from("ab€é日🥐"), st.characters(codec="utf-8")), max_size=400
)


@pytest.mark.parametrize(
    ("length", "parts", "left"),
    [(0, 0, 160), (1, 1, 159), (160, 1, 0), (161, 2, 145), (306, 2, 0), (307, 3, 152)],
)
def test_gsm7_fills_160_and_then_153(length: int, parts: int, left: int) -> None:
    found = measure("a" * length)
    assert (found.encoding, found.segments, found.left) == (GSM7, parts, left)


@pytest.mark.parametrize(
    ("length", "parts", "left"), [(1, 1, 69), (70, 1, 0), (71, 2, 63), (134, 2, 0), (135, 3, 66)]
)
def test_ucs2_fills_70_and_then_67(length: int, parts: int, left: int) -> None:
    found = measure("日" * length)
    assert (found.encoding, found.segments, found.left) == (UCS2, parts, left)


def test_the_alphabet_is_that_of_the_standard() -> None:
    basic = (
        "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
        "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
    )
    assert len(set(basic)) == 127
    assert measure(basic).units == 127
    assert measure("ç").encoding == UCS2


@pytest.mark.parametrize("letter", "\f^{}\\[~]|€")
def test_a_letter_of_the_extension_table_takes_two_places(letter: str) -> None:
    assert measure(letter).units == 2
    assert measure(letter).encoding == GSM7


def test_a_letter_of_two_places_is_not_cut_at_the_end_of_a_segment() -> None:
    assert measure("a" * 152 + "€" + "b" * 100).segments == 2
    # 152 and the next segment, of which the euro takes two: one place stays free.
    assert measure("a" * 152 + "€" + "b" * 151).segments == 2
    assert measure("a" * 152 + "€" + "b" * 152).segments == 3


def test_a_surrogate_pair_is_not_cut_at_the_end_of_a_segment() -> None:
    assert measure("日" * 66 + "🥐").segments == 1
    assert measure("日" * 66 + "🥐" + "日" * 3).segments == 2
    assert measure("日" * 66 + "🥐" + "日" * 65).segments == 2
    assert measure("日" * 66 + "🥐" + "日" * 66).segments == 3


def test_the_letter_that_costs_the_most_is_named() -> None:
    assert measure("It is 5 o\u2019clock").culprit == "\u2019"
    assert measure("It is 5 o'clock").culprit == ""


@given(st.one_of(GSM_TEXT, ANY_TEXT))
def test_no_segment_holds_more_than_it_can_and_none_is_wasted(text: str) -> None:
    found = measure(text)
    single, part = (160, 153) if found.encoding == GSM7 else (70, 67)
    if found.segments <= 1:
        assert found.units + found.left == single
    else:
        # At most one place of each full segment stays empty, because nothing is cut.
        assert found.units > single
        assert (found.segments - 1) * (part - 1) < found.units <= found.segments * part
        assert 0 <= found.left < part


@given(st.one_of(GSM_TEXT, ANY_TEXT), st.sampled_from("a€日🥐"))
def test_a_longer_text_never_has_fewer_segments(text: str, letter: str) -> None:
    assert measure(text + letter).segments >= measure(text).segments


@given(ANY_TEXT)
def test_a_letter_counts_as_many_units_as_it_has_in_utf16(text: str) -> None:
    found = measure(text + "日")
    assert found.units == len((text + "日").encode("utf-16-le")) // 2
    assert found.encoding == UCS2
