"""The sender threads of a worker are shared: nobody takes them all, nobody goes without."""

from sms.hands import Hands, Seats


def test_one_alone_gets_three_quarters_of_the_threads() -> None:
    hands = Hands(32)
    assert hands.reserve(100, ("trunk",)) == 24
    assert hands.reserve(1, ("trunk",)) == 0


def test_the_more_slow_providers_there_are_the_less_each_holds_and_a_newcomer_finds_a_thread() -> (
    None
):
    hands = Hands(32)
    got = [hands.reserve(100, (f"trunk {number}",)) for number in range(4)]
    assert got == [24, 6, 1, 1]
    hands = Hands(32)
    got = [sum(hands.reserve(1, (f"trunk {n}",)) for n in [number] * 40) for number in range(3)]
    assert got[0] > got[1] > got[2] >= 1
    assert sum(got) < 32


def test_a_tenant_with_many_trunks_has_one_share() -> None:
    hands = Hands(32)
    got = [hands.reserve(100, (f"trunk {number}", "tenant")) for number in range(4)]
    assert got == [24, 0, 0, 0]
    assert hands.reserve(100, ("trunk 9", "another tenant")) == 6


def test_what_is_given_back_can_be_had_again() -> None:
    hands = Hands(8)
    assert hands.reserve(6, ("trunk",)) == 6
    hands.release(6, ("trunk",))
    assert hands.reserve(8, ()) == 8


def test_no_more_is_reserved_than_was_asked_for_or_than_there_is() -> None:
    hands = Hands(4)
    assert hands.reserve(2, ("trunk",)) == 2
    assert hands.reserve(9, ()) == 2
    assert hands.reserve(1, ("newcomer",)) == 0


def test_trunks_without_a_seat_get_one_in_the_order_in_which_they_came() -> None:
    seats = Seats(2)
    assert [seats.take(trunk) for trunk in (1, 2, 3, 4, 3)] == [True, True, False, False, False]
    crowded = [seats.crowded]
    following = [seats.leave(), seats.leave(), seats.leave()]
    crowded.append(seats.crowded)
    assert (following, crowded) == ([3, 4, None], [True, False])
