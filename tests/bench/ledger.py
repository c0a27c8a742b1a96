"""What the database of the benchmarked product says: what is there, what waits, how it commits."""

from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Any, LiteralString, Self

import psycopg

_WAITING = """
SELECT EXISTS (SELECT 1 FROM sms_providerevent WHERE state = 'due')
    OR EXISTS (SELECT 1 FROM sms_message WHERE state = 'queued')
    OR EXISTS (SELECT 1 FROM sms_message WHERE state = 'sending')
"""
_KEYS = """
SELECT m.id, substring(m.text FROM 'bench-([0-9]{8})')::int, m.state, e.number
  FROM sms_message m JOIN sms_conversation c ON c.id = m.conversation_id
  JOIN portal_extension e ON e.id = c.extension_id
 WHERE m.id > %s AND m.direction = %s AND m.text LIKE '%%bench-%%'
"""
# What a commit must do for "accepted" to mean that it survives a power cut.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


@dataclass(frozen=True)
class Row:
    """One message of the benchmark as the product keeps it."""

    id: int
    key: int
    state: str
    extension: str


class Ledger:
    """One connection beside the product's own; a context manager."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def ask(self, query: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self._connection.execute(query, values).fetchall()

    def run(self, statement: LiteralString, *values: Any) -> int:
        """Run a statement and return how many rows it concerned."""
        return self._connection.execute(statement, values or None).rowcount

    def waits(self) -> bool:
        """Tell whether anything is not done; cheap, since both queues have partial indexes."""
        return bool(self.ask(_WAITING)[0][0])

    def last_id(self) -> int:
        """Return the id after which the next messages come."""
        return int(self.ask("SELECT coalesce(max(id), 0) FROM sms_message")[0][0])

    def messages(self, direction: str, after: int) -> list[Row]:
        """Return the messages that were kept after an id."""
        return [Row(*row) for row in self.ask(_KEYS, after, direction)]

    def settings(self) -> dict[str, str]:
        """Return the settings that decide what a commit costs."""
        wanted = [*DURABLE, "server_version", "shared_buffers"]
        query = "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)"
        found = dict(self.ask(query, wanted))
        return {name: found[name] for name in wanted}

    def require_durable(self) -> None:
        """Refuse to measure a database that answers before it has written."""
        found = self.settings()
        wrong = {name: found[name] for name, value in DURABLE.items() if found[name] != value}
        if wrong:
            raise AssertionError(f"this database does not keep what it confirms: {wrong}")


def doubled(keys: list[int]) -> int:
    """Return how many keys are there more than once."""
    return sum(1 for times in Counter(keys).values() if times > 1)
