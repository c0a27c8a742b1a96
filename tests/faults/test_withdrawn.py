"""What was allowed when a text was accepted is taken away while it waits."""

from dataclasses import dataclass

import pytest

from tests.faults.audit import reasons, settled
from tests.faults.world import BOTH, EXTENSIONS, World
from tests.stack import wait_until


@dataclass(frozen=True)
class Case:
    """What is taken away and given back, and what becomes of a text out and of one in.

    In the statements, %(extension)s and %(trunk)s are the numbers of the rows, %(party)s the one
    who is texted. ``reason`` is that of the quarantine, empty where the text comes in all the same.
    """

    take: str
    give: str
    code: str
    reason: str = ""


CASES = {
    "permission": Case(
        "UPDATE portal_extension SET sms = 'DISABLE' WHERE id = %(extension)s",
        "UPDATE portal_extension SET sms = 'ALLOW' WHERE id = %(extension)s",
        "not_allowed",
    ),
    "extension": Case(
        "UPDATE portal_extension SET enabled = false WHERE id = %(extension)s",
        "UPDATE portal_extension SET enabled = true WHERE id = %(extension)s",
        "not_allowed",
        "extension_disabled",
    ),
    "DID": Case(
        "UPDATE portal_did SET sms = false, number = number || '9' WHERE trunk_id = %(trunk)s",
        "UPDATE portal_did SET sms = true, number = left(number, 12) WHERE trunk_id = %(trunk)s",
        "caller_id_unknown",
        "unknown_did",
    ),
    "caller ID": Case(
        "UPDATE portal_callerid SET is_default = false, extension_id ="
        " (SELECT id FROM portal_extension WHERE number = '1009')"
        " WHERE did_id IN (SELECT id FROM portal_did WHERE trunk_id = %(trunk)s)",
        "UPDATE portal_callerid SET is_default = true, extension_id = %(extension)s"
        " WHERE did_id IN (SELECT id FROM portal_did WHERE trunk_id = %(trunk)s)",
        "caller_id_unknown",
    ),
    "consent": Case(
        "INSERT INTO sms_optout (tenant_id, our_number, remote, since, words)"
        " SELECT tenant_id, '', %(party)s, now(), 'STOP' FROM portal_extension"
        " WHERE id = %(extension)s",
        "UPDATE sms_optout SET lifted_at = now() WHERE lifted_at IS NULL",
        "opted_out",
    ),
}


def act(world: World, statement: str, trunk: str, party: str) -> None:
    """Carry out a statement of a case."""
    [(trunk_id,)] = world.rows("SELECT id FROM portal_trunk WHERE name = %s", [trunk])
    [(extension_id,)] = world.rows(
        "SELECT id FROM portal_extension WHERE number = %s", [EXTENSIONS[trunk]]
    )
    world.rows(statement, {"trunk": trunk_id, "extension": extension_id, "party": party})


@pytest.mark.parametrize("what", CASES)
def test_a_text_that_waits_while_it_is_withdrawn_does_not_go_out(world: World, what: str) -> None:
    case = CASES[what]
    sent, brought = {t: f"{t} {what} out" for t in BOTH}, {t: f"{t} {what} in" for t in BOTH}
    with world.frozen("worker"):
        for trunk in BOTH:
            world.send_all(trunk, sent[trunk])
            assert world.bring(trunk, brought[trunk]) == 200
            act(world, case.take, trunk, world.parties[sent[trunk]])
    try:
        states = settled(world)
    finally:
        for trunk in BOTH:
            act(world, case.give, trunk, "")
    assert {states[text] for text in sent.values()} == {"failed"}
    codes = world.rows(
        "SELECT DISTINCT error_code FROM sms_message WHERE text = ANY(%s)", [list(sent.values())]
    )
    assert codes == [(case.code,)]
    expected = {case.reason} if case.reason else set()
    assert {states.get(text, "") for text in brought.values()} == {"" if expected else "received"}
    assert {why for text in brought.values() for why in reasons(world, text)} == expected


def test_texts_of_a_suspended_tenant_are_held_and_go_out_when_it_is_back(world: World) -> None:
    sent, brought = [f"{t} held out" for t in BOTH], [f"{t} held in" for t in BOTH]
    with world.frozen("worker"):
        for trunk, text_out, text_in in zip(BOTH, sent, brought, strict=True):
            world.send_all(trunk, text_out)
            assert world.bring(trunk, text_in) == 200
        world.rows("UPDATE portal_tenant SET active = false")
    try:
        states = settled(world)
        assert {states[text] for text in sent} == {"held"}
        assert [reasons(world, text) for text in brought] == [{"suspended"}] * len(BOTH)
    finally:
        world.rows("UPDATE portal_tenant SET active = true")
    wait_until(lambda: world.state(sent[0]) == world.state(sent[1]) == "accepted", what="the texts")
    wait_until(lambda: all(map(world.state, brought)), what="the texts from outside")
    assert set(settled(world).values()) == {"accepted", "received"}
