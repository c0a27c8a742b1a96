"""Asks a provider many things at a time, and waits no longer than a person would."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from django.utils.translation import gettext as _

from providers.errors import ProviderError

T = TypeVar("T")

AT_ONCE = 8
SECONDS = 20.0


@dataclass
class Answers(Generic[T]):
    """What came back, and in words why something did not, by what was asked for."""

    good: dict[str, T] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def reasons(self) -> dict[str, list[str]]:
        """Return what failed by reason: often one explains them all."""
        found: dict[str, list[str]] = {}
        for key, why in self.failed.items():
            found.setdefault(why, []).append(key)
        return found


def ask(calls: Mapping[str, Callable[[], T]], seconds: float = SECONDS) -> Answers[T]:
    """Make the calls; what has not answered in time has failed, and its answer is let go."""
    answers: Answers[T] = Answers()
    pool = ThreadPoolExecutor(AT_ONCE)
    futures = {key: pool.submit(call) for key, call in calls.items()}
    wait(futures.values(), timeout=seconds)
    pool.shutdown(wait=False, cancel_futures=True)
    for key, future in futures.items():
        _take(answers, key, future)
    return answers


def _take(answers: Answers[T], key: str, future: Future[T]) -> None:
    if future.cancelled() or not future.done():
        answers.failed[key] = _("The provider did not answer in time.")
        return
    try:
        answers.good[key] = future.result()
    except (ProviderError, ValueError) as error:
        answers.failed[key] = str(error)
