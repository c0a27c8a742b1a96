"""Files of contacts: looked at, taken over as far as they can be, repaired, and handed out."""

import csv
import io
from functools import partial
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from portal.addressbook import book
from portal.models import AuditEntry, CallerID, Contact, ContactNumber
from tests import factories
from tests.crowd import at_once
from tests.sms.callers import API, machine, queries_of
from tests.sms.contact_rows import administrator, known, numbers_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def own(line: CallerID) -> Contact:
    """A contact of the line's extension."""
    return known("Helen Ruiz", "+16175550188", extension=line.extension)


@pytest.fixture
def shared(line: CallerID) -> Contact:
    """A contact of the whole tenant."""
    return known("Acme", "+16175550199", tenant=line.tenant)


SHEET = """\
First name;Last Name;Company;Mobile;Business Phone;E-mail\r
Helen;Ruiz;Acme;617-555-0188;617 555 0189;helen@example.com\r
Zoe;;;617-555-0111;;\r
;;;617-555-0112;;\r
Bob;;;nonsense;617-555-0113;\r
"""


def sent(client: APIClient, content: str | bytes, name: str = "a.csv", **words: Any) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile(name, raw)
    return client.post(f"{API}/contacts/import", {"file": file, **words}, format="multipart")


def test_a_look_at_a_file_says_everything_and_changes_nothing(line: CallerID, own: Contact) -> None:
    outcome = sent(machine(line.extension), SHEET).json()
    counts = [outcome[what] for what in ("new", "update", "same", "faulty")]
    assert counts == [2, 1, 0, 2]
    assert outcome["steps"][0] == {
        "line": 2,
        "what": "update",
        "name": "Helen Ruiz",
        "numbers": ["+1 617-555-0188", "+1 617-555-0189"],
        "changes": ["Acme", "+1 617-555-0188 (mobile)", "+1 617-555-0189"],
    }
    assert [(fault["line"], fault["name"]) for fault in outcome["faults"]] == [(4, ""), (5, "Bob")]
    assert outcome["faults"][1]["why"].startswith("nonsense is not a phone number. Write it with +")
    assert (outcome["unused"], outcome["applied"]) == (["E-mail"], False)
    assert Contact.objects.get() == own
    assert numbers_of(own) == {"+16175550188": ""}


def test_a_file_is_taken_over_as_far_as_it_can_be_and_then_again_changes_nothing(
    line: CallerID, own: Contact
) -> None:
    client = machine(line.extension)
    assert sent(client, SHEET, apply=True).json()["applied"]
    assert numbers_of(own) == {"+16175550188": "mobile", "+16175550189": "work"}
    assert set(Contact.objects.values_list("name", "company", "extension")) == {
        ("Helen Ruiz", "Acme", line.extension_id),
        ("Zoe", "", line.extension_id),
        ("Bob", "", line.extension_id),
    }
    again = sent(client, SHEET, apply=True).json()
    assert (again["new"], again["update"], again["same"]) == (0, 0, 3)


def test_what_was_not_taken_over_can_be_repaired_and_imported(line: CallerID) -> None:
    client = machine(line.extension)
    bad = sent(client, SHEET, apply=True).json()["faults_csv"]
    rows = list(csv.DictReader(io.StringIO(bad.removeprefix("\ufeff"))))
    assert [(row["line"], row["name"], row["number 1"]) for row in rows] == [
        ("4", "", "617-555-0112"),
        ("5", "Bob", "nonsense"),
    ]
    repaired = bad.replace("nonsense", "617-555-0100")
    assert sent(client, repaired, apply=True).json()["update"] == 1
    assert set(numbers_of(Contact.objects.get(name="Bob"))) == {"+16175550113", "+16175550100"}


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffname,phone\nJürgen,617-555-0188\n".encode(),
        "name\tphone\r\nJürgen\t617-555-0188\r\n".encode("utf-16"),
        "Full Name;Phone 1 - Value;Phone 1 - Type\nJürgen;617-555-0188;Work".encode("cp1252"),
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:J\xc3\xbcrgen\r\nTEL:617-555-0188\r\nEND:VCARD",
    ],
)
def test_files_come_in_many_writings(line: CallerID, content: bytes) -> None:
    assert sent(machine(line.extension), content, apply=True).json()["new"] == 1
    row = ContactNumber.objects.get()
    assert (row.contact.name, row.number) == ("Jürgen", "+16175550188")


