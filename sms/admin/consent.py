"""The admin of opt-outs: who may not be texted; entered by hand, lifted, never erased."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from portal import e164
from portal.admin.acts import Act, ActFailed
from portal.admin.scoped import TenantScopedAdmin
from portal.admin.site import site
from portal.forms import TenantForm
from sms.models import OptOut


def lift(page: Any, request: HttpRequest, opt_out: OptOut) -> str:
    """Allow texts again."""
    rows = OptOut.objects.filter(pk=opt_out.pk, lifted_at__isnull=True)
    if not rows.update(lifted_at=timezone.now()):
        raise ActFailed(_("It was lifted already."))
    page.note(request, "lifted", opt_out)
    return _("%(who)s may be texted again.") % {"who": e164.pretty(opt_out.remote)}


class OptOutForm(TenantForm[OptOut]):
    """Numbers as people type them."""

    also_checked = frozenset({"tenant", "lifted_at"})

    remote = forms.CharField(
        label=gettext_lazy("Who"), max_length=32, widget=UnfoldAdminTextInputWidget()
    )
    our_number = forms.CharField(
        label=gettext_lazy("Our number"),
        max_length=32,
        required=False,
        help_text=gettext_lazy("Empty: every number of the tenant."),
        widget=UnfoldAdminTextInputWidget(),
    )

    def _number(self, name: str) -> str:
        typed = self.cleaned_data[name]
        try:
            return e164.normalize(typed, self.instance.tenant.country) if typed else ""
        except e164.NumberInvalid as error:
            raise forms.ValidationError(str(error)) from error

    def clean_remote(self) -> str:
        """Bring it to normal form."""
        return self._number("remote")

    def clean_our_number(self) -> str:
        """Bring it to normal form."""
        return self._number("our_number")


@admin.register(OptOut, site=site)
class OptOutAdmin(TenantScopedAdmin[OptOut]):
    """Opt-outs are added and lifted; the record of them stays."""

    form = OptOutForm
    list_display = ("remote", "our_number", "since", "words", "lifted_at")
    list_filter = (("lifted_at", admin.EmptyFieldListFilter),)
    search_fields = ("remote", "our_number", "words")
    actions = ("lift_selected",)
    acts = (
        Act(
            "lift",
            gettext_lazy("Lift"),
            lift,
            gettext_lazy(
                "Only lift it if this person asked for texts again: the law and the providers "
                "hold the sender to an opt-out."
            ),
            fits=lambda opt_out: opt_out.lifted_at is None,
        ),
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for the numbers and the words."""
        asked = ("remote", "our_number", "words")
        return (*asked, "since", "message", "lifted_at") if obj else asked

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keep the record as it is."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keep the record."""
        return False

    def may_act(self, request: HttpRequest, row: Any) -> bool:
        """Let whoever may add one also lift one."""
        return self.has_add_permission(request, row)

    @admin.action(description=gettext_lazy("Lift the selected opt-outs"), permissions=["add"])
    def lift_selected(self, request: HttpRequest, queryset: QuerySet[OptOut]) -> None:
        """Allow texts to several again."""
        for opt_out in queryset.filter(lifted_at__isnull=True):
            lift(self, request, opt_out)
        messages.success(request, _("The opt-outs are lifted."))
