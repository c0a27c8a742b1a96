"""Knows how the beat keeps time when somebody sets the clock."""

from typing import Any

from celery.beat import PersistentScheduler


class Steady(PersistentScheduler):  # type: ignore[misc] # Celery has no types
    """Goes on when the clock is set back.

    Celery's own waits until the time of the last run has come again: for the hours of the jump
    nothing would be swept.
    """

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Do one round; what ran in the future counts as run just now."""
        for entry in self.schedule.values():
            now = entry.default_now()
            if entry.last_run_at > now:
                entry.last_run_at = now
                self._heap = None  # it holds times by the clock as it was
        seconds: float = super().tick(*args, **kwargs)
        return seconds
