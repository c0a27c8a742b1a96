"""Extensions from a CSV file and back: looked at first, all or nothing, every fault by its line."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from portal.models import DID, AuditEntry, CallerID, Extension, Tenant, User
from portal.provisioning import roster, sheet
from portal.provisioning.sheet import CallerIDPart
from tests import factories
from tests.estate import person, signed_in, system_administrator

pytestmark = pytest.mark.django_db

IMPORT = "/admin/portal/extension/import/"
EXPORT = "/admin/portal/extension/export/"
HEADER = "number,name,sms,enabled,user,caller_ids\n"


@pytest.fixture
def main(tenant: Tenant) -> CallerID:
    """Extension 1001 with one of two numbers on the trunk Main."""
    trunk = factories.TrunkFactory(tenant=tenant, name="Main")
    factories.DIDFactory(trunk=trunk, number="+12025550101")
    made: CallerID = factories.CallerIDFactory(
        did=factories.DIDFactory(trunk=trunk, number="+12025550100"),
        extension=factories.ExtensionFactory(tenant=tenant, number="1001", name="Front desk"),
    )
    return made


def look(client: Client, text: str, address: str = IMPORT) -> str:
    """Choose a file and return the page that says what it would change."""
    file = SimpleUploadedFile("extensions.csv", text.encode(), "text/csv")
    return client.post(address, {"file": file}).content.decode()


def sealed(page: str) -> str:
    """Return what the page would have confirmed."""
    return page.split('name="confirmed" value="')[1].split('"', maxsplit=1)[0]


def take(client: Client, text: str, address: str = IMPORT) -> str:
    """Choose a file, confirm what it would change, and return the page after it."""
    data = {"confirmed": sealed(look(client, text, address))}
    return client.post(address, data, follow=True).content.decode()


def exported(client: Client, address: str = EXPORT) -> str:
    """Return the file that is given out."""
    return client.get(address).content.decode("utf-8-sig")


def counts(page: str) -> list[int]:
    """Return new, changed, unchanged and faulty, as the page counts them."""
    return [int(part.split(">")[1].split("<")[0]) for part in page.split('data-count="')[1:]]


def faults(page: str) -> list[tuple[str, str, str]]:
    """Return line, column and words of each fault."""
    rows = page.split('id="faults"')[1].split("</table>", maxsplit=1)[0].split("<tr")[2:]
    cells = [[cell.split(">")[1].split("<")[0] for cell in row.split("<td")[1:]] for row in rows]
    return [(line, column, why) for line, column, why in cells]


@pytest.mark.usefixtures("main")
def test_a_file_makes_extensions_with_their_people_and_caller_ids(
    boss: Client, tenant: Tenant
) -> None:
    page = take(
        boss, HEADER + "1002,Sales,ALLOW,yes,ann,Main:12025550101:Sales;Main:+12025550100\n"
    )

    made = Extension.objects.get(number="1002")
    assert (made.tenant, made.name, made.sms, made.enabled) == (tenant, "Sales", "ALLOW", True)
    assert made.user == User.objects.get(username="ann", tenant=tenant, role="extension")
    assert not made.user.has_usable_password()
    rows = [(row.did.number, row.description, row.is_default) for row in made.caller_ids.all()]
    assert rows == [("+12025550101", "Sales", True), ("+12025550100", "", False)]
    assert "1 extension was added" in page
    assert "1 new person needs a sign-in link" in page


@pytest.mark.usefixtures("main")
def test_nothing_changes_before_it_is_confirmed(boss: Client) -> None:
    page = look(boss, HEADER + "1001,Reception,DISABLE,no,,\n1002,New,,,,\n")

    assert counts(page) == [1, 1, 0, 0]
    assert "Front desk" in page
    assert "Reception" in page
    assert Extension.objects.get().name == "Front desk"
    assert not AuditEntry.objects.exists()


def test_a_changed_extension_shows_field_by_field_what_changes(
    boss: Client, main: CallerID
) -> None:
    text = exported(boss).replace("Front desk", "Reception").replace(",yes,", ",no,")

    page = look(boss, text)
    edits = page.split('id="edits"')[1].split("</table>")[0]
    assert "<del>Front desk</del>" in edits
    assert "<del>yes</del>" in edits
    assert "caller_ids" not in edits

    take(boss, text)
    changed = Extension.objects.get()
    assert (changed.name, changed.enabled) == ("Reception", False)
    assert changed.caller_ids.get() == main


@pytest.mark.usefixtures("main")
def test_a_column_that_is_left_out_changes_nothing(boss: Client) -> None:
    take(boss, "number,name\n1001,Reception\n")

    changed = Extension.objects.get()
    assert (changed.name, changed.sms, changed.caller_ids.count()) == ("Reception", "ALLOW", 1)


@pytest.mark.usefixtures("main")
def test_extensions_that_are_not_in_the_file_stay(boss: Client) -> None:
    take(boss, HEADER + "1002,New,,,,\n")

    assert set(Extension.objects.values_list("number", flat=True)) == {"1001", "1002"}


def test_what_is_given_out_comes_back_without_a_change(
    boss: Client, tenant: Tenant, main: CallerID
) -> None:
    factories.CallerIDFactory(
        extension=main.extension,
        did=factories.DIDFactory(
            number="+3212345678",
            trunk=factories.TrunkFactory(tenant=tenant, name="=odd; a:b \\ 'c'"),
        ),
        description='to: us; or, "so"',
        is_default=False,
    )
    user = person(tenant, "+ann", User.Role.EXTENSION)
    factories.ExtensionFactory(tenant=tenant, name="-1+2", user=user, enabled=False)
    factories.ExtensionFactory(tenant=tenant, name="'t Zand")

    page = look(boss, exported(boss))

    assert counts(page) == [0, 0, 3, 0]
    assert "there is nothing to import" in page


@pytest.mark.parametrize("name", ["=1+2", "+1", "-1", "@SUM(A1)", "'=1"])
def test_no_cell_is_a_formula_to_a_spreadsheet(boss: Client, tenant: Tenant, name: str) -> None:
    factories.ExtensionFactory(tenant=tenant, name=name)

    rows = list(csv.reader(io.StringIO(exported(boss))))

    assert rows[1][1] == f"'{name}"
    assert counts(look(boss, exported(boss))) == [0, 0, 1, 0]


words = st.text(st.characters(blacklist_categories=("Cs", "Cc"))).map(str.strip)


@given(st.lists(st.tuples(words.filter(bool), words.filter(bool), words), max_size=4))
def test_a_cell_of_caller_ids_reads_as_it_was_written(rows: list[tuple[str, str, str]]) -> None:
    parts = [CallerIDPart(*row) for row in rows]

    assert list(sheet.caller_ids(";".join(map(str, parts)))) == parts


@pytest.mark.usefixtures("main")
def test_faults_are_told_by_line_and_column_and_nothing_is_done(
    boss: Client, tenant: Tenant
) -> None:
    factories.GroupFactory(tenant=tenant, number="8000")
    person(factories.TenantFactory(), "stranger", User.Role.EXTENSION)
    text = HEADER + (
        "1002,Good,ALLOW,yes,,\n"
        "1,,,,,\n"
        "8000,,,,,\n"
        "1002,Twice,,,,\n"
        '1003,"two\nlines",SOMETIMES,maybe,stranger,\n'
        "1004,,,,a b,Other:12025550100\n"
        "1005,,,,,Main:12025550199\n"
        "1006,,,,,Main:12025550100;Main:+12025550100:again\n"
        "1007,,,,,Main:nobody\n"
        "1008,few\n"
    )

    page = look(boss, text)

    told = faults(page)
    assert [(line, column) for line, column, _why in told] == [
        ("3", "number"),
        ("4", "number"),
        ("5", "number"),
        ("6", "sms"),
        ("6", "enabled"),
        ("6", "user"),
        ("8", "user"),
        ("8", "caller_ids"),
        ("9", "caller_ids"),
        ("10", "caller_ids"),
        ("11", "caller_ids"),
        ("12", ""),
    ]
    assert "2 to 10 digits" in told[0][2]
    assert "line 2 already" in told[2][2]
    assert "ALLOW_WITH_SENDER_ID" in told[3][2]
    assert "trunks: Main" in told[7][2]
    assert "Add it under DIDs first" in told[8][2]
    assert 'name="confirmed"' not in page
    assert set(Extension.objects.values_list("number", flat=True)) == {"1001"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "“number” is missing"),
        (b"name\nAnn\n", "“number” is missing"),
        (b"number,nmae\n", "did you mean"),
        (b"number,number\n", "twice"),
        (b"number,name\n1001,\x00\n", "no text"),
        (b"number\n" + b"1001\n" * 10_001, "more than 10000"),
        (b"number,name\n1001," + b"x" * 200_000, "From line 2 on this is not CSV"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(boss: Client, text: bytes, why: str) -> None:
    file = SimpleUploadedFile("extensions.csv", text or b"\n", "text/csv")

    page = boss.post(IMPORT, {"file": file}).content.decode()

    assert why in page.replace("&#x27;", "'")
    assert 'id="upload-form"' in page


def test_what_windows_writes_in_the_west_is_read(boss: Client) -> None:
    text = "number,name\n1001,Käthe\n".encode("cp1252")

    page = boss.post(IMPORT, {"file": SimpleUploadedFile("extensions.csv", text, "text/csv")})

    assert "Käthe" in page.content.decode()


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_countries_spreadsheets_are_read(boss: Client, delimiter: str) -> None:
    text = "\ufeff" + "number,name\r\n1001,Desk\r\n\r\n".replace(",", delimiter)

    take(boss, text)

    assert Extension.objects.get().name == "Desk"


def test_people_change_places_in_one_file(boss: Client, tenant: Tenant) -> None:
    ann, bob = (person(tenant, name, User.Role.EXTENSION) for name in ("ann", "bob"))
    factories.ExtensionFactory(tenant=tenant, number="1001", user=ann)
    factories.ExtensionFactory(tenant=tenant, number="1002", user=bob)

    take(boss, "number,user\n1001,bob\n1002,ann\n")

    users = Extension.objects.order_by("number").values_list("user__username", flat=True)
    assert list(users) == ["bob", "ann"]


def test_a_person_has_one_extension(boss: Client, tenant: Tenant) -> None:
    ann = person(tenant, "ann", User.Role.EXTENSION)
    factories.ExtensionFactory(tenant=tenant, number="1001", user=ann)

    told = faults(look(boss, "number,user\n1002,ann\n1003,new\n1004,new\n"))

    assert [(line, column) for line, column, _why in told] == [
        ("2", "user"),
        ("3", "user"),
        ("4", "user"),
    ]
    assert "1001" in told[0][2]


@pytest.mark.usefixtures("tenant")
def test_an_import_is_audited_extension_by_extension(boss: Client, main: CallerID) -> None:
    take(boss, "number,name,user\n1001,Reception,\n1002,Sales,ann\n")

    entries = AuditEntry.objects.order_by("target").values_list("username", "action", "target")
    assert list(entries) == [
        ("boss", "changed", "extension 1001 Reception"),
        ("boss", "added", "extension 1002 Sales"),
        ("boss", "added", "user ann"),
    ]
    history = boss.get(f"/admin/portal/extension/{main.extension.pk}/history/").content.decode()
    assert "Front desk → Reception" in history


@pytest.mark.usefixtures("main")
def test_what_changed_in_the_meantime_is_shown_again(boss: Client) -> None:
    page = look(boss, "number,name\n1001,Reception\n")
    Extension.objects.update(name="Lobby")

    again = boss.post(IMPORT, {"confirmed": sealed(page)}).content.decode()

    assert "look again" in again
    assert "<del>Lobby</del>" in again
    assert Extension.objects.get().name == "Lobby"
    boss.post(IMPORT, {"confirmed": sealed(again)})
    assert Extension.objects.get().name == "Reception"


@pytest.mark.usefixtures("main")
def test_only_what_was_shown_to_this_tenant_is_done(boss: Client) -> None:
    other = factories.TenantFactory()
    outsider = signed_in(person(other, "outsider", User.Role.ADMIN))
    page = look(boss, "number,name\n1001,Reception\n1002,New\n")

    for forged in (sealed(page), "made-up"):
        answer = outsider.post(IMPORT, {"confirmed": forged}, follow=True).content.decode()
        assert "too old" in answer

    assert Extension.objects.get().name == "Front desk"


@pytest.mark.usefixtures("boss")
def test_a_file_is_about_the_own_tenant_only(main: CallerID) -> None:
    other = factories.TenantFactory()
    outsider = signed_in(person(other, "outsider", User.Role.ADMIN))

    assert "1001" not in exported(outsider)
    told = faults(look(outsider, HEADER + "1001,Mine,,,boss,Main:12025550100\n"))
    assert [column for _line, column, _why in told] == ["user", "caller_ids"]
    take(outsider, "number,name\n1001,Mine\n")

    assert Extension.objects.get(tenant=main.tenant).name == "Front desk"
    assert Extension.objects.get(tenant=other).name == "Mine"


@pytest.mark.usefixtures("main")
def test_a_system_administrator_says_which_tenant(tenant: Tenant) -> None:
    factories.ExtensionFactory(number="2001")
    root = signed_in(system_administrator())

    for address in (IMPORT, EXPORT):
        assert "For which tenant?" in root.get(address).content.decode()
    assert "2001" not in exported(root, f"{EXPORT}?tenant={tenant.pk}")
    take(root, "number,name\n1001,Reception\n", f"{IMPORT}?tenant={tenant.pk}")

    assert Extension.objects.get(tenant=tenant).name == "Reception"


def test_an_auditor_neither_imports_nor_exports(tenant: Tenant) -> None:
    auditor = signed_in(person(tenant, "auditor", User.Role.AUDITOR))

    assert auditor.get(IMPORT).status_code == 403
    assert auditor.get(EXPORT).status_code == 403


def test_a_longer_file_takes_no_more_queries(tenant: Tenant, main: CallerID) -> None:
    numbers = [f"+1303555{n:04d}" for n in range(1000)]
    DID.objects.bulk_create(
        DID(tenant=tenant, trunk=main.did.trunk, number=number) for number in numbers
    )

    def queries(first: int, last: int, name: str) -> int:
        text = HEADER + "".join(
            f"{2000 + n},{name},ALLOW,yes,{'p' if name else 'q'}{n},Main:{numbers[n]}:{name}\n"
            for n in range(first, last)
        )
        with CaptureQueriesContext(connection) as seen:
            plan = roster.plan(tenant, sheet.read(text.encode())[0])
            assert plan.faults == []
            roster.carry_out(plan)
        return len(seen)

    few, many = queries(0, 3, "New"), queries(3, 1000, "New")
    assert many <= few
    assert queries(0, 1000, "") <= few + 4
    assert Extension.objects.filter(user__username__startswith="q").count() == 1000
