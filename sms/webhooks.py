"""Door: a provider posts here. The token in the path finds the trunk, the adapter the truth."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from portal.memory import memory
from providers.contract import WebhookRequest
from providers.errors import WebhookRefused
from sms import intake, switchboard

log = logging.getLogger(__name__)


class AsItIs(BaseContentNegotiation):
    """Takes what the adapter answers: what the provider says it accepts is not looked at."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """Take none: the body is read as bytes."""
        del request, parsers
        return None

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """Take the first, which only errors of the framework are written with."""
        del request, format_suffix
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class WebhookView(APIView):
    """One URL per trunk, for messages and receipts alike; GET too, where a provider uses it."""

    authentication_classes = ()
    permission_classes = ()
    parser_classes = ()
    content_negotiation_class = AsItIs
    http_method_names = ["get", "post"]
    schema = None

    def handle(self, request: Request, token: str) -> HttpResponse:
        """Answer 2xx only after the request is stored."""
        raw = request._request  # noqa: SLF001 - the body must stay as it came, byte for byte
        memory.refresh()
        trunk = switchboard.trunk_of(token)
        if trunk is None or not trunk.capable.capabilities.inbound:
            # A provider that posts nothing has no webhook: whatever comes is not from it.
            log.warning("webhook.unknown_token address=%s", raw.META.get("REMOTE_ADDR"))
            return HttpResponse("unknown address", status=404, content_type="text/plain")
        webhook = WebhookRequest(
            method=raw.method or "",
            # Signatures cover the address that the provider knows, not the one a proxy made.
            url=settings.PUBLIC_URL + raw.get_full_path(),
            headers=_headers(raw.META),
            query=raw.META.get("QUERY_STRING", ""),
            # One byte more than we take is enough to see that it is too much.
            body=raw.read(intake.most(trunk) + 1),
        )
        try:
            reply = intake.accept(trunk, webhook, raw.META.get("REMOTE_ADDR"))
        except WebhookRefused as error:
            status = 413 if error.code == "too_large" else 403
            return HttpResponse(str(error), status=status, content_type="text/plain")
        return HttpResponse(reply.body, status=reply.status, content_type=reply.content_type)

    def get(self, request: Request, token: str, **_: Any) -> HttpResponse:
        """Take a webhook whose fields are in the query."""
        return self.handle(request, token)

    def post(self, request: Request, token: str, **_: Any) -> HttpResponse:
        """Take a webhook with a body."""
        return self.handle(request, token)


def _headers(meta: Mapping[str, Any]) -> dict[str, str]:
    """Return a request's headers by their lower-case names, as WSGI hands them over."""
    found = {
        name[5:].replace("_", "-").lower(): value
        for name, value in meta.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if meta.get(name):
            found[name.replace("_", "-").lower()] = meta[name]
    return found
