"""How fast a provider takes messages where nothing else was agreed, by whose limit it is."""

from dataclasses import dataclass
from enum import StrEnum


class NumberKind(StrEnum):
    """What providers tell apart when they limit a number."""

    LOCAL = "local"
    TOLL_FREE = "toll_free"
    SHORT_CODE = "short_code"


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Messages a second of the whole account, and of one number by its kind; 0 means unknown.

    Where it is unknown nothing is slowed down beyond what the administrator enters; what a provider
    cannot take at once it queues, or refuses as ``Throttled``.
    """

    account: float = 0
    local: float = 0
    toll_free: float = 0
    short_code: float = 0

    def of(self, kind: NumberKind) -> float | None:
        """Return the usual rate of a number, None where it is unknown."""
        rates = {
            NumberKind.LOCAL: self.local,
            NumberKind.TOLL_FREE: self.toll_free,
            NumberKind.SHORT_CODE: self.short_code,
        }
        return rates[kind] or None


UNKNOWN = Pace()
