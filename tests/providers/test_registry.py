"""Adapters are found by their files, and built from stored values or loudly not."""

import dataclasses

import pytest

from providers import registry
from providers.credentials import credential_fields
from tests.providers.cases import of

KEYS = sorted(registry.all())
SANDBOX = {"secret": "s"}


def test_every_file_is_a_provider() -> None:
    assert set(KEYS) >= {"sandbox", "questblue", "twilio", "telnyx"}
    assert all(registry.get(key).key == key for key in KEYS)


def test_a_key_that_is_not_the_file_name_is_refused() -> None:
    with pytest.raises(ValueError, match="declares the key 'sandbox'"):
        registry.require_key(registry.get("sandbox"), "sandpit")


def test_an_unknown_key_is_told_in_plain_words() -> None:
    with pytest.raises(LookupError, match="there is no provider 'carrier-pigeon'; known are"):
        registry.get("carrier-pigeon")


def test_choices_come_by_label() -> None:
    labels = [label for _, label in registry.choices()]
    assert labels == sorted(labels)
    assert ("twilio", "Twilio") in registry.choices()


@pytest.mark.parametrize("key", KEYS)
def test_every_guide_has_numbered_steps_and_the_url(key: str) -> None:
    guide = registry.guide(key)
    assert "{webhook_url}" in guide
    assert "\n1. " in guide
    assert "\n3. " in guide


@pytest.mark.parametrize("key", KEYS)
def test_an_adapter_is_built_from_its_fields(key: str) -> None:
    credentials = of(key)[0].credentials
    adapter = registry.build(key, credentials)
    stored = dataclasses.asdict(adapter.credentials)
    assert {name: value for name, value in stored.items() if value} == credentials
    for field in credential_fields(adapter.credentials_type):
        values = {name: value for name, value in credentials.items() if name != field.name}
        if field.required:
            with pytest.raises(ValueError, match=f"{field.name} .*is missing"):
                registry.build(key, values)
        else:
            registry.build(key, values)


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(ValueError, match="has no credential token"):
        registry.build("sandbox", {**SANDBOX, "token": "t"})


def test_a_value_that_does_not_fit_is_named_and_never_repeated() -> None:
    values = {**of("twilio")[0].credentials, "account_sid": "AC-hush"}
    with pytest.raises(ValueError, match="account_sid") as caught:
        registry.build("twilio", values)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("value", ["a\nb", "a\x00", "a\r\nX-Evil: 1"])
def test_a_line_break_in_a_secret_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        registry.build("sandbox", {"secret": value})


def test_a_key_in_pem_may_have_lines() -> None:
    pem = "-----BEGIN PUBLIC KEY-----\nAAAA\r\n-----END PUBLIC KEY-----\n"
    adapter = registry.build("telnyx", {"api_key": "KEY1", "public_key": pem})
    assert adapter.credentials.public_key == pem


@pytest.mark.parametrize("base", ["http://127.0.0.1:9900", "http://h.example/prefix/"])
def test_the_api_base_may_be_elsewhere(base: str) -> None:
    assert registry.build("sandbox", SANDBOX, api_base=base).http.base == base.rstrip("/")


def test_the_class_knows_the_default_base() -> None:
    adapter = registry.build("twilio", of("twilio")[0].credentials)
    assert adapter.http.base == "https://api.twilio.com"


@pytest.mark.parametrize(
    "base", ["api.example", "ftp://h", "https://", "https://u:p@h", "https://h?x=1", "https://h#x"]
)
def test_an_api_base_that_is_none_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="API base"):
        registry.build("sandbox", SANDBOX, api_base=base)
