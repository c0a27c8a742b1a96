"""Rules that can never match: whatever is said to be dead, the real routing never takes."""

import datetime
from dataclasses import dataclass

import pytest
from django.db.models import prefetch_related_objects
from hypothesis import given
from hypothesis import strategies as st

from portal import dead_rules
from portal.models import DID, Destination, Extension, InboundRule, Tenant, Trunk
from sms import addressee, routing
from sms.addressee import Finding
from sms.models import ProviderEvent
from tests import factories

pytestmark = pytest.mark.django_db

FIRST = 12025550100
NOON = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)
DIDS = [f"+{FIRST + n}" for n in range(5)]
SENDERS = [f"{n:0{size}}" for size in (2, 3) for n in range(10**size)] + ["ALDERCO"]


@dataclass(frozen=True)
class Sketch:
    """A rule in a few words."""

    first: int = 0
    last: int = 4
    mask: str = ""
    enabled: bool = True
    trunk: int = 1

    def rule(self, n: int) -> InboundRule:
        """Return it as a row that was never stored."""
        return InboundRule(
            pk=n,
            name=f"rule {n}",
            tenant_id=1,
            trunk=Trunk(pk=self.trunk, name="trunk"),
            did_first=DIDS[self.first],
            did_last=DIDS[self.last],
            caller_mask=self.mask,
            enabled=self.enabled,
        )


def rules_of(*sketches: Sketch) -> list[InboundRule]:
    rules = [sketch.rule(n) for n, sketch in enumerate(sketches, 1)]
    prefetch_related_objects(rules, "destinations")
    return rules


def shadows(*sketches: Sketch) -> list[str]:
    """Return what stands before the last of the rules."""
    *before, last = rules_of(*sketches)
    return dead_rules.shadows(last, before)


def ever_taken(rules: list[InboundRule]) -> set[str]:
    """Return the names of the rules that any text to any DID takes."""
    return {
        decision.rule.name
        for did in DIDS
        for sender in SENDERS
        if (
            decision := routing.decide(
                rules=rules, did=did, sender=sender, moment=NOON, office=None
            )
        ).rule
    }


digits = st.text("012", min_size=2, max_size=3)
ranges = st.tuples(digits, digits).map(
    lambda ends: "-".join(sorted((ends[0], ends[1].ljust(len(ends[0]), "0")[: len(ends[0])])))
)
parts = st.one_of(digits, st.text("01*", min_size=2, max_size=3), ranges, st.just("alderco"))
masks = st.lists(parts, max_size=3).map(";".join)
sketches = st.builds(
    lambda ends, mask, enabled, trunk: Sketch(min(ends), max(ends), mask, enabled, trunk),
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
    masks,
    st.sampled_from([True, True, True, False]),
    st.just(1),
)


@given(st.lists(sketches, min_size=2, max_size=5))
def test_a_rule_that_is_said_to_be_shadowed_is_never_taken(drawn: list[Sketch]) -> None:
    rules = rules_of(*drawn)
    taken = ever_taken(rules)

    for n, rule in enumerate(rules):
        names = dead_rules.shadows(rule, rules[:n])
        assert not names or rule.name not in taken
        assert set(names) <= {one.name for one in rules[:n]}


@pytest.mark.parametrize(
    "sketches",
    [
        (Sketch(), Sketch()),
        (Sketch(), Sketch(1, 3)),
        (Sketch(), Sketch(mask="100-200")),
        (Sketch(0, 2), Sketch(3, 4), Sketch(1, 4)),
        (Sketch(mask="1*"), Sketch(mask="10-19")),
        (Sketch(mask="1**"), Sketch(mask="1*0")),
        (Sketch(mask="10-19"), Sketch(mask="1*")),
        (Sketch(mask="10-19;alderco"), Sketch(mask="ALDERCO;12")),
        (Sketch(0, 2, mask="1*"), Sketch(2, 4), Sketch(mask="12")),
        (Sketch(mask="1*"), Sketch(mask="2*"), Sketch(mask="15;25-29")),
        (Sketch(mask="*1*"), Sketch(mask="110-119")),
    ],
)
def test_a_shadowed_rule_is_found(sketches: tuple[Sketch, ...]) -> None:
    assert shadows(*sketches)
    rules = rules_of(*sketches)
    assert rules[-1].name not in ever_taken(rules)


