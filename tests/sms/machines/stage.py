"""What every machine stands on: rows that vanish after each run, and a clock that it moves."""

import sys
from datetime import UTC, datetime

import time_machine
from django.db import transaction
from hypothesis.stateful import RuleBasedStateMachine

from portal.memory import memory
from sms import bell

NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


class Stage(RuleBasedStateMachine):
    """One run inside the transaction of a test; what it wrote is taken back at its end."""

    def __init__(self) -> None:
        super().__init__()
        # A savepoint that no atomic block knows of, so that the flows may open durable ones.
        self._before = transaction.savepoint()
        self._travel = time_machine.travel(NOON, tick=False)
        self.clock = self._travel.start()
        memory.forget()
        bell.connection().flushdb()

    def teardown(self) -> None:
        """See the story through unless it broke off, then leave nothing behind."""
        try:
            if sys.exception() is None:
                self.end()
        finally:
            self._travel.stop()
            transaction.savepoint_rollback(self._before)
            transaction.set_rollback(False)

    def end(self) -> None:
        """Say what must hold when enough time has passed."""
        # Not abc.abstractmethod: hypothesis gives its machines a metaclass of its own.
        raise NotImplementedError

    def moment(self) -> None:
        """Let the clock tick: no two claims are made at the very same time."""
        self.clock.shift(0.001)
