"""Who calls the API: a machine with a token, or a person with a session."""

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from portal.models import ApiToken, Extension, Tenant, User
from portal.models.token import digest
from sms import switchboard


@dataclass(frozen=True)
class Caller:
    """On whose behalf a request acts. Without an extension it acts for the whole tenant."""

    tenant: Tenant
    extension: Extension | None
    may_look: bool
    """Whether the caller may read everything of the tenant: administrators, tenant tokens."""


class TokenUser(AnonymousUser):
    """A machine: not a person of the database, but authenticated by its token."""

    def __init__(self, token: ApiToken) -> None:
        super().__init__()
        self.token = token

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override] # always False in the base
        """Always: the token was found."""
        return True


class TokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer <key>``; the key's digest finds the token."""

    def authenticate(self, request: Request) -> tuple[TokenUser, ApiToken] | None:
        """Return the machine, or None when the header names no Bearer key."""
        scheme, _space, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = switchboard.token(digest(key.strip()))
        if token is None:
            raise AuthenticationFailed(_("This token is not known or was revoked."))
        return TokenUser(token), token

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme, so that a refusal is a 401."""
        del request
        return "Bearer"


def caller_of(request: Request) -> Caller | None:
    """Return who calls, or None for somebody without a tenant (a system administrator)."""
    user = request.user
    if isinstance(user, TokenUser):
        token = user.token
        return Caller(token.tenant, token.extension, may_look=token.extension is None)
    if isinstance(user, User) and user.tenant is not None:
        extension = Extension.objects.filter(user=user).select_related("tenant").first()
        return Caller(user.tenant, extension, may_look=user.may_look)
    return None


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # registers itself
    """How the schema describes the tokens; found by the class it names."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """Describe the header."""
        del auto_schema
        return {"type": "http", "scheme": "bearer"}
