"""The tenant fence, walked from outside: every admin page and every list of the API."""

from collections.abc import Iterator
from typing import Any

import pytest
from django import forms
from django.contrib.admin import ModelAdmin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from portal.admin.fence import LOOKERS
from portal.admin.site import site
from portal.models import DID, ApiToken, CallerID, Extension, Tenant, Trunk, User
from tests import estate as estates
from tests import factories
from tests.estate import Estate, signed_in

pytestmark = pytest.mark.django_db

PAGES: dict[type[Model], ModelAdmin[Any]] = dict(site._registry)  # noqa: SLF001 - no other list
MODELS = sorted(PAGES, key=lambda model: model._meta.label)  # noqa: SLF001 - Django's own name
LOG = [model for model in MODELS if PAGES[model].readers == LOOKERS]  # type: ignore[attr-defined] # ours
VIEWS = ("change", "history", "delete")


def name_of(model: type[Model]) -> str:
    """Return what the addresses of a model's pages are called."""
    return f"{model._meta.app_label}_{model._meta.model_name}"  # noqa: SLF001 - Django's own name


def url(model: type[Model], view: str, row: Model | None = None) -> str:
    """Return the address of a page."""
    return reverse(f"admin:{name_of(model)}_{view}", args=[row.pk] if row else [])


def text_of(response: Any) -> str:
    """Return everything that the browser would get."""
    headers = " ".join(str(value) for value in response.headers.values())
    cookies = response.cookies.output()
    content = b"".join(response) if response.streaming else response.content
    return f"{content.decode()} {headers} {cookies}"


@pytest.fixture
def ours() -> Estate:
    """The tenant that is to stay unseen."""
    return estates.build("zebra", "+12125550171")


@pytest.fixture
def theirs() -> Estate:
    """The tenant of the outsider."""
    return estates.build("koala", "+13105550142")


@pytest.fixture
def outsider(theirs: Estate) -> Client:
    """Another tenant's administrator."""
    return signed_in(theirs.admin)


@pytest.fixture
def insider(ours: Estate) -> Client:
    """The tenant's own administrator."""
    return signed_in(ours.admin)


@pytest.fixture
def root() -> Client:
    """A system administrator."""
    return signed_in(estates.system_administrator())


def assert_unseen(response: Any, estate: Estate, sent: str = "") -> None:
    """Fail if anything of the estate is in an answer; what was sent may come back."""
    text = text_of(response).replace(sent, "") if sent else text_of(response)
    for tell in estate.tells:
        assert tell not in text


def test_every_page_has_a_row_to_look_for(ours: Estate) -> None:
    assert set(ours.rows) == set(PAGES)


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_the_own_administrator_sees_the_own_row(
    model: type[Model], ours: Estate, insider: Client
) -> None:
    row = ours.rows[model]

    assert insider.get(url(model, "changelist"), {"_facets": "True"}).status_code == 200
    assert insider.get(url(model, "change", row)).status_code == 200
    assert insider.get(url(model, "history", row)).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_an_outsider_finds_nothing_in_a_list(
    model: type[Model], ours: Estate, outsider: Client
) -> None:
    address = url(model, "changelist")

    whole = outsider.get(address)
    assert whole.status_code == 200
    assert_unseen(whole, ours)

    found = outsider.get(address, {"q": ours.mark})
    assert_unseen(found, ours, sent=ours.mark)
    assert not PAGES[model].search_fields or found.context["cl"].result_count == 0

    assert_unseen(outsider.get(address, {"_facets": "True"}), ours)
    for name, other in (("trunk", Trunk), ("tenant", Tenant), ("extension", Extension)):
        filtered = outsider.get(address, {f"{name}__id__exact": ours.rows[other].pk})
        assert filtered.status_code in {200, 302, 400}
        assert_unseen(filtered, ours)


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_a_foreign_row_does_not_exist(model: type[Model], ours: Estate, outsider: Client) -> None:
    row = ours.rows[model]
    before = type(row).objects.filter(pk=row.pk).values().get()
    for view in VIEWS:
        for response in (
            outsider.get(url(model, view, row)),
            outsider.post(url(model, view, row), {"post": "yes"}),
        ):
            assert response.status_code in {302, 403, 404}
            assert_unseen(response, ours)
    # The index shows the messages that the answers left behind.
    assert_unseen(outsider.get(reverse("admin:index")), ours)
    for act in PAGES[model].acts:  # type: ignore[attr-defined] # ours
        address = reverse(f"admin:{name_of(model)}_act", args=[row.pk, act.name])
        assert outsider.post(address).status_code == 404
        assert outsider.get(address).status_code == 404
    for action in ("delete_selected", "release_selected", "revoke_selected", "lift_selected"):
        response = outsider.post(
            url(model, "changelist"), {"action": action, "_selected_action": row.pk, "post": "yes"}
        )
        assert_unseen(response, ours)

    assert type(row).objects.filter(pk=row.pk).values().get() == before


