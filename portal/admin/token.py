"""The admin of API tokens: issued, shown once, revoked."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.admin.acts import Act, ActFailed
from portal.admin.scoped import TenantScopedAdmin
from portal.admin.site import site
from portal.models import ApiToken


def revoke(page: Any, request: HttpRequest, token: ApiToken) -> str:
    """End a token for good."""
    rows = ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True)
    if not rows.update(revoked_at=timezone.now()):
        raise ActFailed(_("The token was revoked already."))
    page.note(request, "revoked", token)
    return _("The token is revoked.")


@admin.register(ApiToken, site=site)
class ApiTokenAdmin(TenantScopedAdmin[ApiToken]):
    """Keys for machines; one that was issued is only ever revoked."""

    list_display = ("label", "extension", "created_at", "revoked_at")
    list_display_links = ("label", "created_at")
    list_select_related = ("extension",)
    search_fields = ("label",)
    autocomplete_fields = ("extension",)
    readonly_fields = ("created_at", "revoked_at")
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
        asked = ("extension", "label")
        return (*asked, "created_at", "revoked_at") if obj else asked

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
        """Issue the token and show its key this once."""
        issued, key = ApiToken.issue(tenant=obj.tenant, extension=obj.extension, label=obj.label)
        obj.pk = issued.pk
        obj.refresh_from_db()
        text = _("This is the key. Copy it now: it is not kept and never shown again.")
        messages.warning(request, format_html("{}<br><code data-copy>{}</code>", text, key))

    @admin.action(description=gettext_lazy("Revoke the selected tokens"), permissions=["add"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Revoke several at once."""
        for token in queryset.filter(revoked_at__isnull=True):
            revoke(self, request, token)
        messages.success(request, _("The tokens are revoked."))
