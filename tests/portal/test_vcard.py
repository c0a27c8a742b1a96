"""vCards: what phones and mail programs write is read, and what we write is read again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.addressbook import vcard
from portal.addressbook.entry import Entry, Fault, Number

IPHONE = """BEGIN:VCARD\r
VERSION:3.0\r
PRODID:-//Apple Inc.//iOS 17.0//EN\r
N:Ruiz;Helen;María;;\r
FN:Helen Ruiz\r
ORG:Acme\\, Inc.;Sales;\r
TEL;type=CELL;type=VOICE;type=pref:(617) 555-0188\r
item1.TEL:+1 617-555-0189\r
item1.X-ABLabel:_$!<Car>!$_\r
item2.TEL:+1 617-555-0190\r
item2.X-ABLabel:lake house\r
NOTE:First line\\nsecond line\\; with a semicolon and so many words that it had t\r
 o be folded\r
PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAEBAQEBAQEBAQE\r
 BAQEBAQ==\r
END:VCARD\r
"""
NOKIA = """BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=89mile;J=C3=BCr=
gen;;;
TEL;CELL:+16175550188
TEL;WORK;FAX:+16175550189
NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:Gr=FC=DFe=0D=0Aan alle
END:VCARD
"""
FOUR = """BEGIN:VCARD
VERSION:4.0
FN:Helen Ruiz
TEL;VALUE=uri;TYPE="voice,home":tel:+1-617-555-0188;ext=5
TEL;TYPE=work,cell;PREF=1:+16175550189
END:VCARD
begin:vcard
version:4.0
org:Acme
tel:911
end:vcard
"""


def entries(text: str) -> list[Entry]:
    found = list(vcard.read(text))
    assert not [one for one in found if isinstance(one, Fault)]
    return [one for one in found if isinstance(one, Entry)]


def test_a_phones_card_is_read_with_its_folded_lines_and_own_labels() -> None:
    assert entries(IPHONE) == [
        Entry(
            line=1,
            name="Helen Ruiz",
            company="Acme, Inc.",
            notes=(
                "First line\nsecond line; with a semicolon and so many words that it had to be"
                " folded"
            ),
            numbers=(
                Number("(617) 555-0188", "mobile"),
                Number("+1 617-555-0189", "car"),
                Number("+1 617-555-0190", "lake house"),
            ),
        )
    ]


def test_an_old_phones_quoted_printable_is_read() -> None:
    assert entries(NOKIA) == [
        Entry(
            line=1,
            name="Jürgen Émile",
            notes="Grüße\nan alle",
            numbers=(Number("+16175550188", "mobile"), Number("+16175550189", "work fax")),
        )
    ]


def test_version_four_writes_numbers_as_addresses() -> None:
    first, second = entries(FOUR)
    assert first.numbers == (
        Number("+1-617-555-0188", "home"),
        Number("+16175550189", "work mobile"),
    )
    assert (second.line, second.name, second.numbers) == (7, "Acme", (Number("911"),))


def test_a_line_that_is_none_is_named_and_the_card_is_read() -> None:
    text = "BEGIN:VCARD\nVERSION:3.0\nFN:Helen\nrubbish\nTEL:911\nEND:VCARD\n"
    fault, entry = list(vcard.read(text))
    assert isinstance(fault, Fault)
    assert isinstance(entry, Entry)
    assert (fault.line, "rubbish" in fault.why) == (4, True)
    assert entry.numbers == (Number("911"),)


def test_a_card_that_does_not_end_is_kept_to_be_repaired() -> None:
    (fault,) = vcard.read("BEGIN:VCARD\nFN:Helen\nTEL:911\n")
    assert isinstance(fault, Fault)
    assert fault.entry == Entry(1, "Helen", numbers=(Number("911"),))


def test_a_card_within_a_card_is_not_taken_for_another_person() -> None:
    inner = "AGENT:\nBEGIN:VCARD\nFN:Secretary\nTEL:912\nEND:VCARD\n"
    text = f"BEGIN:VCARD\nVERSION:2.1\nFN:Helen\n{inner}TEL:911\nEND:VCARD\n"
    assert [(one.name, one.numbers) for one in entries(text)] == [("Helen", (Number("911"),))]


def test_no_line_that_is_written_is_longer_than_75_bytes() -> None:
    entry = Entry(0, "Ünïcödé " * 12, notes="日本語 " * 100, numbers=(Number("911"),))
    text = "".join(vcard.write([entry]))
    assert max(len(line.encode()) for line in text.split("\r\n")) <= vcard.WIDTH
    assert [one.notes for one in entries(text)] == [entry.notes.strip()]


@pytest.mark.parametrize("label", ["mobile", "home", "work", "fax", "pager", "", "lake; house, 2"])
def test_a_label_is_written_as_phones_read_it(label: str) -> None:
    entry = Entry(1, "Helen", numbers=(Number("+16175550188", label),))
    assert entries("".join(vcard.write([entry]))) == [entry]


printed = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=60
)
trimmed = printed.map(str.strip).filter(bool)
blank = st.just("") | trimmed


@given(
    st.lists(
        st.builds(
            Entry,
            line=st.just(0),
            name=trimmed,
            company=blank,
            notes=st.lists(trimmed, max_size=3).map("\n".join),
            numbers=st.lists(
                st.builds(Number, st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True), blank),
                min_size=1,
                max_size=4,
            ).map(tuple),
        ),
        max_size=4,
    )
)
def test_what_is_written_is_read_again(written: list[Entry]) -> None:
    text = "".join(vcard.write(written))
    assert [(one.name, one.company, one.notes, one.numbers) for one in entries(text)] == [
        (one.name, one.company, one.notes, one.numbers) for one in written
    ]


@given(st.text(max_size=300), st.integers(0, len(IPHONE)))
def test_no_damage_stops_the_reading(damage: str, at: int) -> None:
    for text in (damage, IPHONE[:at] + damage + IPHONE[at:]):
        for one in vcard.read(text):
            assert one.line >= 1


def test_a_card_with_a_large_picture_is_read() -> None:
    picture = "PHOTO;ENCODING=b:" + "\r\n ".join(["A" * 74] * 20_000)
    text = IPHONE.replace("END:VCARD", f"{picture}\r\nEND:VCARD")
    assert [one.name for one in entries(text)] == ["Helen Ruiz"]
