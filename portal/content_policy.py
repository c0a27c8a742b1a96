"""Knows which content security policy each part of the site needs."""

from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponseBase

# Unfold's admin runs on Alpine.js, which compiles the expressions in its attributes, and its charts
# and Alpine's x-show write style attributes. Nothing inline is a script.
ADMIN: dict[str, list[Any]] = {
    "script-src": [SELF, UNSAFE_EVAL, NONCE],
    "style-src": [SELF, UNSAFE_INLINE],
}
# Swagger UI writes style attributes.
DOCS: dict[str, list[Any]] = {"style-src": [SELF, UNSAFE_INLINE]}
EXTRA = {"/admin/": ADMIN, "/api/v1/docs/": DOCS}


def configuration(push_url: str) -> dict[str, Any]:
    """Return the policy of every page; a browser may also open the stream of news."""
    stream = "{0.scheme}://{0.netloc}".format(urlsplit(push_url))
    return {
        "DIRECTIVES": {
            "default-src": [SELF],
            "connect-src": [SELF, stream],
            "img-src": [SELF, "data:", "blob:"],
            "media-src": [SELF, "blob:"],
            "object-src": [NONE],
            "base-uri": [NONE],
            "form-action": [SELF],
            "frame-ancestors": [NONE],
        }
    }


class ContentPolicyMiddleware(CSPMiddleware):
    """The policy of the settings, widened where a third party's page needs it."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        for prefix, update in EXTRA.items():
            if request.path_info.startswith(prefix):
                parts.update = {**update, **dict(parts.update or {})}
        return parts
