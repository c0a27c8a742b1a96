"""What the environment turns into: secrets without defaults, addresses, documented variables."""

import itertools
import os
import re
import subprocess
import sys

import pytest

from portal import settings

ENVIRONMENT = {
    "ENV_FILE": os.devnull,
    "SECRET_KEY": "of-this-test",
    "CREDENTIAL_KEYS": "one, two",
    "DATABASE_URL": "postgresql://someone@db.example/sms",
    "REDIS_URL": "redis://redis.example/0",
}


def read(name: str, without: str = "", **variables: str) -> str:
    """Return one setting as a fresh process reads it, or what it complains of."""
    given = {key: value for key, value in {**ENVIRONMENT, **variables}.items() if key != without}
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", f"from portal import settings; print(settings.{name})"],
        cwd=settings.BASE_DIR,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout or done.stderr).strip().splitlines()[-1]


@pytest.mark.parametrize("name", ["SECRET_KEY", "CREDENTIAL_KEYS", "DATABASE_URL", "REDIS_URL"])
def test_a_missing_variable_is_named_with_a_recipe(name: str) -> None:
    complaint = read("PORT", without=name)
    assert "ImproperlyConfigured" in complaint
    assert f"{name} is not set." in complaint
    assert len(complaint) > len(f"ImproperlyConfigured: {name} is not set.") + 60


def test_an_empty_secret_is_a_missing_one() -> None:
    assert "SECRET_KEY is not set" in read("PORT", SECRET_KEY="")


def test_several_credential_keys_are_read_in_their_order() -> None:
    assert read("CREDENTIAL_KEYS") == "['one', 'two']"


def test_debug_is_off_unless_asked_for() -> None:
    assert read("DEBUG") == "False"
    assert read("DEBUG", DEBUG="true") == "True"


def test_development_opens_the_stream_at_the_push_port() -> None:
    assert read("PUSH_URL", PORT="8100", PUSH_PORT="8101") == "http://127.0.0.1:8101"


def test_behind_a_proxy_the_stream_has_the_public_address() -> None:
    url = "https://sms.example.com"
    assert read("PUSH_URL", PUBLIC_URL=url + "/") == url
    assert read("PUSH_URL", PUBLIC_URL=url, PUSH_URL="https://push.example.com/") == (
        "https://push.example.com"
    )


def test_the_browser_may_connect_to_the_stream() -> None:
    policy = read("CONTENT_SECURITY_POLICY", PUSH_URL="https://push.example.com")
    assert "\"'self'\", 'https://push.example.com'" in policy


def test_https_makes_cookies_secure() -> None:
    assert read("SESSION_COOKIE_SECURE", PUBLIC_URL="https://sms.example.com") == "True"
    assert read("SESSION_COOKIE_SECURE") == "False"


def test_the_public_host_the_sandbox_and_the_probes_are_answered() -> None:
    url = "https://sms.example.com"
    hosts = read("ALLOWED_HOSTS", PUBLIC_URL=url, SANDBOX_URL="http://web:8000/handset/gateway")
    assert hosts == "['sms.example.com', 'web', '127.0.0.1', 'localhost', '[::1]']"
    hosts = read("ALLOWED_HOSTS", PUBLIC_URL=url, ALLOWED_HOSTS="a.example,b.example")
    assert hosts.startswith("['sms.example.com', 'a.example', 'b.example', ")


def test_the_sandbox_may_be_called_although_it_is_private() -> None:
    hosts = read("ALLOW_PRIVATE_PROVIDER_HOSTS", ALLOW_PRIVATE_PROVIDER_HOSTS="10.0.0.5:99")
    assert hosts == "['10.0.0.5:99', '127.0.0.1:8000']"
    hosts = read("ALLOW_PRIVATE_PROVIDER_HOSTS", SANDBOX_URL="http://web:8000/handset/gateway")
    assert hosts == "['web:8000']"


def test_logs_are_json_in_production_and_readable_in_development() -> None:
    assert read("LOG_FORMAT") == "json"
    assert read("LOG_FORMAT", DEBUG="true") == "text"


def test_every_variable_is_explained_in_the_example_file() -> None:
    source = (settings.BASE_DIR / "portal/settings.py").read_text()
    used = set(re.findall(r'(?:env[.\w]*|required)\(\s*"([A-Z_]+)"', source))
    example = (settings.BASE_DIR / ".env.example").read_text()
    explained = set(re.findall(r"^#? ?([A-Z_]+)=", example, flags=re.MULTILINE))
    assert used - {"ENV_FILE"} == explained - {"POSTGRES_PASSWORD"}


def test_every_variable_of_the_example_file_has_a_comment() -> None:
    lines = (settings.BASE_DIR / ".env.example").read_text().splitlines()
    for before, line in itertools.pairwise(lines):
        if re.match(r"#? ?[A-Z_]+=", line):
            assert before.startswith("# "), line
