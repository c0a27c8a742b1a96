"""The tenant fence of the admin: who may do what, whose rows one sees, what a form may name."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, TypeVar

from django.contrib.admin.widgets import AutocompleteSelect, RelatedFieldWidgetWrapper
from django.db.models import Field, ForeignKey, Model, Q, QuerySet
from django.forms import Media, Script
from django.http import HttpRequest
from django.utils.translation import gettext as _

from portal.models import Tenant, Trunk, User

M = TypeVar("M", bound=Model)

ADMIN = frozenset({User.Role.ADMIN.value})
LOOKERS = frozenset({User.Role.ADMIN.value, User.Role.AUDITOR.value})
NOBODY: frozenset[str] = frozenset()
MANAGED = "managed_tenant"  # in the session, and kept for the length of a request


def person(request: HttpRequest) -> User:
    """Return who is signed in; the admin lets nobody else in."""
    if not isinstance(request.user, User):
        raise TypeError("the admin is for people who signed in")
    return request.user


def managed(request: HttpRequest) -> Tenant | None:
    """Return the tenant that a system administrator works in, as its own administrator would."""
    user = request.user
    if not isinstance(user, User) or not user.is_superuser or MANAGED not in request.session:
        return None
    kept = vars(request)
    if MANAGED not in kept:
        kept[MANAGED] = Tenant.objects.filter(pk=request.session[MANAGED]).first()
    found: Tenant | None = kept[MANAGED]
    return found


def manage(request: HttpRequest, tenant: Tenant | None) -> None:
    """Enter a tenant, or with None leave the one that was entered."""
    request.session.pop(MANAGED, None)
    vars(request).pop(MANAGED, None)
    if tenant is not None:
        request.session[MANAGED] = tenant.pk


def banner(request: HttpRequest) -> dict[str, Any]:
    """Tell every page, which may ask or not, in which tenant a system administrator works."""
    return {"managed_tenant": partial(managed, request)}


def is_system(request: HttpRequest) -> bool:
    """Say whether a system administrator asks, to whom no fence applies."""
    user = request.user
    return isinstance(user, User) and user.is_superuser and managed(request) is None


def own_tenant(request: HttpRequest) -> Tenant | None:
    """Return the tenant that the person belongs to or works in."""
    return managed(request) or person(request).tenant


def own_tenant_id(request: HttpRequest) -> int | None:
    """Return its key; a person's own costs no query."""
    tenant = managed(request)
    return tenant.pk if tenant else person(request).tenant_id


def visible(request: HttpRequest, rows: QuerySet[M], path: str = "tenant") -> QuerySet[M]:
    """Return those of the rows that the person may see; ``path`` leads from row to tenant."""
    if is_system(request):
        return rows
    return rows.filter(**{path: own_tenant_id(request)})


def choices(model: type[Model], tenant: Tenant | None) -> QuerySet[Any]:
    """Return the rows of a model that something of this tenant may point at."""
    rows: QuerySet[Any] = model._default_manager.all()
    if tenant is None:
        return rows.none()
    if model is Trunk:
        return usable_trunks(tenant)
    return rows.filter(tenant=tenant)


def usable_trunks(tenant: Tenant) -> QuerySet[Trunk]:
    """Return the tenant's own trunks, and the shared ones on which it owns a DID."""
    mine = Q(tenant=tenant) | Q(tenant__isnull=True, dids__tenant=tenant)
    return Trunk.objects.filter(pk__in=Trunk.objects.filter(mine).values("pk"))


class TenantAutocomplete(AutocompleteSelect):
    """Asks for rows of the form's tenant only, also where a system administrator types."""

    def __init__(self, *args: Any, tenant: Tenant | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant = tenant

    def get_url(self) -> str:
        """Name the tenant to the look-up."""
        url = super().get_url()
        return f"{url}?tenant={self.tenant.pk}" if self.tenant else url

    @property
    def media(self) -> Media:
        """Add what names the box in which one searches."""
        script = Script("portal/names.js", type="module")
        return super().media + Media(js=[script])  # type: ignore[list-item] # the stubs know no Script

    def build_attrs(self, base_attrs: Any, extra_attrs: Any = None) -> dict[str, Any]:
        """Give an empty choice a name to those who only hear the page."""
        attrs: dict[str, Any] = super().build_attrs(base_attrs, extra_attrs)
        return {**attrs, "data-placeholder": attrs.get("aria-label") or _("Select value")}


class Fenced:
    """What pages and inlines share: permissions by role, choices within one tenant."""

    readers: ClassVar[frozenset[str]] = ADMIN
    writers: ClassVar[frozenset[str]] = ADMIN
    admin_site: Any
    get_autocomplete_fields: Callable[[HttpRequest], Sequence[str]]

    def tenant_id_of(self, row: Any) -> int | None:
        """Return whose row it is."""
        found: int | None = row.tenant_id
        return found

    def working_tenant(self, request: HttpRequest, obj: Any = None) -> Tenant | None:
        """Return the tenant that a form is for: the row's, the person's, or the one chosen."""
        if obj is not None and obj.pk:
            return Tenant.objects.filter(pk=self.tenant_id_of(obj) or 0).first()
        if not is_system(request):
            return own_tenant(request)
        chosen = request.GET.get("tenant", "")
        return Tenant.objects.filter(pk=chosen).first() if chosen.isdecimal() else None

    def _may(self, request: HttpRequest, roles: frozenset[str], obj: Any) -> bool:
        user = request.user
        if not isinstance(user, User) or not user.is_active or not roles:
            return False
        if is_system(request):
            return True
        role = User.Role.ADMIN.value if managed(request) else user.role
        tenant_id = own_tenant_id(request)
        if tenant_id is None or role not in roles:
            return False
        return obj is None or not obj.pk or self.tenant_id_of(obj) == tenant_id

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Readers see the rows of their own tenant."""
        return self._may(request, self.readers, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Writers change the rows of their own tenant."""
        return self._may(request, self.writers, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may change a row may delete it."""
        return self._may(request, self.writers, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Writers add rows to their own tenant; an inline asks for its parent ``obj``."""
        return self._may(request, self.writers, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the application to everybody who may see something of it."""
        return self.has_view_permission(request)

    def choices_for(self, db_field: Any, request: HttpRequest, tenant: Tenant | None) -> Any:
        """Return what a foreign key of the form may point at; a page narrows it further."""
        del request
        return choices(db_field.remote_field.model, tenant)

    def formfield_for_dbfield(
        self,
        db_field: Field[Any, Any],
        request: HttpRequest,
        *,
        tenant: Tenant | None = None,
        **kwargs: Any,
    ) -> Any:
        """Restrict foreign keys, and offer no shortcuts to other forms."""
        if isinstance(db_field, ForeignKey):
            kwargs.setdefault("queryset", self.choices_for(db_field, request, tenant))
            if db_field.name in self.get_autocomplete_fields(request):
                kwargs["widget"] = TenantAutocomplete(db_field, self.admin_site, tenant=tenant)
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc] # the page has it
        if field and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    def bound(self, request: HttpRequest, tenant: Tenant | None) -> dict[str, Any]:
        """Return what makes a form factory build its fields within one tenant."""
        callback = partial(self.formfield_for_dbfield, request=request, tenant=tenant)
        return {"formfield_callback": callback}
