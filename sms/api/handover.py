"""How a group's conversation changes hands: its agent passes it on, or a member comes for it."""

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from portal.admin import trail
from portal.models import Extension
from sms import assignment, permission, rotation
from sms.api.conversations import ConversationDoor
from sms.api.errors import NotAMember, NotDesignated, NotPermitted, NotWaiting
from sms.api.serializers import REFUSALS, ConversationShape, Refusal, TransferTo, body_of
from sms.models import Conversation


class TransferView(ConversationDoor):
    """Who answers a group's conversation."""

    @extend_schema(
        operation_id="conversations_transfer",
        summary="Hand a group's conversation to another member",
        request=TransferTo,
        responses={200: ConversationShape, **REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Let the designated agent, or a tenant administrator, name the next one."""
        del request
        conversation = self.conversation(pk)
        number = body_of(TransferTo, self)["to"]
        target = conversation.group and rotation.answering(conversation.group, number)
        if not target:
            raise NotAMember(_("%s is not a member who answers this conversation.") % number)
        own = self.caller.extension
        if self.acts_for_tenant and (own is None or own.pk != conversation.assignee_id):
            self.transfer_for_tenant(conversation, target)
        elif not assignment.transfer(conversation, by=self.extension(), to=target):
            raise NotDesignated(_("Only the designated agent can hand this conversation on."))
        return self.answer(pk)

    def transfer_for_tenant(self, conversation: Conversation, target: Extension) -> None:
        """Let a tenant administrator hand it on whoever has it, on the record."""
        user = self.request.user
        who = user.get_username() or _("the tenant's API token")
        assignment.transfer(conversation, by=None, to=target, who=who)
        detail = {"from": str(conversation.assignee or ""), "to": str(target), "by": who}
        tenant_id = conversation.tenant_id
        trail.record(self.request, "transferred", conversation, tenant_id=tenant_id, detail=detail)


class TakeView(ConversationDoor):
    """A member comes for what waits."""

    @extend_schema(
        operation_id="conversations_take",
        summary="Take a group's conversation that waits",
        request=None,
        responses={200: ConversationShape, 409: Refusal, **REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Make the caller's extension the designated agent, if nobody was faster."""
        del request
        conversation = self.conversation(pk)
        own = self.caller.extension
        if own is None:
            raise NotPermitted(_("Only an extension takes a conversation."))
        permission.check_service(own.tenant, own)
        if not conversation.group or not rotation.answering(conversation.group, own.number):
            raise NotAMember(_("%s is not a member who answers this conversation.") % own.number)
        if not assignment.take(conversation, own):
            raise NotWaiting(_("This conversation waits no more: somebody was asked to answer."))
        return self.answer(pk)
