"""Many requests in one transaction: whoever waits must not stand in the writer's way."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings as in_force
from django.db import connection
from pytest_django import Settings

from portal.memory import Memory
from sms.together import Together
from tests.crowd import PATIENCE, at_once

pytestmark = pytest.mark.django_db(transaction=True)


def _ask() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_the_writer_finds_a_connection_however_many_wait_for_it() -> None:
    crowd = in_force.DATABASES["default"]["OPTIONS"]["pool"]["max_size"]
    leading, come = threading.Event(), threading.Barrier(crowd + 1)

    def write(batch: Sequence[int]) -> Sequence[int]:
        if batch == [0]:
            leading.set()
            come.wait(PATIENCE)
        _ask()
        connection.close()
        return batch

    def put(item: int) -> int:
        if item:
            _ask()
            come.wait(PATIENCE)
        return together.put(item)

    connection.close()
    together: Together[int, int] = Together(write)
    with ThreadPoolExecutor(crowd + 1) as pool:
        first = pool.submit(put, 0)
        assert leading.wait(PATIENCE)
        others = [pool.submit(put, item) for item in range(1, crowd + 1)]
        assert first.result(PATIENCE) == 0
        assert [one.result(PATIENCE) for one in others] == list(range(1, crowd + 1))


def test_of_all_who_come_at_once_one_looks_whether_the_set_up_changed(settings: Settings) -> None:
    settings.MEMORY_SECONDS = 60.0
    memory = Memory()
    looks: list[str] = []

    def look() -> None:
        def note(execute, sql, params, many, context):  # type: ignore[no-untyped-def] # Django's own shape
            looks.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            memory.refresh()

    assert at_once(*[look] * 8) == [None] * 8
    assert len(looks) == 1
