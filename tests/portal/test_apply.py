"""`manage.py apply`: a file becomes rows, all or nothing, and a mistake names its line."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from portal.models import (
    DID,
    AuditEntry,
    CallerID,
    Destination,
    Extension,
    Group,
    InboundRule,
    Schedule,
    SenderID,
    Tenant,
    Trunk,
    User,
)
from tests import factories

pytestmark = pytest.mark.django_db

SID = "AC" + "0" * 32
SECRET = "f" * 32
FILE = f"""\
trunks:
  - {{name: COMMON, provider: sandbox, credentials: {{secret: common-secret}}}}
tenants:
  - slug: alder
    name: Alder
    timezone: America/New_York
    country: US
    hours: {{mon: "09:00-12:00, 13:00-17:00", sat: "22:00-24:00"}}
    holidays: [{{name: Christmas, from: 2026-12-24, to: 2026-12-26}}]
    retention_days: 90
    trunks:
      - name: A-TW
        provider: twilio
        credentials: {{account_sid: {SID}, auth_token: {SECRET}}}
        sender_id: ALDERCO
        messages_per_second: 5
        webhook_token: token-of-alder
        sender_ids: [HELLO, {{word: LATER, state: registered}}]
        dids: "12025550100-12025550119"
    dids: [{{trunk: COMMON, numbers: "12175550100;12175550101"}}]
    extensions:
      - number: "1001"
        name: Front desk
        sms: ALLOW
        user: desk
        password: word-of-desk
        caller_ids:
          - {{trunk: A-TW, did: "12025550100", description: Sales}}
          - {{trunk: COMMON, did: 12175550100}}
      - {{number: 1007, sms: ALLOW_WITH_SENDER_ID}}
      - {{number: 1008}}
    groups:
      - {{number: "8000", name: Support, kind: queue, members: ["1008", "1007"]}}
    rules:
      - {{name: main, trunk: A-TW, dids: "12025550100", to: "1001", after_hours: "8000"}}
      - {{name: many, trunk: A-TW, dids: "12025550105-12025550110", to: 2000-2005, order: 5}}
      - {{name: own, trunk: A-TW, dids: "12025550111", to: unrouted, hours: {{tue: 10:00-11:00}}}}
    admins: [{{user: alder-admin, password: word-of-admin}}]
    auditors: [{{user: alder-eye}}]