def related_fields(form: Any) -> Iterator[str]:
    """Yield the fields of a form in which a row is chosen."""
    for name, each in form.fields.items():
        if isinstance(each, forms.ModelChoiceField) and not isinstance(
            each, forms.models.InlineForeignKeyField
        ):
            yield name


def model_of(form: Any, name: str) -> type[Model]:
    """Return whose rows a field offers."""
    model: type[Model] = form.fields[name].queryset.model
    return model


def foreign(estate: Estate, model: type[Model]) -> Any:
    """Return a row of the estate, also one that hangs on another."""
    rows: Any = model._default_manager  # noqa: SLF001 - Django's own name
    return estate.rows.get(model) or rows.filter(tenant=estate.tenant).first()


def filled(response: Any) -> dict[str, Any]:
    """Return what a browser would send of a new form that nobody touched."""
    data: dict[str, Any] = {}
    for formset in response.context.get("inline_admin_formsets") or ():
        prefix = formset.formset.prefix
        data |= {f"{prefix}-TOTAL_FORMS": "1", f"{prefix}-INITIAL_FORMS": "0"}
    return data


@pytest.mark.parametrize(
    ("model", "query"),
    [(model, "") for model in MODELS if model is not Trunk]
    + [(Trunk, "?provider=sandbox"), (Trunk, "?provider=twilio")],
)
def test_a_form_neither_offers_nor_takes_a_foreign_row(
    model: type[Model], query: str, ours: Estate, outsider: Client
) -> None:
    address = url(model, "add") + query
    page = outsider.get(address)
    if page.status_code == 403:
        assert PAGES[model].writers == frozenset() or model is Tenant  # type: ignore[attr-defined] # ours
        return
    assert_unseen(page, ours)
    form = page.context["adminform"].form if "adminform" in page.context else page.context["form"]
    for name in related_fields(form):
        pk = foreign(ours, model_of(form, name)).pk
        answer = outsider.post(address, filled(page) | {name: pk})
        refused = (
            answer.context["adminform"].form
            if "adminform" in answer.context
            else answer.context["form"]
        )
        assert refused.errors[name]
        assert_unseen(answer, ours)
    for inline in page.context.get("inline_admin_formsets") or ():
        empty = inline.formset.empty_form
        for name in set(related_fields(empty)) - {"id"}:
            pk = foreign(ours, model_of(empty, name)).pk
            field = f"{inline.formset.prefix}-0-{name}"
            answer = outsider.post(address, filled(page) | {field: pk})
            formset = next(
                one.formset
                for one in answer.context["inline_admin_formsets"]
                if one.formset.prefix == inline.formset.prefix
            )
            assert formset.forms[0].errors[name]
            assert_unseen(answer, ours)


def test_a_foreign_row_cannot_be_taken_over_by_an_inline(
    ours: Estate, theirs: Estate, outsider: Client
) -> None:
    foreign_row = foreign(ours, CallerID)
    own = theirs.rows[Extension]
    data = {
        "number": own.number,
        "sms": own.sms,
        "presence": own.presence,
        "caller_ids-TOTAL_FORMS": "1",
        "caller_ids-INITIAL_FORMS": "1",
        "caller_ids-0-id": foreign_row.pk,
        "caller_ids-0-extension": own.pk,
        "caller_ids-0-did": theirs.rows[DID].pk,
        "caller_ids-0-description": "mine now",
    }

    response = outsider.post(url(Extension, "change", own), data)

    assert_unseen(response, ours)
    foreign_row.refresh_from_db()
    assert foreign_row.tenant == ours.tenant
    assert foreign_row.description != "mine now"


