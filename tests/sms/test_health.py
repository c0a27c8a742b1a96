"""What machines are told: alive, ready, and how much waits."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.test import Client
from pytest_django.fixtures import Settings

from sms import heartbeat


def test_a_living_process_says_so_without_the_database(client: Client) -> None:
    answer = client.get("/healthz")  # pytest-django forbids the database here
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}


@pytest.mark.django_db
def test_it_is_ready_when_a_worker_was_seen(client: Client) -> None:
    heartbeat.beat()
    answer = client.get("/readyz")
    assert answer.status_code == 200
    body = answer.json()
    assert body["ready"] is True
    assert (body["database"], body["redis"]) == ("ok", "ok")
    assert body["backlog"] == {
        "queued": 0,
        "sending": 0,
        "events": 0,
        "oldest_due_seconds": 0.0,
        "trunks": [],
    }


@pytest.mark.django_db
def test_it_is_not_ready_before_a_worker_was_seen(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["No worker was seen in the last 30 seconds."]


@pytest.mark.django_db
def test_it_is_not_ready_when_the_worker_fell_silent(client: Client) -> None:
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clock:
        heartbeat.beat()
        clock.shift(timedelta(seconds=29))
        assert client.get("/readyz").status_code == 200
        clock.shift(timedelta(seconds=2))
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["worker_seen_seconds_ago"] == 31


@pytest.mark.django_db
def test_it_is_not_ready_without_the_database(client: Client) -> None:
    heartbeat.beat()

    def refuse(*_: object) -> None:
        raise DatabaseError("gone")

    with connection.execute_wrapper(refuse):
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] == "down"
    assert answer.json()["redis"] == "ok"


@pytest.mark.django_db
def test_it_is_not_ready_without_redis(client: Client, settings: Settings) -> None:
    caches = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {"default": caches}
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["redis"] == "down"
    assert answer.json()["database"] == "ok"


@pytest.mark.django_db
def test_figures_are_in_prometheus_format(client: Client) -> None:
    heartbeat.beat()
    answer = client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = answer.content.decode().splitlines()
    names = {re.split(r"[{ ]", line)[0] for line in lines if not line.startswith("#")}
    assert {
        "sms_channel_messages",
        "sms_channel_events",
        "sms_channel_oldest_due_seconds",
        "sms_channel_trunks_paused",
        "sms_channel_worker_seen_seconds",
        "process_resident_memory_bytes",
    } <= names
    assert 'sms_channel_messages{state="queued"} 0.0' in lines


@pytest.mark.django_db
def test_figures_are_given_without_redis(client: Client, settings: Settings) -> None:
    caches = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {"default": caches}
    lines = client.get("/metrics").content.decode()
    assert "sms_channel_messages" in lines
    assert "worker_seen" not in lines


def test_the_mark_of_a_worker_is_forgotten_in_time() -> None:
    assert heartbeat.age() is None
    heartbeat.beat()
    age = heartbeat.age()
    assert age is not None
    assert age < 5
    cache.delete(heartbeat.KEY)
    assert heartbeat.age() is None
