"""Shared contacts in the admin: a file is looked at, taken over, audited; and handed out again."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.models import AuditEntry, Contact, Tenant, User
from tests import factories
from tests.estate import person, signed_in

pytestmark = pytest.mark.django_db

IMPORT = "/admin/portal/contact/import/"
EXPORT = "/admin/portal/contact/export/"
SHEET = "name,mobile\nHelen Cruz,617-555-0188\n<b>Zoe</b>,617-555-0111\nBob,nonsense\n"


@pytest.fixture
def helen(tenant: Tenant) -> Contact:
    """A contact of the whole tenant."""
    contact: Contact = factories.ContactFactory(tenant=tenant, name="Helen Ruiz")
    factories.ContactNumberFactory(contact=contact, number="+16175550188")
    return contact


def upload(client: Client, text: str | bytes) -> str:
    content = text if isinstance(text, bytes) else text.encode()
    file = SimpleUploadedFile("contacts.csv", content)
    return client.post(IMPORT, {"file": file}).content.decode()


def test_a_preview_names_what_would_change_and_changes_nothing(
    boss: Client, helen: Contact
) -> None:
    text = upload(boss, SHEET)
    assert "There would be 1 new, 1 changed; 0 are so already" in text
    assert "Helen Ruiz → Helen Cruz" in text
    assert "nonsense is not a phone number" in text
    assert "&lt;b&gt;Zoe&lt;/b&gt;" in text
    assert "<b>Zoe" not in text
    assert Contact.objects.get() == helen


def test_what_was_agreed_to_is_taken_over_and_audited(
    boss: Client, helen: Contact, tenant: Tenant
) -> None:
    answer = boss.post(IMPORT, {"text": SHEET, "_save": "1"}, follow=True).content.decode()
    assert "1 contact was added, 1 was changed." in answer
    assert "1 problem was left out." in answer
    helen.refresh_from_db()
    assert helen.name == "Helen Cruz"
    made = Contact.objects.exclude(pk=helen.pk).get()
    assert (made.name, made.tenant, made.extension) == ("<b>Zoe</b>", tenant, None)
    entry = AuditEntry.objects.get(action="imported contacts into")
    assert entry.detail["added"] == ["<b>Zoe</b>"]
    assert entry.detail["edited"][0].startswith("Helen Cruz: Helen Ruiz → Helen Cruz")


@pytest.mark.parametrize(
    ("content", "way_out"),
    [
        (b"", "is empty"),
        (b"\x00\x01", "The file is no text"),
        (b"a,b\n1,2\n", "Call it “name”"),
        (b"x" * 1_000_001, "split it"),
    ],
    ids=["empty", "binary", "columns", "large"],
)
def test_a_file_that_cannot_be_used_says_what_to_do(
    boss: Client, content: bytes, way_out: str
) -> None:
    assert way_out in upload(boss, content)
    assert not Contact.objects.exists()


def test_a_form_without_a_file_asks_for_one(boss: Client) -> None:
    assert "Choose a file." in boss.post(IMPORT, {}).content.decode()


@pytest.mark.usefixtures("helen")
def test_an_export_holds_the_shared_contacts_of_the_tenant_only(
    boss: Client, tenant: Tenant
) -> None:
    extension = factories.ExtensionFactory(tenant=tenant)
    factories.ContactFactory(tenant=tenant, name="Private", extension=extension)
    factories.ContactFactory(name="Foreign")
    for export in (EXPORT, "/admin/portal/contact/export-vcard/"):
        answer: Any = boss.get(export)
        text = answer.getvalue().decode()
        assert "Helen Ruiz" in text
        assert "Private" not in text
        assert "Foreign" not in text
    assert AuditEntry.objects.filter(action="exported", tenant=tenant).count() == 2


def test_an_auditor_imports_nothing(tenant: Tenant) -> None:
    auditor = signed_in(person(tenant, "auditor", User.Role.AUDITOR))
    assert auditor.post(IMPORT, {"text": SHEET, "_save": "1"}).status_code == 403
    assert not Contact.objects.exists()
