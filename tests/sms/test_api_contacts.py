"""The API's contacts: who may do what to whose, and what happens when two do it at once."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from portal.addressbook import book
from portal.models import AuditEntry, CallerID, Contact, Extension, User
from tests import factories
from tests.crowd import at_once
from tests.sms.callers import API, machine, person, queries_of
from tests.sms.contact_rows import administrator, known, numbers_of

pytestmark = pytest.mark.django_db
CONTACT = {"name": "Helen Ruiz", "numbers": [{"number": "(617) 555-0188", "label": "mobile"}]}


def test_an_extension_adds_a_contact_of_its_own(line: CallerID) -> None:
    other = factories.ExtensionFactory(tenant=line.tenant)
    answer = machine(line.extension).post(f"{API}/contacts", CONTACT, format="json")
    assert answer.status_code == 201
    assert answer.json()["shared"] is False
    assert answer.json()["numbers"] == [
        {"number": "+16175550188", "label": "mobile", "pretty": "+1 617-555-0188"}
    ]
    assert machine(other).get(f"{API}/contacts").json()["results"] == []


def test_the_tenants_machine_adds_a_shared_contact(line: CallerID) -> None:
    assert machine(line.tenant).post(f"{API}/contacts", CONTACT, format="json").json()["shared"]
    assert len(machine(line.extension).get(f"{API}/contacts").json()["results"]) == 1


def test_an_auditor_adds_no_contact(line: CallerID) -> None:
    auditor = person(factories.UserFactory(tenant=line.tenant, role=User.Role.AUDITOR))
    answer = auditor.post(f"{API}/contacts", CONTACT, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


@pytest.mark.parametrize(
    ("numbers", "code"),
    [([], "invalid"), ([{"number": "x"}], "number_invalid"), ([{"number": "1"}] * 21, "invalid")],
)
def test_a_contact_needs_real_numbers(
    line: CallerID, numbers: list[dict[str, str]], code: str
) -> None:
    data = {"name": "Nobody", "numbers": numbers}
    answer = machine(line.extension).post(f"{API}/contacts", data, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert not Contact.objects.exists()


@pytest.mark.parametrize("query", ["q=hel", "q=acme", "q=555-01", "number=617-555-0188"])
def test_a_contact_is_found_by_name_company_or_number(line: CallerID, query: str) -> None:
    contact = factories.ContactFactory(tenant=line.tenant, name="Helen", company="Acme")
    factories.ContactNumberFactory(contact=contact, number="+16175550188")
    factories.ContactFactory(tenant=line.tenant, name="Zoe")
    found = machine(line.extension).get(f"{API}/contacts?{query}").json()["results"]
    assert [row["name"] for row in found] == ["Helen"]


def test_a_page_of_contacts_costs_the_same_however_long_it_is(line: CallerID) -> None:
    client = machine(line.extension)
    factories.ContactNumberFactory(tenant=line.tenant)
    few = queries_of(client, f"{API}/contacts")
    factories.ContactNumberFactory.create_batch(9, tenant=line.tenant)
    assert queries_of(client, f"{API}/contacts") == few <= 3


def url(contact: Contact, more: str = "") -> str:
    return f"{API}/contacts/{contact.pk}{more}"


@pytest.fixture
def own(line: CallerID) -> Contact:
    """A contact of the line's extension."""
    return known("Helen Ruiz", "+16175550188", extension=line.extension)


@pytest.fixture
def shared(line: CallerID) -> Contact:
    """A contact of the whole tenant."""
    return known("Acme", "+16175550199", tenant=line.tenant)


def test_a_contact_is_read_with_what_may_be_done_to_it(
    line: CallerID, own: Contact, shared: Contact
) -> None:
    client = machine(line.extension)
    assert client.get(url(own)).json() == {
        "id": own.pk,
        "name": "Helen Ruiz",
        "company": "",
        "notes": "",
        "numbers": [{"number": "+16175550188", "label": "", "pretty": "+1 617-555-0188"}],
        "shared": False,
        "editable": True,
    }
    found = client.get(url(shared)).json()
    assert (found["shared"], found["editable"]) == (True, False)


def test_contacts_stand_from_a_to_z_whatever_their_case_and_accents(line: CallerID) -> None:
    for name in ("zoe", "Émile", "adam", "Eva", "Berta", "1st"):
        known(name, tenant=line.tenant)
    client = machine(line.extension)
    names = []
    link = f"{API}/contacts?page_size=2"
    while link:
        page = client.get(link).json()
        names += [row["name"] for row in page["results"]]
        link = page["next"]
    assert names == ["1st", "adam", "Berta", "Eva", "Émile", "zoe"]


def test_an_own_contact_is_changed_and_unsent_fields_stay(line: CallerID, own: Contact) -> None:
    data = {"company": "Acme", "numbers": [{"number": "617 555 0188", "label": "work"}]}
    answer = machine(line.extension).patch(url(own), data, format="json")
    assert (answer.status_code, answer.json()["company"]) == (200, "Acme")
    assert answer.json()["name"] == "Helen Ruiz"
    assert numbers_of(own) == {"+16175550188": "work"}
    assert not AuditEntry.objects.exists()


