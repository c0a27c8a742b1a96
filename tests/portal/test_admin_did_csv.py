"""DIDs as CSV: exported, changed in a spreadsheet, looked at, imported whole or not at all."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.models import DID, AuditEntry, Tenant, Trunk, User
from tests import factories
from tests.estate import person, signed_in, system_administrator

pytestmark = pytest.mark.django_db

IMPORT = "/admin/portal/did/import/"
EXPORT = "/admin/portal/did/export/"
HEAD = "number,label,sms,mms,campaign_note,messages_per_second\n"


@pytest.fixture
def trunk(tenant: Tenant) -> Trunk:
    trunk: Trunk = factories.QuestBlueTrunkFactory(tenant=tenant, name="Main")
    return trunk


def upload(client: Client, trunk: Trunk, text: str | bytes, address: str = IMPORT) -> str:
    """Let somebody choose a file, and return the page that comes back."""
    content = text if isinstance(text, bytes) else text.encode()
    file = SimpleUploadedFile("dids.csv", content, "text/csv")
    return client.post(address, {"trunk": trunk.pk, "file": file}).content.decode()


def agree(client: Client, trunk: Trunk, text: str, address: str = IMPORT) -> str:
    """Let somebody agree to what the preview showed."""
    data = {"trunk": trunk.pk, "text": text, "_save": "1"}
    return client.post(address, data, follow=True).content.decode()


def test_a_preview_shows_what_would_be_done_and_does_nothing(boss: Client, trunk: Trunk) -> None:
    factories.DIDFactory(trunk=trunk, number="+12125550101", label="old")
    factories.DIDFactory(trunk=trunk, number="+12125550102", label="same")

    text = upload(
        boss, trunk, "number,label\n12125550101,new\n12125550102,same\n12125550103,third\n"
    )

    assert "there would be 1 new, 1 changed; 1 are so already" in text
    assert "label: old → new" in text
    assert DID.objects.count() == 2
    assert DID.objects.get(number="+12125550101").label == "old"


def test_a_file_adds_and_changes(boss: Client, trunk: Trunk) -> None:
    kept = factories.DIDFactory(trunk=trunk, number="+12125550101", label="old", mms=True)

    text = agree(
        boss,
        trunk,
        f"{HEAD}+1 212 555 0101,new,yes,no,approved,0.5\n(212) 555-0103,Front,no,,,\n",
    )

    assert "1 DID was added, 1 was changed." in text
    kept.refresh_from_db()
    assert (kept.label, kept.mms, kept.campaign_note) == ("new", False, "approved")
    assert kept.messages_per_second == 0.5
    added = DID.objects.get(number="+12125550103")
    assert (added.label, added.sms, added.mms, added.tenant) == ("Front", False, True, trunk.tenant)


def test_a_new_number_begins_with_the_usual_rate(
    boss: Client, tenant: Tenant, trunk: Trunk
) -> None:
    usual = DID.usual(tenant=tenant, trunk=trunk, number="+12125550103")

    agree(boss, trunk, f"{HEAD}12125550103,,,,,\n")
    agree(boss, trunk, "number\n12125550104\n")

    for did in DID.objects.filter(trunk=trunk):
        assert did.messages_per_second == usual.messages_per_second
        assert did.sms
    assert DID.objects.count() == 2


def test_columns_that_the_file_lacks_stay_as_they_are(boss: Client, trunk: Trunk) -> None:
    kept = factories.DIDFactory(
        trunk=trunk, number="+12125550101", label="kept", mms=False, messages_per_second=3
    )

    agree(boss, trunk, "number,campaign_note\n12125550101,approved\n")

    kept.refresh_from_db()
    assert (kept.label, kept.mms, kept.messages_per_second) == ("kept", False, 3)
    assert kept.campaign_note == "approved"


def test_an_empty_cell_leaves_the_rate_of_a_known_number_to_its_trunk(
    boss: Client, trunk: Trunk
) -> None:
    kept = factories.DIDFactory(trunk=trunk, number="+12125550101", messages_per_second=3)

    agree(boss, trunk, "number,messages_per_second\n12125550101,\n")

    kept.refresh_from_db()
    assert kept.messages_per_second is None


def test_bad_rows_are_named_by_line_and_nothing_is_imported(boss: Client, trunk: Trunk) -> None:
    rows = [
        "12125550101,fine,yes,yes,,",
        "hello,,,,,",
        "",
        "12125550102,,perhaps,,,",
        "12125550103,,,,,fast",
        "12125550104,,,,,0",
        f"12125550105,{'x' * 65},,,,",
        "12125550101,again,,,,",
    ]
    text = HEAD + "\n".join(rows)

    for shown in (upload(boss, trunk, text), agree(boss, trunk, text)):
        for line in (3, 5, 6, 7, 8, 9):
            assert f"<td>{line}</td>" in shown
        assert "<td>2</td>" not in shown
        assert "hello is not a number." in shown
        assert "sms: Write yes or no." in shown
        assert "Write a number such as 0.5" in shown
        assert "stands in the file twice" in shown
    assert not DID.objects.exists()


def test_a_number_of_another_tenant_is_taken_and_nobody_learns_whose(
    boss: Client, trunk: Trunk
) -> None:
    other = factories.TenantFactory(name="Secretive Ltd")
    factories.DIDFactory(
        trunk=factories.QuestBlueTrunkFactory(tenant=other), number="+12125550102", label="Vault"
    )
    text = "number\n12125550101\n12125550102\n"

    for shown in (upload(boss, trunk, text), agree(boss, trunk, text)):
        assert "<td>3</td>" in shown
        assert "This number is taken." in shown
        assert "Secretive" not in shown
        assert "Vault" not in shown
    assert not DID.objects.filter(trunk=trunk).exists()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty"),
        (b"12125550101\n", "with number among"),
        (b"number,colour\n12125550101,red\n", "not among"),
        (b"number,number\n1,1\n", "twice"),
        (b"number\n", "nothing below the first line"),
        (b"number\n12125550101,spare\n", "Line 2 has more cells"),
        (b"number\n\x00\n", "The file is no text"),
        (b"number,label\n12125550101," + b"x" * 200_000, "From line 2 on this is not CSV"),
        (b"number\n" + b"12125550101\n" * 5001, "at most 5000 rows"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_to_do(
    boss: Client, trunk: Trunk, content: bytes, complaint: str
) -> None:
    assert complaint in upload(boss, trunk, content)


def test_a_form_without_a_file_or_a_trunk_names_the_field(boss: Client) -> None:
    errors = boss.post(IMPORT, {}).context["form"].errors

    assert set(errors) == {"trunk", "file"}
    assert not DID.objects.exists()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_a_spreadsheet_of_another_country_is_read(
    boss: Client, trunk: Trunk, encoding: str
) -> None:
    text = upload(boss, trunk, "Number;Label\r\n12125550101;Küche\r\n".encode(encoding))

    assert "there would be 1 new" in text
    assert "Küche" in text


def test_what_is_exported_can_be_imported_again(boss: Client, trunk: Trunk) -> None:
    factories.DIDFactory(
        trunk=trunk, number="+12125550101", label='Front, "left"', mms=False, messages_per_second=2
    )
    factories.DIDFactory(trunk=trunk, number="+12125550102", label="=1+1")

    answer = boss.get(EXPORT)

    text = answer.content.decode()
    assert answer["Content-Type"].startswith("text/csv")
    assert text.startswith("number,label,sms,mms,campaign_note,messages_per_second")
    assert ",'=1+1," in text  # without the mark a spreadsheet would run it
    shown = upload(boss, trunk, text)
    assert "there would be 0 new, 0 changed; 2 are so already" in shown


def test_an_export_of_chosen_numbers_holds_these_only(boss: Client, trunk: Trunk) -> None:
    chosen = factories.DIDFactory(trunk=trunk, number="+12125550101")
    factories.DIDFactory(trunk=trunk, number="+12125550102")

    text = boss.post(
        "/admin/portal/did/", {"action": "export_selected", "_selected_action": chosen.pk}
    ).content.decode()

    assert "+12125550101" in text
    assert "+12125550102" not in text


def test_nothing_of_another_tenant_is_exported_or_changed(boss: Client) -> None:
    other = factories.TenantFactory()
    foreign = factories.DIDFactory(
        trunk=factories.TrunkFactory(tenant=other), number="+12125550177", label="theirs"
    )

    assert "+12125550177" not in boss.get(EXPORT).content.decode()
    boss.post("/admin/portal/did/", {"action": "export_selected", "_selected_action": foreign.pk})
    answer = boss.post(
        IMPORT, {"trunk": foreign.trunk_id, "text": "number,label\n12125550177,x\n", "_save": "1"}
    )

    assert "trunk" in answer.context["form"].errors
    foreign.refresh_from_db()
    assert foreign.label == "theirs"


def test_an_auditor_neither_imports_nor_exports(tenant: Tenant) -> None:
    auditor = signed_in(person(tenant, "auditor", User.Role.AUDITOR))

    assert auditor.get(IMPORT).status_code == 403
    assert auditor.get(EXPORT).status_code == 403


def test_a_system_administrator_imports_for_one_tenant_on_a_shared_trunk(tenant: Tenant) -> None:
    shared = factories.QuestBlueTrunkFactory(tenant=None, name="Shared")
    root = signed_in(system_administrator())

    assert "For which tenant?" in root.get(IMPORT).content.decode()
    agree(root, shared, "number\n12125550101\n", f"{IMPORT}?tenant={tenant.pk}")

    assert DID.objects.get().tenant == tenant


def test_a_number_given_to_another_tenant_on_the_same_trunk_is_taken(tenant: Tenant) -> None:
    shared = factories.QuestBlueTrunkFactory(tenant=None, name="Shared")
    given = factories.DIDFactory(
        tenant=factories.TenantFactory(), trunk=shared, number="+12125550101", label="given"
    )
    root = signed_in(system_administrator())

    text = agree(root, shared, "number,label\n12125550101,x\n", f"{IMPORT}?tenant={tenant.pk}")

    assert "This number is taken." in text
    given.refresh_from_db()
    assert given.label == "given"


def test_the_audit_log_says_what_the_file_did(boss: Client, trunk: Trunk) -> None:
    factories.DIDFactory(trunk=trunk, number="+12125550101", label="old")

    agree(boss, trunk, "number,label\n12125550101,new\n12125550102,second\n")

    entry = AuditEntry.objects.get()
    assert entry.tenant == trunk.tenant
    assert entry.detail["added"] == ["+1 212-555-0102"]
    assert entry.detail["edited"] == ["+1 212-555-0101: label: old → new"]


def test_a_longer_file_takes_no_more_queries(boss: Client, trunk: Trunk) -> None:
    def queries(first: int, count: int) -> int:
        text = "number\n" + "\n".join(str(12125550000 + first + n) for n in range(count))
        with CaptureQueriesContext(connection) as seen:
            agree(boss, trunk, text)
        return len(seen)

    few = queries(0, 2)

    assert queries(10, 40) == few
    assert DID.objects.count() == 42
