"""Who calls the API in tests: a machine with a token, or a person with a session."""

from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from portal.models import ApiToken, Extension, Tenant, User

API = "/api/v1"


def machine(owner: Extension | Tenant) -> APIClient:
    """Return a client with a token of an extension, or of a whole tenant."""
    if isinstance(owner, Extension):
        _token, key = ApiToken.issue(tenant=owner.tenant, extension=owner)
    else:
        _token, key = ApiToken.issue(tenant=owner)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return client


def person(user: User, *, checks_csrf: bool = False) -> APIClient:
    """Return a client that is signed in."""
    client = APIClient(enforce_csrf_checks=checks_csrf)
    client.force_login(user)
    return client


def queries_of(client: APIClient, path: str) -> int:
    """Count what a successful GET asks of the database, once the set-up is in memory."""
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)