def test_a_number_that_cannot_be_read_is_named_with_its_place_and_the_way_out(
    line: CallerID, own: Contact
) -> None:
    data = {"numbers": [{"number": "911"}, {"number": "nonsense"}, {}]}
    answer = machine(line.extension).patch(url(own), data, format="json")
    refusal = answer.json()
    assert (answer.status_code, refusal["code"]) == (400, "number_invalid")
    assert refusal["detail"].startswith("Number 2: nonsense is not a phone number. Write it with +")
    assert [list(row) for row in refusal["fields"]["numbers"]] == [[], ["number"], ["number"]]
    assert numbers_of(own) == {"+16175550188": ""}


def test_an_extension_leaves_shared_contacts_alone_and_learns_what_to_do(
    line: CallerID, shared: Contact
) -> None:
    client = machine(line.extension)
    for answer in (
        client.patch(url(shared), {"name": "Mine"}, format="json"),
        client.delete(url(shared)),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
        assert "Make a copy of your own" in answer.json()["detail"]
    answer = client.post(f"{API}/contacts", CONTACT | {"shared": True}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert Contact.objects.get() == shared


def test_an_administrator_changes_shared_contacts_and_that_is_audited(
    line: CallerID, shared: Contact
) -> None:
    client = administrator(line.tenant)
    data = {"name": "Acme Ltd", "numbers": [{"number": "+16175550100", "label": "desk"}]}
    assert client.patch(url(shared), data, format="json").status_code == 200
    assert client.patch(url(shared), data, format="json").status_code == 200
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.tenant, entry.target) == (
        "changed",
        line.tenant,
        "contact Acme Ltd",
    )
    assert entry.detail["changed"] == {"name": ["Acme", "Acme Ltd"]}
    assert entry.detail["added"] == ["+16175550100 (desk)"]
    assert entry.detail["removed"] == ["+16175550199"]


def test_a_tenants_token_deletes_a_shared_contact_and_is_named_in_the_audit_log(
    line: CallerID, shared: Contact
) -> None:
    answer = machine(line.tenant).delete(url(shared))
    assert (answer.status_code, Contact.objects.count()) == (204, 0)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.user) == ("deleted", None)
    assert entry.username.startswith("API token")


def test_an_administrator_with_an_extension_adds_to_either_book(line: CallerID) -> None:
    user = factories.UserFactory(tenant=line.tenant, role=User.Role.ADMIN)
    Extension.objects.filter(pk=line.extension_id).update(user=user)
    client = person(user)
    assert not client.post(f"{API}/contacts", CONTACT, format="json").json()["shared"]
    data = CONTACT | {"shared": True}
    assert client.post(f"{API}/contacts", data, format="json").json()["shared"]


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_another_extensions_contact_is_not_found(line: CallerID, own: Contact, method: str) -> None:
    other = machine(factories.ExtensionFactory(tenant=line.tenant))
    assert getattr(other, method)(url(own)).status_code == 404
    assert other.get(url(own, "/conversations")).status_code == 404
    assert Contact.objects.filter(pk=own.pk, name="Helen Ruiz").exists()


def test_the_threads_with_a_contact_are_those_that_the_caller_may_read(
    line: CallerID, own: Contact
) -> None:
    make = partial(factories.ConversationFactory, did=line.did, extension=line.extension)
    alone, several = make(), make(remote="+12125550100;+16175550188")
    make(remote="+161755501889")
    make(remote="+12125550100;+161755501889")
    factories.ConversationFactory(did=line.did, tenant=line.tenant)
    rows = machine(line.extension).get(url(own, "/conversations")).json()["results"]
    assert {row["id"] for row in rows} == {alone.pk, several.pk}
    assert {row["title"] for row in rows} == {"Helen Ruiz", "+1 212-555-0100, Helen Ruiz"}


def test_threads_with_a_contact_cost_the_same_however_many(line: CallerID, own: Contact) -> None:
    client = machine(line.extension)
    make = partial(factories.ConversationFactory, did=line.did, extension=line.extension)
    make(remote="+12125550199;+16175550188")
    few = queries_of(client, url(own, "/conversations"))
    for n in range(5):
        make(remote=f"+121255501{n:02d};+16175550188")
    assert queries_of(client, url(own, "/conversations")) == few


def test_the_thread_with_the_last_message_comes_first(line: CallerID, own: Contact) -> None:
    make = partial(factories.ConversationFactory, did=line.did, extension=line.extension)
    now = timezone.now()
    latest = make(last_message_at=now)
    make(remote="+12125550199;+16175550188", last_message_at=now - timedelta(hours=1))
    rows = machine(line.extension).get(url(own, "/conversations")).json()["results"]
    assert (len(rows), rows[0]["id"]) == (2, latest.pk)


# --- At once -------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_contact_that_is_changed_deleted_and_imported_at_once_stays_whole(
    line: CallerID, own: Contact
) -> None:
    client = machine(line.extension)
    into = book.Book(line.tenant, line.extension)

    def change(label: str) -> int:
        data = {"numbers": [{"number": f"+1617555018{n}", "label": label} for n in (8, 9)]}
        return client.patch(url(own), data, format="json").status_code

    def bring() -> int:
        return len(book.apply(into, b"name,number\nHelen,617-555-0188\n").steps)

    done = at_once(
        partial(change, "a"),
        partial(change, "b"),
        bring,
        lambda: client.delete(url(own)).status_code,
    )
    assert set(done[:2]) <= {200, 404}
    assert done[2:] == [1, 204]
    for contact in Contact.objects.all():
        assert numbers_of(contact)