@pytest.mark.parametrize(
    ("content", "way_out"),
    [
        ("", "names"),
        ("number\n617-555-0188\n", "Call it “name”"),
        ("name\nHelen\n", "Call it “number” or “mobile”"),
        ("name,number\n", "no contact in the file"),
        (b"\x00\x01\x02", "Save it as"),
        ("name,number\n" + "a,911\n" * 5001, "Import it in parts"),
        (b"x" * 5_000_001, "Import it in parts"),
        (f'name,number\nA,"{"x" * 140_000}\n', "Look for a quotation mark"),
    ],
    ids=["empty", "no name", "no number", "no row", "binary", "rows", "bytes", "quote"],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_way_out(
    line: CallerID, content: str | bytes, way_out: str
) -> None:
    answer = sent(machine(line.extension), content, apply=True)
    assert (answer.status_code, answer.json()["code"]) == (400, "file_unreadable")
    assert way_out in answer.json()["detail"]
    assert not Contact.objects.exists()


def test_people_who_share_a_number_stay_two(line: CallerID) -> None:
    client = machine(line.extension)
    house = "name,number\nAda,617-555-0188\nBob,617-555-0188\nADA,617-555-0199\n"
    assert sent(client, house, apply=True).json()["new"] == 3
    assert sent(client, house, apply=True).json()["same"] == 3


def test_the_same_number_under_a_new_name_changes_the_contact(line: CallerID, own: Contact) -> None:
    outcome = sent(machine(line.extension), "name,number\nHelen Cruz,617-555-0188", apply=True)
    assert outcome.json()["steps"][0]["changes"] == ["Helen Ruiz → Helen Cruz"]
    own.refresh_from_db()
    assert own.name == "Helen Cruz"


def test_lines_of_one_person_become_one_contact(line: CallerID) -> None:
    twice = "name,number,mobile\nAda,617-555-0188,\nada,617-555-0188,617-555-0199\n"
    assert sent(machine(line.extension), twice, apply=True).json()["new"] == 1
    assert numbers_of(Contact.objects.get()) == {"+16175550188": "", "+16175550199": "mobile"}


@pytest.mark.usefixtures("shared")
def test_who_is_shared_already_is_not_added_a_second_time(line: CallerID) -> None:
    rows = "name,mobile,work\nAcme,617-555-0199,\nACME,,617-555-0100\nAcme Two,617-555-0199,\n"
    outcome = sent(machine(line.extension), rows, apply=True).json()
    assert (outcome["new"], outcome["same"]) == (2, 1)
    own = Contact.objects.filter(extension=line.extension)
    assert sorted(own.values_list("name", flat=True)) == ["ACME", "Acme Two"]


def test_an_import_for_the_tenant_is_the_administrators_and_is_audited(
    line: CallerID, own: Contact
) -> None:
    refused = sent(machine(line.extension), SHEET, apply=True, shared=True)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert sent(administrator(line.tenant), SHEET, apply=True).json()["new"] == 3
    assert Contact.objects.filter(extension=None).count() == 3
    entry = AuditEntry.objects.get()
    assert entry.action == "imported contacts into"
    assert entry.detail["added"] == ["Helen Ruiz", "Zoe", "Bob"]
    assert numbers_of(own) == {"+16175550188": ""}


def test_an_import_asks_the_same_however_many_contacts_it_holds(
    line: CallerID, django_assert_max_num_queries: Any
) -> None:
    rows = "".join(f"Person {n},617-555-{n:04d},office\n" for n in range(1000, 1300))
    into = book.Book(line.tenant, line.extension)
    with django_assert_max_num_queries(12):
        assert len(book.apply(into, f"name,number,label\n{rows}".encode()).steps) == 300
    with django_assert_max_num_queries(12):
        changed = book.apply(into, f"name,number,label\n{rows}".replace("office", "x").encode())
    assert len(changed.of("update")) == 300


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(("kind", "ending"), [("vcard", "vcf"), ("csv", "csv")])
def test_what_is_exported_can_be_imported_again(
    line: CallerID, own: Contact, kind: str, ending: str
) -> None:
    Contact.objects.filter(pk=own.pk).update(
        name="=Helen, =Ruiz", notes="Two\nlines", company="A;B"
    )
    factories.ContactNumberFactory(contact=own, number="+16175550189", label="lake house")
    client = machine(line.extension)
    answer = client.get(f"{API}/contacts/export?type={kind}&scope=own")
    assert answer["Content-Disposition"] == f'attachment; filename="contacts.{ending}"'
    content = answer.getvalue()
    assert b"Acme" not in content
    assert sent(client, content).json()["same"] == 1
    Contact.objects.all().delete()
    assert sent(client, content, apply=True).json()["new"] == 1
    made = Contact.objects.get()
    assert (made.name, made.notes, made.company) == ("=Helen, =Ruiz", "Two\nlines", "A;B")
    assert numbers_of(made) == {"+16175550188": "", "+16175550189": "lake house"}


def test_no_spreadsheet_runs_what_a_contact_is_called(line: CallerID, own: Contact) -> None:
    Contact.objects.filter(pk=own.pk).update(name="=cmd()")
    text = machine(line.extension).get(f"{API}/contacts/export?type=csv").getvalue().decode()
    assert "\n'=cmd()," in text.replace("\r", "")


@pytest.mark.usefixtures("own", "shared")
def test_an_export_holds_the_shared_contacts_too_and_costs_the_same(line: CallerID) -> None:
    client = machine(line.extension)
    content = client.get(f"{API}/contacts/export").getvalue()
    assert content.count(b"BEGIN:VCARD") == 2
    few = queries_of(client, f"{API}/contacts/export?type=csv")
    factories.ContactNumberFactory.create_batch(9, tenant=line.tenant)
    assert queries_of(client, f"{API}/contacts/export?type=csv") == few


@pytest.mark.django_db(transaction=True)
def test_the_same_file_at_the_same_instant_adds_nobody_twice(line: CallerID) -> None:
    into = book.Book(line.tenant, line.extension)
    plans = at_once(*[partial(book.apply, into, SHEET.encode())] * 4)
    assert sorted(len(plan.of("new")) for plan in plans if isinstance(plan, book.Plan)) == [
        0,
        0,
        0,
        3,
    ]
    assert Contact.objects.count() == 3