"""


def apply(folder: Path, text: str, *options: str) -> str:
    """Apply a file of this text and return what was printed."""
    file = folder / "apply.yaml"
    file.write_text(text, encoding="utf-8")
    printed = io.StringIO()
    call_command("apply", str(file), *options, stdout=printed)
    return printed.getvalue()


def refusal(folder: Path, text: str) -> str:
    """Apply a file that is wrong, see that it left nothing, and return the complaint."""
    before = Tenant.objects.count(), Trunk.objects.count(), DID.objects.count()
    with pytest.raises(CommandError) as caught:
        apply(folder, text)
    assert (Tenant.objects.count(), Trunk.objects.count(), DID.objects.count()) == before
    return str(caught.value).removeprefix(f"{folder}/")


def test_the_whole_file_becomes_rows(tmp_path: Path) -> None:
    printed = apply(tmp_path, FILE)
    tenant = Tenant.objects.get(slug="alder")
    trunk = Trunk.objects.get(tenant=tenant, name="A-TW")
    assert (tenant.timezone, tenant.retention_days) == ("America/New_York", 90)
    assert trunk.credentials == {"account_sid": SID, "auth_token": SECRET}
    assert trunk.messages_per_second == 5
    assert DID.objects.filter(tenant=tenant, trunk=trunk).count() == 20
    assert DID.objects.filter(tenant=tenant, trunk__tenant=None).count() == 2
    assert f"webhook A-TW (alder): {trunk.webhook_url}" in printed
    assert trunk.webhook_url.endswith("/webhooks/token-of-alder/")
    words = SenderID.objects.values_list("word", "state")
    assert set(words) == {("HELLO", "approved"), ("LATER", "registered")}


def test_people_of_the_file_can_sign_in_and_send(tmp_path: Path) -> None:
    apply(tmp_path, FILE)
    desk = Extension.objects.get(number="1001")
    assert desk.user is not None
    assert desk.user.check_password("word-of-desk")
    assert desk.user.role == User.Role.EXTENSION
    caller_ids = desk.caller_ids.values_list("did__number", "description", "is_default")
    assert set(caller_ids) == {("+12025550100", "Sales", True), ("+12175550100", "", False)}
    admin = User.objects.get(username="alder-admin")
    assert admin.is_tenant_admin
    assert admin.is_staff
    eye = User.objects.get(username="alder-eye")
    assert eye.role == User.Role.AUDITOR
    assert not eye.has_usable_password()
    members = Group.objects.get(number="8000").members.values_list("extension__number", flat=True)
    assert list(members) == ["1008", "1007"]


def test_rules_of_the_file_lead_where_it_says(tmp_path: Path) -> None:
    apply(tmp_path, FILE)
    main = InboundRule.objects.get(name="main")
    leads = dict(main.destinations.values_list("when", "kind"))
    assert leads == {"office": "extension", "outside": "group"}
    many = InboundRule.objects.get(name="many")
    assert (many.did_first, many.did_last, many.order) == ("+12025550105", "+12025550110", 5)
    assert many.destinations.get().range_first == "2000"
    own = InboundRule.objects.get(name="own")
    assert own.destinations.get().kind == Destination.Kind.UNROUTED
    assert own.schedule is not None
    assert [str(hours) for hours in own.schedule.hours.all()] == ["Tuesday 10:00-11:00"]
    assert own.schedule.holidays.get().name == "Christmas"
    office = Schedule.objects.get(is_default=True)
    assert [str(hours) for hours in office.hours.all()] == [
        "Monday 09:00-12:00",
        "Monday 13:00-17:00",
        "Saturday 22:00-00:00",
    ]


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    apply(tmp_path, FILE)
    entries = AuditEntry.objects.count()
    lines = apply(tmp_path, FILE).splitlines()
    assert {line.split()[0] for line in lines} == {"unchanged", "webhook"}
    assert AuditEntry.objects.count() == entries


def test_changes_name_their_fields_and_never_a_secret(tmp_path: Path) -> None:
    apply(tmp_path, FILE)
    changed = FILE.replace(SECRET, "e" * 32).replace("word-of-desk", "word-of-night")
    printed = apply(tmp_path, changed.replace("name: Front desk", "name: Night desk"))
    assert "changed   trunk alder/A-TW: credentials\n" in printed
    assert "changed   user desk: password\n" in printed
    assert "changed   extension alder/1001: name\n" in printed
    assert "unchanged tenant alder\n" in printed
    kept = " ".join(map(str, AuditEntry.objects.values_list("target", "detail")))
    for secret in ("e" * 32, SECRET, "word-of-night", "word-of-desk"):
        assert secret not in printed + kept


def test_new_credentials_resume_a_paused_trunk(tmp_path: Path) -> None:
    apply(tmp_path, FILE)
    Trunk.objects.filter(name="A-TW").update(paused_since="2026-01-01T00:00Z", paused_reason="no")
    apply(tmp_path, FILE)
    assert Trunk.objects.get(name="A-TW").paused_since is not None
    apply(tmp_path, FILE.replace(SECRET, "e" * 32))
    assert Trunk.objects.get(name="A-TW").paused_since is None


def test_what_the_file_does_not_mention_stays(tmp_path: Path) -> None:
    apply(tmp_path, FILE)
    apply(tmp_path, "tenants: [{slug: alder, name: Alder Ltd}]")
    tenant = Tenant.objects.get()
    assert (tenant.name, tenant.timezone) == ("Alder Ltd", "America/New_York")
    assert InboundRule.objects.count() == 3
    assert Trunk.objects.get(name="A-TW").credentials["auth_token"] == SECRET


def test_a_list_that_an_object_owns_becomes_what_the_file_says(tmp_path: Path) -> None:
    apply(tmp_path, FILE)
    less = FILE.replace('members: ["1008", "1007"]', 'members: ["1007"]')
    less = less.replace("          - {trunk: COMMON, did: 12175550100}\n", "")
    less = less.replace('mon: "09:00-12:00, 13:00-17:00"', 'mon: "09:00-17:00"')
    printed = apply(tmp_path, less)
    assert "changed   tenant alder: hours\n" in printed
    assert "changed   extension alder/1001: caller_ids\n" in printed
    assert "changed   group alder/8000: members\n" in printed
    assert CallerID.objects.count() == 1


def test_check_says_what_would_change_and_changes_nothing(tmp_path: Path) -> None:
    printed = apply(tmp_path, FILE, "--check")
    assert "created   tenant alder" in printed
    assert printed.endswith("Only checked: nothing was changed.\n")
    assert not Tenant.objects.exists()
    assert not AuditEntry.objects.exists()


def test_json_and_standard_input_do_as_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tenant = {"slug": "birch", "name": "Birch \U0001f333", "country": "NO", "active": False}
    text = json.dumps({"tenants": [tenant]}, indent="\t")
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    call_command("apply", "-", stdout=io.StringIO())
    birch = Tenant.objects.get(slug="birch")
    assert (birch.name, birch.country, birch.active) == ("Birch \U0001f333", "NO", False)
    assert "unchanged tenant birch" in apply(tmp_path, text)


TWILIO = f"provider: twilio\n        credentials: {{account_sid: {SID}, auth_token: {SECRET}}}"
CUSTOM = """provider: custom
        credentials: {send_url: http://10.0.0.5/, message_id: a, body_template: '["{to}{text}"]'}"""
RULES, PEOPLE = "tenants[0].rules", "tenants[0].extensions[0]"
MISTAKES = [
    ("provider: twilio", "provider: twillio", "13: tenants[0].trunks[0].provider: 'twillio' is no"),
    ("    country: US", "    contry: US", "7: tenants[0].contry: 'contry' is no key here; did you"),
    ("America/New_York", "Mars", "6: tenants[0].timezone: Mars is not a time zone"),
    (f"auth_token: {SECRET}", "auth_tken: x", "14: tenants[0].trunks[0].credentials.auth_tken"),
    (f"account_sid: {SID}", "account_sid: AC1", "14: tenants[0].trunks[0].credentials.account_s"),
    (TWILIO, CUSTOM, "14: tenants[0].trunks[0].credentials: 10.0.0.5 is a private address"),
    (TWILIO, CUSTOM.replace("{to}", "{no}"), "14: tenants[0].trunks[0].credentials.body_template"),
    ("sender_id: ALDERCO", "sender_id: '1'", "15: tenants[0].trunks[0].sender_id: A Sender ID"),
    ("_second: 5", "_second: fast", "16: tenants[0].trunks[0].messages_per_second: expected a"),
    ("_second: 5", "_second: 0", "16: tenants[0].trunks[0].messages_per_second: Ensure this"),
    ("token-of-alder", "a/b", "17: tenants[0].trunks[0].webhook_token: use up to 64 letters"),
    ("[HELLO,", "[12345,", "18: tenants[0].trunks[0].sender_ids[0]: '12345' is no Sender ID"),
    ("12025550100-12025550119", "1202555-x", "19: tenants[0].trunks[0].dids: x is not a number"),
    ("{trunk: COMMON, numb", "{trunk: NONE, numb", "20: tenants[0].dids[0].trunk: there is no"),
    ('- number: "1001"', "- number: one", f"22: {PEOPLE}.number: Use 2 to 10 digits."),
    ("sms: ALLOW\n", "sms: YES\n", f"24: {PEOPLE}.sms: 'YES' is no permission"),
    ("user: desk\n", "name: Desk\n", f"25: {PEOPLE}.name: this key stands here twice"),
    ("did: 12175550100", "did: 12175550109", f"29: {PEOPLE}.caller_ids[1].did: +12175550109 is"),
    ('["1008", "1007"]', "[1009]", "33: tenants[0].groups[0].members[0]: there is no extension"),
    ('number: "8000"', "number: 1001", "33: tenants[0].groups[0].number: 1001 is an extension"),
    ('dids: "12025550100", to', "dids: 12025550199, to", f"35: {RULES}[0].dids: +12025550199 is"),
    ('to: "1001", aft', "to: 1099, aft", f"35: {RULES}[0].to: there is no extension or group"),
    ("to: 2000-2005", "to: 2000-2006", f"36: {RULES}[1].to: the range must hold as many"),
    ("10:00-11:00", "10:00-25:00", f"37: {RULES}[2].hours.tue: “10:00-25:00”: there is no"),
    ("from: 2026-12-24", "from: soon", "9: tenants[0].holidays[0].from: write a day such as"),
    ("to: 2026-12-26", "to: 2026-12-20", "9: tenants[0].holidays[0].to: the last day must not"),
    ("retention_days: 90", "retention_days: 0", "10: tenants[0].retention_days: Ensure this"),
    ("auditors: [{user: alder-eye}]", "auditors: {", "40: "),
    ("[{user: alder-admin, ", "[{", "38: tenants[0].admins[0]: user is missing"),
]


@pytest.mark.parametrize(("old", "new", "complaint"), MISTAKES)
def test_a_mistake_names_its_line_and_leaves_nothing(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    assert old in FILE
    said = refusal(tmp_path, FILE.replace(old, new))
    assert said.startswith(f"apply.yaml:{complaint}")
    assert SECRET not in said


def test_an_extension_may_lose_its_sign_in(tmp_path: Path) -> None:
    apply(tmp_path, FILE)
    without = FILE.replace("        password: word-of-desk\n", "")
    apply(tmp_path, without.replace("user: desk\n", "user:\n"))
    assert Extension.objects.get(number="1001").user is None


def test_a_number_of_another_tenant_is_taken_and_the_tenant_is_not_named(tmp_path: Path) -> None:
    other = factories.TenantFactory(name="Maple", slug="maple")
    trunk = factories.QuestBlueTrunkFactory(tenant=other)
    factories.DIDFactory(tenant=other, trunk=trunk, number="+12025550105")
    said = refusal(tmp_path, FILE)
    assert said == "apply.yaml:19: tenants[0].trunks[0].dids: number +12025550105 is taken"


def test_a_number_does_not_move_to_another_trunk_by_itself(tmp_path: Path) -> None:
    apply(tmp_path, FILE)
    credentials = f"{{account_sid: {SID}, auth_token: {SECRET}}}"
    more = f"{{name: B, provider: twilio, credentials: {credentials}, dids: '12025550100'}}"
    said = refusal(tmp_path, f"tenants: [{{slug: alder, trunks: [{more}]}}]")
    assert "number +12025550100 is on trunk A-TW already; remove it there first" in said


def test_a_trunk_keeps_its_provider_and_a_user_its_tenant(tmp_path: Path) -> None:
    apply(tmp_path, FILE)
    said = refusal(tmp_path, "tenants: [{slug: alder, trunks: [{name: A-TW, provider: telnyx}]}]")
    assert "this trunk is at twilio" in said
    said = refusal(tmp_path, "tenants: [{slug: birch, name: Birch, admins: [{user: desk}]}]")
    assert said.endswith("the user name 'desk' is taken")


def test_a_file_that_cannot_be_read_is_refused_in_plain_words(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("apply", str(tmp_path / "none.yaml"))
    assert refusal(tmp_path, "") == "apply.yaml:1: the file is empty"
    assert refusal(tmp_path, "tenants: {slug: x}").endswith("1: tenants: expected a list")
