"""The admin of API tokens: issued, shown once, revoked."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.admin.acts import Act, ActFailed
from portal.admin.scoped import TenantScopedAdmin
from portal.admin.site import site
from portal.forms import TenantForm
from portal.models import ApiToken


def revoke(page: Any, request: HttpRequest, token: ApiToken) -> str:
    """End a token for good."""
    rows = ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True)
    if not rows.update(revoked_at=timezone.now()):
        raise ActFailed(_("The token was revoked already."))
    page.note(request, "revoked", token)
    return _("The token is revoked.")


class TokenForm(TenantForm[ApiToken]):
    """For whom, and what for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        helps = {
            "extension": _("Acts for this extension only. Empty: for the whole tenant."),
            "label": _("What uses it, such as “CRM”, so that you know later what to revoke."),
        }
        for name in helps.keys() & self.fields.keys():
            self.fields[name].help_text = helps[name]


@admin.register(ApiToken, site=site)
class ApiTokenAdmin(TenantScopedAdmin[ApiToken]):
    """Keys for machines; one that was issued is only ever revoked."""

    form = TokenForm
    list_display = ("name", "acts_for_whom", "created_at", "last_used", "revoked_at")
    list_display_links = ("name",)
    list_select_related = ("extension",)
    search_fields = ("label",)
    autocomplete_fields = ("extension",)
    readonly_fields = ("created_at", "last_used", "revoked_at")
    actions = ("revoke_selected",)
    acts = (
        Act(
            "revoke",
            gettext_lazy("Revoke"),
            revoke,
            gettext_lazy("Whatever uses this token stops working at once, for good."),
            fits=lambda token: token.revoked_at is None,
        ),
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask only for whom and what for."""
        asked = ("label", "extension")
        return (*asked, *self.readonly_fields) if obj else asked

    @admin.display(description=gettext_lazy("label"), ordering="label")
    def name(self, token: ApiToken) -> str:
        """Call a token without a label by its number."""
        return str(token)

    @admin.display(description=gettext_lazy("acts for"), ordering="extension")
    def acts_for_whom(self, token: ApiToken) -> str:
        """Name the extension, or the whole tenant."""
        return str(token.extension or _("the whole tenant"))

    @admin.display(description=gettext_lazy("last used"), ordering="last_used_at")
    def last_used(self, token: ApiToken) -> str:
        """Say when, as exactly as it is kept."""
        if token.last_used_at is None:
            return _("never")
        return date_format(timezone.localtime(token.last_used_at), "DATETIME_FORMAT")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keep what was issued."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keep it also when it is revoked."""
        return False

    def may_act(self, request: HttpRequest, row: Any) -> bool:
        """Let whoever may issue also revoke."""
        return self.has_add_permission(request, row)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Issue the token; its key lives as long as this request."""
        issued, obj.key = ApiToken.issue(
            tenant=obj.tenant, extension=obj.extension, label=obj.label
        )
        obj.pk = issued.pk
        obj.refresh_from_db()

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: Any = None
    ) -> HttpResponse:
        """Show the key in the answer itself: it is kept in no session and no cookie."""
        url = f"{settings.PUBLIC_URL}/api/v1/messages"
        context = {
            **self.act_context(request, obj, _("The token was issued")),
            "back": reverse("admin:portal_apitoken_changelist"),
            "what": _("The key"),
            "secret": obj.key,
            "how_long": _("Copy it now: it is not kept and never shown again."),
            "usage": f'curl {url} -H "Authorization: Bearer $KEY"',
        }
        return TemplateResponse(request, "admin/shown_once.html", context)

    @admin.action(description=gettext_lazy("Revoke the selected tokens"), permissions=["add"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Revoke several at once."""
        for token in queryset.filter(revoked_at__isnull=True):
            revoke(self, request, token)
        messages.success(request, _("The tokens are revoked."))
