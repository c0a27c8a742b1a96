"""Whatever happens, in any order and again and again: what was promised of messages holds."""

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.sms.machines.arrivals import Lines
from tests.sms.machines.incoming import Incoming
from tests.sms.machines.sending import Sending, two_lines

pytestmark = pytest.mark.django_db


def test_a_text_on_its_way_out_keeps_every_promise() -> None:
    class Tried(Sending):
        lines = two_lines()

    run_state_machine_as_test(Tried)


def test_a_text_on_its_way_in_keeps_every_promise() -> None:
    class Tried(Incoming):
        lines = Lines()

    run_state_machine_as_test(Tried)