@pytest.mark.parametrize(
    "sketches",
    [
        (Sketch(mask="1*"), Sketch()),
        (Sketch(0, 3), Sketch()),
        (Sketch(0, 1), Sketch(3, 4), Sketch()),
        (Sketch(enabled=False), Sketch()),
        (Sketch(trunk=2), Sketch()),
        (Sketch(mask="10-18"), Sketch(mask="1*")),
        (Sketch(mask="1*"), Sketch(mask="1**")),
        (Sketch(mask="10-19"), Sketch(mask="10-19;alderco")),
    ],
)
def test_a_rule_with_something_left_is_not_called_dead(sketches: tuple[Sketch, ...]) -> None:
    assert shadows(*sketches) == []


def test_what_stands_before_is_named() -> None:
    assert shadows(Sketch(0, 2), Sketch(mask="1*"), Sketch(3, 4), Sketch()) == ["rule 1", "rule 3"]


@pytest.fixture
def rule() -> InboundRule:
    """A rule for two DIDs that leads to two extensions."""
    did = factories.DIDFactory(number=DIDS[0])
    factories.DIDFactory(trunk=did.trunk, number=DIDS[1])
    for number in ("1001", "1002"):
        factories.ExtensionFactory(tenant=did.tenant, number=number)
    return factories.route(did, to="1001", did_last=DIDS[1])


def troubles(rule: InboundRule) -> list[tuple[str, bool]]:
    found = dead_rules.look([rule]).get(rule.pk, [])
    return [(trouble.words, trouble.dead) for trouble in found]


def reason(number: str) -> str:
    """Return why the flow delivers nothing to a DID."""
    did = DID.objects.get(number=number)
    home = addressee.home(did, sender="+16175550188", received_at=NOON)
    assert isinstance(home, Finding)
    return home.reason


def test_a_rule_in_order_has_no_trouble(rule: InboundRule) -> None:
    assert troubles(rule) == []


def test_a_switched_off_rule_is_not_complained_about(rule: InboundRule) -> None:
    rule.trunk.dids.all().delete()
    InboundRule.objects.update(enabled=False)
    assert troubles(rule) == []


def test_a_rule_on_a_trunk_that_is_off_is_dead(rule: InboundRule) -> None:
    Trunk.objects.update(enabled=False)
    [(words, dead)] = troubles(rule)
    assert "switched off" in words
    assert dead
    assert reason(DIDS[0]) == ProviderEvent.Reason.SUSPENDED


def test_a_rule_without_its_dids_is_dead_and_without_some_has_gaps(rule: InboundRule) -> None:
    rule.trunk.dids.get(number=DIDS[1]).delete()
    assert troubles(rule) == [("1 of its 2 DIDs are not yours on this trunk.", False)]

    rule.trunk.dids.all().delete()
    [(words, dead)] = troubles(rule)
    assert "None of its DIDs" in words
    assert dead


def test_only_own_dids_on_the_rules_trunk_count(rule: InboundRule) -> None:
    rule.trunk.dids.all().delete()
    Trunk.objects.update(tenant=None)
    factories.DIDFactory(trunk=rule.trunk, tenant=factories.TenantFactory(), number=DIDS[0])
    factories.DIDFactory(
        trunk=factories.TrunkFactory(tenant=rule.tenant), tenant=rule.tenant, number=DIDS[1]
    )
    assert [dead for _words, dead in troubles(rule)] == [True]


def test_missing_and_disabled_extensions_of_a_range_are_named(rule: InboundRule) -> None:
    Extension.objects.filter(number="1001").update(enabled=False)
    Extension.objects.filter(number="1002").delete()
    words = " ".join(words for words, _dead in troubles(rule))
    assert "do not exist yet, their texts will wait: 1002" in words
    assert "switched off, their texts wait: 1001" in words
    assert reason(DIDS[1]) == ProviderEvent.Reason.EXTENSION_DISABLED


def test_a_group_without_members_is_named(rule: InboundRule) -> None:
    group = factories.GroupFactory(tenant=rule.tenant, number="8000", name="Support")
    rule.destinations.update(kind=Destination.Kind.GROUP, range_first="", group=group)
    assert troubles(rule) == [("Group 8000 Support has no members: nobody sees its texts.", False)]
    factories.GroupMemberFactory(group=group)
    assert troubles(rule) == []


def test_looking_at_more_rules_takes_no_more_queries(
    rule: InboundRule, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    tenant: Tenant = factories.TenantFactory()
    desk = factories.ExtensionFactory(tenant=tenant)
    others = [factories.route(factories.DIDFactory(tenant=tenant), to=desk) for _ in range(4)]
    with django_assert_num_queries(5):  # type: ignore[operator] # a fixture that is called
        dead_rules.look([rule, *others])
