"""How fast a trunk and its numbers may send: begun with what the provider documents."""

from pathlib import Path

import pytest

from portal import e164
from portal.models import DID, Tenant, Trunk, User
from providers import registry
from providers.pace import NumberKind
from tests import factories
from tests.estate import person, signed_in
from tests.portal.test_apply import FILE, apply, refusal

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("+12025550100", NumberKind.LOCAL),
        ("+18005550199", NumberKind.TOLL_FREE),
        ("+448001111111", NumberKind.TOLL_FREE),
        ("72345", NumberKind.SHORT_CODE),
    ],
)
def test_the_kind_of_a_number_is_known(number: str, kind: NumberKind) -> None:
    assert e164.kind(number) is kind


def test_every_documented_rate_is_more_than_nothing_or_unknown() -> None:
    known = [adapter.capabilities.pace for adapter in registry.all().values()]
    rates = [pace.of(kind) for pace in known for kind in NumberKind]
    assert all(rate is None or rate > 0 for rate in rates)
    assert any(rates)


def test_added_numbers_begin_with_what_the_provider_takes_from_their_kind() -> None:
    tenant: Tenant = factories.TenantFactory()
    trunk = factories.TrunkFactory(tenant=tenant, provider="twilio", credentials={})
    boss = signed_in(person(tenant, "boss", User.Role.ADMIN))
    text = "12025550100;18005550199"
    boss.post("/admin/portal/did/add/", {"trunk": trunk.pk, "pool": text, "sms": "on", "_save": ""})
    rates = DID.objects.values_list("number", "messages_per_second")
    assert dict(rates) == {"+12025550100": 1, "+18005550199": 3}
    page = boss.get(f"/admin/portal/did/{DID.objects.get(number='+12025550100').pk}/change/")
    assert 'name="messages_per_second"' in page.content.decode()


@pytest.mark.parametrize(("provider", "rate"), [("bandwidth", "1"), ("questblue", "10")])
def test_a_new_trunk_begins_with_what_the_provider_takes_from_an_account(
    provider: str, rate: str
) -> None:
    tenant: Tenant = factories.TenantFactory()
    boss = signed_in(person(tenant, "boss", User.Role.ADMIN))
    page = boss.get(f"/admin/portal/trunk/add/?provider={provider}")
    assert page.context["adminform"].form["messages_per_second"].value() == float(rate)


SMALL = """\
tenants:
  - slug: birch
    name: Birch
    trunks:
      - {name: B-TX, provider: flowroute, credentials: {access_key: a, secret_key: b}}
"""


def test_a_trunk_of_the_file_without_a_rate_begins_with_the_providers(tmp_path: Path) -> None:
    apply(tmp_path, SMALL)
    assert Trunk.objects.get().messages_per_second == 5
    apply(tmp_path, SMALL.replace("b}}", "b}, messages_per_second: 7}"))
    apply(tmp_path, SMALL)
    assert Trunk.objects.get().messages_per_second == 7


def test_the_file_sets_one_rate_for_the_numbers_of_a_trunk(tmp_path: Path) -> None:
    with_rate = FILE.replace("_second: 5", "_second: 5\n        did_messages_per_second: 0.5")
    assert "did_messages_per_second" in apply(tmp_path, with_rate)
    rates = DID.objects.filter(trunk__name="A-TW").values_list("messages_per_second", flat=True)
    assert set(rates) == {0.5}
    assert "did_messages_per_second" not in apply(tmp_path, with_rate)


def test_numbers_of_the_file_have_no_rate_of_their_own_unless_it_says_so(tmp_path: Path) -> None:
    apply(tmp_path, FILE)
    assert not DID.objects.exclude(messages_per_second=None).exists()


def test_a_rate_of_nothing_is_refused_with_its_line(tmp_path: Path) -> None:
    said = refusal(
        tmp_path, FILE.replace("_second: 5", "_second: 5\n        did_messages_per_second: 0")
    )
    assert said.startswith("apply.yaml:17: tenants[0].trunks[0].did_messages_per_second: a rate")
