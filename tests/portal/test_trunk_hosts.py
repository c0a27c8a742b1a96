"""Where a trunk may call: a tenant's own provider is no way into a private network."""

import socket
from urllib.parse import urlsplit

import pytest
import responses
from django.test import Client
from pytest_django import Settings

from portal.models import Tenant, Trunk, User
from portal.models.trunk import check_credentials
from providers.contract import OutboundMessage
from providers.errors import CredentialsRefused, Unavailable
from tests import factories
from tests.estate import person, signed_in

ADD = "/admin/portal/trunk/add/?provider=custom"
MESSAGE = OutboundMessage(reference="r", sender="+12025550123", recipient="73737", text="Hello")


def custom(url: str, **more: str) -> dict[str, str]:
    """Return the credentials of a provider at an address that a tenant chose."""
    template = '{"to": "{to}", "text": "{text}"}'
    return {"send_url": url, "body_template": template, "message_id": "id", **more}


@pytest.mark.parametrize("host", ["10.0.0.5", "10.0.0.5:8080", "localhost", "sms.internal"])
def test_a_private_address_is_refused_unless_it_is_listed(settings: Settings, host: str) -> None:
    values = custom(f"http://{host}/send?x=1")
    with pytest.raises(ValueError, match=f"^{host} is a private address"):
        check_credentials("custom", values)
    check_credentials("custom", values, "https://api.example.com")
    settings.ALLOW_PRIVATE_PROVIDER_HOSTS = [host]
    check_credentials("custom", values)


def test_the_address_that_an_adapter_knows_may_be_private() -> None:
    check_credentials("sandbox", {"secret": "s"})


@pytest.mark.parametrize(
    ("overridden", "listed", "error"),
    [
        (False, [], CredentialsRefused),
        (False, ["own"], CredentialsRefused),
        (False, ["own", "theirs"], Unavailable),
        (True, [], Unavailable),
    ],
)
def test_a_private_address_is_called_only_if_somebody_vouched_for_it(
    settings: Settings, overridden: bool, listed: list[str], error: type[Exception]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
    # Our own web server is private, too, and always listed; it is nobody's provider.
    hosts = {"own": urlsplit(settings.SANDBOX_URL).netloc, "theirs": host}
    settings.ALLOW_PRIVATE_PROVIDER_HOSTS = [hosts[name] for name in listed]
    called = hosts["own"] if listed == ["own"] else host
    trunk = factories.TrunkFactory.build(
        tenant=None,
        provider="custom",
        # Another user each time, because adapters are kept.
        credentials=custom(f"http://{called}/send", user=f"{overridden}{listed}"),
        api_base=f"http://{host}" if overridden else "",
    )
    with responses.RequestsMock() as mock:
        mock.add_passthru("http://127.0.0.1")
        with pytest.raises(error):
            trunk.adapter().send(MESSAGE)


@pytest.mark.django_db
def test_the_form_refuses_a_private_address() -> None:
    tenant: Tenant = factories.TenantFactory()
    boss: Client = signed_in(person(tenant, "boss", User.Role.ADMIN))
    form = {"name": "Own", "enabled": "on", "messages_per_second": "5"}

    def post(url: str) -> str:
        fields = {f"credential_{name}": value for name, value in custom(url).items()}
        return boss.post(ADD, form | fields).content.decode()

    assert "169.254.169.254 is a private address" in post("http://169.254.169.254/latest")
    assert "(Send URL) has the unknown placeholder {phone}" in post("https://a.example/{phone}")
    assert not Trunk.objects.exists()
    post("https://api.example.com/send")
    assert Trunk.objects.get().credentials == custom("https://api.example.com/send")