@pytest.mark.parametrize("tenant", ["", "ours"])
@pytest.mark.parametrize(
    ("source", "field"),
    [
        ("portal.callerid", "did"),
        ("portal.contact", "extension"),
        ("portal.extension", "user"),
        ("portal.groupmember", "extension"),
        ("portal.apitoken", "extension"),
        ("portal.did", "trunk"),
        ("portal.did", "tenant"),
        ("sms.attempt", "message"),
        ("sms.message", "conversation"),
        ("sms.message", "event"),
    ],
)
def test_a_look_up_while_typing_finds_nothing_foreign(
    source: str, field: str, tenant: str, ours: Estate, outsider: Client
) -> None:
    app, model = source.split(".")
    query = {"app_label": app, "model_name": model, "field_name": field, "term": ""}
    if tenant:
        query["tenant"] = str(ours.tenant.pk)

    response = outsider.get(reverse("admin:autocomplete"), query)

    assert_unseen(response, ours)


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_an_auditor_reads_the_log_and_nothing_else(model: type[Model], ours: Estate) -> None:
    row = ours.rows[model]
    auditor = signed_in(estates.person(ours.tenant, "auditor", User.Role.AUDITOR))
    seen = 200 if model in LOG else 403

    assert auditor.get(url(model, "changelist")).status_code == seen
    assert auditor.get(url(model, "change", row)).status_code == seen
    for view in ("change", "delete"):
        assert auditor.post(url(model, view, row), {"post": "yes"}).status_code == 403
    assert auditor.get(url(model, "add")).status_code == 403
    for act in PAGES[model].acts:  # type: ignore[attr-defined] # ours
        address = reverse(f"admin:{name_of(model)}_act", args=[row.pk, act.name])
        assert auditor.post(address).status_code == 403


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_a_foreign_auditor_reads_nothing(model: type[Model], ours: Estate, theirs: Estate) -> None:
    auditor = signed_in(estates.person(theirs.tenant, "auditor", User.Role.AUDITOR))

    assert_unseen(auditor.get(url(model, "changelist")), ours)
    assert auditor.get(url(model, "change", ours.rows[model])).status_code in {302, 403}


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_extension_users_and_strangers_are_sent_to_the_door(
    model: type[Model], ours: Estate
) -> None:
    person = ours.rows[User]
    person.is_staff = True  # an old flag of Django's, which opens nothing here
    person.save()
    for client in (signed_in(person), Client()):
        for view in ("changelist", "add", *VIEWS):
            row = ours.rows[model] if view in VIEWS else None
            response = client.get(url(model, view, row))
            assert response.status_code == 302
            assert response["Location"].startswith("/admin/login/")


def addresses(patterns: Any, prefix: str = "/") -> Iterator[str]:
    """Yield every address below ``patterns`` that needs no argument."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and "<" not in route and "(" not in route:
            yield route.replace("\\", "")


def test_the_lists_of_the_api_show_an_outsider_nothing(ours: Estate, outsider: Client) -> None:
    lists = [one for one in addresses(get_resolver().url_patterns) if one.startswith("/api/v1/")]

    for address in lists:
        assert_unseen(outsider.get(address), ours)


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_no_page_holds_a_secret(
    model: type[Model], ours: Estate, insider: Client, root: Client
) -> None:
    secrets = (ours.secret, ours.rows[User].password, ours.rows[ApiToken].digest)
    for client in (insider, root):
        for view in ("changelist", *VIEWS):
            row = ours.rows[model] if view in VIEWS else None
            text = text_of(client.get(url(model, view, row)))
            for secret in secrets:
                assert secret not in text


def test_a_password_cannot_be_guessed_by_filtering(outsider: Client) -> None:
    for lookup in ("password__startswith", "tenant__slug", "extension__name__startswith"):
        response = outsider.get(url(User, "changelist"), {lookup: "p"})
        assert response.status_code in {302, 400}


def test_a_shared_trunks_secrets_cannot_be_guessed_by_filtering(
    outsider: Client, theirs: Estate
) -> None:
    shared = factories.TrunkFactory(tenant=None, name="Shared")
    factories.DIDFactory(tenant=theirs.tenant, trunk=shared)

    response = outsider.get(
        url(DID, "changelist"), {"trunk__webhook_token__startswith": shared.webhook_token[0]}
    )

    assert response.status_code in {302, 400}


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_a_longer_list_takes_no_more_queries(
    model: type[Model], ours: Estate, root: Client
) -> None:
    def queries(client: Client) -> int:
        client.get(url(model, "changelist"))
        with CaptureQueriesContext(connection) as seen:
            assert client.get(url(model, "changelist")).status_code == 200
        return len(seen)

    client = root if model is Tenant else signed_in(ours.admin)
    few = queries(client)
    for turn in range(3):
        tenant = None if model is Tenant else ours.tenant
        estates.build(f"zebra{turn}", f"+1212555018{turn}", tenant)

    assert queries(client) == few
